//! 5: no change without a reason, and never very many.

use std::collections::VecDeque;
use std::time::Duration;

use ipmp_core::{Change, Config, Instant};

use super::home::homecoming;
use super::truth::interval;
use super::{Rule, Scene, Violation};

const MINUTE: Duration = Duration::from_secs(60);

/// Changes of the last minute, and what excuses them.
#[derive(Debug, Default)]
pub(super) struct Steadiness {
    last_unrest: Instant,
    changes: VecDeque<Instant>,
    upheavals: VecDeque<Instant>,
    undone: VecDeque<Instant>,
    /// When the present series of refusals began, and when the last was.
    refusals: Option<(Instant, Instant)>,
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

    /// A change was refused. Answers how long its repetition may wait: attempts are one second apart,
    /// then two, four, up to a minute, so no longer than the series lasts already, and a second.
    pub(super) fn refused(&mut self, now: Instant) -> Duration {
        let began = match self.refusals {
            Some((began, last)) if now.since(last) <= MINUTE * 2 => began,
            _ => now,
        };
        self.refusals = Some((began, now));
        self.allow_upheaval(now);
        (now.since(began) + Duration::from_secs(1)).min(MINUTE)
    }

    /// Somebody undid what the daemon did. Answers how long the mending may wait: what is undone again
    /// and again is mended less and less often, up to once a minute, until ten minutes without trouble.
    pub(super) fn undone(&mut self, now: Instant) -> Duration {
        self.undone.retain(|moment| now.since(*moment) < MINUTE * 11);
        let waits = match self.undone.back() {
            Some(last) => (*last + Duration::from_secs(1 << self.undone.len().min(6))).since(now).min(MINUTE),
            None => Duration::ZERO,
        };
        self.undone.push_back(now);
        waits
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
        self.changes.push_back(now);
        for moments in [&mut self.changes, &mut self.upheavals] {
            while moments.front().is_some_and(|moment| now.since(*moment) > MINUTE) {
                moments.pop_front();
            }
        }
        let limit = changes_a_minute(&scene.daemon.config, self.upheavals.len());
        if self.changes.len() > limit {
            let what = format!("{} changes within a minute, more than {limit}", self.changes.len());
            return Err(scene.violation(Rule::Steady, what));
        }
        Ok(())
    }
}

/// A member fails and is repaired once in nine and a half intervals at most, or twice a minute where
/// nothing is probed; each time addresses and routes may move. An upheaval may rewrite everything.
fn changes_a_minute(config: &Config, upheavals: usize) -> usize {
    let of_group = |group: &ipmp_core::GroupConfig| {
        let cycles = 3 + (MINUTE.as_secs_f64() / (interval(group).as_secs_f64() * 9.5)) as usize;
        let routes = 2 + group.routes.len();
        cycles * 2 * group.members.len() * (2 * group.addresses.len() + routes + 1)
    };
    let everything = |group: &ipmp_core::GroupConfig| {
        10 + 4 * group.addresses.len() + 4 * group.routes.len() + 8 * group.members.len()
    };
    let steady: usize = config.groups.iter().map(of_group).sum();
    let whole: usize = config.groups.iter().map(everything).sum::<usize>() + 30;
    steady + (upheavals + 1) * whole
}
