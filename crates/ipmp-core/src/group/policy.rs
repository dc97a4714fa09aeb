//! Who of the members that work is active: standbys, failback, and the administrator's hand (IPMP behaviour §6).

use crate::event::Refusal;
use crate::group::{Context, Group};
use crate::member::{Cause, Member};
use crate::notice::{Grey, Notice, Reason};
use crate::time::Instant;

/// So much more of its probes a member loses for another one to be better.
const LOSS_MARGIN: f64 = 0.05;

impl Group {
    /// An active member is gone: one that idles takes its place, a standby if there is one (§6).
    pub(super) fn activate_another(&mut self, ctx: &mut Context) {
        let idle = |member: &Member| member.usable() && member.inactive;
        let standby = self.members.iter().position(|member| idle(member) && member.config.standby);
        if let Some(i) = standby.or_else(|| self.members.iter().position(idle)) {
            self.set_active(i, true, ctx);
        }
    }

    pub(super) fn set_active(&mut self, i: usize, active: bool, ctx: &mut Context) {
        let (group, interface) = (self.config.name.clone(), self.members[i].config.interface.clone());
        self.members[i].inactive = !active;
        ctx.notify(match active {
            true => Notice::StandbyActivated { interface, group },
            false => Notice::StandbyDeactivated { interface, group },
        });
        ctx.changed = true;
    }

    /// As many members are active as are not standby, a standby only while another is missing, and one at
    /// least if any functions (§6, §14 #3 and #4).
    pub(super) fn apply_policy(&mut self, ctx: &mut Context) {
        self.drain(ctx);
        if self.config.failback {
            let idle = |member: &Member| member.usable() && member.inactive && !member.config.standby;
            while let Some(i) = self.members.iter().position(idle) {
                self.set_active(i, true, ctx);
            }
        }
        let wanted = self.members.iter().filter(|member| !member.config.standby).count().max(1);
        // One of whose families is dead is missing for that family.
        let whole = |member: &&Member| member.in_service() && member.dead_family().is_none();
        let active = |group: &Self| group.members.iter().filter(whole).count();
        while active(self) < wanted {
            let idle = |member: &Member| member.usable() && member.link_usable() && member.inactive && !member.drained;
            let standby = self.members.iter().position(|member| idle(member) && member.config.standby);
            let any = self.members.iter().position(idle).filter(|_| active(self) == 0);
            let Some(i) = standby.or(any) else { break };
            self.set_active(i, true, ctx);
        }
        while active(self) > wanted {
            let spare = |member: &Member| member.in_service() && member.functioning() && member.config.standby;
            let Some(i) = self.members.iter().position(spare) else { break };
            self.set_active(i, false, ctx);
        }
    }

    /// Empties degraded members while a better one exists, where that is wanted. A standby takes the place of
    /// one that is emptied, as of one that is missing.
    fn drain(&mut self, ctx: &mut Context) {
        if self.failed() {
            return;
        }
        let mut emptied = 0;
        let group = &self.config.name;
        for i in 0..self.members.len() {
            let (already, was_active) = (self.members[i].drained, self.members[i].in_service());
            let mut well = self.members.iter().filter(|other| works_well(other));
            let better = well.any(|other| already || is_better(other, &self.members[i], ctx.now));
            let member = &mut self.members[i];
            let grey = member.degraded.clone().filter(|_| self.config.detection.drain && better && member.usable());
            if std::mem::replace(&mut member.drained, grey.is_some()) == grey.is_some() {
                continue;
            }
            let (interface, group) = (member.config.interface.clone(), group.clone());
            ctx.notify(match grey {
                Some(reason) => Notice::InterfaceDrained { interface, group, reason },
                None => Notice::InterfaceUndrained { interface, group },
            });
            emptied += usize::from(member.drained && was_active);
            ctx.changed = true;
        }
        (0..emptied).for_each(|_| self.activate_another(ctx));
    }

    /// The administrator takes a member out of service.
    pub(crate) fn take_offline(&mut self, i: usize, ctx: &mut Context) -> Result<(), Refusal> {
        let interface = self.members[i].config.interface.clone();
        if self.members[i].is_out() {
            return Err(Refusal::AlreadyOffline(interface));
        }
        let failed = self.failed();
        let could_replace =
            |other: &Member| if failed { !other.is_out() && other.link_usable() } else { other.usable() };
        if self.is_anonymous() || !self.others(i).any(could_replace) {
            return Err(Refusal::MinimumRedundancy(interface));
        }
        let was_active = self.members[i].in_service();
        self.members[i].offline = true;
        self.members[i].inactive = false;
        self.members[i].since = ctx.now;
        ctx.notify(Notice::Offline { interface, group: self.config.name.clone() });
        if was_active {
            self.activate_another(ctx);
        }
        ctx.changed = true;
        Ok(())
    }

    /// The administrator takes a member back. What was done to its cables meanwhile nobody knows: where
    /// probes can tell, it has to earn its place.
    pub(crate) fn take_online(&mut self, i: usize, ctx: &mut Context) -> Result<(), Refusal> {
        let (group, now) = (self.config.name.clone(), ctx.now);
        let interface = self.members[i].config.interface.clone();
        if !self.members[i].offline {
            return Err(Refusal::NotOffline(interface));
        }
        if self.twins(i).next().is_some() {
            return Err(Refusal::DuplicateHardwareAddress(interface));
        }
        self.members[i].offline = false;
        self.members[i].untested_since = Some(now);
        self.must_prove(i, now);
        ctx.notify(Notice::Online { interface, group });
        ctx.changed = true;
        Ok(())
    }

    /// A member comes back from being out of service.
    pub(super) fn must_prove(&mut self, i: usize, now: Instant) {
        let member = &mut self.members[i];
        member.since = now;
        if (member.functioning() || member.failed_by(Cause::Network)) && !member.probing.is_empty() {
            member.comes_online = true;
            // Until the probe socket is open again.
            member.probing.iter_mut().for_each(|probing| probing.arm_quiet_period(now));
            member.fails(Cause::Unproven, Reason::Unproven, now);
        } else {
            // One that failed meanwhile has its replies ahead of it.
            member.comes_online = member.link_usable();
        }
    }
}

/// Whether a member could serve in place of a degraded one.
fn works_well(member: &Member) -> bool {
    member.usable() && member.link_usable() && member.degraded.is_none()
}

/// Whether another member that works well is clearly better than a degraded one. What befalls the whole network
/// befalls all of them, though never quite in step: that must not empty one of them.
fn is_better(other: &Member, degraded: &Member, now: Instant) -> bool {
    match &degraded.degraded {
        Some(Grey::Loss { .. }) => {
            let clearly = |(loss, others): (f64, f64)| others <= loss / 2.0 && others + LOSS_MARGIN <= loss;
            degraded.loss().zip(other.loss()).is_some_and(clearly) && !degraded.is_losing() && !other.is_losing()
        }
        _ => other.probing.iter().all(|probing| probing.is_spotless(now)),
    }
}
