//! The simulated kernel: links, addresses and routes, with the manners of Linux as they were seen.
//!
//! It knows nothing of groups. What it would tell by rtnetlink it leaves in `facts`, in order; the world
//! carries that to the daemon. What Linux does without a word, it does without a word:
//! - an IPv4 multipath route is flushed as soon as one of its interfaces is unregistered;
//! - a leg of IPv4 is dead while its interface is down or carries no IPv4 address at all, and a route whose legs
//!   are all dead is flushed;
//! - carrier loss flags a leg and flushes nothing;
//! - a carrier change within a second of another is told when the second is over, unless asked for.
//!
//! What is of IPv6 it tells, leg by leg; that is in `inet6`.

pub mod handover;
mod inet6;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::kernel::{
    ALIAS, AddressInfo, AddressKey, Fact, Inet6, Leg, Link, Route, RouteKey, Scope, Snapshot, Tunables,
};
use ipmp_core::{Change, IfIndex, IfName, Instant, Mac};
use ipnet::IpNet;

use crate::site::Port;

/// How often the kernel's link watch tells of carrier at most.
const LINK_WATCH: Duration = Duration::from_secs(1);

/// The settings of an interface that no group has touched.
pub const TUNABLES: Tunables =
    Tunables { arp_ignore: 0, arp_announce: 0, rp_filter: 1, ignore_routes_with_linkdown: 0 };

/// The state of the kernel.
#[derive(Clone, Debug, Default)]
pub struct Kernel {
    /// Interfaces as they are, told or not.
    pub links: BTreeMap<IfIndex, Link>,
    /// Addresses on them.
    pub addresses: BTreeMap<AddressKey, AddressInfo>,
    /// Routes of the main table.
    pub routes: BTreeMap<RouteKey, Route>,
    /// What there is to tell, oldest first.
    pub facts: Vec<Fact>,
    /// Changes whenever the state does.
    pub generation: u64,
    ports: BTreeMap<Port, IfIndex>,
    cables: BTreeSet<Port>,
    held: BTreeSet<IfIndex>,
    /// Addresses whose duplicates are to be looked for, from now on.
    unproven: Vec<AddressKey>,
    watched: Instant,
    last_index: u32,
}

impl Kernel {
    /// The NIC of a port appears, down, with a new index.
    pub fn plug(&mut self, port: Port, name: IfName) {
        let index = self.add_link(name, Some(port.mac()), None);
        self.ports.insert(port, index);
        self.tell(index);
    }

    /// The NIC of a port is unregistered: down, addresses and routes gone, then the link.
    pub fn unplug(&mut self, port: Port) {
        if let Some(index) = self.ports.remove(&port) {
            self.remove_link(index);
        }
    }

    /// The interface of a port, while it is plugged.
    pub fn index_of(&self, port: Port) -> Option<IfIndex> {
        self.ports.get(&port).copied()
    }

    /// The port that an interface is plugged into.
    pub fn port_of(&self, index: IfIndex) -> Option<Port> {
        self.ports.iter().find(|(_, i)| **i == index).map(|(port, _)| *port)
    }

    /// The interface of that name.
    pub fn link_named(&self, name: &IfName) -> Option<&Link> {
        self.links.values().find(|link| link.name == *name)
    }

    /// Plugs or pulls the cable of a port. Answers when the link watch will tell, if not at once.
    pub fn set_cable(&mut self, port: Port, plugged: bool, now: Instant) -> Option<Instant> {
        if plugged {
            self.cables.insert(port)
        } else {
            self.cables.remove(&port)
        };
        let index = self.index_of(port)?;
        let link = self.links.get_mut(&index).expect("a plugged port has a link");
        if !link.up || link.carrier == plugged {
            return None;
        }
        link.carrier = plugged;
        link.carrier_downs += u32::from(!plugged);
        self.generation += 1;
        self.link_ready(index);
        if now.since(self.watched) >= LINK_WATCH && self.held.is_empty() {
            self.watched = now;
            self.tell(index);
            return None;
        }
        self.held.insert(index);
        Some(self.watched + LINK_WATCH)
    }

    /// The link watch tells what it held back.
    pub fn watch_links(&mut self, now: Instant) {
        if now.since(self.watched) >= LINK_WATCH && !self.held.is_empty() {
            self.watched = now;
            for index in std::mem::take(&mut self.held) {
                self.tell(index);
            }
        }
    }

    /// `RTM_GETLINK`: the answer is the truth, and what was held back is told with it.
    pub fn ask(&mut self, index: IfIndex) {
        self.held.remove(&index);
        if self.links.contains_key(&index) {
            self.tell(index);
        } else {
            self.facts.push(Fact::LinkGone(index));
        }
    }

    /// Administratively up or down.
    pub fn set_up(&mut self, index: IfIndex, up: bool) {
        let cable = self.port_of(index).is_none_or(|port| self.cables.contains(&port));
        let Some(link) = self.links.get_mut(&index) else { return };
        if link.up == up {
            return;
        }
        link.carrier_downs += u32::from(link.carrier && !up);
        link.up = up;
        link.carrier = up && cable;
        self.held.remove(&index);
        self.tell(index);
        match up {
            true => self.link_ready(index),
            false => self.shut_down_inet6(index),
        }
        self.flush_dead_routes(index);
    }

    /// Someone gives the interface of a port another name.
    pub fn rename(&mut self, port: Port, name: IfName) {
        self.edit(port, |link| link.name = name);
    }

    /// Someone gives the interface of a port another hardware address.
    pub fn set_mac(&mut self, port: Port, mac: Mac) {
        self.edit(port, |link| link.mac = Some(mac));
    }

    /// An address appears.
    pub fn add_address(&mut self, key: AddressKey, info: AddressInfo) {
        self.generation += 1;
        self.addresses.insert(key, info);
        self.facts.push(Fact::Address(key, info));
    }

    /// An address goes, and with the last of a device the routes whose legs are all dead now.
    pub fn delete_address(&mut self, key: AddressKey) {
        if self.addresses.remove(&key).is_some() {
            self.generation += 1;
            self.facts.push(Fact::AddressGone(key));
            self.flush_dead_routes(key.index);
        }
    }

    /// Whether an interface has an address, whatever its prefix.
    pub fn has_address(&self, index: IfIndex, address: IpAddr) -> bool {
        self.addresses_of(index).any(|(key, _)| key.address.addr() == address)
    }

    /// What an interface carries.
    pub fn addresses_of(&self, index: IfIndex) -> impl Iterator<Item = (&AddressKey, &AddressInfo)> {
        let lowest = AddressKey { index, address: IpNet::new_assert(IpAddr::from([0; 4]), 0) };
        self.addresses.range(lowest..).take_while(move |(key, _)| key.index == index)
    }

    /// A route appears or changes.
    pub fn put_route(&mut self, route: Route) {
        self.generation += 1;
        self.routes.insert(route.key, route.clone());
        self.facts.push(Fact::Route(route));
    }

    /// A route goes.
    pub fn delete_route(&mut self, key: RouteKey) {
        if let Some(route) = self.routes.remove(&key) {
            self.generation += 1;
            match inet6::by_legs(&route) {
                true => self.tell_legs_gone(&route, |_| true),
                false => self.facts.push(Fact::RouteGone(key)),
            }
        }
    }

    /// A complete dump.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            links: self.links.values().cloned().collect(),
            addresses: self.addresses.iter().map(|(key, info)| (*key, *info)).collect(),
            routes: self.routes.values().cloned().collect(),
        }
    }

    /// Carries out a change of the mover, or says in the kernel's words why not.
    pub fn carry_out(&mut self, change: &Change) -> Result<(), String> {
        match change {
            Change::CreateInterface(name) => self.create_interface(name),
            Change::DeleteInterface(name) => self.delete_interface(name),
            Change::SetUp(index) => {
                self.link(*index)?;
                self.set_up(*index, true);
                Ok(())
            }
            Change::SetCarrier { name, on } => {
                let index = self.link_named(name).ok_or("No such device")?.index;
                if self.links[&index].carrier != *on {
                    self.links.get_mut(&index).expect("found by name").carrier = *on;
                    self.tell(index);
                }
                Ok(())
            }
            Change::Tune { index, tunables } => {
                self.link(*index)?;
                self.links.get_mut(index).expect("looked at before").tunables = Some(*tunables);
                self.tell(*index);
                Ok(())
            }
            Change::AddAddress { key, scope } => self.add_ours(*key, *scope),
            Change::DeleteAddress(key) => {
                self.delete_address(*key);
                Ok(())
            }
            Change::PutRoute { route, present } => self.put_ours(route, present),
            Change::DeleteRoute(key) => {
                self.delete_route(*key);
                Ok(())
            }
            Change::Announce(announcement) => self.link(announcement.index).map(drop),
            Change::Take { foreign, with } => self.take(foreign, *with),
            Change::Give { foreign, replaces } => self.give(foreign, *replaces),
        }
    }

    fn link(&self, index: IfIndex) -> Result<&Link, String> {
        self.links.get(&index).ok_or_else(|| "No such device".to_owned())
    }

    fn create_interface(&mut self, name: &IfName) -> Result<(), String> {
        if self.link_named(name).is_some() {
            return Err("File exists".to_owned());
        }
        let index = self.add_link(name.clone(), None, Some(ALIAS.to_owned()));
        self.set_up(index, true);
        Ok(())
    }

    fn delete_interface(&mut self, name: &IfName) -> Result<(), String> {
        let index = self.link_named(name).ok_or("No such device")?.index;
        self.remove_link(index);
        Ok(())
    }

    fn add_ours(&mut self, key: AddressKey, scope: Scope) -> Result<(), String> {
        self.link(key.index)?;
        match self.addresses.get(&key) {
            Some(info) if *info == (AddressInfo { scope, ours: true, tentative: false }) => Ok(()),
            Some(_) => Err("File exists".to_owned()),
            None => {
                self.add_address(key, AddressInfo { scope, ours: true, tentative: false });
                Ok(())
            }
        }
    }

    /// Linux' own replace asks for no owner; a foreign route that slipped in after the daemon last looked
    /// would be lost. No caller can close that window, so it is not simulated.
    fn put_ours(&mut self, route: &Route, present: &[Leg]) -> Result<(), String> {
        for leg in &route.legs {
            if !self.link(leg.index)?.up {
                return Err("Network is down".to_owned());
            }
        }
        if route.legs.is_empty() {
            return Err("Invalid argument".to_owned());
        }
        if inet6::by_legs(route) {
            return self.put_legs(route, present);
        }
        let foreign = RouteKey { ours: !route.key.ours, ..route.key };
        let replace = !present.is_empty();
        if self.routes.contains_key(&foreign) || (!replace && self.routes.contains_key(&route.key)) {
            return Err("File exists".to_owned());
        }
        self.put_route(route.clone());
        Ok(())
    }

    fn add_link(&mut self, name: IfName, mac: Option<Mac>, alias: Option<String>) -> IfIndex {
        self.last_index += 1;
        self.generation += 1;
        let index = IfIndex(self.last_index);
        let link = Link {
            index,
            name,
            mac,
            up: false,
            carrier: false,
            carrier_downs: 0,
            mtu: 1500,
            multi_access: true,
            alias,
            tunables: Some(TUNABLES),
            inet6: Some(Inet6 { forwarding: false }),
        };
        self.links.insert(index, link);
        index
    }

    fn remove_link(&mut self, index: IfIndex) {
        self.set_up(index, false);
        let gone: Vec<AddressKey> = self.addresses_of(index).map(|(key, _)| *key).collect();
        for key in gone {
            self.addresses.remove(&key);
            self.facts.push(Fact::AddressGone(key));
        }
        self.take_legs(index, |_| true);
        self.routes.retain(|key, route| is_inet6(key) || route.legs.iter().all(|leg| leg.index != index));
        self.links.remove(&index);
        self.held.remove(&index);
        self.generation += 1;
        self.facts.push(Fact::LinkGone(index));
    }

    fn edit(&mut self, port: Port, edit: impl FnOnce(&mut Link)) {
        if let Some(index) = self.index_of(port) {
            edit(self.links.get_mut(&index).expect("a plugged port has a link"));
            self.tell(index);
        }
    }

    fn tell(&mut self, index: IfIndex) {
        self.generation += 1;
        self.facts.push(Fact::Link(self.links[&index].clone()));
    }

    /// Flushes the routes over this interface that have no living leg left.
    fn flush_dead_routes(&mut self, index: IfIndex) {
        let links = &self.links;
        let addresses = &self.addresses;
        let alive = |index: IfIndex| {
            let lowest = AddressKey { index, address: IpNet::new_assert(IpAddr::from([0; 4]), 0) };
            let first = addresses.range(lowest..).next().filter(|(key, _)| key.index == index);
            links.get(&index).is_some_and(|link| link.up) && first.is_some_and(|(key, _)| key.address.addr().is_ipv4())
        };
        if !alive(index) {
            self.routes.retain(|key, route| {
                is_inet6(key)
                    || route.legs.iter().all(|leg| leg.index != index)
                    || route.legs.iter().any(|leg| alive(leg.index))
            });
        }
    }
}

fn is_inet6(key: &RouteKey) -> bool {
    key.to.addr().is_ipv6()
}
