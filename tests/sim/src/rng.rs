//! Chance, from a seed. Every part of the world draws from a stream of its own, so that one probe more
//! does not change which cable is pulled an hour later.

use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// A stream of chance.
#[derive(Clone, Debug)]
pub struct Rng(Xoshiro256PlusPlus);

impl Rng {
    /// The stream called `name` of a seed.
    pub fn stream(seed: u64, name: &str) -> Self {
        let salt = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(Xoshiro256PlusPlus::seed_from_u64(seed ^ salt))
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0.random()
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        p > 0.0 && self.0.random::<f64>() < p
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        self.0.random_range(low..=high)
    }

    /// A span between `low` and `high`, all equally likely.
    pub fn span(&mut self, low: Duration, high: Duration) -> Duration {
        let (low, high) = (low.as_nanos() as u64, high.as_nanos() as u64);
        Duration::from_nanos(self.0.random_range(low..=high.max(low)))
    }

    /// A span between `low` and `high` where short and long ones are equally likely: as many below
    /// a tenth of a second as above ten.
    pub fn span_log(&mut self, low: Duration, high: Duration) -> Duration {
        let (low, high) = (low.as_secs_f64().ln(), high.as_secs_f64().ln());
        Duration::from_secs_f64((low + (high - low) * self.0.random::<f64>()).exp())
    }

    /// A span of that mean, as likely to end at any moment as at any other.
    pub fn span_exponential(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(-(1.0 - self.0.random::<f64>()).ln())
    }

    /// One of these; none if there are none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.between(0, of.len() - 1)) }
    }

    /// One of these, the first as often as its number says.
    pub fn weighted<T: Copy>(&mut self, of: &[(u32, T)]) -> T {
        let total: u32 = of.iter().map(|(weight, _)| weight).sum();
        let mut at = self.0.random_range(0..total);
        for (weight, value) in of {
            if at < *weight {
                return *value;
            }
            at -= weight;
        }
        unreachable!("the weights add up to {total}")
    }
}
