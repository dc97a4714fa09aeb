//! What of IPv6 is not as in IPv4: link-local addresses and the search for their duplicates, the loss of every
//! address with the link's state, and routes that are told leg by leg.

use std::net::IpAddr;

use ipmp_core::IfIndex;
use ipmp_core::kernel::{AddressInfo, AddressKey, Fact, Leg, Route, RouteKey, Scope};
use ipnet::IpNet;

use super::{Kernel, is_inet6};
use crate::site;

/// A route of IPv6 without routers is one for each of its legs.
pub(super) fn by_legs(route: &Route) -> bool {
    is_inet6(&route.key) && route.legs.iter().all(|leg| leg.via.is_none())
}

impl Kernel {
    /// The addresses whose duplicates the kernel has begun to look for.
    pub fn unproven(&mut self) -> Vec<AddressKey> {
        std::mem::take(&mut self.unproven)
    }

    /// No duplicate of an address was found.
    pub fn proven(&mut self, key: AddressKey) {
        if let Some(info) = self.addresses.get_mut(&key).filter(|info| info.tentative) {
            info.tentative = false;
            self.generation += 1;
            let info = *info;
            self.facts.push(Fact::Address(key, info));
        }
    }

    /// The link-local address of an interface that may be sent from.
    pub fn link_local(&self, index: IfIndex) -> Option<IpAddr> {
        let usable = |(key, info): (&AddressKey, &AddressInfo)| {
            (is_link_local(key.address.addr()) && !info.tentative).then(|| key.address.addr())
        };
        self.addresses_of(index).find_map(usable)
    }

    /// A NIC that is up and has carrier gives itself a link-local address, unless it has one.
    pub(super) fn link_ready(&mut self, index: IfIndex) {
        let Some(link) = self.links.get(&index).filter(|link| link.usable() && link.inet6.is_some()) else { return };
        let Some(mac) = link.mac else { return };
        if !self.addresses_of(index).any(|(key, _)| is_link_local(key.address.addr())) {
            let key = AddressKey { index, address: IpNet::new_assert(site::link_local(mac), 64) };
            self.add_address(key, AddressInfo { scope: Scope::Link, ours: false, tentative: true });
            self.unproven.push(key);
        }
    }

    /// An interface that is set down loses every address of IPv6, and its legs of routes without a router.
    pub(super) fn shut_down_inet6(&mut self, index: IfIndex) {
        let of_inet6 = self.addresses_of(index).map(|(key, _)| *key).filter(|key| key.address.addr().is_ipv6());
        for key in of_inet6.collect::<Vec<_>>() {
            self.delete_address(key);
        }
        self.take_legs(index, by_legs);
    }

    /// Takes the legs of an interface out of the routes of IPv6 that it says, and tells so.
    pub(super) fn take_legs(&mut self, index: IfIndex, of: impl Fn(&Route) -> bool) {
        let here =
            |route: &&Route| is_inet6(&route.key) && of(route) && route.legs.iter().any(|leg| leg.index == index);
        for route in self.routes.values().filter(here).cloned().collect::<Vec<_>>() {
            self.drop_legs(&route.key, |leg| leg.index == index);
        }
    }

    /// Adds the legs that are missing, one by one, and then takes those that are `present` and not wanted.
    pub(super) fn put_legs(&mut self, route: &Route, present: &[Leg]) -> Result<(), String> {
        let foreign = self.routes.get(&RouteKey { ours: !route.key.ours, ..route.key });
        if foreign.is_some_and(|foreign| route.legs.iter().any(|leg| foreign.legs.contains(leg))) {
            return Err("File exists".to_owned());
        }
        for leg in &route.legs {
            let ours = self.routes.entry(route.key).or_insert_with(|| Route { legs: Vec::new(), ..route.clone() });
            if !ours.legs.contains(leg) {
                ours.legs.push(*leg);
                ours.legs.sort_unstable();
                self.generation += 1;
                self.facts.push(Fact::LegAdded(Route { legs: vec![*leg], ..route.clone() }));
            }
        }
        self.drop_legs(&route.key, |leg| present.contains(leg) && !route.legs.contains(leg));
        Ok(())
    }

    /// Tells of the legs of a route that is gone, or of some of them.
    pub(super) fn tell_legs_gone(&mut self, route: &Route, gone: impl Fn(&Leg) -> bool) {
        for leg in route.legs.iter().filter(|leg| gone(leg)) {
            self.facts.push(Fact::LegsGone(Route { legs: vec![*leg], ..route.clone() }));
        }
    }

    fn drop_legs(&mut self, key: &RouteKey, gone: impl Fn(&Leg) -> bool) {
        let Some(route) = self.routes.get_mut(key) else { return };
        let before = route.clone();
        route.legs.retain(|leg| !gone(leg));
        if route.legs.len() == before.legs.len() {
            return;
        }
        if route.legs.is_empty() {
            self.routes.remove(key);
        }
        self.generation += 1;
        self.tell_legs_gone(&before, gone);
    }
}

/// Whether an address is of one link only.
pub(super) fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}
