//! Failure and repair of members, and what is told of them (IPMP behaviour §5).

use std::net::IpAddr;

use crate::group::{Context, Group};
use crate::member::{Cause, Health, Member, REPLIES_TO_REPAIR};
use crate::notice::{Notice, Reason};
use crate::time::Instant;
use crate::verdict::{self, Verdict};

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
        self.apply_policy(ctx);
        self.tell_state(ctx);
    }

    pub(super) fn judge_losses(&mut self, i: usize, ctx: &mut Context) {
        self.judge_targets(i, ctx);
        if self.members[i].offline {
            return;
        }
        let Some(run) = verdict::failing_run(&self.members[i], ctx.now) else { return };
        match verdict::judge(self.others(i), &run) {
            Verdict::Member => {
                let reason = self.reason_of_losses(i, run.count, run.targets, ctx.now);
                self.fail(i, Cause::Probes, reason, ctx);
            }
            Verdict::Wait => {}
            Verdict::Network => {
                let reason = self.reason_of_losses(i, run.count, run.targets, ctx.now);
                self.network_failed(i, reason, ctx);
            }
        }
    }

    /// One bad target is not a bad member (§5, 2).
    pub(super) fn judge_targets(&mut self, i: usize, ctx: &mut Context) {
        let (group, now) = (self.config.name.clone(), ctx.now);
        let member = &mut self.members[i];
        for probing in &mut member.probing {
            let Some(run) = probing.history.losses() else { continue };
            let (target, lost) = run.newest_target;
            let bad = run.count < verdict::LOSSES_TO_FAIL && lost >= verdict::LOSSES_TO_FAIL;
            if bad && probing.targets.mark_dead(target, now) {
                let interface = member.config.interface.clone();
                ctx.notify(Notice::TargetDead { interface, group: group.clone(), target });
            }
        }
    }

    pub(super) fn judge_failed(&mut self, i: usize, ctx: &mut Context) {
        let member = &self.members[i];
        if !member.link_usable() || member.offline {
            return;
        }
        if let Some(reason) = self.reason_to_repair(i, ctx.now) {
            self.repair(i, reason, ctx);
        } else if member.failed_by(Cause::Network) && verdict::left_behind(member, self.others(i)) {
            let losses = member.probing.iter().filter_map(|probing| probing.history.losses()).next();
            if let Some(run) = losses {
                let reason = self.reason_of_losses(i, run.count, run.targets, ctx.now);
                self.fail(i, Cause::Probes, reason, ctx);
            }
        }
    }

    pub(super) fn reason_to_repair(&self, i: usize, now: Instant) -> Option<Reason> {
        let member = &self.members[i];
        if member.probe_capable() {
            let replies = member
                .probing
                .iter()
                .filter(|probing| probing.is_capable())
                .filter_map(|probing| probing.history.replies());
            let mut enough = replies.filter(|run| run.count.max(run.newest_target) >= REPLIES_TO_REPAIR);
            return enough.next().map(|run| Reason::ProbesAnswered { replies: run.count as u32, targets: run.targets });
        }
        // Nothing vouches for the member but its link. One that probes had failed stays so until its
        // targets are back; a test address whose socket is not open yet will be probed in a moment.
        let will_probe = member.probing.iter().any(|probing| !probing.is_open())
            || (member.failed_by(Cause::Probes) && !member.probing.is_empty());
        let held = member.flapping && member.held_until(now).is_some();
        (!will_probe && !held).then_some(Reason::LinkUp)
    }

    pub(super) fn reason_of_losses(&self, i: usize, lost: usize, targets: Vec<IpAddr>, now: Instant) -> Reason {
        let last_reply = self.members[i].probing.iter().filter_map(|probing| probing.last_reply(now)).min();
        Reason::ProbesLost { lost: lost as u32, targets, last_reply }
    }

    pub(super) fn fail(&mut self, i: usize, cause: Cause, reason: Reason, ctx: &mut Context) {
        let (group, interface) = (self.config.name.clone(), self.members[i].config.interface.clone());
        let was_active = !self.members[i].inactive && !self.members[i].offline;
        self.members[i].inactive = false;
        self.members[i].probing.iter_mut().for_each(|probing| probing.targets.reset_rtt());
        self.members[i].set_health(Health::Failed { cause, reason: reason.clone() }, ctx.now);
        ctx.notify(Notice::InterfaceFailed { interface, group, reason });
        if was_active {
            self.activate_another(ctx);
        }
        ctx.changed = true;
    }

    /// Nobody is answered: every member that seemed to function holds what it has; nothing is moved.
    pub(super) fn network_failed(&mut self, first: usize, reason: Reason, ctx: &mut Context) {
        for (i, member) in self.members.iter_mut().enumerate().filter(|(_, member)| member.usable()) {
            let reason = if i == first { reason.clone() } else { Reason::Network };
            member.set_health(Health::Failed { cause: Cause::Network, reason }, ctx.now);
        }
        self.told_failed = true;
        ctx.notify(Notice::GroupFailed {
            group: self.config.name.clone(),
            interface: self.members[first].config.interface.clone(),
            reason,
        });
        ctx.changed = true;
    }

    pub(super) fn repair(&mut self, i: usize, reason: Reason, ctx: &mut Context) {
        let (group, interface) = (self.config.name.clone(), self.members[i].config.interface.clone());
        let held_on = self.members[i].failed_by(Cause::Network);
        let group_failed = self.failed();
        let member = &mut self.members[i];
        if !held_on && !member.offline {
            member.inactive = member.config.standby || (!self.config.failback && !group_failed);
        }
        member.flapping = false;
        member.set_health(Health::Functioning, ctx.now);
        ctx.notify(Notice::InterfaceRepaired { interface, group, reason });
        self.announce_all(i, ctx);
        ctx.changed = true;
    }

    /// Tells when the last member is lost, and when the first works again.
    pub(super) fn tell_state(&mut self, ctx: &mut Context) {
        let group = self.config.name.clone();
        if let Some(member) = self.members.iter().find(|member| member.usable()) {
            let interface = member.config.interface.clone();
            self.was_usable = true;
            if std::mem::take(&mut self.told_failed) {
                ctx.notify(Notice::GroupRecovered { group, interface });
            }
        } else if self.was_usable && !self.told_failed {
            self.told_failed = true;
            let newest = self.members.iter().max_by_key(|member| member.since);
            if let Some((member, Health::Failed { reason, .. })) = newest.map(|member| (member, &member.health)) {
                let (interface, reason) = (member.config.interface.clone(), reason.clone());
                ctx.notify(Notice::GroupFailed { group, interface, reason });
            }
        }
    }

    pub(super) fn others(&self, i: usize) -> impl Iterator<Item = &Member> {
        self.members.iter().enumerate().filter(move |(j, _)| *j != i).map(|(_, member)| member)
    }
}
