//! The penalty of a member that fails again and again (after RFC 2439): it grows with each failure, halves
//! with time, and keeps a member out between two limits. With the defaults a third failure within a minute
//! suspends, as the third link-up within a minute does on Solaris (IPMP behaviour §5, anti-flap).

use std::time::Duration;

use crate::config::Damping;
use crate::time::Instant;

/// What one failure counts.
const FAILURE: f64 = 1000.0;

/// It grows no further than so many times the limit of suspension: after some half-lives of peace any member
/// may be repaired.
const MAX: f64 = 4.0;

/// The penalty at a moment, and whether it keeps the member out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Penalty {
    value: f64,
    as_of: Instant,
    suspended: bool,
    told: bool,
}

impl Penalty {
    /// The member failed.
    pub(crate) fn failure(&mut self, limits: Damping, now: Instant) {
        self.settle(limits, now);
        self.value = (self.at(limits, now) + FAILURE).min(f64::from(limits.suspend) * MAX);
        self.as_of = now;
        self.suspended |= self.value >= f64::from(limits.suspend);
    }

    /// What is left of it.
    pub(crate) fn value(&self, limits: Damping, now: Instant) -> u32 {
        self.at(limits, now) as u32
    }

    /// For how long it keeps the member out; none where it does not.
    pub(crate) fn suspended_for(&self, limits: Damping, now: Instant) -> Option<Duration> {
        let above = self.at(limits, now) / f64::from(limits.reuse);
        // A little more than it takes, so that it is over when that time has passed.
        (self.suspended && above >= 1.0).then(|| limits.half_life.mul_f64(above.log2()) + Duration::from_micros(1))
    }

    /// Ends a suspension whose time has passed.
    pub(crate) fn settle(&mut self, limits: Damping, now: Instant) {
        if self.suspended_for(limits, now).is_none() {
            (self.suspended, self.told) = (false, false);
        }
    }

    /// Whether the suspension has to be told; true once.
    pub(crate) fn is_news(&mut self) -> bool {
        self.suspended && !std::mem::replace(&mut self.told, true)
    }

    fn at(&self, limits: Damping, now: Instant) -> f64 {
        self.value * (-(now.since(self.as_of).as_secs_f64() / limits.half_life.as_secs_f64())).exp2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Damping = Damping { half_life: Duration::from_secs(60), suspend: 2000, reuse: 1000 };

    fn at(seconds: f64) -> Instant {
        Instant::from_nanos((seconds * 1e9) as u64)
    }

    fn after(failures: &[f64]) -> Penalty {
        let mut penalty = Penalty::default();
        failures.iter().for_each(|&second| penalty.failure(LIMITS, at(second)));
        penalty
    }

    /// The special case of two a minute: whatever the second one's moment.
    #[test]
    fn a_third_failure_within_a_minute_suspends_and_a_second_never_does() {
        for second in [0.001, 1.0, 30.0, 59.0] {
            assert_eq!(after(&[0.0, second]).suspended_for(LIMITS, at(second)), None, "{second}");
            for third in [second + 0.001, 59.9] {
                let penalty = after(&[0.0, second, third]);
                assert!(penalty.suspended_for(LIMITS, at(third)).is_some(), "{second} {third}");
            }
        }
        assert_eq!(after(&[0.0, 100.0, 200.0]).suspended_for(LIMITS, at(200.0)), None);
    }

    #[test]
    fn it_halves_and_ends_below_the_limit_of_reuse() {
        let mut penalty = after(&[0.0, 0.0, 0.0]);
        assert_eq!((penalty.value(LIMITS, at(0.0)), penalty.value(LIMITS, at(60.0))), (3000, 1500));
        let left = penalty.suspended_for(LIMITS, at(0.0)).unwrap();
        assert!((95..96).contains(&left.as_secs()), "{left:?}");
        penalty.settle(LIMITS, at(94.0));
        assert!(penalty.suspended_for(LIMITS, at(94.0)).is_some());
        penalty.settle(LIMITS, at(0.0) + left);
        assert_eq!(penalty.suspended_for(LIMITS, at(0.0) + left), None);
    }

    #[test]
    fn it_remembers_and_is_bounded() {
        let mut penalty = after(&(0..100).map(f64::from).collect::<Vec<_>>());
        assert!(penalty.value(LIMITS, at(99.0)) <= 8000);
        assert!(penalty.is_news() && !penalty.is_news());
        assert!(penalty.suspended_for(LIMITS, at(99.0)).unwrap() <= 3 * LIMITS.half_life + Duration::from_millis(1));
    }
}
