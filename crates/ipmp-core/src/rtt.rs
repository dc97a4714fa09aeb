//! The round-trip estimator: Jacobson's, in nanoseconds (IPMP behaviour §4; a millisecond is an age on a LAN).

use std::time::Duration;

/// Smoothed mean and mean deviation of one target's round trips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rtt(Option<(Duration, Duration)>);

impl Rtt {
    /// Takes in a sample: the first gives mean m and deviation m/2, each further one moves the mean by an
    /// eighth and the deviation by a quarter of the error.
    pub(crate) fn sample(&mut self, rtt: Duration) {
        self.0 = Some(match self.0 {
            None => (rtt, rtt / 2),
            Some((mean, deviation)) => {
                let error = rtt.abs_diff(mean);
                let mean = if rtt > mean { mean + error / 8 } else { mean - error / 8 };
                let deviation = if error > deviation {
                    deviation + (error - deviation) / 4
                } else {
                    deviation - (deviation - error) / 4
                };
                (mean, deviation)
            }
        });
    }

    /// Mean and deviation, once there was a sample.
    pub(crate) fn get(self) -> Option<(Duration, Duration)> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_jacobson_below_a_millisecond() {
        let us = Duration::from_micros;
        let mut rtt = Rtt::default();
        assert_eq!(rtt.get(), None);
        rtt.sample(us(200));
        assert_eq!(rtt.get(), Some((us(200), us(100))));
        rtt.sample(us(280));
        assert_eq!(rtt.get(), Some((us(210), us(95))));
        rtt.sample(us(10));
        assert_eq!(rtt.get(), Some((us(185), Duration::from_nanos(121_250))));
    }
}
