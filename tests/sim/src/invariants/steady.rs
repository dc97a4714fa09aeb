//! 5: no change without a reason, and never very many.

use std::collections::VecDeque;
use std::time::Duration;

use ipmp_core::notice::Reason;
use ipmp_core::status::{GroupStatus, MemberState, MemberStatus};
use ipmp_core::{Change, Config, GroupConfig, IfName, Instant, Notice};

use super::home::homecoming;
use super::patience::{Patience, Subject};
use super::truth::{Truth, interval};
use super::{Rule, Scene, Violation};

const MINUTE: Duration = Duration::from_secs(60);

/// A change may be compared with what is known of the kernel for so long after it.
const RECENT: Duration = Duration::from_secs(3);

/// A penalty may be over this much earlier than reckoned here.
const MARGIN: Duration = Duration::from_millis(20);

/// Changes of the last minute, and what excuses them.
#[derive(Clone, Debug, Default)]
pub(super) struct Steadiness {
    last_unrest: Instant,
    changes: VecDeque<(Instant, Subject)>,
    upheavals: VecDeque<Instant>,
    patience: Patience,
}

impl Steadiness {
    /// The world is not at rest until then.
    pub(super) fn unrest(&mut self, until: Instant) {
        self.last_unrest = self.last_unrest.max(until);
    }

    /// Something happened that may change everything once.
    pub(super) fn allow_upheaval(&mut self, now: Instant) {
        self.upheavals.push_back(now);
    }

    /// A change was refused. Until when the daemon may wait with the next attempt.
    pub(super) fn refused(&mut self, change: &Change, now: Instant) -> Instant {
        self.allow_upheaval(now);
        self.patience.lost(Subject::of(change), now)
    }

    /// Somebody undid what the daemon did. Until when it may wait with mending it.
    pub(super) fn undone(&mut self, subject: Subject, now: Instant) -> Instant {
        self.allow_upheaval(now);
        self.patience.undone(subject, now)
    }

    /// Notifications were lost: what was changed just now may seem not to hold.
    pub(super) fn overrun(&mut self, now: Instant) -> Instant {
        self.allow_upheaval(now);
        let recent: Vec<Subject> = self
            .changes
            .iter()
            .filter(|(when, _)| now.since(*when) < RECENT)
            .map(|(_, subject)| subject.clone())
            .collect();
        recent.into_iter().map(|subject| self.patience.lost(subject, now)).max().unwrap_or(now)
    }

    /// A change is about to be carried out.
    pub(super) fn before_change(&mut self, scene: &Scene, change: &Change) -> Result<(), Violation> {
        let now = scene.now;
        if now > self.last_unrest + homecoming(&scene.daemon.config) {
            let what = format!("{change:?} although nothing has happened for {:?}", now.since(self.last_unrest));
            return Err(scene.violation(Rule::Steady, what));
        }
        if matches!(change, Change::Announce(_)) {
            return Ok(());
        }
        self.changes.push_back((now, Subject::of(change)));
        self.changes.retain(|(when, _)| now.since(*when) <= MINUTE);
        self.upheavals.retain(|when| now.since(*when) <= MINUTE);
        let limit = changes_a_minute(&scene.daemon.config, self.upheavals.len());
        if self.changes.len() > limit {
            let what = format!("{} changes within a minute, more than {limit}", self.changes.len());
            return Err(scene.violation(Rule::Steady, what));
        }
        Ok(())
    }
}

/// The administrator is told of a failure, or of a repair: one that failed too often is not repaired while
/// another member works.
pub(super) fn notified(truth: &mut Truth, notice: &Notice, scene: &Scene) -> Result<(), Violation> {
    let (Notice::LinkDown { interface, group, .. }
    | Notice::InterfaceFailed { interface, group, .. }
    | Notice::InterfaceRepaired { interface, group, .. }) = notice
    else {
        return Ok(());
    };
    let Some(group) = scene.daemon.config.groups.iter().find(|of| of.name == *group) else { return Ok(()) };
    let damping = group.detection.damping;
    match notice {
        Notice::LinkDown { .. } => {
            truth.penalties.link_lost(interface, damping, scene.now);
            return Ok(());
        }
        Notice::InterfaceFailed { reason, .. } => {
            let by_link = matches!(reason, Reason::Absent | Reason::AdminDown | Reason::NoCarrier);
            truth.penalties.failed(interface, by_link, damping, scene.now);
            return Ok(());
        }
        _ => {}
    }
    // One that held through an outage has not failed, and comes back with everybody else.
    let had_failed = truth.penalties.repaired(interface);
    let kept_out = truth.penalties.until(interface, damping).is_some_and(|until| scene.now + MARGIN < until);
    if had_failed && kept_out && another_works(scene, group, interface) {
        let what = format!("{interface} is repaired in spite of its penalty, and another member works");
        return Err(scene.violation(Rule::Steady, what));
    }
    Ok(())
}

/// Whether the daemon has had a better member than this one for some time. What it has known for no time at
/// all came to it together with the repair, or after it.
fn another_works(scene: &Scene, group: &GroupConfig, than: &IfName) -> bool {
    let status = scene.daemon.engine().map(|engine| engine.status(scene.now)).unwrap_or_default();
    let shown = status.groups.into_iter().find(|shown| shown.name == group.name);
    let works = |member: &MemberStatus| {
        let functions = matches!(member.state, MemberState::Ok | MemberState::Degraded | MemberState::Unknown);
        functions && member.interface != *than && member.since < scene.now
    };
    shown.is_some_and(|shown: GroupStatus| shown.members.iter().any(works))
}

/// A member fails and is repaired once in nine and a half intervals at most, or twice a minute where
/// nothing is probed; each time addresses and routes may move. An upheaval may rewrite everything.
fn changes_a_minute(config: &Config, upheavals: usize) -> usize {
    let of_group = |group: &GroupConfig| {
        let cycles = 3 + (MINUTE.as_secs_f64() / (interval(group).as_secs_f64() * 9.5)) as usize;
        let routes = 2 + group.routes.len();
        cycles * 2 * group.members.len() * (2 * group.addresses.len() + routes + 1)
    };
    let everything =
        |group: &GroupConfig| 10 + 4 * group.addresses.len() + 4 * group.routes.len() + 8 * group.members.len();
    let steady: usize = config.groups.iter().map(of_group).sum();
    let whole: usize = config.groups.iter().map(everything).sum::<usize>() + 30;
    steady + (upheavals + 1) * whole
}
