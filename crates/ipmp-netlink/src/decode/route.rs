//! `RTM_NEWROUTE` and `RTM_DELROUTE` (rtnetlink(7), `struct rtmsg` in `linux/rtnetlink.h`).
//!
//! Only unicast routes of the main table that every packet to the destination may take: none by type of
//! service or source prefix, no cached exceptions.
//!
//! An IPv4 message holds the whole route. IPv6 tells of a multipath route whole when it is added or deleted
//! whole, but of a leg that is deleted, and of legs without a router, one by one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipmp_core::kernel::{Fact, Leg, PROTOCOL, Route, RouteKey};
use netlink_packet_core::NLM_F_REPLACE;

use super::{Decoded, index, ip, net, number, scope};
use crate::wire::{Message, attributes, word};

/// Length of `struct rtmsg` and of `struct rtnexthop`.
const HEADER_LEN: usize = 12;
const NEXT_HOP_LEN: usize = 8;
/// Where `struct rtmsg` has the flags.
const FLAGS_AT: usize = 8;

/// A route that the kernel tells of.
struct Told {
    route: Route,
    /// Its legs came as `RTA_MULTIPATH`.
    multipath: bool,
}

/// A route is there. Who replaces a route of the same destination and metric takes it from whoever had it,
/// and the kernel does not tell of that.
pub(super) fn present(message: &Message<'_>, facts: &mut Vec<Fact>) -> Option<Decoded> {
    let Told { route, multipath } = told(message.payload)?;
    let replaces = message.has(NLM_F_REPLACE);
    let doubtful = by_leg(&route) && !multipath && !replaces;
    if replaces {
        facts.push(Fact::RouteGone(RouteKey { ours: !route.key.ours, ..route.key }));
    }
    facts.push(Fact::Route(route));
    Some(Decoded { doubtful })
}

/// A route is gone; in IPv6 perhaps one leg of it.
pub(super) fn gone(message: &Message<'_>, facts: &mut Vec<Fact>) -> Option<Decoded> {
    let Told { route, multipath } = told(message.payload)?;
    facts.push(Fact::RouteGone(route.key));
    Some(Decoded { doubtful: by_leg(&route) && !multipath })
}

/// Whether other legs of the route may have a message of their own, and it matters.
fn by_leg(route: &Route) -> bool {
    route.key.ours && matches!(route.key.to, ipnet::IpNet::V6(_))
}

fn told(payload: &[u8]) -> Option<Told> {
    let &[family, prefix_len, source_len, tos, table, protocol, scope_number, kind] = payload.first_chunk()?;
    let cloned = word(payload, FLAGS_AT)? & libc::RTM_F_CLONED != 0;
    if kind != libc::RTN_UNICAST || source_len != 0 || tos != 0 || cloned {
        return None;
    }
    let (mut table, mut metric) = (u32::from(table), 0);
    let (mut to, mut oif, mut via, mut legs) = (unspecified(family)?, None, None, None);
    for attribute in attributes(payload.get(HEADER_LEN..)?) {
        let (kind, value) = attribute?;
        match kind {
            libc::RTA_TABLE => table = number(value)?,
            libc::RTA_PRIORITY => metric = number(value)?,
            libc::RTA_DST => to = ip(value)?,
            libc::RTA_OIF => oif = Some(index(number(value)?)?),
            libc::RTA_GATEWAY => via = Some(ip(value)?),
            libc::RTA_VIA => via = Some(via_other_family(value)?),
            libc::RTA_MULTIPATH => legs = Some(next_hops(value)?),
            _ => {}
        }
    }
    if table != u32::from(libc::RT_TABLE_MAIN) {
        return None;
    }
    let multipath = legs.is_some();
    let mut legs = legs.unwrap_or_else(|| oif.map(|index| Leg { index, via }).into_iter().collect());
    legs.sort_unstable();
    let key = RouteKey { to: net(family, to, prefix_len)?, metric, ours: protocol == PROTOCOL };
    Some(Told { route: Route { key, scope: scope(scope_number), legs }, multipath })
}

/// `RTA_MULTIPATH`: a `struct rtnexthop` a leg (length, flags, weight, interface), each with attributes.
fn next_hops(value: &[u8]) -> Option<Vec<Leg>> {
    let (mut rest, mut legs) = (value, Vec::new());
    while !rest.is_empty() {
        let length = usize::from(u16::from_ne_bytes(*rest.first_chunk()?));
        let hop = rest.get(..length)?;
        let mut leg = Leg { index: index(word(hop, 4)?)?, via: None };
        for attribute in attributes(hop.get(NEXT_HOP_LEN..)?) {
            let (kind, value) = attribute?;
            match kind {
                libc::RTA_GATEWAY => leg.via = Some(ip(value)?),
                libc::RTA_VIA => leg.via = Some(via_other_family(value)?),
                _ => {}
            }
        }
        legs.push(leg);
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(legs)
}

/// `struct rtvia`: the family, and a router of another family than the destination's (RFC 5549).
fn via_other_family(value: &[u8]) -> Option<IpAddr> {
    ip(value.get(2..)?)
}

fn unspecified(family: u8) -> Option<IpAddr> {
    match i32::from(family) {
        libc::AF_INET => Some(Ipv4Addr::UNSPECIFIED.into()),
        libc::AF_INET6 => Some(Ipv6Addr::UNSPECIFIED.into()),
        _ => None,
    }
}
