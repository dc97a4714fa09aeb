//! Unicast routes of the main table, each way out with the name of its link.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteNextHopFlags, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::address::family;
use super::link::{self, Link, name_of};
use crate::Namespace;
use crate::error::{Doing, Result};

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Destination; the default route has prefix length 0.
    pub to: IpNet,
    /// `RTA_PRIORITY`, 0 where absent.
    pub metric: u32,
    /// Who made it (`rtm_protocol`): 2 the kernel, 3 and 4 an administrator, other numbers daemons.
    pub protocol: u8,
    /// `RT_SCOPE_*`: 0 global, 253 link.
    pub scope: u8,
    /// The source address that it names, where it names one.
    pub source: Option<IpAddr>,
    /// Ways out.
    pub legs: Vec<Leg>,
}

/// One way out of a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leg {
    /// The name of the link.
    pub link: String,
    /// The router; none where the destination is on-link.
    pub via: Option<IpAddr>,
    /// Not used at present: the link is down or without carrier.
    pub dead: bool,
}

impl Namespace {
    /// All unicast routes of the main table, both families.
    pub fn routes(&self) -> Result<Vec<Route>> {
        self.netlink(|netlink| {
            let links = link::links(netlink)?;
            let listed = netlink.dump(RouteNetlinkMessage::GetRoute(RouteMessage::default()))?;
            let routes = listed.into_iter().filter_map(|item| match item {
                RouteNetlinkMessage::NewRoute(message) => describe(message, &links),
                _ => None,
            });
            Ok(routes.collect())
        })
        .doing(|| "list routes")
    }

    /// Adds a route, by a router or on-link, as an administrator would (`proto static`).
    pub fn add_route(&self, to: IpNet, via: Option<IpAddr>, link: &str) -> Result<()> {
        self.netlink(|netlink| {
            let mut message = message(to);
            message.header.protocol = RouteProtocol::Static;
            message.header.kind = RouteType::Unicast;
            message.header.scope = if via.is_some() { RouteScope::Universe } else { RouteScope::Link };
            message.attributes.push(RouteAttribute::Oif(link::link(netlink, link)?.index));
            message.attributes.extend(via.map(|via| RouteAttribute::Gateway(via.into())));
            netlink.change(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_EXCL)
        })
        .doing(|| format!("add route to {to} by {link}"))
    }

    /// Deletes a route as it was listed, with all its legs, whoever made it.
    pub fn delete_route(&self, route: &Route) -> Result<()> {
        self.netlink(|netlink| {
            let mut message = message(route.to);
            message.header.protocol = route.protocol.into();
            message.header.scope = route.scope.into();
            message.attributes.push(RouteAttribute::Priority(route.metric));
            netlink.change(RouteNetlinkMessage::DelRoute(message), 0)
        })
        .doing(|| format!("delete route to {}", route.to))
    }
}

fn message(to: IpNet) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family(to.addr());
    message.header.destination_prefix_length = to.prefix_len();
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    if to.prefix_len() > 0 {
        message.attributes.push(RouteAttribute::Destination(to.network().into()));
    }
    message
}

pub(super) fn describe(message: RouteMessage, links: &[Link]) -> Option<Route> {
    let header = &message.header;
    if header.table != RouteHeader::RT_TABLE_MAIN || header.kind != RouteType::Unicast {
        return None;
    }
    let nowhere = match header.address_family {
        AddressFamily::Inet => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        _ => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let mut route = Route {
        to: IpNet::new(nowhere, header.destination_prefix_length).ok()?,
        metric: 0,
        protocol: header.protocol.into(),
        scope: header.scope.into(),
        source: None,
        legs: Vec::new(),
    };
    let flags = RouteNextHopFlags::from_bits_retain(header.flags.bits() as u8);
    let mut only = Leg { link: String::new(), via: None, dead: dead(flags) };
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(to) => {
                route.to = IpNet::new(address(to)?, header.destination_prefix_length).ok()?;
            }
            RouteAttribute::Priority(metric) => route.metric = *metric,
            RouteAttribute::PrefSource(source) => route.source = address(source),
            RouteAttribute::Gateway(via) => only.via = address(via),
            RouteAttribute::Oif(index) => only.link = name_of(*index, links),
            RouteAttribute::MultiPath(hops) => {
                route.legs =
                    hops.iter().map(|hop| leg(hop.interface_index, hop.flags, &hop.attributes, links)).collect();
            }
            _ => {}
        }
    }
    if route.legs.is_empty() {
        route.legs.push(only);
    }
    Some(route)
}

fn leg(index: u32, flags: RouteNextHopFlags, attributes: &[RouteAttribute], links: &[Link]) -> Leg {
    let via = attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Gateway(via) => address(via),
        _ => None,
    });
    Leg { link: name_of(index, links), via, dead: dead(flags) }
}

fn dead(flags: RouteNextHopFlags) -> bool {
    flags.intersects(RouteNextHopFlags::Dead | RouteNextHopFlags::Linkdown)
}

fn address(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(v4) => Some(IpAddr::V4(*v4)),
        RouteAddress::Inet6(v6) => Some(IpAddr::V6(*v6)),
        _ => None,
    }
}
