//! 6: no failure without five losses in a row, or twenty-one where they are confirmed, and none later than
//! promised.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ipmp_core::kernel::Link;
use ipmp_core::notice::Reason;
use ipmp_core::status::MemberState;
use ipmp_core::{Family, IfIndex, IfName, Instant, Notice, ProbeId, Schedule};

use super::truth::{Truth, members};
use super::{Limit, MOVE, Rule, Scene, Violation};

/// Probes of a member that are remembered; more than any verdict looks back.
const REMEMBERED: usize = 64;

/// A step this late at least, or an interval, is a stall.
const STALL: Duration = Duration::from_millis(20);

/// Losses that fail a member, whatever the schedule.
const LOSSES: usize = 5;

/// What the confirming schedule promises on top.
const LOSSES_CONFIRMED: usize = 21;

/// For so long after a reload, a run may have been counted by the schedule before it.
const RELOADED: Duration = Duration::from_secs(1);

/// How many losses in a row a schedule takes.
fn losses_to_fail(schedule: Schedule) -> usize {
    match schedule {
        Schedule::Classic => LOSSES,
        Schedule::Confirm => LOSSES_CONFIRMED,
    }
}

/// Before that a probe is not lost, whatever is known of its target.
fn patience(failure_detection_time: Duration, schedule: Schedule) -> Duration {
    match schedule {
        Schedule::Classic => failure_detection_time / 7,
        Schedule::Confirm => failure_detection_time / 32,
    }
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    id: ProbeId,
    sent: Instant,
    interval: Duration,
    patience: Duration,
    large: bool,
    refused: bool,
    answered: bool,
    void: bool,
}

/// What the daemon can know of its probes and links.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdicts {
    probes: BTreeMap<(IfName, Family), VecDeque<Probe>>,
    owners: BTreeMap<ProbeId, (IfName, Family)>,
    links: BTreeMap<IfIndex, (IfName, bool)>,
    reloaded: Instant,
}

impl Verdicts {
    /// A probe is sent, under this promise.
    pub(super) fn probed(
        &mut self,
        (member, family): (&IfName, Family),
        id: ProbeId,
        sent: Instant,
        (failure_detection_time, schedule): (Duration, Schedule),
        large: bool,
        refused: bool,
    ) {
        let log = self.probes.entry((member.clone(), family)).or_default();
        if log.len() == REMEMBERED {
            let old = log.pop_front().expect("it is full");
            self.owners.remove(&old.id);
        }
        let (interval, patience) = (failure_detection_time / 7, patience(failure_detection_time, schedule));
        log.push_back(Probe { id, sent, interval, patience, large, refused, answered: false, void: false });
        self.owners.insert(id, (member.clone(), family));
    }

    /// The daemon has another configuration.
    pub(super) fn configured(&mut self, now: Instant) {
        self.reloaded = now;
    }

    /// The daemon is told of an answer; whose it is.
    pub(super) fn answered(&mut self, id: ProbeId) -> Option<(IfName, Family)> {
        let owner = self.owners.get(&id)?.clone();
        let probe = self.probes.get_mut(&owner)?.iter_mut().rev().find(|probe| probe.id == id)?;
        probe.answered = true;
        Some(owner)
    }

    /// The daemon runs so late for its deadline: what it could not watch is void.
    pub(super) fn late(&mut self, deadline: Instant, late: Duration) {
        if late <= STALL {
            return;
        }
        for probe in self.probes.values_mut().flatten().filter(|probe| !probe.answered && !probe.refused) {
            probe.void |= late > probe.interval && probe.sent + probe.patience >= deadline;
        }
    }

    /// What was sent by a member before does not count any more.
    pub(super) fn forget(&mut self, member: &IfName) {
        [Family::V4, Family::V6].into_iter().for_each(|family| self.forget_family(member, family));
    }

    /// The same in one family.
    pub(super) fn forget_family(&mut self, member: &IfName, family: Family) {
        for probe in self.probes.remove(&(member.clone(), family)).unwrap_or_default() {
            self.owners.remove(&probe.id);
        }
    }

    /// The daemon is told of a link.
    pub(super) fn link(&mut self, link: &Link) {
        if !link.usable() {
            self.forget(&link.name);
        }
        self.links.insert(link.index, (link.name.clone(), link.usable()));
    }

    /// The daemon is told that a link is gone.
    pub(super) fn link_gone(&mut self, index: IfIndex) {
        if let Some((name, _)) = self.links.remove(&index) {
            self.forget(&name);
        }
    }

    /// The daemon is told of all links.
    pub(super) fn links(&mut self, links: &[Link]) {
        self.links.clear();
        links.iter().for_each(|link| self.link(link));
    }

    /// The administrator is told something: is it just?
    pub(super) fn notified(&self, notice: &Notice, scene: &Scene) -> Result<(), Violation> {
        // The reason that is told with a group is that of the member that failed last, perhaps long ago.
        let (interface, reason, of_group) = match notice {
            Notice::InterfaceFailed { interface, reason, .. } => (interface, reason, false),
            Notice::GroupFailed { interface, reason, .. } => (interface, reason, true),
            _ => return Ok(()),
        };
        let what = match reason {
            Reason::ProbesLost { lost, .. } => {
                let families = [Family::V4, Family::V6];
                let runs = families.map(|family| self.losses_in_a_row(interface, family, scene.now));
                let (losses, large) = runs.into_iter().max().expect("there are two");
                let needed = self.needed(interface, scene);
                // Large ones may be lost where all others pass: they say little about life and death.
                let enough = losses >= needed && losses - large >= needed - 1;
                if (of_group || enough) && *lost as usize >= needed {
                    return Ok(());
                }
                format!(
                    "{interface} is failed after {losses} losses in a row, {large} of them large, {lost} by its own account"
                )
            }
            Reason::Absent | Reason::AdminDown | Reason::NoCarrier if !of_group => {
                if !self.links.values().any(|(name, usable)| name == interface && *usable) {
                    return Ok(());
                }
                format!("{interface} is failed by its link, which is up as far as anybody was told")
            }
            _ => return Ok(()),
        };
        Err(scene.violation(Rule::VerdictsJust, what))
    }

    fn needed(&self, member: &IfName, scene: &Scene) -> usize {
        let config = &scene.daemon.config;
        let group = members(config).find(|(_, of)| of.interface == *member).map(|(group, _)| group);
        let schedule = group.map_or(config.detection.schedule, |group| group.detection.schedule);
        if scene.now.since(self.reloaded) < RELOADED { LOSSES } else { losses_to_fail(schedule) }
    }

    /// How many there are, and how many of them are large.
    fn losses_in_a_row(&self, member: &IfName, family: Family, now: Instant) -> (usize, usize) {
        let judged = |probe: &&Probe| {
            probe.answered
                || probe.refused
                || (!probe.void && probe.sent + probe.patience <= now + Duration::from_micros(10))
        };
        let log = self.probes.get(&(member.clone(), family)).into_iter().flatten().rev();
        let run: Vec<bool> = log.filter(judged).take_while(|probe| !probe.answered).map(|probe| probe.large).collect();
        (run.len(), run.iter().filter(|large| **large).count())
    }
}

/// Members that must be known to have failed, by when.
pub(super) fn limits(scene: &Scene, truth: &Truth) -> Vec<Limit> {
    let due = members(&scene.daemon.config).filter_map(|(group, member)| {
        let of_member = truth.member(&member.interface);
        if of_member.offline_since.is_some() {
            return None;
        }
        let gone = truth.gone_by(group, member)?;
        let by = gone.max(truth.other_ready_at(group, &member.interface)?).max(truth.calm_since) + MOVE;
        Some((&member.interface, by))
    });
    let due: Vec<(&IfName, Instant)> = due.collect();
    let overdue = due.iter().any(|(_, by)| scene.now > *by);
    let status = overdue.then(|| scene.daemon.engine().map(|engine| engine.status(scene.now))).flatten();
    let known = |name: &IfName| {
        let members = status.iter().flat_map(|status| &status.groups).flat_map(|group| &group.members);
        members.filter(|member| member.interface == *name).any(|member| member.state == MemberState::Failed)
    };
    let unknown = due.into_iter().filter(|(name, by)| scene.now <= *by || !known(name));
    unknown
        .map(|(name, by)| Limit {
            rule: Rule::VerdictsJust,
            by,
            what: format!("{name} is dead, another member of its group works, and it is not known to have failed"),
        })
        .collect()
}
