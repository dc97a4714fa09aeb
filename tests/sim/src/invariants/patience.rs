//! How long the daemon may wait before it tries again what did not hold: a change that was refused, or that
//! somebody undid, after one second, two, four, up to a minute, until ten minutes without trouble.

use std::collections::BTreeMap;
use std::time::Duration;

use ipmp_core::kernel::{AddressKey, RouteKey};
use ipmp_core::{Change, Instant};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
const FORGIVEN: Duration = Duration::from_secs(600);

/// What a change is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Address(AddressKey),
    Route(RouteKey),
    Other(String),
}

impl Subject {
    pub(super) fn of(change: &Change) -> Self {
        match change {
            Change::AddAddress { key, .. } | Change::DeleteAddress(key) => Subject::Address(*key),
            Change::PutRoute { route, .. } => Subject::Route(route.key),
            Change::DeleteRoute(key) => Subject::Route(*key),
            other => Subject::Other(format!("{other:?}")),
        }
    }
}

/// What did not hold, how long the next attempt waits, and until when.
#[derive(Clone, Debug, Default)]
pub(super) struct Patience(BTreeMap<Subject, (Duration, Instant)>);

impl Patience {
    /// It did not hold. Until when the daemon may wait.
    pub(super) fn lost(&mut self, subject: Subject, now: Instant) -> Instant {
        self.0.retain(|_, (_, until)| now.since(*until) < FORGIVEN);
        let delay = self.0.get(&subject).map_or(FIRST, |(delay, _)| (*delay * 2).min(LONGEST));
        self.0.insert(subject, (delay, now + delay));
        now + delay
    }

    /// Somebody undid it, which is mended at once, unless it is being waited for. Until when that is.
    pub(super) fn undone(&mut self, subject: Subject, now: Instant) -> Instant {
        let waits = self.0.get(&subject).map_or(now, |(_, until)| *until);
        self.lost(subject, now);
        waits.max(now)
    }
}
