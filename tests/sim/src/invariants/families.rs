//! A family that is dead on a member while the other lives there takes its own addresses away, and leaves those of
//! the other where they are.
//!
//! Judged where it is the only thing that happens to a group all of whose members were known to be good; a standby
//! that comes in to serve the one family is given its part of the other.

use std::collections::BTreeMap;

use ipmp_core::{Change, Family, GroupConfig, GroupName, IfName, Instant, MemberConfig};

use super::means::{serves, tells};
use super::truth::{Truth, index_of};
use super::{MOVE, Rule, Scene, Violation};

/// Members with one dead family, by group, where nothing else is wrong.
#[derive(Clone, Debug, Default)]
pub(super) struct Families {
    judged: BTreeMap<GroupName, (IfName, Family)>,
}

impl Families {
    /// Something else happens: nothing can be told any more.
    pub(super) fn spoil(&mut self) {
        self.judged.clear();
    }

    /// Takes in which families are dead.
    pub(super) fn update(&mut self, scene: &Scene, truth: &Truth) {
        for group in &scene.daemon.config.groups {
            match (alone(scene, group), self.judged.get(&group.name)) {
                (Some(now), Some(judged)) if now == *judged => {}
                (Some((name, family)), None) if settled(truth, group, scene.now) => {
                    self.judged.insert(group.name.clone(), (name, family));
                }
                _ => {
                    self.judged.remove(&group.name);
                }
            }
        }
    }

    /// A change is about to be carried out.
    pub(super) fn before_change(&self, scene: &Scene, change: &Change) -> Result<(), Violation> {
        let Change::DeleteAddress(key) = change else { return Ok(()) };
        let address = key.address.addr();
        for group in &scene.daemon.config.groups {
            let Some((name, family)) = self.judged.get(&group.name) else { continue };
            let member = group.members.iter().find(|member| member.interface == *name);
            let here = member.and_then(|member| index_of(scene, member)) == Some(key.index);
            let of_group = group.addresses.iter().any(|net| net.addr() == address);
            if here && of_group && Family::of(address) != *family {
                let what = format!("{address} is taken from {name}, on which only {family} is dead");
                return Err(scene.violation(Rule::FamiliesApart, what));
            }
        }
        Ok(())
    }
}

/// The one member of a group with the one family that is dead, where nothing else is wrong and probes of both tell.
fn alone(scene: &Scene, group: &GroupConfig) -> Option<(IfName, Family)> {
    let both = |member: &MemberConfig| {
        [Family::V4, Family::V6].iter().all(|family| serves(group, *family) && tells(group, member, *family))
    };
    let mut found = None;
    if group.members.iter().any(|member| member.standby) {
        return None;
    }
    for member in &group.members {
        let link = scene.kernel.link_named(&member.interface).filter(|link| link.usable())?;
        let path = scene.network.path(scene.kernel.port_of(link.index)?);
        let healed = crate::network::Path { cut_family: None, ..path.clone() };
        if !healed.faultless() || !both(member) {
            return None;
        }
        match (path.cut_family, &found) {
            (None, _) => {}
            (Some(family), None) => found = Some((member.interface.clone(), family)),
            (Some(_), Some(_)) => return None,
        }
    }
    let segment = super::segment(group);
    let quiet = !scene.network.outage(segment) && !scene.network.host_at_fault(segment);
    found.filter(|_| quiet)
}

/// Whether the daemon must have known every member of a group to be well until just now.
fn settled(truth: &Truth, group: &GroupConfig, now: Instant) -> bool {
    let long_ago = |moment: Instant| moment + MOVE < now;
    let well = |member: &MemberConfig| truth.was_well_at(group, member, now).is_some_and(long_ago);
    long_ago(truth.calm_since) && long_ago(truth.fresh_since) && group.members.iter().all(well)
}
