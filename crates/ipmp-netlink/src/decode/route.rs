//! `RTM_NEWROUTE` and `RTM_DELROUTE` (rtnetlink(7), `struct rtmsg` in `linux/rtnetlink.h`).
//!
//! Only unicast routes of the main table that every packet to the destination may take: none by type of
//! service or source prefix, no cached exceptions.
//!
//! An IPv4 message holds the whole route. An IPv6 message adds legs to what is there, unless it says that it
//! replaces; and names the legs that are gone, of which others may be left.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipmp_core::kernel::{Fact, LAST_RESORT_METRIC, Leg, PROTOCOL, ROUTE_METRIC, Route, RouteKey};
use ipnet::IpNet;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};

use super::{Decoded, index, ip, net, number, scope};
use crate::wire::{Message, attributes, word};

/// Length of `struct rtmsg` and of `struct rtnexthop`.
const HEADER_LEN: usize = 12;
const NEXT_HOP_LEN: usize = 8;
/// Where `struct rtmsg` has the flags.
const FLAGS_AT: usize = 8;

/// A route is there. In IPv4, who replaces a route of the same destination and metric takes it from whoever
/// had it, and the kernel does not tell of that.
pub(super) fn present(message: &Message<'_>, facts: &mut Vec<Fact>) -> Option<Decoded> {
    let route = told(message.payload)?;
    let replaces = message.has(NLM_F_REPLACE);
    // A dump has neither flag.
    let doubtful = message.has(NLM_F_CREATE | NLM_F_REPLACE) && is_doubtful(&route, replaces);
    match route.key.to {
        IpNet::V6(_) if doubtful => {}
        IpNet::V6(_) if !replaces => facts.push(Fact::LegAdded(route)),
        IpNet::V4(_) if replaces => {
            facts.extend([Fact::RouteGone(RouteKey { ours: !route.key.ours, ..route.key }), Fact::Route(route)]);
        }
        IpNet::V4(_) | IpNet::V6(_) => facts.push(Fact::Route(route)),
    }
    Some(Decoded { doubtful })
}

/// A route is gone; in IPv6 the legs that it names.
pub(super) fn gone(message: &Message<'_>, facts: &mut Vec<Fact>) -> Option<Decoded> {
    let route = told(message.payload)?;
    let doubtful = is_doubtful(&route, false);
    match route.key.to {
        IpNet::V6(_) if doubtful => {}
        IpNet::V6(_) => facts.push(Fact::LegsGone(route)),
        IpNet::V4(_) => facts.push(Fact::RouteGone(route.key)),
    }
    Some(Decoded { doubtful })
}

/// Whether somebody else may have changed a route of ours, which the message does not tell. The kernel joins
/// all IPv6 legs by a router that have the same destination and metric to one route, and names it after any of
/// them. What replaces a leg without a router replaces the first that there is.
fn is_doubtful(route: &Route, replaces: bool) -> bool {
    let RouteKey { to, metric, ours } = route.key;
    let by_router = route.legs.iter().any(|leg| leg.via.is_some());
    let like_ours = matches!(to, IpNet::V6(_)) && matches!(metric, ROUTE_METRIC | LAST_RESORT_METRIC);
    like_ours && if ours { replaces && !by_router } else { replaces || by_router }
}

/// The route that a message names, with its legs.
fn told(payload: &[u8]) -> Option<Route> {
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
    let mut legs = legs.unwrap_or_else(|| oif.map(|index| Leg { index, via }).into_iter().collect());
    legs.sort_unstable();
    let key = RouteKey { to: net(family, to, prefix_len)?, metric, ours: protocol == PROTOCOL };
    Some(Route { key, scope: scope(scope_number), legs })
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
