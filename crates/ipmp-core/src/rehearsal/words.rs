//! Changes as phrases for people, interfaces by name.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::action::{Announcement, Change};
use crate::handover::ForeignKey;
use crate::id::IfIndex;
use crate::kernel::{AddressKey, Kernel, Leg, Scope, Tunables};

/// What a change does.
pub(super) fn phrase(change: &Change, kernel: &Kernel) -> String {
    let name = |index: &IfIndex| name(kernel, *index);
    match change {
        Change::CreateInterface(name) => format!("make interface {name}"),
        Change::DeleteInterface(name) => format!("delete interface {name}"),
        Change::SetUp(index) => format!("set {} up", name(index)),
        Change::SetCarrier { name, on } => format!("set carrier of {name} {}", if *on { "on" } else { "off" }),
        Change::Tune { index, tunables } => {
            let Tunables { arp_ignore, arp_announce, rp_filter, ignore_routes_with_linkdown: ignore } = tunables;
            format!(
                "set arp_ignore={arp_ignore} arp_announce={arp_announce} rp_filter={rp_filter} \
                 ignore_routes_with_linkdown={ignore} on {}",
                name(index)
            )
        }
        Change::AddAddress { key, scope: Scope::Link } => format!("add test address {}", standing(key, kernel)),
        Change::AddAddress { key, .. } => format!("add address {}", standing(key, kernel)),
        Change::DeleteAddress(key) => format!("delete address {}", standing(key, kernel)),
        Change::PutRoute { route, .. } => {
            format!("put route to {} {}", destination(route.key.to), ways(&route.legs, kernel))
        }
        Change::DeleteRoute(key) => format!("delete route to {}", destination(key.to)),
        Change::Announce(Announcement { index, address, .. }) => {
            format!("announce {address} by {}", name(index))
        }
        Change::Take { foreign, .. } => format!("take over {}", thing(&foreign.key, kernel)),
        Change::Give { foreign, .. } => format!("give back {}", thing(&foreign.key, kernel)),
    }
}

fn thing(key: &ForeignKey, kernel: &Kernel) -> String {
    match key {
        ForeignKey::Address(key) => format!("address {}", standing(key, kernel)),
        ForeignKey::Route(key, legs) => {
            let metric = if key.metric == 0 { String::new() } else { format!(" metric {}", key.metric) };
            format!("route to {} {}{metric}", destination(key.to), ways(legs, kernel))
        }
    }
}

fn standing(key: &AddressKey, kernel: &Kernel) -> String {
    format!("{} on {}", key.address, name(kernel, key.index))
}

fn destination(to: IpNet) -> String {
    if to.prefix_len() == 0 { format!("default ({to})") } else { to.to_string() }
}

fn ways(legs: &[Leg], kernel: &Kernel) -> String {
    let way = |Leg { index, via }: &Leg| {
        let via = via.map_or_else(String::new, |via: IpAddr| format!("via {via} "));
        format!("{via}by {}", name(kernel, *index))
    };
    legs.iter().map(way).collect::<Vec<_>>().join(", ")
}

fn name(kernel: &Kernel, index: IfIndex) -> String {
    kernel.links.get(&index).map_or_else(|| format!("interface {index}"), |link| link.name.to_string())
}
