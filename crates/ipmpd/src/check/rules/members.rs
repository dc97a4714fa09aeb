//! What is wrong among the links of the members of a group.

use std::collections::{BTreeMap, BTreeSet};

use ipmp_control::{Group, Problem, Severity};

use super::{links, list, problem};
use crate::check::Facts;

/// Whether members have the same hardware address.
pub fn hardware_address(group: &Group, facts: &Facts) -> Vec<Problem> {
    let mut holders = BTreeMap::<_, Vec<_>>::new();
    for link in links(group, facts) {
        if let Some(mac) = link.mac {
            holders.entry(mac).or_default().push(link.name.as_str());
        }
    }
    let same = holders.into_iter().filter(|(_, names)| names.len() > 1);
    let found = same.map(|(mac, names)| {
        problem(
            Severity::Error,
            "hardware_address",
            &group.name,
            format!("{} have the same hardware address, {mac}.", list(&names)),
            "A switch cannot tell them apart, so all but one of them are kept out of service.",
            format!("Give each its own: `ip link set dev {} address …`.", names[1]),
        )
    });
    found.collect()
}

/// Whether members hear each other's broadcasts.
pub fn broadcast_domain(group: &Group, facts: &Facts) -> Vec<Problem> {
    let hearing = &facts.hearing;
    let members = group.members.iter().map(|member| member.interface.as_str());
    let tested: Vec<_> = members.filter(|name| hearing.tested.contains(*name)).collect();
    let hears = |to: &str, from: &str| hearing.heard.contains(&(from.to_owned(), to.to_owned()));
    let domains = domains(&tested, |one, other| hears(one, other) || hears(other, one));
    if domains.len() > 1 {
        let each: Vec<_> = domains.iter().map(|domain| list(domain)).collect();
        return vec![problem(
            Severity::Error,
            "broadcast_domain",
            &group.name,
            format!("These members of group {} do not hear each other's broadcasts: {}.", group.name, each.join(" | ")),
            "They are on different links, so an address that moves from one to another cannot be reached any more.",
            "Connect them to the same VLAN, or put them into different groups.",
        )];
    }
    let pairs = tested.iter().flat_map(|to| tested.iter().map(move |from| (*from, *to)));
    let one_way = pairs.filter(|(from, to)| from != to && !hears(to, from));
    let found = one_way.map(|(from, to)| {
        problem(
            Severity::Warning,
            "broadcast_domain",
            &group.name,
            format!("{to} does not hear the broadcasts of {from}, which does hear those of {to}."),
            "Something on the way drops frames in one direction; announcements of a failover may be among them.",
            "Look at the switch ports of both, at storm control and at filters.",
        )
    });
    found.collect()
}

/// Those that hear each other, directly or by way of others.
fn domains<'a>(names: &[&'a str], hear: impl Fn(&str, &str) -> bool) -> Vec<Vec<&'a str>> {
    let mut left: BTreeSet<_> = names.iter().copied().collect();
    let mut domains = Vec::new();
    while let Some(first) = left.pop_first() {
        let mut domain = vec![first];
        let mut at = 0;
        while at < domain.len() {
            let near: Vec<_> = left.iter().copied().filter(|other| hear(domain[at], other)).collect();
            left.retain(|name| !near.contains(name));
            domain.extend(near);
            at += 1;
        }
        domain.sort_unstable();
        domains.push(domain);
    }
    domains
}

/// Whether members bear packets of the same size.
pub fn mtu(group: &Group, facts: &Facts) -> Vec<Problem> {
    let mtus: Vec<_> = links(group, facts).map(|link| (link.mtu, link.name.as_str())).collect();
    let (smallest, largest) = (mtus.iter().min(), mtus.iter().max());
    let (Some((small, _)), Some((large, _))) = (smallest, largest) else { return Vec::new() };
    if small == large {
        return Vec::new();
    }
    let each: Vec<_> = mtus.iter().map(|(mtu, name)| format!("{name} {mtu}")).collect();
    vec![problem(
        Severity::Warning,
        "mtu",
        &group.name,
        format!("The members of group {} have different MTUs: {}.", group.name, each.join(", ")),
        format!("Packets of {large} bytes that are on their way when an address moves are lost, and connections hang."),
        format!("Give all the same: `ip link set dev IF mtu {small}`."),
    )]
}
