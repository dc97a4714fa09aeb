//! When probes are sent, when they are lost, and how many lost ones are a failure: arithmetic, and nothing
//! else (IPMP behaviour §4; `docs/detection.md` says what the confirming schedule is good for).

use std::time::Duration;

use crate::config::Schedule;

/// Probes that fit into the failure detection time: five that may be lost, and two (§0).
const PROBES_PER_DETECTION: u32 = 7;

/// Losses in a row that fail a member by the classic schedule (§0).
const LOSSES_CLASSIC: usize = 5;

/// Losses in a row that fail a member by the confirming one: the first, and twenty that confirm it.
const LOSSES_CONFIRMED: usize = 21;

/// How urgently a member is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// All is well.
    Rest,
    /// A loss is being confirmed.
    Confirm,
    /// Every interval: by the classic schedule always, else while losses do not count, or replies are
    /// counted that repair.
    Even,
}

/// The schedule at a certain failure detection time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) schedule: Schedule,
    /// The one in force.
    pub(crate) failure_detection_time: Duration,
    /// The one that is configured, and may be shorter.
    pub(crate) wanted: Duration,
}

impl Timing {
    /// The classic interval: a seventh of the failure detection time.
    pub(crate) fn interval(self) -> Duration {
        self.failure_detection_time / PROBES_PER_DETECTION
    }

    /// Losses in a row that fail a member.
    pub(crate) fn losses_to_fail(self) -> usize {
        match self.schedule {
            Schedule::Classic => LOSSES_CLASSIC,
            Schedule::Confirm => LOSSES_CONFIRMED,
        }
    }

    /// How long a probe may be unanswered where round trips take as long as `crtt` at most. To confirm a loss
    /// is cheap, so it is suspected early; but not before a thirty-second of the failure detection time, for
    /// the sake of noisy hosts, and no later than the interval.
    pub(crate) fn timeout(self, crtt: Option<Duration>) -> Duration {
        match (self.schedule, crtt) {
            (Schedule::Classic, _) | (_, None) => self.interval(),
            (Schedule::Confirm, Some(crtt)) => crtt.clamp(self.failure_detection_time / 32, self.interval()),
        }
    }

    /// From one slot to the next. What confirms is spread so that the first loss and the last lie half the
    /// failure detection time apart, and everything fits into it: at rest 3/7, of the spread 1/80, and from
    /// the first loss sent to the last one judged 43/80. Where the failure detection time has been raised,
    /// probes go as often as for the one that is wanted, lest it takes ages to see the network recover (§4).
    pub(crate) fn period(self, pace: Pace, timeout: Duration) -> Duration {
        match pace {
            Pace::Rest if self.failure_detection_time == self.wanted => self.interval() * 3,
            Pace::Rest | Pace::Even => self.wanted / PROBES_PER_DETECTION,
            Pace::Confirm => {
                let window = self.failure_detection_time * 43 / 80;
                window.saturating_sub(timeout * 2) / (LOSSES_CONFIRMED as u32 - 2)
            }
        }
    }

    /// A probe leaves at a random moment so long after its slot, lest hosts and members fall into step.
    pub(crate) fn spread(self, pace: Pace) -> Duration {
        match pace {
            Pace::Rest => self.wanted / 80,
            Pace::Even => self.wanted / PROBES_PER_DETECTION / 2,
            Pace::Confirm => Duration::ZERO,
        }
    }

    /// How often a year this share of independent losses fails a member that works: each slot may begin a
    /// run of losses long enough.
    pub(crate) fn false_failures_per_year(self, loss: f64) -> f64 {
        const YEAR_SECONDS: f64 = 365.25 * 86400.0;
        let pace = if self.schedule == Schedule::Classic { Pace::Even } else { Pace::Rest };
        let slots = YEAR_SECONDS / self.period(pace, self.interval()).as_secs_f64();
        slots * (1.0 - loss) * loss.powi(self.losses_to_fail() as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn timing(schedule: Schedule) -> Timing {
        Timing { schedule, failure_detection_time: SECOND, wanted: SECOND }
    }

    #[test]
    fn the_worst_case_of_both_schedules_is_within_the_failure_detection_time() {
        for crtt in [None, Some(Duration::ZERO), Some(SECOND / 10), Some(SECOND)] {
            let confirm = timing(Schedule::Confirm);
            let timeout = confirm.timeout(crtt);
            let rest = confirm.period(Pace::Rest, timeout) + confirm.spread(Pace::Rest);
            let confirming = confirm.period(Pace::Confirm, timeout) * (LOSSES_CONFIRMED as u32 - 2);
            assert!(rest + timeout + confirming + timeout < SECOND * 98 / 100, "{crtt:?}");
        }
        let classic = timing(Schedule::Classic);
        let worst = classic.interval() * LOSSES_CLASSIC as u32 + classic.spread(Pace::Even) + classic.timeout(None);
        assert!(worst < SECOND);
    }

    #[test]
    fn confirmation_outlasts_an_outage_of_half_the_failure_detection_time() {
        let confirm = timing(Schedule::Confirm);
        let timeout = confirm.timeout(Some(Duration::ZERO));
        let first_to_last = timeout + confirm.period(Pace::Confirm, timeout) * (LOSSES_CONFIRMED as u32 - 2);
        assert!(first_to_last > SECOND / 2, "{first_to_last:?}");
    }

    #[test]
    fn at_rest_a_third_of_the_probes_are_sent() {
        let (classic, confirm) = (timing(Schedule::Classic), timing(Schedule::Confirm));
        let timeout = SECOND / 10;
        assert_eq!(confirm.period(Pace::Rest, timeout), 3 * classic.period(Pace::Even, timeout));
    }

    #[test]
    fn where_it_is_raised_probes_go_as_often_as_wanted() {
        let raised = Timing { failure_detection_time: 10 * SECOND, ..timing(Schedule::Confirm) };
        assert_eq!(raised.period(Pace::Rest, SECOND), SECOND / 7);
        assert_eq!(raised.timeout(None), 10 * SECOND / 7);
    }

    #[test]
    fn false_failures_fall_with_the_power_of_the_losses_that_it_takes() {
        let per_hour = timing(Schedule::Classic).false_failures_per_year(0.1) / 365.25 / 24.0;
        assert!((0.2..0.25).contains(&per_hour), "{per_hour}");
        assert!(timing(Schedule::Confirm).false_failures_per_year(0.05) < 1e-15);
        assert!(timing(Schedule::Confirm).false_failures_per_year(0.5) > 10.0);
    }
}
