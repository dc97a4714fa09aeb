//! Who can be reached: routers in a subnet of the group, targets in the subnet of the test addresses.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipmp_core::Family;
use ipnet::IpNet;

use super::shown;
use crate::report::Report;
use crate::source::At;
use crate::value::edge;
use crate::written::Group;

pub(super) fn check(group: &Group, report: &mut Report) {
    let test = subnets(group.test_addresses());
    let all = &test | &subnets(group.addresses.iter());
    let routers = group.gateways.iter().map(|at| ("gateway", at));
    let routers = routers.chain(group.routes.iter().map(|route| ("router", &route.via)));
    for (what, router) in routers {
        on_link(group, what, router, &all, report);
    }
    for target in &group.targets {
        // Without a test address of its family it is not probed, which `completeness` tells.
        if test.iter().any(|subnet| Family::of(subnet.addr()) == Family::of(target.value)) {
            on_link(group, "target", target, &test, report);
        }
    }
}

fn subnets<'a>(addresses: impl Iterator<Item = &'a At<IpNet>>) -> BTreeSet<IpNet> {
    addresses.map(|at| at.value.trunc()).collect()
}

fn on_link(group: &Group, what: &str, at: &At<IpAddr>, subnets: &BTreeSet<IpNet>, report: &mut Report) {
    let address = at.value;
    let family = Family::of(address);
    if let Some((edge, subnet)) = subnets.iter().find_map(|subnet| Some((edge(*subnet, address)?, subnet))) {
        let message = format!("{what} {address} is {edge} of {subnet}");
        report.error(&at.place, message).expected("the address of one host in it");
        return;
    }
    // A router with a link-local address is on the link whatever the subnets are. A target is not: it is
    // probed only within the prefix of the test address.
    let link_local = what != "target" && matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    let lost = group.test_addresses_lost(family) || what != "target" && group.addresses_lost(family);
    let inside = link_local || subnets.iter().any(|subnet| subnet.contains(&address));
    if !inside && !lost {
        let message = format!("{what} {address} is not on-link in {}", group.shown());
        report.error(&at.place, message).expected(within(family, what, subnets));
    }
}

/// Names the subnets, as far as they are few.
fn within(family: Family, what: &str, subnets: &BTreeSet<IpNet>) -> String {
    let named: Vec<String> =
        subnets.iter().filter(|subnet| Family::of(subnet.addr()) == family).take(5).map(IpNet::to_string).collect();
    let whose = if what == "target" { "the subnet of the test addresses" } else { "a subnet of the group" };
    match named.len() {
        0 => format!("a data or test address of the group whose {} subnet it is in", shown(family)),
        1..=4 => format!("an address in {whose}: {}", named.join(", ")),
        _ => format!("an address in {whose}"),
    }
}
