//! The recent probes of one member and family, and the runs of losses and replies in them.
//! It counts; what a run means is decided in `verdict`.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use crate::id::ProbeId;
use crate::status::Run;
use crate::time::Instant;

/// Probes remembered (§0: ten times five, and two). A reply to an older one is not recognised.
pub(crate) const HISTORY_MAX: usize = 52;

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Asked for; whether it left is not known yet.
    Ordered,
    /// On its way since.
    Unanswered { sent: Instant },
    /// Answered.
    Answered { received: Instant },
    /// Unanswered for too long, or refused by the kernel. A late answer can still redeem it.
    Lost { sent: Instant, declared: Instant },
    /// The daemon itself was away: says nothing. An answer redeems it too.
    Void { sent: Instant },
}

/// What a probe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In its slot.
    Ordinary,
    /// To confirm a loss, or while there is no trust to be lost: it says nothing of the usual share of losses.
    Extra,
    /// As long as the link takes.
    Large,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    probe: ProbeId,
    target: IpAddr,
    kind: Kind,
    state: State,
}

/// A probe that was declared lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) probe: ProbeId,
    pub(crate) target: IpAddr,
    pub(crate) kind: Kind,
    pub(crate) sent: Instant,
}

/// A run of losses, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Losses {
    /// Losses in a row over all targets.
    pub(crate) count: usize,
    /// When the earliest loss of the run was declared.
    pub(crate) first_declared: Instant,
    /// When the newest of the run was sent.
    pub(crate) newest_sent: Instant,
}

/// A run of replies, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replies {
    /// Replies in a row over all targets.
    pub(crate) count: usize,
    /// Replies in a row of the newest reply's target alone.
    pub(crate) newest_target: usize,
    /// When the first of the run came.
    pub(crate) first: Instant,
    /// When the newest came.
    pub(crate) newest: Instant,
}

/// A genuine reply, as matched with its probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) target: IpAddr,
    pub(crate) kind: Kind,
    pub(crate) sent: Instant,
    pub(crate) rtt: Duration,
    /// No newer probe to this target has been answered.
    pub(crate) newest: bool,
    /// It had been declared lost before.
    pub(crate) was_lost: bool,
}

/// The ring of recent probes, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(VecDeque<Entry>);

impl History {
    /// A probe is ordered.
    pub(crate) fn order(&mut self, probe: ProbeId, target: IpAddr, kind: Kind) {
        if self.0.len() == HISTORY_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Entry { probe, target, kind, state: State::Ordered });
    }

    /// It left.
    pub(crate) fn sent(&mut self, probe: ProbeId, sent: Instant) {
        if let Some(entry) = self.entry(probe).filter(|entry| entry.state == State::Ordered) {
            entry.state = State::Unanswered { sent };
        }
    }

    /// The kernel refused it, which is a loss (§14 #8).
    pub(crate) fn refused(&mut self, probe: ProbeId, now: Instant) -> Option<Loss> {
        let entry = self.entry(probe).filter(|entry| entry.state == State::Ordered)?;
        entry.state = State::Lost { sent: now, declared: now };
        Some(Loss { probe, target: entry.target, kind: entry.kind, sent: now })
    }

    /// Whether it is one of these.
    pub(crate) fn knows(&self, probe: ProbeId) -> bool {
        // Numbers rise: most probes of others are ruled out by the ends.
        let first = self.0.front().is_some_and(|entry| entry.probe <= probe);
        first && self.0.iter().rev().take_while(|entry| entry.probe >= probe).any(|entry| entry.probe == probe)
    }

    /// Its reply came.
    pub(crate) fn reply(&mut self, probe: ProbeId, received: Instant) -> Option<Answer> {
        let at = self.0.iter().rposition(|entry| entry.probe == probe)?;
        let target = self.0[at].target;
        let answered = |entry: &Entry| matches!(entry.state, State::Answered { .. }) && entry.target == target;
        let newest = !self.0.iter().skip(at).any(answered);
        let entry = &mut self.0[at];
        let (sent, was_lost) = match entry.state {
            State::Unanswered { sent } | State::Void { sent } => (sent, false),
            State::Lost { sent, .. } => (sent, true),
            State::Ordered | State::Answered { .. } => return None,
        };
        entry.state = State::Answered { received };
        Some(Answer { target, kind: entry.kind, sent, rtt: received.since(sent), newest, was_lost })
    }

    /// Declares lost what has been unanswered for `timeout`.
    pub(crate) fn expire(&mut self, now: Instant, timeout: Duration) -> Vec<Loss> {
        let mut lost = Vec::new();
        for entry in &mut self.0 {
            if let State::Unanswered { sent } = entry.state
                && sent + timeout <= now
            {
                entry.state = State::Lost { sent, declared: sent + timeout };
                lost.push(Loss { probe: entry.probe, target: entry.target, kind: entry.kind, sent });
            }
        }
        lost
    }

    /// When the next probe will be lost if no reply comes.
    pub(crate) fn next_expiry(&self, timeout: Duration) -> Option<Instant> {
        self.0.iter().find_map(|entry| match entry.state {
            State::Unanswered { sent } => Some(sent + timeout),
            _ => None,
        })
    }

    /// The daemon was away: voids what is on its way; how many.
    pub(crate) fn void(&mut self) -> u32 {
        let mut void = 0;
        for entry in &mut self.0 {
            if let State::Unanswered { sent } = entry.state {
                entry.state = State::Void { sent };
                void += 1;
            }
        }
        void
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Nothing was sent yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the newest judged probe was lost.
    pub(crate) fn is_losing(&self) -> bool {
        self.judged().next().is_some_and(|(_, verdict)| verdict.is_err())
    }

    /// How long the present run is.
    pub(crate) fn run(&self) -> Option<Run> {
        let newest = self.judged().next()?.1.is_ok();
        let count = self.judged().take_while(|(_, verdict)| verdict.is_ok() == newest).count() as u32;
        Some(if newest { Run::Replies(count) } else { Run::Losses(count) })
    }

    /// The targets of the present run, each as often as it was probed.
    pub(crate) fn targets_of_run(&self) -> impl Iterator<Item = IpAddr> {
        let newest = self.judged().next().is_some_and(|(_, verdict)| verdict.is_ok());
        self.judged().take_while(move |(_, verdict)| verdict.is_ok() == newest).map(|(entry, _)| entry.target)
    }

    /// Share of the judged probes to a target that were lost; none where there are none.
    pub(crate) fn loss_of(&self, target: IpAddr) -> Option<f64> {
        let of_target = || self.judged().filter(|(entry, _)| entry.target == target);
        let lost = of_target().filter(|(_, verdict)| verdict.is_err()).count();
        let all = of_target().count();
        (all > 0).then(|| lost as f64 / all as f64)
    }

    /// The present run of losses; none where the newest judged probe was answered, or none was judged.
    pub(crate) fn losses(&self) -> Option<Losses> {
        let run = || self.judged().map_while(|(entry, verdict)| Some((entry, verdict.err()?)));
        Some(Losses {
            count: run().count(),
            first_declared: run().last()?.1.declared,
            newest_sent: run().next()?.1.sent,
        })
    }

    /// The present run of replies; none where the newest judged probe was lost, or none was judged.
    pub(crate) fn replies(&self) -> Option<Replies> {
        let run = || self.judged().map_while(|(entry, verdict)| Some((entry, verdict.ok()?)));
        let (entry, newest) = run().next()?;
        let of_newest =
            self.judged().filter(|(other, _)| other.target == entry.target).take_while(|(_, verdict)| verdict.is_ok());
        Some(Replies { count: run().count(), newest_target: of_newest.count(), first: run().last()?.1, newest })
    }

    /// Losses in a row to one target.
    pub(crate) fn losses_to(&self, target: IpAddr) -> usize {
        let of_target = self.judged().filter(|(entry, _)| entry.target == target);
        of_target.take_while(|(_, verdict)| verdict.is_err()).count()
    }

    /// How many probes of the present run of losses were sent after `moment`.
    pub(crate) fn losses_sent_after(&self, moment: Instant) -> usize {
        self.judged().map_while(|(_, verdict)| verdict.err()).take_while(|loss| loss.sent > moment).count()
    }

    /// Judged probes, newest first: when the reply came, or the loss.
    fn judged(&self) -> impl Iterator<Item = (&Entry, Result<Instant, Lost>)> {
        self.0.iter().rev().filter_map(|entry| match entry.state {
            State::Answered { received } => Some((entry, Ok(received))),
            State::Lost { sent, declared } => Some((entry, Err(Lost { sent, declared }))),
            State::Ordered | State::Unanswered { .. } | State::Void { .. } => None,
        })
    }

    fn entry(&mut self, probe: ProbeId) -> Option<&mut Entry> {
        self.0.iter_mut().rev().find(|entry| entry.probe == probe)
    }
}

#[derive(Clone, Copy)]
struct Lost {
    sent: Instant,
    declared: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(100);

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    fn target(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    /// Probes 1.. sent every 100 ms to alternating targets; `.` is answered, `x` lost.
    fn played(story: &str) -> History {
        let mut history = History::default();
        for (i, what) in story.bytes().enumerate() {
            let (probe, sent) = (ProbeId(i as u64 + 1), at(100 * i as u64));
            history.order(probe, target(1 + i as u8 % 2), Kind::Ordinary);
            history.sent(probe, sent);
            if what == b'.' {
                history.reply(probe, sent + Duration::from_millis(1));
            }
        }
        history.expire(at(100 * story.len() as u64), TIMEOUT);
        history
    }

    #[test]
    fn losses_are_counted_from_the_newest() {
        let losses = played("..xxx").losses().unwrap();
        assert_eq!((losses.count, losses.first_declared), (3, at(300)));
        assert_eq!(played("..xxx").targets_of_run().collect::<Vec<_>>(), [target(1), target(2), target(1)]);
        assert_eq!(played("xxx.").losses(), None);
        assert_eq!(played("..xxx").losses_sent_after(at(200)), 2);
    }

    #[test]
    fn a_target_has_a_run_of_its_own() {
        // Every second probe goes to the target that is dead.
        let history = played("x.x.x.x.x.");
        assert_eq!((history.losses(), history.losses_to(target(1)), history.losses_to(target(2))), (None, 5, 0));
    }

    #[test]
    fn replies_are_counted_from_the_newest() {
        let replies = played("x.x...").replies().unwrap();
        assert_eq!((replies.count, replies.newest_target, replies.first), (3, 3, at(301)));
        assert_eq!(played("...x").replies(), None);
    }

    #[test]
    fn a_late_reply_redeems_and_a_second_one_does_not_count() {
        let mut history = played("xx");
        let answer = history.reply(ProbeId(2), at(260)).unwrap();
        assert_eq!((answer.rtt, answer.was_lost), (Duration::from_millis(160), true));
        assert_eq!(history.reply(ProbeId(2), at(261)), None);
        assert_eq!(history.losses(), None);
        assert_eq!(history.reply(ProbeId(99), at(1)), None);
    }

    #[test]
    fn void_probes_neither_count_nor_break_a_run() {
        let mut history = played("xxxx");
        history.order(ProbeId(5), target(1), Kind::Ordinary);
        history.sent(ProbeId(5), at(400));
        assert_eq!(history.void(), 1);
        assert_eq!(history.expire(at(9000), TIMEOUT), []);
        assert_eq!(history.losses().unwrap().count, 4);
        history.reply(ProbeId(5), at(401)).unwrap();
        assert_eq!(history.losses(), None);
    }

    #[test]
    fn a_probe_that_the_kernel_refuses_is_lost() {
        let mut history = History::default();
        history.order(ProbeId(1), target(1), Kind::Ordinary);
        assert!(history.refused(ProbeId(1), at(5)).is_some());
        assert_eq!((history.losses().unwrap().count, history.run()), (1, Some(Run::Losses(1))));
        assert_eq!(history.refused(ProbeId(2), at(5)), None);
    }
}
