//! When to dump, and how a dump and the notifications that came meanwhile make one truth. Pure.
//!
//! Everything that was told since a dump was asked for is written down. The snapshot with all of that on top
//! is the world as of the last notification, if no notification was lost in between.

use std::time::Duration;

use ipmp_core::kernel::{Fact, Kernel, Snapshot};

/// Most facts that are written down during one dump. Beyond it the dump is thrown away and made again.
const LOG_MAX: usize = 65_536;

/// Waits before a dump is made again that failed or was thrown away: doubled each time, up to the maximum.
const DELAY_MIN: Duration = Duration::from_millis(100);
const DELAY_MAX: Duration = Duration::from_secs(10);

/// Where the resynchronisation stands.
#[derive(Debug, Default)]
pub(crate) struct Resync {
    dumping: Option<Dumping>,
    failures: u32,
}

/// A dump that was asked for.
#[derive(Debug, Default)]
struct Dumping {
    /// What was told since, in order.
    log: Vec<Fact>,
    /// Something that was told since is missing from the log.
    spoilt: bool,
    /// Another one was asked for since.
    again: bool,
}

/// Ask for a dump after this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask(pub(crate) Duration);

impl Resync {
    /// Somebody doubts what is known.
    pub(crate) fn wanted(&mut self) -> Option<Ask> {
        match &mut self.dumping {
            Some(dumping) => {
                dumping.again = true;
                None
            }
            None => Some(self.begin(Duration::ZERO)),
        }
    }

    /// Notifications were lost. What was read before this call may be older than the loss.
    pub(crate) fn overrun(&mut self) -> Option<Ask> {
        match &mut self.dumping {
            Some(dumping) => {
                dumping.spoil();
                None
            }
            None => Some(self.begin(Duration::ZERO)),
        }
    }

    /// The kernel told something.
    pub(crate) fn note(&mut self, facts: &[Fact]) {
        let Some(dumping) = self.dumping.as_mut().filter(|dumping| !dumping.spoilt) else { return };
        if dumping.log.len() + facts.len() > LOG_MAX {
            dumping.spoil();
        } else {
            dumping.log.extend_from_slice(facts);
        }
    }

    /// The dump came, or failed (`None`). The snapshot is as of the last fact noted.
    pub(crate) fn finished(&mut self, snapshot: Option<Snapshot>) -> (Option<Snapshot>, Option<Ask>) {
        let dumping = self.dumping.take().unwrap_or_default();
        match snapshot.filter(|_| !dumping.spoilt) {
            Some(snapshot) => {
                self.failures = 0;
                let ask = dumping.again.then(|| self.begin(Duration::ZERO));
                (Some(brought_up_to_date(snapshot, dumping.log)), ask)
            }
            None => {
                let delay = DELAY_MIN.saturating_mul(1 << self.failures.min(16)).min(DELAY_MAX);
                self.failures += 1;
                (None, Some(self.begin(delay)))
            }
        }
    }

    fn begin(&mut self, delay: Duration) -> Ask {
        self.dumping = Some(Dumping::default());
        Ask(delay)
    }
}

impl Dumping {
    fn spoil(&mut self) {
        self.spoilt = true;
        self.log = Vec::new();
    }
}

/// One snapshot instead of a replay, so that nobody sees the past again.
fn brought_up_to_date(snapshot: Snapshot, log: Vec<Fact>) -> Snapshot {
    let mut world = Kernel::default();
    world.learn(Fact::Snapshot(snapshot));
    log.into_iter().for_each(|fact| world.learn(fact));
    Snapshot {
        links: world.links.into_values().collect(),
        addresses: world.addresses.into_iter().collect(),
        routes: world.routes.into_values().collect(),
    }
}

#[cfg(test)]
mod tests {
    use ipmp_core::IfIndex;
    use ipmp_core::kernel::{AddressInfo, AddressKey, Scope};

    use super::*;

    fn key(n: u32) -> AddressKey {
        AddressKey { index: IfIndex(n), address: "10.1.0.50/32".parse().unwrap() }
    }

    fn there(n: u32) -> (AddressKey, AddressInfo) {
        (key(n), AddressInfo { scope: Scope::Global, ours: true, tentative: false })
    }

    fn snapshot(numbers: &[u32]) -> Option<Snapshot> {
        Some(Snapshot { addresses: numbers.iter().copied().map(there).collect(), ..Snapshot::default() })
    }

    fn come(n: u32) -> Fact {
        let (key, info) = there(n);
        Fact::Address(key, info)
    }

    #[test]
    fn what_came_during_a_dump_is_in_the_snapshot() {
        let mut resync = Resync::default();
        assert_eq!(resync.wanted(), Some(Ask(Duration::ZERO)));
        resync.note(&[come(2), Fact::AddressGone(key(1))]);
        assert_eq!(resync.finished(snapshot(&[1, 3])), (snapshot(&[2, 3]), None));
    }

    #[test]
    fn what_came_before_a_dump_was_asked_for_is_not() {
        let mut resync = Resync::default();
        resync.note(&[come(2)]);
        resync.overrun();
        assert_eq!(resync.finished(snapshot(&[1])), (snapshot(&[1]), None));
    }

    #[test]
    fn a_dump_during_which_something_was_lost_is_made_again() {
        let mut resync = Resync::default();
        resync.overrun();
        resync.note(&[come(2)]);
        assert_eq!(resync.overrun(), None, "one dump at a time");
        assert_eq!(resync.finished(snapshot(&[1])), (None, Some(Ask(DELAY_MIN))));
        assert_eq!(resync.finished(snapshot(&[3])), (snapshot(&[3]), None));
    }

    #[test]
    fn a_dump_during_which_too_much_came_is_made_again() {
        let mut resync = Resync::default();
        resync.wanted();
        resync.note(&vec![come(1); LOG_MAX]);
        resync.note(&[come(2)]);
        assert_eq!(resync.finished(snapshot(&[1])).0, None);
    }

    #[test]
    fn failed_dumps_are_made_again_less_and_less_often() {
        let mut resync = Resync::default();
        resync.wanted();
        let delays: Vec<_> = (0..100).map(|_| resync.finished(None).1.unwrap().0).collect();
        assert!(delays.is_sorted());
        assert_eq!((delays[0], delays[1], delays[99]), (DELAY_MIN, DELAY_MIN * 2, DELAY_MAX));
        assert_eq!(resync.finished(snapshot(&[])), (snapshot(&[]), None));
        resync.wanted();
        assert_eq!(resync.finished(None).1, Some(Ask(DELAY_MIN)));
    }

    #[test]
    fn wishes_during_a_dump_make_one_more() {
        let mut resync = Resync::default();
        resync.wanted();
        assert_eq!((resync.wanted(), resync.wanted()), (None, None));
        assert_eq!(resync.finished(snapshot(&[])), (snapshot(&[]), Some(Ask(Duration::ZERO))));
        assert_eq!(resync.finished(snapshot(&[])), (snapshot(&[]), None));
    }
}
