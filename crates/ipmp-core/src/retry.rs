//! Patience with what does not hold: a change that the kernel refused, or that somebody undid, is tried
//! again after a time that doubles.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::action::Change;
use crate::reconcile::Key;
use crate::time::Instant;

const FIRST: Duration = Duration::from_secs(1);

/// What did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The kernel refused it.
    Refused,
    /// It was made, and somebody undid it. An address that is gone is missed, so the patience is shorter.
    Undone,
}

impl Trouble {
    fn longest(self) -> Duration {
        match self {
            Trouble::Refused => Duration::from_secs(60),
            Trouble::Undone => Duration::from_secs(8),
        }
    }
}

/// After so long without trouble all is forgiven.
const FORGOTTEN: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
struct Wait {
    change: Change,
    until: Instant,
    delay: Duration,
    trouble: Trouble,
    /// Its end was noticed.
    heeded: bool,
}

/// What is to be waited for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Retry(BTreeMap<Key, Wait>);

impl Retry {
    /// The change did not hold; it may be tried again after the returned time.
    pub(crate) fn failed(&mut self, key: Key, change: Change, trouble: Trouble, now: Instant) -> Duration {
        self.0.retain(|_, wait| now.since(wait.until) < FORGOTTEN);
        let delay = self.0.get(&key).map_or(FIRST, |wait| (wait.delay * 2).min(trouble.longest()));
        self.0.insert(key, Wait { change, until: now + delay, delay, trouble, heeded: false });
        delay
    }

    /// Whether the change has to wait. Another one of the same thing, such as a route with other legs, has not:
    /// somebody has failed meanwhile.
    pub(crate) fn is_waiting(&self, key: &Key, change: &Change, now: Instant) -> bool {
        self.0.get(key).is_some_and(|wait| wait.change == *change && wait.until > now)
    }

    /// Whether the kernel would not have it, and it is too early to ask again.
    pub(crate) fn is_refused(&self, key: &Key, now: Instant) -> bool {
        self.0.get(key).is_some_and(|wait| wait.trouble == Trouble::Refused && wait.until > now)
    }

    /// Whether a wait ended that was not heeded yet; heeds it.
    pub(crate) fn ended(&mut self, now: Instant) -> bool {
        let mut ended = false;
        for wait in self.0.values_mut().filter(|wait| !wait.heeded && wait.until <= now) {
            wait.heeded = true;
            ended = true;
        }
        ended
    }

    /// The next end of a wait.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.0.values().filter(|wait| !wait.heeded).map(|wait| wait.until).min()
    }
}
