//! A world that is set for a story: settled on a configuration, with handles for what stories ask and do.

use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use ipmp_core::kernel::{AddressKey, Route};
use ipmp_core::status::{GroupStatus, MemberStatus, Status};
use ipmp_core::{Change, Config, Family, GroupConfig, Instant, MemberConfig, Notice};

use crate::network::Path;
use crate::operator::Deed;
use crate::site::{self, Port};
use crate::trace::Keep;
use crate::world::World;

/// A settled world; what led to it is forgotten.
pub struct Stage(pub World);

impl Deref for Stage {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl DerefMut for Stage {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.0
    }
}

/// A group of the first segment: `addresses` data addresses, a default router, members `eth0` and on with
/// test addresses, probing the router and another host.
pub fn group(addresses: u8, members: u8, failure_detection_time: Duration) -> GroupConfig {
    group_of(&[Family::V4], addresses, members, failure_detection_time)
}

/// The same with so many addresses, routers, test addresses and targets of each of these families.
pub fn group_of(families: &[Family], addresses: u8, members: u8, failure_detection_time: Duration) -> GroupConfig {
    let mut group = site::group(0, failure_detection_time);
    let of_each = |n: u8| families.iter().map(move |family| site::data_address(*family, 0, n));
    group.addresses = (0..addresses).flat_map(of_each).collect();
    group.gateways = families.iter().map(|family| site::host_in(*family, 0, 1)).collect();
    group.targets = (1..=2).flat_map(|n| families.iter().map(move |family| site::host_in(*family, 0, n))).collect();
    group.members = (0..members).map(|n| site::member(families, 0, Port(n))).collect();
    group
}

/// The same without any test address.
pub fn untested(mut group: GroupConfig) -> GroupConfig {
    group.members.iter_mut().for_each(|member| member.test_addresses.clear());
    group
}

impl Stage {
    /// A daemon that has run with this group for a minute.
    pub fn of(seed: u64, group: GroupConfig) -> Self {
        Self::on(seed, group, Keep::Lines, |_| {})
    }

    /// The same in a network that is made different first.
    pub fn on(seed: u64, group: GroupConfig, keep: Keep, prepare: impl FnOnce(&mut World)) -> Self {
        let mut stage = Self(World::new(seed, keep));
        prepare(&mut stage);
        stage.file = Config { groups: vec![group], ..Config::default() };
        stage.start();
        stage.plays(Duration::from_secs(60));
        stage.forget();
        stage
    }

    /// Forgets what was told and done so far.
    pub fn forget(&mut self) {
        self.notices.clear();
        self.transactions.clear();
    }

    /// Lets time pass; no rule is broken meanwhile.
    pub fn plays(&mut self, span: Duration) {
        if let Err(violation) = self.0.run_for(span) {
            panic!("{violation}\n{}", self.told());
        }
    }

    /// Lets time pass until something is told; when it was.
    pub fn until(&mut self, limit: Duration, told: impl Fn(&Notice) -> bool) -> Instant {
        let found = |world: &World| world.notices.iter().find(|(_, notice)| told(notice)).map(|(when, _)| *when);
        match self.0.run_while(limit, |world| found(world).is_none()) {
            Ok(true) => found(&self.0).expect("it was told"),
            Ok(false) => panic!("nothing was told within {limit:?}\n{}", self.told()),
            Err(violation) => panic!("{violation}\n{}", self.told()),
        }
    }

    /// Does something now.
    pub fn does(&mut self, deed: Deed) {
        self.0.perform(deed).expect("a deed breaks no rule by itself");
    }

    /// The path of a NIC dies silently, in both directions.
    pub fn cuts(&mut self, port: Port) {
        self.does(Deed::Path(port, Path { cut_in: true, cut_out: true, ..Path::default() }));
    }

    /// The path of a NIC works again.
    pub fn mends(&mut self, port: Port) {
        self.does(Deed::Path(port, Path::default()));
    }

    /// Reads a changed configuration.
    pub fn reloads(&mut self, change: impl FnOnce(&mut GroupConfig)) {
        let mut config = self.file.clone();
        change(&mut config.groups[0]);
        self.0.reload(config);
    }

    /// What of the notices is of interest.
    pub fn count(&self, told: impl Fn(&Notice) -> bool) -> usize {
        self.notices.iter().filter(|(_, notice)| told(notice)).count()
    }

    /// All changes that were asked for.
    pub fn changes(&self) -> Vec<&Change> {
        self.transactions.iter().flat_map(|(_, transaction)| &transaction.changes).collect()
    }

    /// The ports that carry a data address.
    pub fn holders(&self, address: IpAddr) -> Vec<Port> {
        let on = |port: &Port| {
            self.kernel
                .index_of(*port)
                .is_some_and(|index| self.kernel.addresses.contains_key(&AddressKey { index, address: address.into() }))
        };
        (0..site::PORTS).map(Port).filter(on).collect()
    }

    /// Where each data address of the group is; each is on one member.
    pub fn places(&self) -> Vec<Port> {
        self.places_where(|_| true)
    }

    /// The same of one family.
    pub fn places_in(&self, family: Family) -> Vec<Port> {
        self.places_where(|address| Family::of(address) == family)
    }

    fn places_where(&self, of: impl Fn(IpAddr) -> bool) -> Vec<Port> {
        let group = &self.file.groups[0];
        let place = |net: &ipnet::IpNet| match self.holders(net.addr())[..] {
            [one] => one,
            ref holders => panic!("{} is on {holders:?}\n{}", net.addr(), self.told()),
        };
        group.addresses.iter().filter(|net| of(net.addr())).map(place).collect()
    }

    /// The ports that the default route leaves by.
    pub fn ways_out(&self) -> Vec<Port> {
        self.ways_out_in(Family::V4)
    }

    /// The same of one family.
    pub fn ways_out_in(&self, family: Family) -> Vec<Port> {
        let is_default = |route: &&Route| {
            let to = route.key.to;
            route.key.ours && to.prefix_len() == 0 && Family::of(to.addr()) == family
        };
        let default = self.kernel.routes.values().find(is_default);
        let legs = default.into_iter().flat_map(|route| &route.legs);
        let mut ports: Vec<Port> = legs.filter_map(|leg| self.kernel.port_of(leg.index)).collect();
        ports.sort_unstable();
        ports
    }

    /// The daemon's own view.
    pub fn status(&self) -> Status {
        self.daemon.engine().expect("the daemon runs").status(self.now)
    }

    /// The group in it.
    pub fn group_status(&self) -> GroupStatus {
        self.status().groups.remove(0)
    }

    /// A member in it.
    pub fn member_status(&self, port: Port) -> MemberStatus {
        let members = self.group_status().members;
        members.into_iter().find(|member| member.interface == port.name()).expect("a member")
    }

    /// The member's configuration in the file.
    pub fn member_config(&mut self, port: Port) -> &mut MemberConfig {
        let members = &mut self.0.file.groups[0].members;
        members.iter_mut().find(|member| member.interface == port.name()).expect("a member")
    }

    /// What was told, for a failure's message.
    pub fn told(&self) -> String {
        let lines = self.trace.lines();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}
