//! IPv4 and IPv6 apart: a family may be dead on a member that lives (§14 #9, done better; `docs/detection.md`).

use crate::group::{Context, Group};
use crate::history::Losses;
use crate::id::Family;
use crate::member::{Member, REPLIES_TO_REPAIR};
use crate::notice::{Notice, Reason};
use crate::probing::Probing;
use crate::verdict;

impl Group {
    /// The members that are to carry data of a family: those where it works; where it works on none, those
    /// that have it.
    pub(crate) fn carriers_of(&self, family: Family) -> Vec<&Member> {
        let having: Vec<&Member> = self.carriers().into_iter().filter(|member| member.has(family)).collect();
        let mut working: Vec<&Member> = having.iter().copied().filter(|member| !member.is_dead(family)).collect();
        // A standby that is active for the other family alone has nothing to do for this one.
        let is_regular = |member: &&Member| !member.config.standby;
        let regular = self.members.iter().filter(is_regular).count();
        if regular > 0 && working.iter().copied().filter(is_regular).count() == regular {
            working.retain(is_regular);
        }
        if working.is_empty() { having } else { working }
    }

    /// Passes verdicts on single families of members that function.
    pub(super) fn judge_families(&mut self, ctx: &mut Context) {
        for i in 0..self.members.len() {
            for p in 0..self.members[i].probing.len() {
                let probing = &self.members[i].probing[p];
                let (family, dead) = (probing.family(), probing.dead_since.is_some());
                let replies = probing.history.replies().map_or(0, |run| run.count);
                if dead && (!probing.is_capable() || replies >= REPLIES_TO_REPAIR) {
                    self.family_works(i, p, replies, ctx);
                } else if !dead && let Some(run) = self.dead_run(i, p, ctx) {
                    let reason = self.reason_of_losses(i, &run, ctx.now);
                    let (group, interface) = (self.config.name.clone(), self.members[i].config.interface.clone());
                    self.members[i].probing[p].dead_since = Some(ctx.now);
                    self.members[i].since = ctx.now;
                    ctx.notify(Notice::FamilyFailed { interface, group, family, reason });
                    ctx.changed = true;
                }
            }
        }
    }

    fn family_works(&mut self, i: usize, p: usize, replies: usize, ctx: &mut Context) {
        let (group, interface) = (self.config.name.clone(), self.members[i].config.interface.clone());
        let probing = &mut self.members[i].probing[p];
        let (family, targets) = (probing.family(), probing.history.targets_of_run().collect());
        probing.dead_since = None;
        self.members[i].since = ctx.now;
        let reason = match replies {
            0 => Reason::NoTargets,
            _ => Reason::ProbesAnswered { replies: replies as u32, targets },
        };
        ctx.notify(Notice::FamilyRepaired { interface, group, family, reason });
        ctx.changed = true;
    }

    /// The run of losses for which a family is dead: as long as fails a member, while the member's other family
    /// is answered, and so is this family of another member.
    fn dead_run(&self, i: usize, p: usize, ctx: &Context) -> Option<Losses> {
        let (member, probing) = (&self.members[i], &self.members[i].probing[p]);
        let family = probing.family();
        let counts = probing.is_capable() && !probing.is_quiet(ctx.now) && probing.has_failing_run();
        let run = probing.history.losses().filter(|_| counts)?;
        let answered = |sibling: &Probing| {
            sibling.is_capable() && sibling.history.replies().is_some_and(|replies| replies.newest > run.first_declared)
        };
        let lives = member.usable() && member.probing.iter().any(answered);
        let of_others = || self.others(i).filter(|other| other.usable() && other.link_usable());
        let mut same = of_others().flat_map(|other| &other.probing).filter(|other| other.family() == family);
        let mut elsewhere = || same.any(|other| other.is_capable() && verdict::works_by_probes(other, &run));
        (lives && elsewhere()).then_some(run)
    }
}
