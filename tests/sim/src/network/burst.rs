//! Losses in bursts: a good state without loss, a bad one that loses everything (Gilbert's model).
//!
//! The states last spans of time and not numbers of packets, so that who sends more probes neither ends a
//! burst the sooner nor makes one begin.

use std::time::Duration;

use ipmp_core::Instant;

use crate::rng::Rng;

/// How often bursts come, and how long they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// Mean span from the end of one to the beginning of the next; any moment is as likely as any other.
    pub pause: Duration,
    /// How long they are.
    pub length: Length,
}

/// How long bursts are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    /// So long on average, and as likely to end at any moment as at any other.
    Mean(Duration),
    /// All lengths between these are equally likely.
    Between(Duration, Duration),
}

/// The bursts of one path.
#[derive(Clone, Debug)]
pub(super) struct Bursts {
    bad: bool,
    until: Option<Instant>,
    rng: Rng,
}

impl Bursts {
    pub(super) fn new(rng: Rng) -> Self {
        Self { bad: false, until: None, rng }
    }

    /// The path has become another.
    pub(super) fn restart(&mut self) {
        (self.bad, self.until) = (false, None);
    }

    /// Whether a burst goes on now. Never asked about the past.
    pub(super) fn bad(&mut self, burst: &Burst, now: Instant) -> bool {
        let mut until = self.until.unwrap_or_else(|| now + self.rng.span_exponential(burst.pause));
        while until <= now {
            self.bad = !self.bad;
            let lasts = match (self.bad, burst.length) {
                (false, _) => self.rng.span_exponential(burst.pause),
                (true, Length::Mean(mean)) => self.rng.span_exponential(mean),
                (true, Length::Between(shortest, longest)) => self.rng.span(shortest, longest),
            };
            until = until + lasts.max(Duration::from_nanos(1));
        }
        self.until = Some(until);
        self.bad
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share of time that is bad, asked every `step`.
    fn share(burst: Burst, step: Duration) -> f64 {
        let mut bursts = Bursts::new(Rng::stream(1, "test"));
        let asked = 200_000;
        let bad = (0..asked).filter(|n| bursts.bad(&burst, Instant::default() + step * *n)).count();
        bad as f64 / f64::from(asked)
    }

    #[test]
    fn asking_more_often_changes_nothing() {
        let burst = Burst { pause: Duration::from_secs(9), length: Length::Mean(Duration::from_secs(1)) };
        for step in [10, 1_000, 20_000].map(Duration::from_millis) {
            assert!((share(burst, step) - 0.1).abs() < 0.02, "{step:?}: {}", share(burst, step));
        }
    }

    #[test]
    fn lengths_are_as_told() {
        let length = Length::Between(Duration::from_millis(200), Duration::from_millis(300));
        let burst = Burst { pause: Duration::from_secs(5), length };
        let mut bursts = Bursts::new(Rng::stream(2, "test"));
        let (mut run, mut longest, mut shortest) = (0, 0, u32::MAX);
        for n in 0..1_000_000 {
            if bursts.bad(&burst, Instant::default() + Duration::from_millis(1) * n) {
                run += 1;
            } else if run > 0 {
                (longest, shortest, run) = (longest.max(run), shortest.min(run), 0);
            }
        }
        assert!((299..=301).contains(&longest) && (199..=204).contains(&shortest), "{shortest} to {longest}");
    }
}
