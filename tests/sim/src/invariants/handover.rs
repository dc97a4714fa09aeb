//! 2: make before break. No change of the daemon leaves an address on no member, and none stays on two.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipmp_core::{Change, Instant};

use super::truth::{Truth, holders};
use super::{Limit, MOVE, Rule, Scene, Violation};

/// Hand-overs that go on.
#[derive(Clone, Debug, Default)]
pub(super) struct Handovers {
    /// Addresses on more than one member, and since when.
    doubled: BTreeMap<IpAddr, Instant>,
    /// Since when each address is configured without interruption.
    wanted: BTreeMap<IpAddr, Instant>,
    foreign_hand: Instant,
}

impl Handovers {
    /// Takes in where the addresses are.
    pub(super) fn update(&mut self, scene: &Scene) {
        for group in &scene.daemon.config.groups {
            for address in group.addresses.iter().map(|net| net.addr()) {
                if holders(scene, group, address).count() > 1 {
                    self.doubled.entry(address).or_insert(scene.now);
                } else {
                    self.doubled.remove(&address);
                }
            }
        }
    }

    /// Takes in what is configured.
    pub(super) fn configured(&mut self, scene: &Scene) {
        let wanted: Vec<IpAddr> =
            scene.daemon.config.groups.iter().flat_map(|group| group.addresses.iter().map(|net| net.addr())).collect();
        self.wanted.retain(|address, _| wanted.contains(address));
        self.doubled.retain(|address, _| wanted.contains(address));
        for address in wanted {
            self.wanted.entry(address).or_insert(scene.now);
        }
    }

    /// Somebody changed the kernel behind the daemon's back.
    pub(super) fn foreign_hand(&mut self, now: Instant) {
        self.foreign_hand = now;
    }

    /// By when the second binding must be gone.
    pub(super) fn limits(&self, scene: &Scene, truth: &Truth) -> Vec<Limit> {
        let groups = scene.daemon.config.groups.iter();
        let doubled = groups.flat_map(|group| {
            let of_group =
                self.doubled.iter().filter(|(address, _)| group.addresses.iter().any(|net| net.addr() == **address));
            of_group.filter_map(move |(address, since)| {
                let linked = group.members.iter().filter_map(|member| truth.linked_at(member)).min()?;
                Some(Limit {
                    rule: Rule::NeverOnNone,
                    by: linked.max(*since).max(truth.calm_since) + MOVE,
                    what: format!("{address} of {} stays on two members", group.name),
                })
            })
        });
        doubled.collect()
    }

    /// A change whose transaction was asked for at `asked` is about to be carried out.
    pub(super) fn before_change(
        &self,
        scene: &Scene,
        truth: &Truth,
        change: &Change,
        asked: Instant,
    ) -> Result<(), Violation> {
        let Change::DeleteAddress(key) = change else { return Ok(()) };
        let address = key.address.addr();
        let wanted = self.wanted.get(&address).is_some_and(|since| *since < asked);
        let meddled = self.foreign_hand >= asked;
        for group in &scene.daemon.config.groups {
            let of_group = group.addresses.iter().any(|net| net.addr() == address);
            let mut at = holders(scene, group, address).filter_map(|member| scene.kernel.link_named(&member.interface));
            let last = at.by_ref().any(|link| link.index == key.index) && holders(scene, group, address).count() == 1;
            let linked = group.members.iter().filter_map(|member| truth.linked_at(member)).min();
            if of_group && wanted && !meddled && last && linked.is_some_and(|since| since < scene.now) {
                let what = format!("{address} of {} is taken from the only member that has it", group.name);
                return Err(scene.violation(Rule::NeverOnNone, what));
            }
        }
        Ok(())
    }
}
