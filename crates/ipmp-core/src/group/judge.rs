//! Failure and repair of members, and what is told of them (IPMP behaviour §5).

use std::net::IpAddr;
use std::time::Duration;

use crate::group::{Context, Group};
use crate::history::Losses;
use crate::id::Family;
use crate::member::{Cause, Health, Member, REPLIES_TO_REPAIR};
use crate::notice::{Notice, Reason};
use crate::probing::Probing;
use crate::time::Instant;
use crate::verdict::{self, Verdict};

/// Losses in a row to one target that make it dead, while others answer (§3).
const TARGET_LOSSES: usize = 5;

impl Group {
    /// Passes verdicts and repairs, then has the right members active.
    pub(crate) fn judge(&mut self, ctx: &mut Context) {
        for i in 0..self.members.len() {
            if self.members[i].functioning() {
                self.judge_losses(i, ctx);
            } else {
                self.judge_failed(i, ctx);
            }
        }
        self.judge_families(ctx);
        self.adapt_detection_time(ctx);
        self.judge_quality(ctx);
        if !self.is_anonymous() {
            self.apply_policy(ctx);
            self.tell_state(ctx);
        }
    }

    fn judge_losses(&mut self, i: usize, ctx: &mut Context) {
        self.judge_targets(i, ctx);
        if self.members[i].is_out() {
            return;
        }
        let Some(run) = verdict::failing_run(&self.members[i], ctx.now) else { return };
        let verdict = if self.is_anonymous() { Verdict::Member } else { verdict::judge(self.others(i), &run) };
        match verdict {
            Verdict::Member => {
                let reason = self.reason_of_losses(i, &run, ctx.now);
                self.fail(i, Cause::Probes, reason, ctx);
            }
            Verdict::Wait => {}
            Verdict::Network if !self.accuses_network(i) => {}
            Verdict::Network => {
                let reason = self.reason_of_losses(i, &run, ctx.now);
                self.network_failed(i, reason, ctx);
            }
        }
    }

    /// One bad target is not a bad member (§5, 2).
    fn judge_targets(&mut self, i: usize, ctx: &mut Context) {
        let (group, now) = (self.config.name.clone(), ctx.now);
        let member = &mut self.members[i];
        for target in member.probing.iter_mut().flat_map(|probing| probing.dead_targets(TARGET_LOSSES, now)) {
            let interface = member.config.interface.clone();
            ctx.notify(Notice::TargetDead { interface, group: group.clone(), target });
        }
    }

    fn judge_failed(&mut self, i: usize, ctx: &mut Context) {
        let member = &self.members[i];
        if !member.link_usable() || member.is_out() {
            return;
        }
        if let Some(reason) = self.reason_to_repair(i, ctx.now) {
            match self.suspended(i, ctx.now) {
                Some(left) => self.tell_suspended(i, left, ctx),
                None => self.repair(i, reason, ctx),
            }
        } else if member.failed_by(Cause::Network) && verdict::left_behind(member, self.others(i)) {
            let losses = member.probing.iter().filter_map(|probing| probing.history.losses()).next();
            if let Some(run) = losses {
                let reason = self.reason_of_losses(i, &run, ctx.now);
                self.fail(i, Cause::Probes, reason, ctx);
            }
        }
    }

    /// Whether a member's losses can mean that the network has failed.
    fn accuses_network(&self, i: usize) -> bool {
        let answered = |family: Family| {
            let mut probings = self.members.iter().flat_map(|member| &member.probing);
            probings.any(|probing| probing.family() == family && probing.was_answered())
        };
        let mut capable = self.members[i].probing.iter().filter(|probing| probing.is_capable());
        capable.any(|probing| probing.accuses_network(answered(probing.family())))
    }

    fn reason_to_repair(&self, i: usize, now: Instant) -> Option<Reason> {
        let member = &self.members[i];
        if member.probe_capable() {
            if member.replies_to_repair() < REPLIES_TO_REPAIR {
                return None;
            }
            let replies = member.replies_to_repair() as u32;
            return Some(Reason::ProbesAnswered { replies, targets: member.targets_of_run() });
        }
        // Nothing vouches for the member but its link. One that probes had failed stays so until its
        // targets are back; a test address whose socket is not open yet will be probed in a moment.
        // Where that fails for long, the link is all there is.
        let unique = || member.probing.iter().filter(|probing| probing.twin.is_none());
        let will_probe = unique().any(|probing| !probing.is_open() && probing.is_quiet(now))
            || (member.failed_by(Cause::Probes) && unique().next().is_some());
        (!will_probe).then_some(Reason::LinkUp)
    }

    /// For how long a member that failed too often is not repaired. Where no other one works there is
    /// nothing better, and it is not kept out. One that failed with everybody has not failed.
    pub(super) fn suspended(&self, i: usize, now: Instant) -> Option<Duration> {
        let member = &self.members[i];
        // Those that held on through an outage come first: they have their ten replies in a moment, if at all.
        let in_turn = member.probe_capable() && member.replies_to_repair() < 2 * REPLIES_TO_REPAIR;
        let serves = |other: &Member| other.usable() || (other.holding() && in_turn);
        let better = self.others(i).any(serves) && !member.failed_by(Cause::Network);
        member.penalty.suspended_for(self.config.detection.damping, now).filter(|_| better)
    }

    fn tell_suspended(&mut self, i: usize, left: Duration, ctx: &mut Context) {
        let (group, damping) = (self.config.name.clone(), self.config.detection.damping);
        let member = &mut self.members[i];
        if member.penalty.is_news() {
            let (interface, penalty) = (member.config.interface.clone(), member.penalty.value(damping, ctx.now));
            ctx.notify(Notice::RepairSuspended { interface, group, penalty, reuse: damping.reuse, left });
        }
    }

    /// What is told of a run of losses: of the family whose run it is.
    pub(super) fn reason_of_losses(&self, i: usize, run: &Losses, now: Instant) -> Reason {
        let speaks = |probing: &&Probing| probing.history.losses().as_ref() == Some(run);
        let speaker = self.members[i].probing.iter().find(speaks);
        let mut targets: Vec<IpAddr> = speaker.into_iter().flat_map(|p| p.history.targets_of_run()).collect();
        targets.sort_unstable();
        targets.dedup();
        let last_reply = speaker.and_then(|probing| probing.last_reply(now));
        Reason::ProbesLost { lost: run.count as u32, targets, last_reply }
    }

    pub(super) fn fail(&mut self, i: usize, cause: Cause, reason: Reason, ctx: &mut Context) {
        let (group, interface) = (self.config.name.clone(), self.members[i].config.interface.clone());
        let member = &mut self.members[i];
        let was_active = !member.is_idle() && !member.is_out();
        member.inactive = false;
        member.probing.iter_mut().for_each(Probing::forget_measurements);
        member.penalty.failure(self.config.detection.damping, ctx.now);
        member.fails(cause, reason.clone(), ctx.now);
        ctx.notify(Notice::InterfaceFailed { interface, group, reason });
        if was_active {
            self.activate_another(ctx);
        }
        ctx.changed = true;
    }

    /// Nobody is answered: every member that seemed to function holds what it has; nothing is moved.
    fn network_failed(&mut self, first: usize, reason: Reason, ctx: &mut Context) {
        for (i, member) in self.members.iter_mut().enumerate().filter(|(_, member)| member.usable()) {
            let reason = if i == first { reason.clone() } else { Reason::Network };
            for probing in &mut member.probing {
                probing.targets.reset_rtt();
                // What is lost by everybody makes nobody degraded; one that was before stays so.
                if member.degraded.is_none() {
                    probing.quality.forget_losses();
                }
            }
            member.fails(Cause::Network, reason, ctx.now);
        }
        self.told_failed = true;
        ctx.notify(Notice::GroupFailed {
            group: self.config.name.clone(),
            interface: self.members[first].config.interface.clone(),
            reason,
        });
        ctx.changed = true;
    }

    fn repair(&mut self, i: usize, reason: Reason, ctx: &mut Context) {
        let (group, interface) = (self.config.name.clone(), self.members[i].config.interface.clone());
        let held_on = self.members[i].failed_by(Cause::Network);
        let group_failed = self.failed();
        let member = &mut self.members[i];
        if !held_on && !member.is_out() {
            let stays_idle = !self.config.failback && !group_failed && !member.comes_online;
            member.inactive = member.config.standby || stays_idle;
        }
        member.comes_online = false;
        member.penalty.settle(self.config.detection.damping, ctx.now);
        member.works(reason.clone(), ctx.now);
        ctx.notify(Notice::InterfaceRepaired { interface, group, reason });
        self.announce_all(i, ctx);
        ctx.changed = true;
    }

    /// Tells when the last member is lost, and when the first works again.
    fn tell_state(&mut self, ctx: &mut Context) {
        let group = self.config.name.clone();
        if let Some(member) = self.members.iter().find(|member| member.usable()) {
            let interface = member.config.interface.clone();
            self.was_usable = true;
            if std::mem::take(&mut self.told_failed) {
                ctx.notify(Notice::GroupRecovered { group, interface });
            }
        } else if self.was_usable && !self.told_failed {
            self.told_failed = true;
            let failed = self.members.iter().filter_map(|member| match &member.health {
                Health::Failed { reason, .. } => Some((member, reason)),
                Health::Functioning => None,
            });
            if let Some((member, reason)) = failed.max_by_key(|(member, _)| member.since) {
                let (interface, reason) = (member.config.interface.clone(), reason.clone());
                ctx.notify(Notice::GroupFailed { group, interface, reason });
            }
        }
    }

    pub(super) fn others(&self, i: usize) -> impl Iterator<Item = &Member> {
        self.members.iter().enumerate().filter(move |(j, _)| *j != i).map(|(_, member)| member)
    }
}
