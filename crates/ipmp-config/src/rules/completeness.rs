//! What a group lacks, or has and cannot use.

use std::net::IpAddr;

use ipmp_core::Family;

use super::shown;
use crate::report::Report;
use crate::source::Place;
use crate::written::Group;

pub(super) fn check(group: &Group, report: &mut Report) {
    members(group, report);
    targets(group, report);
    ipv6(group, report);
}

/// A group may be made first and filled later, as on Solaris.
fn members(group: &Group, report: &mut Report) {
    if group.members.is_empty() && !group.members.lost {
        let message = format!("{} has no members, so its addresses cannot be reached", group.shown());
        report.warning(&group.place, message).expected("a [[group.member]] for each interface");
    }
}

fn targets(group: &Group, report: &mut Report) {
    let none = group.targets.is_empty() && !group.targets.lost;
    if let Some(exclusive) = group.targets_exclusive.as_ref().filter(|at| at.value && none) {
        report
            .error(&exclusive.place, "`targets-exclusive` without `targets` leaves nothing to probe")
            .expected("`targets` with at least one address");
    }
    for family in [Family::V4, Family::V6] {
        let target = group.targets.iter().find(|at| Family::of(at.value) == family);
        let tested = group.test_addresses().any(|at| Family::of(at.value.addr()) == family);
        if let Some(target) = target.filter(|_| !tested && !group.test_addresses_lost(family)) {
            let family = shown(family);
            report
                .warning(&target.place, format!("no member has an {family} test address to probe this target from"))
                .expected(format!("an {family} address in `test-addresses` of each member"));
        }
    }
}

/// One warning a group: everything of IPv6 is read and checked, and waits for its data plane.
fn ipv6(group: &Group, report: &mut Report) {
    let own = group.addresses.iter().chain(group.test_addresses()).map(|at| (at.value.addr(), &at.place));
    let routers = group.gateways.iter().chain(&group.targets).map(|at| (at.value, &at.place));
    let routes = group.routes.iter().map(|route| (route.to.value.addr(), &route.to.place));
    let all: Vec<(IpAddr, &Place)> = own.chain(routers).chain(routes).collect();
    let first = all.into_iter().filter(|(address, _)| address.is_ipv6()).min_by_key(|(_, place)| place.span.start);
    if let Some((_, place)) = first {
        report.warning(place, "IPv6 in this group is accepted, not yet carried out by this version");
    }
}
