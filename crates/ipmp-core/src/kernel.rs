//! The observed kernel: links, addresses and routes as the watcher reported them.
//! Nothing here is wished for; what the engine wants is in `reconcile`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::handover::ForeignKey;
use crate::id::{IfIndex, IfName, Mac};

/// The protocol number that marks an address (`IFA_PROTO`) or a route (`rtm_protocol`) as the
/// daemon's own. It lies in the range that the kernel leaves to user space (> 4 = `RTPROT_STATIC`),
/// and none of the numbers registered in `rt_protos` of iproute2 (213 is unassigned).
pub const PROTOCOL: u8 = 213;

/// The metric of every route of the daemon: ahead of what DHCP clients and network managers install
/// (100 and more), behind what an administrator sets by hand without a metric.
pub const ROUTE_METRIC: u32 = 10;

/// The metric of IPv6 routes by which probes find targets on the link (`docs/linux-data-plane.md`): behind all others,
/// so that traffic has no use for them.
pub const LAST_RESORT_METRIC: u32 = u32::MAX - 1;

/// The interface alias that marks an IPMP interface as made by the daemon, and so as its to delete.
pub const ALIAS: &str = "ipmpd";

/// The per-interface IPv4 settings that a member needs (`linux-dataplane.md`, finding 7), as the
/// kernel's `IPV4_DEVCONF_*` values of that device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tunables {
    /// `arp_ignore`: 1 answers ARP only for addresses of the receiving interface.
    pub arp_ignore: u32,
    /// `arp_announce`: 2 uses the best local address of the sending interface as ARP sender.
    pub arp_announce: u32,
    /// `rp_filter`: 2 accepts a source that is reachable by any interface.
    pub rp_filter: u32,
    /// `ignore_routes_with_linkdown`: 1 takes a leg without carrier out of the hash at once.
    pub ignore_routes_with_linkdown: u32,
}

impl Tunables {
    /// What every member is set to.
    pub const MEMBER: Tunables =
        Tunables { arp_ignore: 1, arp_announce: 2, rp_filter: 2, ignore_routes_with_linkdown: 1 };
}

/// A network interface (`RTM_NEWLINK`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The kernel's number.
    pub index: IfIndex,
    /// Its present name.
    pub name: IfName,
    /// Hardware address, where it has one of six bytes.
    pub mac: Option<Mac>,
    /// Administratively up (`IFF_UP`).
    pub up: bool,
    /// Carrier, by `IFLA_CARRIER` or `IFF_LOWER_UP`, never by operstate (finding 8).
    pub carrier: bool,
    /// `IFLA_CARRIER_DOWN_COUNT`: tells of flaps too short to be seen.
    pub carrier_downs: u32,
    /// Largest packet (`IFLA_MTU`).
    pub mtu: u32,
    /// Whether it is a link with many hosts that may have addresses: multicast, neither loopback nor
    /// point-to-point, and no port of a bridge, bond or team (§2, ignored interfaces).
    pub multi_access: bool,
    /// Alias (`IFLA_IFALIAS`).
    pub alias: Option<String>,
    /// The settings of `Tunables` on this device; none where the device has no IPv4.
    pub tunables: Option<Tunables>,
    /// What IPv6 is on this device; none where it has none.
    pub inet6: Option<Inet6>,
}

/// IPv6 on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inet6 {
    /// It forwards, and so its neighbours may know it as a router (`forwarding`).
    pub forwarding: bool,
}

impl Link {
    /// Whether frames can pass as far as the NIC can tell: administratively up, with carrier.
    pub fn usable(&self) -> bool {
        self.up && self.carrier
    }
}

/// Scope of an address or a route (`rtm_scope`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// `RT_SCOPE_UNIVERSE`
    Global,
    /// `RT_SCOPE_LINK`: never chosen as the source of traffic over a global route.
    Link,
    /// Any other.
    Other(u8),
}

/// Where an address stands: on this interface, with this prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddressKey {
    /// The interface.
    pub index: IfIndex,
    /// Local address and prefix length, host bits kept.
    pub address: IpNet,
}

impl AddressKey {
    /// A host prefix (/32 or /128), which is how every address of ours stands (finding 1).
    pub fn host(index: IfIndex, address: IpAddr) -> Self {
        Self { index, address: IpNet::from(address) }
    }
}

/// What is known of an address on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressInfo {
    /// Its scope.
    pub scope: Scope,
    /// Whether it carries [`PROTOCOL`].
    pub ours: bool,
    /// Duplicate address detection has not found it unique, or has found that it is not (IPv6): nothing may be
    /// sent from it.
    pub tentative: bool,
}

/// What tells one route from another, in the main table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RouteKey {
    /// Destination; the default route has prefix length 0.
    pub to: IpNet,
    /// `RTA_PRIORITY`, 0 where absent.
    pub metric: u32,
    /// Whether it carries [`PROTOCOL`].
    pub ours: bool,
}

/// One way out of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Leg {
    /// The interface that it leaves by.
    pub index: IfIndex,
    /// The router; none where the destination is on-link.
    pub via: Option<IpAddr>,
}

/// A unicast route of the main table, its legs sorted. A route of one leg and a multipath route of one
/// leg are the same thing. Legs that the kernel flags dead are legs all the same (finding 4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Route {
    /// What tells it apart.
    pub key: RouteKey,
    /// Its scope; ours are global (finding 2).
    pub scope: Scope,
    /// Sorted ways out.
    pub legs: Vec<Leg>,
}

/// Everything at one moment, as dumped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// All interfaces of the namespace.
    pub links: Vec<Link>,
    /// All addresses.
    pub addresses: Vec<(AddressKey, AddressInfo)>,
    /// All unicast routes of the main table.
    pub routes: Vec<Route>,
}

/// Something that the kernel told, or answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// The interface exists and is so.
    Link(Link),
    /// The interface is gone.
    LinkGone(IfIndex),
    /// The address is there.
    Address(AddressKey, AddressInfo),
    /// The address is gone.
    AddressGone(AddressKey),
    /// The route is so.
    Route(Route),
    /// The route is gone.
    RouteGone(RouteKey),
    /// The route has this leg too. Of IPv6 legs without a router the kernel tells one by one.
    LegAdded(Route),
    /// The route has these legs no more; it is gone with its last one (IPv6).
    LegsGone(Route),
    /// A complete dump: what it does not name is gone.
    Snapshot(Snapshot),
}

/// Most foreign routes that are remembered: enough to find next hops, and a full Internet table does
/// not fill the memory. Beyond it foreign routes are not looked at; our own always are.
const FOREIGN_ROUTES_MAX: usize = 4096;

/// The world as last reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kernel {
    /// Interfaces.
    pub links: BTreeMap<IfIndex, Link>,
    /// Addresses.
    pub addresses: BTreeMap<AddressKey, AddressInfo>,
    /// Routes.
    pub routes: BTreeMap<RouteKey, Route>,
}

impl Kernel {
    /// Takes in a fact.
    pub fn learn(&mut self, fact: Fact) {
        match fact {
            Fact::Link(link) => self.learn_link(link),
            Fact::LinkGone(index) => self.forget_link(index),
            Fact::Address(key, info) => {
                self.addresses.insert(key, info);
            }
            Fact::AddressGone(key) => {
                self.addresses.remove(&key);
                self.flush_dead_routes(key.index);
            }
            Fact::Route(route) => self.learn_route(route),
            Fact::RouteGone(key) => {
                self.routes.remove(&key);
            }
            Fact::LegAdded(told) => match self.routes.get_mut(&told.key) {
                None => self.learn_route(told),
                Some(route) => {
                    route.legs.extend(told.legs);
                    route.legs.sort_unstable();
                    route.legs.dedup();
                }
            },
            Fact::LegsGone(told) => {
                if let Some(route) = self.routes.get_mut(&told.key) {
                    route.legs.retain(|leg| !told.legs.contains(leg));
                    if route.legs.is_empty() {
                        self.routes.remove(&told.key);
                    }
                }
            }
            Fact::Snapshot(snapshot) => {
                *self = Kernel::default();
                self.links.extend(snapshot.links.into_iter().map(|link| (link.index, link)));
                self.addresses.extend(snapshot.addresses);
                snapshot.routes.into_iter().for_each(|route| self.learn_route(route));
            }
        }
    }

    /// The interface of that name.
    pub fn link_named(&self, name: &IfName) -> Option<&Link> {
        self.links.values().find(|link| link.name == *name)
    }

    /// Whether an interface has an address, whatever its prefix and whoever added it.
    pub fn has_address(&self, index: IfIndex, address: IpAddr) -> bool {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let shortest = AddressKey { index, address: IpNet::new_assert(address, 0) };
        let longest = AddressKey { index, address: IpNet::new_assert(address, bits) };
        self.addresses.range(shortest..=longest).any(|(key, _)| key.address.addr() == address)
    }

    /// Whether an interface of this host has that hardware address.
    pub fn has_mac(&self, mac: Mac) -> bool {
        self.links.values().any(|link| link.mac == Some(mac))
    }

    /// The link-local address that an interface may send from.
    pub fn link_local(&self, index: IfIndex) -> Option<Ipv6Addr> {
        let lowest = AddressKey { index, address: IpNet::new_assert(IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 0]), 0) };
        let usable = |(key, info): (&AddressKey, &AddressInfo)| match key.address.addr() {
            IpAddr::V6(address) if address.is_unicast_link_local() && !info.tentative => Some(address),
            _ => None,
        };
        self.addresses.range(lowest..).take_while(|(key, _)| key.index == index).find_map(usable)
    }

    /// Interfaces that carry something of ours: one of these addresses, or a leg of a route.
    pub fn in_use(&self, address: impl Fn(IpAddr) -> bool) -> impl Iterator<Item = IfIndex> {
        let ours = self.addresses.iter().filter(move |(key, info)| info.ours && address(key.address.addr()));
        // Those of the last resort are for probes.
        let for_data = |route: &&Route| route.key.ours && route.key.metric != LAST_RESORT_METRIC;
        let routes = self.routes.values().filter(for_data);
        let legs = routes.flat_map(|route| &route.legs).map(|leg| leg.index);
        ours.map(|(key, _)| key.index).chain(legs)
    }

    /// Whether something of others is there.
    pub fn has_foreign(&self, key: &ForeignKey) -> bool {
        match key {
            ForeignKey::Address(key) => self.addresses.get(key).is_some_and(|info| !info.ours),
            ForeignKey::Route(key, legs) => {
                self.routes.get(key).is_some_and(|route| legs.iter().all(|leg| route.legs.contains(leg)))
            }
        }
    }

    /// Whether something of others is not there, and could be.
    pub fn lacks(&self, key: &ForeignKey) -> bool {
        let present = |index: &IfIndex| self.links.contains_key(index);
        !self.has_foreign(key)
            && match key {
                ForeignKey::Address(key) => present(&key.index),
                ForeignKey::Route(_, legs) => legs.iter().all(|leg| present(&leg.index)),
            }
    }

    /// Interfaces that carry one of these addresses, whoever made it.
    pub fn holders(&self, address: impl Fn(IpAddr) -> bool) -> impl Iterator<Item = IfIndex> {
        self.addresses.keys().filter(move |key| address(key.address.addr())).map(|key| key.index)
    }

    /// Another interface on which somebody else has this address too.
    pub fn foreign_copy(&self, index: IfIndex, address: IpAddr) -> Option<IfIndex> {
        let copy = |(key, info): (&AddressKey, &AddressInfo)| {
            (key.index != index && key.address.addr() == address && !info.ours).then_some(key.index)
        };
        self.addresses.iter().find_map(copy)
    }

    fn learn_route(&mut self, route: Route) {
        if route.key.ours || self.routes.contains_key(&route.key) || self.routes.len() < FOREIGN_ROUTES_MAX {
            self.routes.insert(route.key, route);
        }
    }

    /// The kernel tells of addresses that go with an interface, but not of IPv4 routes: it flushes a
    /// multipath route as soon as one of its interfaces is unregistered. IPv6 routes lose that leg only.
    fn forget_link(&mut self, index: IfIndex) {
        self.links.remove(&index);
        self.addresses.retain(|key, _| key.index != index);
        self.routes.retain(|key, route| {
            let legs = route.legs.len();
            route.legs.retain(|leg| leg.index != index);
            route.legs.len() == legs || (key.to.addr().is_ipv6() && !route.legs.is_empty())
        });
    }

    fn learn_link(&mut self, link: Link) {
        let (index, went_down) = (link.index, !link.up && self.links.get(&link.index).is_some_and(|before| before.up));
        self.links.insert(link.index, link);
        if went_down {
            self.flush_dead_routes(index);
            self.flush_inet6_routes(index);
        }
    }

    /// An IPv6 leg without a router goes with its interface; a route by routers goes with the last of its. The
    /// kernel tells of that, unless it is asked not to (`net.ipv6.route.skip_notify_on_dev_down`).
    fn flush_inet6_routes(&mut self, down: IfIndex) {
        let links = &self.links;
        let is_up = |leg: &Leg| links.get(&leg.index).is_some_and(|link| link.up);
        for route in self.routes.values_mut().filter(|route| route.key.to.addr().is_ipv6()) {
            route.legs.retain(|leg| leg.index != down || leg.via.is_some());
        }
        self.routes.retain(|key, route| {
            let uses = route.legs.iter().any(|leg| leg.index == down);
            key.to.addr().is_ipv4() || !(route.legs.is_empty() || (uses && !route.legs.iter().any(is_up)))
        });
    }

    /// A leg of an IPv4 route is dead while its interface is administratively down, or has no IPv4 address
    /// at all. A route whose legs are all dead is flushed, silently.
    fn flush_dead_routes(&mut self, index: IfIndex) {
        let (links, addresses) = (&self.links, &self.addresses);
        let alive = |index: IfIndex| {
            let lowest = AddressKey { index, address: IpNet::new_assert(IpAddr::from([0; 4]), 0) };
            let first = addresses.range(lowest..).next();
            links.get(&index).is_some_and(|link| link.up)
                && first.is_some_and(|(key, _)| key.index == index && key.address.addr().is_ipv4())
        };
        if !alive(index) {
            self.routes.retain(|key, route| {
                key.to.addr().is_ipv6()
                    || route.legs.iter().all(|leg| leg.index != index)
                    || route.legs.iter().any(|leg| alive(leg.index))
            });
        }
    }
}
