//! Whether round trips to a target take much longer than they used to.

use std::time::Duration;

/// So many round trips tell what is usual.
const LEARNED_BY: u32 = 64;

/// So many in a row are a shift, or the end of one.
const SHIFTED_BY: u32 = 20;

/// What is usual follows what is measured this slowly; a shift that stays is usual in the end.
const FORGETS: u32 = 4096;

/// Below this a longer round trip is no trouble.
const SLACK: Duration = Duration::from_millis(1);

/// What is usual, and how far the newest round trips are from it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shift {
    usual: Duration,
    samples: u32,
    /// Round trips in a row that speak against the present judgement.
    contrary: u32,
    shifted: bool,
}

impl Shift {
    /// Takes in a round trip.
    pub(crate) fn sample(&mut self, rtt: Duration) {
        self.samples = (self.samples + 1).min(FORGETS);
        let weight = if self.samples <= LEARNED_BY { self.samples } else { FORGETS };
        self.usual = if rtt > self.usual {
            self.usual + (rtt - self.usual) / weight
        } else {
            self.usual - (self.usual - rtt) / weight
        };
        if self.samples <= LEARNED_BY {
            return;
        }
        let contrary = match self.shifted {
            false => rtt > 3 * self.usual + SLACK,
            true => rtt < 2 * self.usual + SLACK,
        };
        self.contrary = if contrary { self.contrary + 1 } else { 0 };
        if self.contrary == SHIFTED_BY {
            (self.shifted, self.contrary) = (!self.shifted, 0);
        }
    }

    /// Whether enough is known to judge by.
    pub(crate) fn is_learned(&self) -> bool {
        self.samples > LEARNED_BY
    }

    /// Whether the newest round trip speaks against the present judgement, or that is bad.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.shifted || self.contrary > 0
    }

    /// What was usual, where it is so no longer.
    pub(crate) fn from(&self) -> Option<Duration> {
        self.shifted.then_some(self.usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(shift: &mut Shift, us: u64, times: u32) {
        (0..times).for_each(|_| shift.sample(Duration::from_micros(us)));
    }

    #[test]
    fn many_long_round_trips_are_a_shift_and_spikes_are_none() {
        let mut shift = Shift::default();
        fed(&mut shift, 200, 100);
        for _ in 0..10 {
            fed(&mut shift, 50_000, 19);
            fed(&mut shift, 200, 1);
        }
        assert_eq!(shift.from(), None);
        fed(&mut shift, 50_000, 20);
        assert!(shift.from().is_some());
        fed(&mut shift, 200, 20);
        assert_eq!(shift.from(), None);
    }

    #[test]
    fn a_shift_that_stays_becomes_usual() {
        let mut shift = Shift::default();
        fed(&mut shift, 1_000, 100);
        fed(&mut shift, 10_000, 20);
        assert!(shift.from().is_some());
        fed(&mut shift, 10_000, 5_000);
        assert_eq!(shift.from(), None);
    }
}
