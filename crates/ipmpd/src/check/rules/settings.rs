//! What is wrong with the settings of the members themselves. Those of the whole host are in `/proc/sys`, which
//! `ipmpadm check` reads.

use std::net::IpAddr;

use ipmp_control::{Group, Problem, Severity};
use ipmp_core::kernel::Tunables;

use super::{links, problem};
use crate::check::Facts;

/// Whether members that are there are set as they were when they joined.
pub fn of_ipv4(group: &Group, facts: &Facts) -> Vec<Problem> {
    let found = links(group, facts).filter_map(|link| {
        let wrong = deviations(&link.tunables?);
        let name = link.name.as_str();
        (!wrong.is_empty()).then(|| {
            problem(
                Severity::Error,
                "sysctl",
                name,
                format!("Somebody has changed the settings of {name}: {}.", wrong.join(", ")),
                format!("{name} may answer for addresses of other members, or drop packets that come by it."),
                format!("Remove what sets them (sysctl.d, tuned, a network manager), then `ipmpadm offline {name}` and `online`."),
            )
        })
    });
    found.collect()
}

/// The settings that are not those of a member.
fn deviations(found: &Tunables) -> Vec<String> {
    let wanted = Tunables::MEMBER;
    let each = [
        ("arp_ignore", found.arp_ignore, wanted.arp_ignore),
        ("arp_announce", found.arp_announce, wanted.arp_announce),
        ("rp_filter", found.rp_filter, wanted.rp_filter),
        ("ignore_routes_with_linkdown", found.ignore_routes_with_linkdown, wanted.ignore_routes_with_linkdown),
    ];
    let wrong = each.into_iter().filter(|(_, found, wanted)| found != wanted);
    wrong.map(|(setting, found, wanted)| format!("{setting} is {found} and not {wanted}")).collect()
}

/// Whether members have IPv6 where the group has such addresses.
pub fn of_ipv6(group: &Group, facts: &Facts) -> Vec<Problem> {
    if !group.addresses.iter().any(|address| matches!(address.address, IpAddr::V6(_))) {
        return Vec::new();
    }
    let without = links(group, facts).filter(|link| link.up && link.inet6.is_none());
    let found = without.map(|link| {
        let name = link.name.as_str();
        problem(
            Severity::Error,
            "sysctl",
            name,
            format!("{name} has no IPv6, but group {} has IPv6 addresses.", group.name),
            format!("{name} cannot take them over."),
            format!("`sysctl net.ipv6.conf.{name}.disable_ipv6=0`, and an MTU of at least 1280 bytes."),
        )
    });
    found.collect()
}
