//! The failure detection time in force: raised where the network is too slow for it, and lowered again
//! (IPMP behaviour §4). Each group has its own, and its own clock (§14 #10).

use std::time::Duration;

use crate::group::{Context, Group};
use crate::member::Member;
use crate::notice::Notice;
use crate::probing::Probing;
use crate::schedule::Timing;

/// A failure detection time that was raised stays so for a while (§0).
const SETTLES: Duration = Duration::from_secs(60);

/// How far it is raised where no limit is configured: so many times itself.
const RAISED_MAX: u32 = 10;

impl Group {
    /// The schedule in force.
    pub(super) fn timing(&self) -> Timing {
        Timing {
            schedule: self.config.detection.schedule,
            failure_detection_time: self.detection_time,
            wanted: self.config.failure_detection_time,
        }
    }

    /// The longest failure detection time that may come into force.
    fn detection_time_max(&self) -> Duration {
        let wanted = self.config.failure_detection_time;
        self.config.detection.failure_detection_time_max.unwrap_or(wanted * RAISED_MAX).max(wanted)
    }

    /// Another failure detection time, or another limit, has been configured.
    pub(super) fn reset_detection_time(&mut self) {
        (self.detection_time, self.raised_at, self.told_limit) = (self.config.failure_detection_time, None, false);
    }

    /// Compares the round trips of members that function with the interval.
    pub(super) fn adapt_detection_time(&mut self, ctx: &mut Context) {
        // In a failed group late answers are heard too: the network may have become too slow for it at once.
        let failed = self.failed();
        for i in 0..self.members.len() {
            let member = &self.members[i];
            let heard = member.usable() || (failed && member.link_usable() && !member.is_out());
            for p in 0..member.probing.len() {
                if heard && self.members[i].probing[p].is_capable() {
                    self.raise_detection_time(i, p, ctx);
                }
            }
        }
        let settled = self.raised_at.is_some_and(|raised| raised + SETTLES <= ctx.now);
        if settled && self.detection_time > self.config.failure_detection_time {
            self.lower_detection_time(ctx);
        }
    }

    fn raise_detection_time(&mut self, i: usize, p: usize, ctx: &mut Context) {
        let (group, interface) = (self.config.name.clone(), self.members[i].config.interface.clone());
        let (interval, limit) = (self.timing().interval(), self.detection_time_max());
        let probing = &mut self.members[i].probing[p];
        let family = probing.family();
        let Some(crtt) = probing.targets.crtt(ctx.now).filter(|crtt| *crtt > interval) else { return };
        if let Some((target, rtt)) = probing.targets.mark_exceptional(interval, ctx.now) {
            ctx.notify(Notice::TargetSlow { interface, group, target, rtt });
            return;
        }
        let wanted = (crtt * 2 * 7).min(limit);
        if wanted > self.detection_time {
            (self.detection_time, self.raised_at) = (wanted, Some(ctx.now));
            let wanted = self.config.failure_detection_time;
            self.tell(Notice::FdtRaised { interface, group, family, wanted, now: self.detection_time }, ctx);
        } else if !std::mem::replace(&mut self.told_limit, true) {
            self.tell(Notice::FdtLimited { interface, group, family, limit, rtt: crtt }, ctx);
        }
    }

    /// Halves it as long as the round trips of all members stay below a quarter of the interval.
    fn lower_detection_time(&mut self, ctx: &mut Context) {
        let capable = || {
            let heard = self.members.iter().filter(|member| member.usable());
            heard.flat_map(|member: &Member| member.probing.iter().map(move |probing| (member, probing)))
        };
        let capable = || capable().filter(|(_, probing): &(_, &Probing)| probing.is_capable());
        let Some((member, probing)) = capable().next() else { return };
        let mut lowered = self.detection_time;
        let fits =
            |lowered: Duration| capable().all(|(_, probing)| probing.targets.all_within(lowered / 7 / 4, ctx.now));
        while lowered > self.config.failure_detection_time && fits(lowered) {
            lowered = (lowered / 2).max(self.config.failure_detection_time);
        }
        if lowered < self.detection_time {
            let (interface, family) = (member.config.interface.clone(), probing.family());
            (self.detection_time, self.told_limit) = (lowered, false);
            let group = self.config.name.clone();
            self.tell(Notice::FdtImproved { interface, group, family, now: lowered }, ctx);
        }
    }

    /// Outside of groups nothing is told of detection times (§9).
    fn tell(&self, notice: Notice, ctx: &mut Context) {
        if !self.is_anonymous() {
            ctx.notify(notice);
        }
    }
}
