//! How each deed is done to the world.

use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::kernel::{AddressInfo, AddressKey, Leg, ROUTE_METRIC, Route, RouteKey, Scope};
use ipmp_core::{Command, IfName, Instant, Mac};
use ipnet::IpNet;

use super::Deed;
use super::edit::edited;
use crate::daemon::Process;
use crate::invariants::Violation;
use crate::site::{self, Port};
use crate::world::{Happening, Weather, World};

/// The hardware address of a host that has an address which is ours by right.
pub const STRANGER: Mac = Mac([6, 0, 0, 0, 0, 1]);

impl World {
    /// Does it.
    pub fn perform(&mut self, deed: Deed) -> Result<(), Violation> {
        self.note(format_args!("! {deed:?}"));
        self.checks.deed(self.now);
        match deed {
            Deed::Path(port, path) => self.network.set_path(port, path),
            Deed::Dark(segment, dark) => self.network.set_dark(segment, dark),
            Deed::Host(address, host) => self.network.set_host(address, host),
            Deed::Stranger(address, true) => self.stranger_comes(address, STRANGER),
            Deed::Stranger(address, false) => self.network.set_stranger(address, None),
            Deed::Cable(port, plugged) => self.cable(port, plugged),
            Deed::Up(port, up) => self.set_up(port, up),
            Deed::Nic(port, plugged) => self.nic(port, plugged),
            Deed::Renamed(port, away) => self.rename(port, away),
            Deed::Mac(port, mac) => {
                self.checks.disturbed(self.now);
                self.kernel.set_mac(port, mac);
            }
            Deed::Reload => {
                let config = edited(&mut self.rng, &self.file);
                self.note(format_args!("! new configuration {config:?}"));
                self.reload(config);
            }
            Deed::Service(port, online) => {
                let command = if online { Command::Online } else { Command::Offline };
                self.command(command(port.name()));
            }
            Deed::Kill => self.kill(),
            Deed::Start if self.daemon.process == Process::Dead => self.start(),
            Deed::Start => {}
            Deed::Stall(span, machine) => self.stall(span, machine),
            Deed::Weather(weather) => {
                // What was slow or refused in it may still be under way.
                self.checks.disturbed(self.now + self.weather.slowness * 4);
                self.weather = weather;
                self.checks.weather(weather, self.now);
            }
            Deed::ForeignDelete => self.foreign_delete(),
            Deed::ForeignAdd(port) => self.foreign_add(port),
            Deed::ForeignSeize => self.foreign_seize(),
            Deed::ForeignRelease => self.foreign_release(),
        }
        self.check()
    }

    /// Queues what is done later.
    pub fn plan(&mut self, deeds: Vec<(Instant, Deed)>) {
        for (when, deed) in deeds {
            self.queue_at(when, Happening::Deed(deed));
        }
    }

    /// Ends every fault, and takes every member back into service.
    pub fn heal(&mut self) -> Result<(), Violation> {
        self.network.heal();
        self.perform(Deed::Weather(Weather::FAIR))?;
        for port in (0..site::PORTS).map(Port) {
            self.perform(Deed::Cable(port, true))?;
            if self.kernel.index_of(port).is_none() {
                self.perform(Deed::Nic(port, true))?;
            }
            self.perform(Deed::Renamed(port, false))?;
            self.perform(Deed::Up(port, true))?;
            self.perform(Deed::Mac(port, port.mac()))?;
        }
        self.perform(Deed::ForeignRelease)?;
        if let Process::Stalled { until, .. } = self.daemon.process {
            self.run_until(until)?;
        }
        self.perform(Deed::Start)?;
        self.run_for(Duration::from_secs(1))?;
        let members: Vec<IfName> = self
            .file
            .groups
            .iter()
            .flat_map(|group| group.members.iter().map(|member| member.interface.clone()))
            .collect();
        for name in members {
            self.command(Command::Online(name));
        }
        Ok(())
    }

    /// When the daemon can know of what is done now at the soonest.
    fn known_at(&self) -> Instant {
        match self.daemon.process {
            Process::Stalled { until, .. } => until,
            Process::Running | Process::Dead => self.now,
        }
    }

    /// Plugs or pulls a cable.
    fn cable(&mut self, port: Port, plugged: bool) {
        if let Some(told) = self.kernel.set_cable(port, plugged, self.now) {
            self.queue_at(told, Happening::LinkWatch);
        }
    }

    fn set_up(&mut self, port: Port, up: bool) {
        if let Some(index) = self.kernel.index_of(port).filter(|index| self.kernel.links[index].up != up) {
            // Routes may be flushed with it.
            self.checks.foreign_hand(self.known_at());
            self.kernel.set_up(index, up);
        }
    }

    fn nic(&mut self, port: Port, plugged: bool) {
        if self.kernel.index_of(port).is_some() == plugged {
            return;
        }
        self.checks.foreign_hand(self.known_at());
        if plugged {
            self.kernel.plug(port, port.name());
            let index = self.kernel.index_of(port).expect("plugged just now");
            self.kernel.set_up(index, true);
        } else {
            self.kernel.unplug(port);
        }
    }

    fn rename(&mut self, port: Port, away: bool) {
        let name = if away { site::if_name(&format!("was{}", port.0)) } else { port.name() };
        let known = self.kernel.index_of(port).map(|index| self.kernel.links[&index].name.clone());
        if known.is_some_and(|known| known != name) {
            self.checks.foreign_hand(self.known_at());
            self.kernel.rename(port, name);
        }
    }

    fn foreign_delete(&mut self) {
        let addresses: Vec<AddressKey> =
            self.kernel.addresses.iter().filter(|(_, info)| info.ours).map(|(key, _)| *key).collect();
        let routes: Vec<RouteKey> = self.kernel.routes.keys().filter(|key| key.ours).copied().collect();
        if self.rng.chance(0.3)
            && let Some(key) = self.rng.pick(&routes)
        {
            self.checks.route_taken(*key, self.now);
            self.kernel.delete_route(*key);
        } else if let Some(key) = self.rng.pick(&addresses) {
            let link = self.kernel.links[&key.index].name.clone();
            self.checks.address_taken(*key, self.now);
            if self.kernel.addresses[key].scope == Scope::Link {
                self.checks.probing_disturbed(&link, self.now);
            }
            self.kernel.delete_address(*key);
        }
    }

    /// The host gives a NIC an address of its own, as it does to those that no group has.
    pub fn give_own_address(&mut self, port: Port, segment: u8) {
        if let Some(index) = self.kernel.index_of(port) {
            let address = site::net(site::host(segment, 100 + port.0));
            self.kernel.add_address(
                AddressKey { index, address },
                AddressInfo { scope: Scope::Global, ours: false, tentative: false },
            );
        }
    }

    fn foreign_add(&mut self, port: Port) {
        let Some(index) = self.kernel.index_of(port).filter(|index| self.kernel.links[index].up) else { return };
        let address = IpNet::new_assert(site::host(0, 200 + port.0), 32);
        self.kernel.add_address(
            AddressKey { index, address },
            AddressInfo { scope: Scope::Global, ours: false, tentative: false },
        );
        let to = IpNet::new_assert(IpAddr::from([198, 18, port.0, 0]), 24);
        let leg = Leg { index, via: Some(site::host(0, 3)) };
        let key = RouteKey { to, metric: 0, ours: false };
        self.kernel.put_route(Route { key, scope: Scope::Global, legs: vec![leg] });
    }

    /// `ip route replace` by somebody who does not care whose it was.
    fn foreign_seize(&mut self) {
        // One without routers is no single route in IPv6.
        let whole = |(key, route): &(&RouteKey, &Route)| {
            key.ours && (key.to.addr().is_ipv4() || route.legs.iter().any(|leg| leg.via.is_some()))
        };
        let routes: Vec<RouteKey> = self.kernel.routes.iter().filter(whole).map(|(key, _)| *key).collect();
        if let Some(key) = self.rng.pick(&routes) {
            self.checks.route_taken(*key, self.now);
            let route = self.kernel.routes[key].clone();
            self.kernel.delete_route(*key);
            self.kernel.put_route(Route { key: RouteKey { ours: false, ..*key }, ..route });
        }
    }

    fn foreign_release(&mut self) {
        let seized = self.kernel.routes.keys().filter(|key| !key.ours && key.metric == ROUTE_METRIC);
        for key in seized.copied().collect::<Vec<_>>() {
            self.checks.foreign_hand(self.known_at());
            // Ours was refused as long as his was there.
            self.checks.disturbed(self.now + Duration::from_secs(61));
            self.kernel.delete_route(key);
        }
    }
}
