//! Round trips of the members over time, a column a second, so that members can be compared with each other.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ipmp_control::{Probe, ProbeOutcome};

/// Seconds that are kept: more than a screen has columns.
const KEPT_SECONDS: u64 = 600;

/// What became of the probes of a member that were decided in one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Second {
    /// The longest round trip; none where none was answered.
    pub rtt_us: Option<u64>,
    /// Whether one was lost.
    pub lost: bool,
}

/// The histories of all members, by name.
#[derive(Debug, Default)]
pub struct Histories(BTreeMap<String, VecDeque<(u64, Second)>>);

impl Histories {
    /// Takes in a probe that was decided now. `now` never goes back.
    pub fn tell(&mut self, now: Duration, probe: &Probe) {
        let now = now.as_secs();
        let history = self.0.entry(probe.interface.clone()).or_default();
        if history.back().is_none_or(|(second, _)| *second < now) {
            history.push_back((now, Second::default()));
        }
        if let Some((_, second)) = history.back_mut() {
            second.rtt_us = second.rtt_us.max(probe.rtt_us);
            second.lost |= probe.outcome == ProbeOutcome::Lost;
        }
    }

    /// Forgets what is too old, and members that are not `known` any more.
    pub fn forget(&mut self, now: Duration, known: impl Fn(&str) -> bool) {
        let first = now.as_secs().saturating_sub(KEPT_SECONDS);
        for history in self.0.values_mut() {
            while history.front().is_some_and(|(second, _)| *second < first) {
                history.pop_front();
            }
        }
        self.0.retain(|member, history| known(member) && !history.is_empty());
    }

    /// The last `count` seconds of a member, the present one last; none for those in which nothing was decided.
    pub fn of(&self, member: &str, now: Duration, count: usize) -> Vec<Option<Second>> {
        let last = now.as_secs();
        let mut seconds = vec![None; count];
        for (second, what) in self.0.get(member).into_iter().flatten() {
            let age = last.saturating_sub(*second);
            if let Some(place) = usize::try_from(age).ok().and_then(|age| count.checked_sub(age + 1)) {
                seconds[place] = Some(*what);
            }
        }
        seconds
    }

    /// The longest round trip of any member in the last `count` seconds.
    pub fn longest_us(&self, now: Duration, count: usize) -> Option<u64> {
        let first = (now.as_secs() + 1).saturating_sub(count as u64);
        let recent = self.0.values().flatten().filter(|(second, _)| *second >= first);
        recent.filter_map(|(_, what)| what.rtt_us).max()
    }
}

#[cfg(test)]
mod tests {
    use ipmp_control::ProbeKind;

    use super::*;

    fn probe(interface: &str, rtt_us: Option<u64>) -> Probe {
        Probe {
            probe: 0,
            interface: interface.to_owned(),
            kind: ProbeKind::Arp,
            target: "192.0.2.1".parse().unwrap(),
            sent_us: 0,
            outcome: if rtt_us.is_some() { ProbeOutcome::Acked } else { ProbeOutcome::Lost },
            network_rtt_us: rtt_us,
            rtt_us,
            average_rtt_us: None,
            rtt_deviation_us: None,
        }
    }

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_second_has_the_longest_round_trip_and_whether_one_was_lost() {
        let mut histories = Histories::default();
        for (ms, rtt) in [(7000, Some(300)), (7400, Some(500)), (7999, None), (9000, Some(200))] {
            histories.tell(at(ms), &probe("eth0", rtt));
        }
        let second = |rtt_us, lost| Some(Second { rtt_us, lost });
        assert_eq!(
            histories.of("eth0", at(10_000), 5),
            [None, second(Some(500), true), None, second(Some(200), false), None]
        );
        assert_eq!(histories.of("eth0", at(10_000), 2), [second(Some(200), false), None]);
        assert_eq!(histories.of("eth0", at(10_000), 0), []);
        assert_eq!(histories.of("eth1", at(10_000), 2), [None, None]);
        assert_eq!(histories.longest_us(at(10_000), 4), Some(500));
        assert_eq!(histories.longest_us(at(10_000), 3), Some(200));
        assert_eq!(histories.longest_us(at(10_000), 1), None);
    }

    #[test]
    fn what_is_old_or_gone_is_forgotten() {
        let mut histories = Histories::default();
        for second in 0..2000 {
            histories.tell(at(second * 1000), &probe("eth0", Some(1)));
            histories.tell(at(second * 1000), &probe("eth1", Some(1)));
        }
        histories.forget(at(2_000_000), |member| member == "eth0");
        assert_eq!(histories.0.keys().collect::<Vec<_>>(), ["eth0"]);
        assert_eq!(histories.0["eth0"].len(), 600);
        histories.forget(at(3_000_000), |_| true);
        assert!(histories.0.is_empty());
    }
}
