//! What somebody else made and hands over, and what he gets back.

use ipmp_core::kernel::{AddressInfo, AddressKey, Fact, Leg, Route, RouteKey, Scope};
use ipmp_core::{Foreign, ForeignKey};

use super::Kernel;

impl Kernel {
    /// Removes it; one that is gone is removed. `with` of ours comes in the same breath.
    pub(super) fn take(&mut self, foreign: &Foreign, with: Option<AddressKey>) -> Result<(), String> {
        match &foreign.key {
            ForeignKey::Route(key, _) => self.delete_route(*key),
            ForeignKey::Address(key) => self.take_address(*key),
        }
        with.map_or(Ok(()), |key| self.add_ours(key, Scope::Global))
    }

    /// Makes it again; what is there is made. `replaces` of ours goes in the same breath.
    pub(super) fn give(&mut self, foreign: &Foreign, replaces: Option<AddressKey>) -> Result<(), String> {
        replaces.into_iter().for_each(|key| self.delete_address(key));
        match &foreign.key {
            ForeignKey::Address(key) => {
                self.link(key.index)?;
                self.add_address(*key, AddressInfo { scope: Scope::Global, ours: false, tentative: false });
                let connected = connected(*key);
                if !self.routes.contains_key(&connected.key) {
                    self.put_route(connected);
                }
            }
            ForeignKey::Route(key, legs) => {
                for leg in legs {
                    if !self.link(leg.index)?.up {
                        return Err("Network is down".to_owned());
                    }
                }
                self.put_route(Route { key: *key, scope: Scope::Global, legs: legs.clone() });
            }
        }
        Ok(())
    }

    /// With an address goes a route to its prefix: in IPv4 the one that came with it, in IPv6 the best on that interface.
    fn take_address(&mut self, key: AddressKey) {
        if !self.addresses.contains_key(&key) {
            return;
        }
        self.delete_address(key);
        let connected = connected(key);
        if key.address.addr().is_ipv4() {
            return self.delete_route(connected.key);
        }
        let leg = Leg { index: key.index, via: None };
        let leads = |route: &&Route| route.key.to == key.address.trunc() && route.legs.contains(&leg);
        let best = self.routes.values().filter(leads).min_by_key(|route| route.key.metric).cloned();
        if let Some(route) = best {
            let left: Vec<Leg> = route.legs.iter().copied().filter(|known| *known != leg).collect();
            match left.is_empty() {
                true => _ = self.routes.remove(&route.key),
                false => _ = self.routes.insert(route.key, Route { legs: left, ..route.clone() }),
            }
            self.generation += 1;
            self.facts.push(Fact::LegsGone(Route { legs: vec![leg], ..route }));
        }
    }
}

/// The route to its prefix that the kernel makes with an address.
pub fn connected(key: AddressKey) -> Route {
    let metric = if key.address.addr().is_ipv4() { 0 } else { 256 };
    let legs = vec![Leg { index: key.index, via: None }];
    Route { key: RouteKey { to: key.address.trunc(), metric, ours: false }, scope: Scope::Link, legs }
}
