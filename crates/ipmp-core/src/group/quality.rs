//! Members that work, but not well: what is wrong with them, and what their loss means for the verdicts.

use std::time::Duration;

use crate::group::{Context, Group};
use crate::id::IfName;
use crate::member::Member;
use crate::notice::{Grey, Notice};
use crate::probing::Probing;
use crate::time::Instant;

/// More false failures a year than this are told,
const FALSE_FAILURES_MAX: f64 = 1.0;
/// no more often than this.
const FALSE_FAILURES_EVERY: Duration = Duration::from_secs(3600);

impl Group {
    /// Looks whether members are degraded, and whether the network is too lossy for the schedule.
    pub(super) fn judge_quality(&mut self, ctx: &mut Context) {
        // Where some member's large probes are answered, those of the others should be.
        let mut probings = self.members.iter().flat_map(|member| &member.probing);
        let pass = !self.is_anonymous() && probings.any(|probing| probing.quality.large_pass());
        for i in 0..self.members.len() {
            self.members[i].probing.iter_mut().for_each(|probing| probing.quality.expect_large(pass));
            if self.members[i].usable() && self.members[i].probe_capable() {
                let grey = self.grey(&self.members[i], ctx.now);
                self.set_degraded(i, grey, ctx);
            }
        }
        self.tell_false_failures(ctx);
    }

    fn grey(&self, member: &Member, now: Instant) -> Option<Grey> {
        let lossy = matches!(member.degraded, Some(Grey::Loss { .. }));
        let corrupted = matches!(member.degraded, Some(Grey::Corrupt { .. }));
        // Where losses say nothing of the network, they say nothing of the quality of a path either.
        let judged = |probing: &&Probing| probing.is_capable() && probing.accuses_network(false);
        member.probing.iter().filter(judged).find_map(|probing| {
            let (quality, targets) = (&probing.quality, &probing.targets);
            quality
                .lossy(self.config.detection.degraded_loss_percent, lossy)
                .or_else(|| quality.corrupted(corrupted))
                .or_else(|| quality.large_are_lost(probing.large()?))
                .or_else(|| targets.shifted(now).map(|(rtt, usual)| Grey::Slow { rtt, usual }))
        })
    }

    /// Tells where a member begins or ceases to be degraded; the figures may change in between.
    fn set_degraded(&mut self, i: usize, grey: Option<Grey>, ctx: &mut Context) {
        let (group, member) = (self.config.name.clone(), &mut self.members[i]);
        let interface = member.config.interface.clone();
        match (&member.degraded, &grey) {
            (None, Some(reason)) => {
                let reason = reason.clone();
                ctx.notify(Notice::InterfaceDegraded { interface, group, reason });
            }
            (Some(_), None) => ctx.notify(Notice::InterfaceImproved { interface, group }),
            (None, None) | (Some(_), Some(_)) => {
                member.degraded = grey;
                return;
            }
        }
        (member.degraded, member.since) = (grey, ctx.now);
        ctx.changed = true;
    }

    /// The member that loses most, its share, and what that means for the verdicts of a year.
    pub(super) fn false_failures(&self) -> Option<(&IfName, f64, f64)> {
        let known = self.members.iter().filter(|member| member.usable());
        let worst = known.filter_map(|member| Some((&member.config.interface, member.loss()?)));
        let (interface, loss) = worst.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        Some((interface, loss, self.timing().false_failures_per_year(loss)))
    }

    fn tell_false_failures(&mut self, ctx: &mut Context) {
        if self.told_false_failures.is_some_and(|told| told + FALSE_FAILURES_EVERY > ctx.now) {
            return;
        }
        let Some((interface, loss, per_year)) = self.false_failures().filter(|(.., rate)| *rate > FALSE_FAILURES_MAX)
        else {
            return;
        };
        let (group, interface) = (self.config.name.clone(), interface.clone());
        ctx.notify(Notice::FalseFailuresExpected { group, interface, percent: loss * 100.0, per_year });
        self.told_false_failures = Some(ctx.now);
    }
}
