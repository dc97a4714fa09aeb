//! Requests as messages. It knows how each thing is put, and not how it is sent.

use std::net::IpAddr;

use ipmp_core::kernel::{AddressKey, Leg, PROTOCOL, Route, RouteKey, Scope, Tunables};
use ipmp_core::{Family, IfIndex, IfName};
use ipnet::IpNet;
use netlink_packet_core::{DefaultNla, Emitable, NLA_F_NESTED, NLM_F_REQUEST, NetlinkMessage};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressMessage, AddressProtocol, AddressScope, CacheInfo,
};
use netlink_packet_route::link::{
    AfSpecInet, AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoKind, LinkAttribute, LinkExtentMask, LinkFlags,
    LinkInfo, LinkMessage,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteNextHop, RouteNextHopFlags, RouteProtocol,
    RouteScope, RouteType, RouteVia,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use crate::decode::{IFLA_INET_CONF, devconf};

/// Length of `struct nlmsghdr`.
const MESSAGE_HEADER_LEN: usize = 16;

/// The bytes of a request; the answer carries the same sequence number.
pub(crate) fn bytes(request: RouteNetlinkMessage, flags: u16, sequence: u32) -> Vec<u8> {
    let mut message = NetlinkMessage::from(request);
    message.header.flags = NLM_F_REQUEST | flags;
    message.header.sequence_number = sequence;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// The payload of a request, for one that is sent together with another.
pub(crate) fn payload(request: RouteNetlinkMessage) -> Vec<u8> {
    bytes(request, 0, 0).split_off(MESSAGE_HEADER_LEN)
}

/// One link.
pub(crate) fn link(index: IfIndex) -> RouteNetlinkMessage {
    let mut message = without_statistics();
    message.header.index = index.0;
    RouteNetlinkMessage::GetLink(message)
}

/// The link of a name.
pub(crate) fn link_named(name: &IfName) -> RouteNetlinkMessage {
    let mut message = without_statistics();
    message.attributes.push(LinkAttribute::IfName(name.to_string()));
    RouteNetlinkMessage::GetLink(message)
}

/// All links.
pub(crate) fn all_links() -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetLink(without_statistics())
}

/// All addresses of both families.
pub(crate) fn all_addresses() -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetAddress(AddressMessage::default())
}

/// All routes of both families.
pub(crate) fn all_routes() -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetRoute(RouteMessage::default())
}

/// Statistics are most of what a link has to say, and nobody here listens.
fn without_statistics() -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    message
}

/// A new dummy interface.
pub(crate) fn new_dummy(name: &IfName) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_string()));
    message.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Dummy)]));
    RouteNetlinkMessage::NewLink(message)
}

/// No such interface any more.
pub(crate) fn delete_link(name: &IfName) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_string()));
    RouteNetlinkMessage::DelLink(message)
}

/// An interface administratively up.
pub(crate) fn set_up(index: IfIndex) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index.0;
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    RouteNetlinkMessage::SetLink(message)
}

/// An interface with that carrier.
pub(crate) fn set_carrier(index: IfIndex, on: bool) -> RouteNetlinkMessage {
    set_link(index, LinkAttribute::Carrier(on.into()))
}

/// An interface with that alias.
pub(crate) fn set_alias(index: IfIndex, alias: &str) -> RouteNetlinkMessage {
    set_link(index, LinkAttribute::IfAlias(alias.to_owned()))
}

/// An interface that gets no link-local address by itself.
pub(crate) fn generate_no_addresses(index: IfIndex) -> RouteNetlinkMessage {
    let mode = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
    set_link(index, LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![mode])]))
}

/// An interface with those settings, as `IFLA_AF_SPEC` → `AF_INET` → `IFLA_INET_CONF` → a word under the
/// number of each setting. The library's own form of it cannot write a zero.
pub(crate) fn set_tunables(index: IfIndex, tunables: &Tunables) -> RouteNetlinkMessage {
    let settings = [
        (devconf::ARP_IGNORE, tunables.arp_ignore),
        (devconf::ARP_ANNOUNCE, tunables.arp_announce),
        (devconf::RP_FILTER, tunables.rp_filter),
        (devconf::IGNORE_ROUTES_WITH_LINKDOWN, tunables.ignore_routes_with_linkdown),
    ]
    .map(|(number, value)| DefaultNla::new(number, value.to_ne_bytes().to_vec()));
    let mut nest = vec![0; settings.as_slice().buffer_len()];
    settings.as_slice().emit(&mut nest);
    let conf = AfSpecInet::Other(DefaultNla::new(IFLA_INET_CONF | NLA_F_NESTED, nest));
    set_link(index, LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet(vec![conf])]))
}

fn set_link(index: IfIndex, attribute: LinkAttribute) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index.0;
    message.attributes.push(attribute);
    RouteNetlinkMessage::SetLink(message)
}

/// A new address of ours.
pub(crate) fn new_address(key: &AddressKey, scope: Scope) -> RouteNetlinkMessage {
    let mut message = address(key);
    message.header.scope = AddressScope::from(scope_number(scope));
    let mut flags = AddressFlags::Noprefixroute;
    if Family::of(key.address.addr()) == Family::V6 {
        flags |= AddressFlags::Nodad;
    }
    // IPv6 has no scope to keep a test address from being the source of traffic: it is deprecated instead
    // (RFC 4862 §5.5.4), valid for ever.
    if Family::of(key.address.addr()) == Family::V6 && scope == Scope::Link {
        let mut lifetime = CacheInfo::default();
        (lifetime.ifa_preferred, lifetime.ifa_valid) = (0, u32::MAX);
        message.attributes.push(AddressAttribute::CacheInfo(lifetime));
    }
    message.attributes.push(AddressAttribute::Flags(flags));
    message.attributes.push(AddressAttribute::Protocol(AddressProtocol::Other(PROTOCOL)));
    RouteNetlinkMessage::NewAddress(message)
}

/// An address as an administrator adds it, with the broadcast address of its subnet.
pub(crate) fn plain_address(key: &AddressKey) -> RouteNetlinkMessage {
    let mut message = address(key);
    match key.address {
        IpNet::V4(net) if net.prefix_len() < 31 => {
            message.attributes.push(AddressAttribute::Broadcast(net.broadcast()));
        }
        IpNet::V4(_) => {}
        IpNet::V6(_) => message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad)),
    }
    RouteNetlinkMessage::NewAddress(message)
}

/// A route as an administrator adds it.
pub(crate) fn plain_route(key: &RouteKey, leg: &Leg) -> RouteNetlinkMessage {
    let mut message = route(key);
    message.header.protocol = RouteProtocol::Static;
    message.header.scope = RouteScope::Universe;
    message.header.kind = RouteType::Unicast;
    message.attributes.push(RouteAttribute::Oif(leg.index.0));
    message.attributes.extend(leg.via.map(|via| gateway(via, &key.to)));
    RouteNetlinkMessage::NewRoute(message)
}

/// No such address any more.
pub(crate) fn delete_address(key: &AddressKey) -> RouteNetlinkMessage {
    RouteNetlinkMessage::DelAddress(address(key))
}

fn address(key: &AddressKey) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(&key.address);
    message.header.prefix_len = key.address.prefix_len();
    message.header.index = key.index.0;
    message.attributes.push(AddressAttribute::Local(key.address.addr()));
    message.attributes.push(AddressAttribute::Address(key.address.addr()));
    message
}

/// A route of ours. One leg is put as a multipath route of one: to the kernel it is the same.
pub(crate) fn put_route(route: &Route) -> RouteNetlinkMessage {
    let mut message = self::route(&route.key);
    message.header.scope = RouteScope::from(scope_number(route.scope));
    message.header.kind = RouteType::Unicast;
    let legs = route.legs.iter().map(|leg| next_hop(leg, &route.key.to)).collect();
    message.attributes.push(RouteAttribute::MultiPath(legs));
    RouteNetlinkMessage::NewRoute(message)
}

/// One more leg of a route of ours, without a router.
pub(crate) fn add_leg(route: &Route, leg: &Leg) -> RouteNetlinkMessage {
    let mut message = self::route(&route.key);
    message.header.scope = RouteScope::from(scope_number(route.scope));
    message.header.kind = RouteType::Unicast;
    message.attributes.push(RouteAttribute::Oif(leg.index.0));
    RouteNetlinkMessage::NewRoute(message)
}

/// One leg less of a route of ours.
pub(crate) fn delete_leg(key: &RouteKey, leg: &Leg) -> RouteNetlinkMessage {
    let mut message = route(key);
    message.header.scope = RouteScope::NoWhere;
    message.attributes.push(RouteAttribute::Oif(leg.index.0));
    message.attributes.extend(leg.via.map(|via| gateway(via, &key.to)));
    RouteNetlinkMessage::DelRoute(message)
}

/// No such route of ours any more. Scope "nowhere" matches any.
pub(crate) fn delete_route(key: &RouteKey) -> RouteNetlinkMessage {
    let mut message = route(key);
    message.header.scope = RouteScope::NoWhere;
    RouteNetlinkMessage::DelRoute(message)
}

fn route(key: &RouteKey) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family(&key.to);
    message.header.destination_prefix_length = key.to.prefix_len();
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = RouteProtocol::Other(PROTOCOL);
    message.attributes.push(RouteAttribute::Destination(RouteAddress::from(key.to.network())));
    message.attributes.push(RouteAttribute::Priority(key.metric));
    message
}

/// Where the prefix of a router is itself reached by several legs, the kernel cannot check that the router
/// is on-link, and must be told.
fn next_hop(leg: &Leg, to: &IpNet) -> RouteNextHop {
    let mut hop = RouteNextHop::default();
    hop.interface_index = leg.index.0;
    if let Some(via) = leg.via {
        hop.flags = RouteNextHopFlags::Onlink;
        hop.attributes.push(gateway(via, to));
    }
    hop
}

fn gateway(via: IpAddr, to: &IpNet) -> RouteAttribute {
    match (via, to) {
        (IpAddr::V6(via), IpNet::V4(_)) => RouteAttribute::Via(RouteVia::Inet6(via)),
        (via, _) => RouteAttribute::Gateway(RouteAddress::from(via)),
    }
}

fn family(net: &IpNet) -> AddressFamily {
    match net {
        IpNet::V4(_) => AddressFamily::Inet,
        IpNet::V6(_) => AddressFamily::Inet6,
    }
}

fn scope_number(scope: Scope) -> u8 {
    match scope {
        Scope::Global => libc::RT_SCOPE_UNIVERSE,
        Scope::Link => libc::RT_SCOPE_LINK,
        Scope::Other(number) => number,
    }
}
