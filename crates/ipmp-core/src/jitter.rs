//! Seeded jitter for the probe schedule. It spreads probes, it protects nothing: the nonces that do are
//! the probe engine's.

use std::time::Duration;

/// A small generator (xorshift64*); the same seed gives the same spans.
#[derive(Clone, Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        // The generator would stay at zero for ever.
        Self(seed ^ 0x9e37_79b9_7f4a_7c15 | 1)
    }

    /// A span from zero up to, not including, `limit`.
    pub(crate) fn below(&mut self, limit: Duration) -> Duration {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let fraction = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
        limit.mul_f64(fraction as f64 / (1u64 << 24) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_fill_the_range_and_repeat_with_the_seed() {
        let limit = Duration::from_millis(100);
        let spans = |seed| {
            let mut jitter = Jitter::new(seed);
            (0..1000).map(|_| jitter.below(limit)).collect::<Vec<_>>()
        };
        let first = spans(7);
        assert_eq!(first, spans(7));
        assert_ne!(first, spans(8));
        assert!(first.iter().all(|span| *span < limit));
        assert!(first.iter().any(|span| *span < limit / 10) && first.iter().any(|span| *span > limit * 9 / 10));
    }
}
