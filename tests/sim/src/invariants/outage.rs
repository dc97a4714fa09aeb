//! 4: while nobody is answered, it is the network; then nothing is moved, and not because it came back either.
//!
//! An outage is judged where it is the only thing that happens to a group: its members were known to be
//! good, or known to be gone, when it began, and nothing else is done until all of it is forgotten.

use std::collections::BTreeMap;

use ipmp_core::{Change, GroupConfig, Instant, MemberConfig};

use super::means;
use super::truth::{self, Truth, segment};
use super::{MOVE, Rule, Scene, Violation};
use crate::site;

/// Outages that are judged, by segment.
#[derive(Clone, Debug, Default)]
pub(super) struct Outages {
    judged: BTreeMap<u8, Judged>,
    dark: BTreeMap<u8, bool>,
}

#[derive(Clone, Debug)]
struct Judged {
    /// Until when it is watched; open while it goes on.
    until: Option<Instant>,
    /// How the members were without it.
    members: Vec<(bool, bool)>,
}

impl Outages {
    /// Something else happens: nothing can be told any more.
    pub(super) fn spoil(&mut self) {
        self.judged.clear();
    }

    /// Takes in which segments are cut off.
    pub(super) fn update(&mut self, scene: &Scene, truth: &Truth) {
        for group in &scene.daemon.config.groups {
            let segment = segment(group);
            let dark = scene.network.outage(segment);
            let was_dark = self.dark.insert(segment, dark).unwrap_or(false);
            let members = faults(scene, group);
            match self.judged.get_mut(&segment) {
                Some(judged) if judged.members != members => {
                    self.judged.remove(&segment);
                }
                Some(judged) if was_dark && !dark => {
                    // Ten replies, and as long again for verdicts that waited.
                    judged.until = Some(scene.now + truth.tempo.now(group) / 7 * 24 + MOVE);
                }
                Some(judged) if judged.until.is_some_and(|until| until < scene.now) => {
                    self.judged.remove(&segment);
                }
                None if dark && !was_dark && settled(scene, truth, group) => {
                    self.judged.insert(segment, Judged { until: None, members });
                }
                Some(_) | None => {}
            }
        }
    }

    /// A change is about to be carried out.
    pub(super) fn before_change(&self, scene: &Scene, change: &Change) -> Result<(), Violation> {
        let address = match change {
            Change::AddAddress { key, .. } | Change::DeleteAddress(key) => key.address.addr(),
            Change::PutRoute { route, .. } => route.legs.iter().find_map(|leg| leg.via).unwrap_or(route.key.to.addr()),
            Change::DeleteRoute(key) => key.to.addr(),
            _ => return Ok(()),
        };
        let judged = site::segment_of(address).and_then(|segment| self.judged.get(&segment));
        let watched = judged.is_some_and(|judged| judged.until.is_none_or(|until| scene.now <= until));
        match watched {
            true => Err(scene.violation(Rule::OutageMovesNothing, format!("{change:?} because of an outage"))),
            false => Ok(()),
        }
    }
}

/// Link and path of each member, leaving the segment aside.
fn faults(scene: &Scene, group: &GroupConfig) -> Vec<(bool, bool)> {
    let fault = |member: &MemberConfig| {
        let link = scene.kernel.link_named(&member.interface).filter(|link| link.usable());
        let port = link.and_then(|link| scene.kernel.port_of(link.index));
        let clean = port.is_some_and(|port| scene.network.clean(port, truth::interval(group) / 2));
        (link.is_some(), clean)
    };
    group.members.iter().map(fault).collect()
}

/// Whether the daemon must know all there is to know of the members of a group.
fn settled(scene: &Scene, truth: &Truth, group: &GroupConfig) -> bool {
    let long_ago = |moment: Option<Instant>| moment.is_some_and(|moment| moment + MOVE < scene.now);
    let ready = |(member, fault): (&MemberConfig, (bool, bool))| {
        // The outage has begun just now, and is not to count.
        let good = truth.was_well_at(group, member, scene.now).filter(|_| fault == (true, true));
        long_ago(good) || long_ago(truth.gone_by(group, member))
    };
    // A member that probes nobody speaks against an outage as long as it has its link.
    let silent = |member: &&MemberConfig| {
        !means::probed(group, member) && truth.member(&member.interface).link_up_since.is_some()
    };
    if group.members.iter().any(|member| silent(&member)) {
        return false;
    }
    long_ago(Some(truth.calm_since))
        && long_ago(Some(truth.fresh_since))
        && group.members.iter().zip(faults(scene, group)).all(ready)
}
