//! Addresses of this host: each is one data address or one test address, once. Those that are down obey the
//! same rules, so that nothing is in the way of taking them up.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipmp_core::Family;
use ipnet::IpNet;

use super::{is_link_local, shown};
use crate::report::Report;
use crate::source::{At, Place};
use crate::written::{Group, Member, Written};

pub(super) fn check(written: &Written, report: &mut Report) {
    let own = duplicates(written, report);
    for (number, group) in written.groups.iter().enumerate() {
        group.members.iter().for_each(|member| test_addresses(member, report));
        one_subnet(group, report);
        others(number, group, &own, report);
    }
}

/// An address, and the group that it counts for. A link-local address means something on one link only:
/// two groups may use the same, two members of a group may not.
type Key = (IpAddr, Option<usize>);

fn key(address: IpAddr, group: usize) -> Key {
    (address, is_link_local(address).then_some(group))
}

type Own<'a> = BTreeMap<Key, (&'static str, &'a Place)>;

fn duplicates<'a>(written: &'a Written, report: &mut Report) -> Own<'a> {
    let mut own = Own::new();
    for (number, group) in written.groups.iter().enumerate() {
        let data = group.data_addresses().map(|at| ("data address", at));
        let test = group.all_test_addresses().map(|at| ("test address", at));
        for (what, at) in data.chain(test) {
            let address = at.value.addr();
            match own.get(&key(address, number)) {
                Some((other, first)) => {
                    report
                        .error(&at.place, format!("{what} {address} is configured twice"))
                        .expected("each address of this host once")
                        .related(first, format!("first here, as {other}"));
                }
                None => drop(own.insert(key(address, number), (what, &at.place))),
            }
        }
    }
    own
}

/// Rules for the test addresses of one member.
fn test_addresses(member: &Member, report: &mut Report) {
    let mut used: BTreeMap<Family, &Place> = BTreeMap::new();
    for At { value, place } in &member.test_addresses {
        let address = value.addr();
        if is_link_local(address) {
            report
                .warning(place, format!("link-local test address {address} is not needed"))
                .expected("none: the interface's own link-local address is probed from");
        }
        if value.prefix_len() == value.max_prefix_len() {
            report
                .warning(place, format!("test address {value} leaves no room for a target"))
                .expected("the prefix length of the subnet that the targets are in");
        }
        let family = Family::of(address);
        match used.get(&family) {
            Some(first) => {
                report
                    .warning(place, format!("a second {} test address of one member is not probed from", shown(family)))
                    .expected("one test address a family")
                    .related(first, "this one is used");
            }
            None => drop(used.insert(family, place)),
        }
    }
}

/// Members of one group are on one link, so their test addresses are in one subnet a family.
fn one_subnet(group: &Group, report: &mut Report) {
    let mut subnets: BTreeMap<Family, &At<IpNet>> = BTreeMap::new();
    for at in group.all_test_addresses() {
        let family = Family::of(at.value.addr());
        match subnets.get(&family) {
            Some(first) if first.value.trunc() != at.value.trunc() => {
                let message = format!("test addresses of {} are in two {} subnets", group.shown(), shown(family));
                report
                    .error(&at.place, message)
                    .expected(format!("an address in {}", first.value.trunc()))
                    .related(&first.place, "the first is here");
            }
            Some(_) => {}
            None => drop(subnets.insert(family, at)),
        }
    }
}

/// Routers and targets are others, and each is listed once.
fn others(number: usize, group: &Group, own: &Own, report: &mut Report) {
    let vias = group.routes.iter().map(|route| ("router", &route.via));
    let gateways = group.gateways.iter().map(|at| ("gateway", at));
    let targets = group.targets.iter().map(|at| ("target", at));
    let mut listed: BTreeMap<(&str, IpAddr), &Place> = BTreeMap::new();
    for (what, At { value: address, place }) in gateways.chain(targets).chain(vias) {
        if let Some((own, at)) = own.get(&key(*address, number)) {
            report
                .error(place, format!("{what} {address} is an address of this host"))
                .expected("the address of another host")
                .related(at, format!("it is a {own} here"));
        }
        if what == "router" {
            continue;
        }
        match listed.get(&(what, *address)) {
            Some(first) => {
                report
                    .error(place, format!("{what} {address} is listed twice"))
                    .expected("each once")
                    .related(first, "first here");
            }
            None => drop(listed.insert((what, *address), place)),
        }
    }
}
