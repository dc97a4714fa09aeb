//! Is it the member, or is it the network? Members of a group are compared with each other (IPMP behaviour §5).

use crate::history::Losses;
use crate::member::{Cause, Member};
use crate::probing::Probing;
use crate::time::Instant;

/// What the losses of a member mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Others are answered: it is this member.
    Member,
    /// Others may have begun to lose later: their next probe will tell.
    Wait,
    /// Nobody is answered: it is the network, or the targets.
    Network,
}

/// What another member can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    None,
    Pending,
    Works,
}

/// The run of losses that fails a member, if there is one: each family that can probe has as many as its
/// schedule wants, and is past its quiet period. The family whose run began first speaks.
pub(crate) fn failing_run(member: &Member, now: Instant) -> Option<Losses> {
    let capable = || member.probing.iter().filter(|probing| probing.is_capable());
    let runs: Option<Vec<Losses>> = capable()
        .map(|probing| probing.history.losses().filter(|run| is_long(probing, run) && !probing.is_quiet(now)))
        .collect();
    runs?.into_iter().min_by_key(|run| run.first_declared)
}

fn is_long(probing: &Probing, run: &Losses) -> bool {
    run.count >= probing.timing.losses_to_fail()
}

/// Judges a member by its run of losses.
pub(crate) fn judge<'a>(others: impl Iterator<Item = &'a Member>, run: &Losses) -> Verdict {
    match others.map(|other| evidence(other, run)).max() {
        Some(Evidence::Works) => Verdict::Member,
        Some(Evidence::Pending) => Verdict::Wait,
        Some(Evidence::None) | None => Verdict::Network,
    }
}

/// Every member that functions and has its link is heard, whether it probes or not (§14 #1), but none that
/// is offline, failed, or held for flapping (§14 #16).
fn evidence(other: &Member, run: &Losses) -> Evidence {
    if other.is_out() || !other.link_usable() || !other.functioning() {
        return Evidence::None;
    }
    let capable = || other.probing.iter().filter(|probing| probing.is_capable());
    if capable().next().is_none() {
        return Evidence::Works;
    }
    capable().map(|probing| evidence_of_probes(probing, run)).max().unwrap_or(Evidence::None)
}

/// Another member works if it was answered after the run began, and already before the newest probe of the
/// run was sent: answers that began only later may mean that the whole network has just come back.
fn evidence_of_probes(probing: &Probing, failing: &Losses) -> Evidence {
    match (probing.history.replies(), probing.history.losses()) {
        (Some(replies), _) if replies.newest > failing.first_declared && replies.first < failing.newest_sent => {
            Evidence::Works
        }
        // Answered when last asked, which was before; or never asked.
        (Some(_), _) | (None, None) => Evidence::Pending,
        (None, Some(run)) if !is_long(probing, &run) => Evidence::Pending,
        (None, Some(_)) => Evidence::None,
    }
}

/// Whether the probes of another member were answered during a run of losses.
pub(crate) fn works_by_probes(probing: &Probing, failing: &Losses) -> bool {
    probing.dead_since.is_none() && evidence_of_probes(probing, failing) == Evidence::Works
}

/// A member that holds through an outage of the network is failed after all once as many of its probes are
/// lost as fail a member, all sent while another one worked again.
pub(crate) fn left_behind<'a>(member: &Member, others: impl Iterator<Item = &'a Member>) -> bool {
    let Some(works_since) = others.filter_map(works_since).min() else { return false };
    let long = |probing: &Probing| probing.history.losses_sent_after(works_since) >= probing.timing.losses_to_fail();
    let mut capable = member.probing.iter().filter(|probing| probing.is_capable()).peekable();
    capable.peek().is_some() && capable.all(long)
}

/// Since when a member is answered without a loss, or, where it has nobody to probe, functions.
pub(crate) fn works_since(other: &Member) -> Option<Instant> {
    if other.is_out() || !other.link_usable() {
        return None;
    }
    if other.functioning() && !other.probe_capable() {
        return Some(other.since);
    }
    let may_be_heard = other.functioning() || other.failed_by(Cause::Network);
    let first = other.probing.iter().filter_map(|probing| probing.history.replies()).map(|replies| replies.first).min();
    first.filter(|_| may_be_heard)
}
