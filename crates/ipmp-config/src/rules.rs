//! What values have to do with each other, in a group, between groups and between files.

mod addresses;
mod completeness;
mod names;
mod probe;
mod reach;
mod routes;
mod settings;

use std::net::IpAddr;

use ipmp_core::Family;

use crate::report::Report;
use crate::written::Written;

/// Reports everything that does not go together.
pub(crate) fn check(written: &Written, report: &mut Report) {
    names::check(written, report);
    addresses::check(written, report);
    routes::check(written, report);
    settings::check(written, report);
    probe::check(written, report);
    for group in &written.groups {
        reach::check(group, group.settings.or(&written.settings).probe(), report);
        completeness::check(group, report);
    }
}

/// What people call an address family.
fn shown(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}

/// Whether an address means something on one link only.
fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}
