//! What is told of a member: its state, why, and what it waits for. Nothing is decided here.

use crate::config::Damping;
use crate::member::{Cause, Health, Member, REPLIES_TO_REPAIR};
use crate::notice::{Grey, Reason};
use crate::probing::Probing;
use crate::status::{MemberState, MemberStatus, ProbeState, Waiting};
use crate::time::Instant;

impl Member {
    pub(crate) fn status(&self, damping: Damping, now: Instant) -> MemberStatus {
        let state = match &self.health {
            _ if self.is_out() => MemberState::Offline,
            Health::Failed { .. } => MemberState::Failed,
            Health::Functioning if self.lacks_targets() => MemberState::Unknown,
            Health::Functioning if self.degraded.is_some() || self.dead_family().is_some() => MemberState::Degraded,
            Health::Functioning => MemberState::Ok,
        };
        let probe = match &self.health {
            _ if self.probing.iter().all(|probing| probing.twin.is_some()) => ProbeState::Disabled,
            Health::Failed { .. } => ProbeState::Failed,
            _ if !self.probe_capable() => ProbeState::Unknown,
            Health::Functioning => ProbeState::Ok,
        };
        MemberStatus {
            interface: self.config.interface.clone(),
            active: self.usable() && !self.is_idle(),
            inactive: self.inactive,
            standby: self.config.standby,
            link_up: self.link_usable(),
            hwaddr_duplicate: self.twin.is_some(),
            drained: self.drained,
            probe,
            state,
            since: self.since,
            reason: self.reason(),
            penalty: self.penalty.value(damping, now),
            waits_for: self.waits_for(damping, now),
            probing: self.probing.iter().map(|probing| probing.status(self.functioning(), now)).collect(),
        }
    }

    /// Why it is what it is.
    fn reason(&self) -> Reason {
        if let Some(twin) = self.twin.clone().filter(|_| !self.offline) {
            return Reason::HardwareAddress { twin };
        }
        match (&self.health, &self.degraded) {
            _ if self.offline => Reason::Requested,
            (Health::Failed { reason, .. }, _) => reason.clone(),
            (Health::Functioning, _) if self.lacks_targets() => Reason::NoTargets,
            (Health::Functioning, Some(grey)) => Reason::Grey(grey.clone()),
            (Health::Functioning, None) => match self.dead_family() {
                Some(family) => Reason::Grey(Grey::Family(family)),
                None if self.why == Reason::LinkUp => self.vouched_for(),
                None => self.why.clone(),
            },
        }
    }

    /// What speaks for a member that has functioned since its link was found up.
    fn vouched_for(&self) -> Reason {
        let runs = self.probing.iter().filter_map(|probing| probing.history.replies());
        let replies = runs.map(|run| run.count as u32).max();
        let targets = || self.targets_of_run();
        replies.map_or(Reason::LinkUp, |replies| Reason::ProbesAnswered { replies, targets: targets() })
    }

    /// Nothing can be told by probes: there is nobody to probe, or nobody who is known to answer them.
    fn lacks_targets(&self) -> bool {
        let mut capable = self.probing.iter().filter(|probing| probing.is_capable());
        self.probing.iter().any(|probing| probing.twin.is_none())
            && capable.all(|probing| probing.has_failing_run() && !probing.accuses_network(false))
    }

    fn waits_for(&self, damping: Damping, now: Instant) -> Option<Waiting> {
        if self.offline {
            return Some(Waiting::Administrator);
        }
        if self.twin.is_some() {
            return Some(Waiting::HardwareAddress);
        }
        match &self.health {
            Health::Failed { cause: Cause::Link, .. } if !self.link_usable() => Some(Waiting::Link),
            Health::Failed { .. } => {
                let have = self.replies_to_repair();
                let penalty = self.penalty.suspended_for(damping, now);
                match penalty.filter(|_| !self.probe_capable() || have >= REPLIES_TO_REPAIR) {
                    Some(left) => Some(Waiting::Penalty { reuse: damping.reuse, left }),
                    None if self.probe_capable() => {
                        Some(Waiting::Replies { have: have as u32, need: REPLIES_TO_REPAIR as u32 })
                    }
                    None => Some(Waiting::Targets),
                }
            }
            Health::Functioning => self.probing.iter().find_map(|probing| waits_for(probing, now)).or_else(|| {
                let targets = self.lacks_targets().then_some(Waiting::Targets);
                targets.or(self.degraded.is_some().then_some(Waiting::Improvement))
            }),
        }
    }
}

/// What one family of a member that functions waits for.
fn waits_for(probing: &Probing, now: Instant) -> Option<Waiting> {
    if probing.dead_since.is_some() {
        let have = probing.history.replies().map_or(0, |run| run.count as u32);
        return Some(Waiting::Replies { have, need: REPLIES_TO_REPAIR as u32 });
    }
    let lost = probing.history.losses().map(|run| run.count).filter(|_| probing.is_capable());
    match (lost, probing.quiet_for(now)) {
        (Some(_), Some(quiet)) => Some(Waiting::QuietPeriod(quiet)),
        (Some(have), None) if have >= probing.timing.losses_to_fail() => Some(Waiting::Others),
        (Some(have), None) => Some(Waiting::Losses { have: have as u32, need: probing.timing.losses_to_fail() as u32 }),
        (None, _) => None,
    }
}
