//! The round-trip estimator: Jacobson's, in nanoseconds (IPMP behaviour §4; a millisecond is an age on a LAN).

use std::time::Duration;

/// Smoothed mean and mean deviation of one target's round trips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rtt {
    known: Option<(Duration, Duration)>,
    /// One that alone would make the target look too slow; it is believed when the next one is alike.
    deferred: Option<Duration>,
}

impl Rtt {
    /// Takes in a sample. One that would bring the conservative round trip above `limit` is deferred once
    /// (§4): taken in with the next one if that is suspect too, and else dropped.
    pub(crate) fn sample(&mut self, rtt: Duration, limit: Duration) {
        let with = take_in(self.known, rtt);
        let suspect = conservative(with) > limit;
        match (suspect, self.deferred.take()) {
            (true, None) => self.deferred = Some(rtt),
            (true, Some(first)) => self.known = Some(take_in(Some(take_in(self.known, first)), rtt)),
            (false, _) => self.known = Some(with),
        }
    }

    /// Mean and deviation, once there was a sample.
    pub(crate) fn get(self) -> Option<(Duration, Duration)> {
        self.known
    }

    /// How long a round trip takes at most, as far as can be told: mean and four deviations.
    pub(crate) fn crtt(self) -> Option<Duration> {
        self.known.map(conservative)
    }
}

/// The first sample gives mean m and deviation m/2; each further one moves the mean by an eighth and the
/// deviation by a quarter of the error.
fn take_in(known: Option<(Duration, Duration)>, rtt: Duration) -> (Duration, Duration) {
    let Some((mean, deviation)) = known else { return (rtt, rtt / 2) };
    let error = rtt.abs_diff(mean);
    let mean = if rtt > mean { mean + error / 8 } else { mean - error / 8 };
    let deviation =
        if error > deviation { deviation + (error - deviation) / 4 } else { deviation - (deviation - error) / 4 };
    (mean, deviation)
}

fn conservative((mean, deviation): (Duration, Duration)) -> Duration {
    mean + 4 * deviation
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_LIMIT: Duration = Duration::MAX;

    #[test]
    fn follows_jacobson_below_a_millisecond() {
        let us = Duration::from_micros;
        let mut rtt = Rtt::default();
        assert_eq!(rtt.get(), None);
        rtt.sample(us(200), NO_LIMIT);
        assert_eq!((rtt.get(), rtt.crtt()), (Some((us(200), us(100))), Some(us(600))));
        rtt.sample(us(280), NO_LIMIT);
        assert_eq!(rtt.get(), Some((us(210), us(95))));
        rtt.sample(us(10), NO_LIMIT);
        assert_eq!(rtt.get(), Some((us(185), Duration::from_nanos(121_250))));
    }

    #[test]
    fn a_suspect_sample_is_believed_when_the_next_is_alike() {
        let ms = Duration::from_millis;
        let mut rtt = Rtt::default();
        rtt.sample(ms(1), ms(100));
        rtt.sample(ms(500), ms(100));
        assert_eq!(rtt.get(), Some((ms(1), ms(1) / 2)));
        let mut spike = rtt;
        spike.sample(ms(1), ms(100));
        assert!(spike.crtt().unwrap() < ms(10), "a single spike is dropped");
        rtt.sample(ms(500), ms(100));
        assert!(rtt.crtt().unwrap() > ms(100), "two of them are a slow network");
    }
}
