//! Who can be reached: routers in a subnet of the group, targets in one that a member probes.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipmp_core::Family;
use ipmp_core::config::ProbeMode;
use ipnet::{IpNet, Ipv6Net};

use super::{is_link_local, shown};
use crate::report::Report;
use crate::source::At;
use crate::value::edge;
use crate::written::Group;

pub(super) fn check(group: &Group, probe: ProbeMode, report: &mut Report) {
    let subnets = subnets(group.data_addresses().chain(group.all_test_addresses()));
    let gateways = group.gateways.iter().map(|at| ("gateway", at));
    for (what, at) in gateways.chain(group.routes.iter().map(|route| ("router", &route.via))) {
        if !edge_of(&subnets, what, at, report) {
            router(group, what, at, &subnets, report);
        }
    }
    let probed = [Family::V4, Family::V6].map(|family| (family, probed(group, &subnets, family, probe)));
    for at in &group.targets {
        if !edge_of(&subnets, "target", at, report) && probe != ProbeMode::None {
            let (family, probed) = &probed[usize::from(at.value.is_ipv6())];
            target(group, at, *family, probed, report);
        }
    }
}

fn subnets<'a>(addresses: impl Iterator<Item = &'a At<IpNet>>) -> BTreeSet<IpNet> {
    addresses.map(|at| at.value.trunc()).collect()
}

/// Reports an address that is none of a single host.
fn edge_of(subnets: &BTreeSet<IpNet>, what: &str, at: &At<IpAddr>, report: &mut Report) -> bool {
    let found = subnets.iter().find_map(|subnet| Some((edge(*subnet, at.value)?, subnet)));
    if let Some((edge, subnet)) = found {
        let message = format!("{what} {} is {edge} of {subnet}", at.value);
        report.error(&at.place, message).expected("the address of one host in it");
    }
    found.is_some()
}

/// A router with a link-local address is on the link whatever the subnets are.
fn router(group: &Group, what: &str, at: &At<IpAddr>, subnets: &BTreeSet<IpNet>, report: &mut Report) {
    let family = Family::of(at.value);
    let lost = group.test_addresses_lost(family) || group.addresses_lost(family);
    let inside = is_link_local(at.value) || subnets.iter().any(|subnet| subnet.contains(&at.value));
    if !inside && !lost {
        let message = format!("{what} {} is not on-link in {}", at.value, group.shown());
        let none = format!("a data or test address of the group whose {} subnet it is in", shown(family));
        report.error(&at.place, message).expected(within(family, "a subnet of the group", subnets).unwrap_or(none));
    }
}

fn target(group: &Group, at: &At<IpAddr>, family: Family, probed: &BTreeSet<IpNet>, report: &mut Report) {
    let lost = group.test_addresses_lost(family) || group.addresses_lost(family) || group.members.is_empty();
    if !lost && !probed.iter().any(|subnet| subnet.contains(&at.value)) {
        let message = format!("no member of {} can probe target {}", group.shown(), at.value);
        let none = format!("an {} data address of the group on the link of the target", shown(family));
        report
            .warning(&at.place, message)
            .expected(within(family, "a subnet that a member probes", probed).unwrap_or(none));
    }
}

/// In which subnets a group has targets. A member has them in that of the test address that it probes from, and
/// in all of the group's where it has none; with a link-local address it reaches the whole link.
fn probed(group: &Group, subnets: &BTreeSet<IpNet>, family: Family, probe: ProbeMode) -> BTreeSet<IpNet> {
    let of_family = |net: &IpNet| Family::of(net.addr()) == family;
    let mut probed = BTreeSet::new();
    for member in &group.members {
        let from = member.test_addresses.iter().map(|at| at.value).find(of_family);
        match from.filter(|test| probe != ProbeMode::Arp && !is_link_local(test.addr())) {
            Some(test) => drop(probed.insert(test.trunc())),
            None => {
                probed.extend(subnets.iter().copied().filter(of_family));
                break;
            }
        }
    }
    if family == Family::V6 && !probed.is_empty() {
        probed.insert(IpNet::V6(Ipv6Net::new_assert([0xfe80, 0, 0, 0, 0, 0, 0, 0].into(), 10)));
    }
    probed
}

/// Names the subnets, as far as there are any and they are few.
fn within(family: Family, whose: &str, subnets: &BTreeSet<IpNet>) -> Option<String> {
    let named: Vec<String> =
        subnets.iter().filter(|subnet| Family::of(subnet.addr()) == family).take(5).map(IpNet::to_string).collect();
    match named.len() {
        0 => None,
        1..=4 => Some(format!("an address in {whose}: {}", named.join(", "))),
        _ => Some(format!("an address in {whose}")),
    }
}
