//! The way between a NIC and its segment, and what may be wrong with it.

use std::time::Duration;

use ipmp_core::Family;

use super::Burst;

/// Longest packet of a path without a fault, in bytes.
const MTU: u16 = 1500;

/// The way between a NIC and its segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Nothing that the host sends arrives.
    pub cut_out: bool,
    /// Nothing that is sent to the host arrives.
    pub cut_in: bool,
    /// Nothing of this family passes.
    pub cut_family: Option<Family>,
    /// Chance that a round trip is lost.
    pub loss: f64,
    /// Losses in bursts.
    pub burst: Option<Burst>,
    /// Shortest round trip.
    pub delay: Duration,
    /// At most this much on top of it.
    pub jitter: Duration,
    /// Chance that an answer comes twice.
    pub duplicates: f64,
    /// Chance that an answer comes with other data.
    pub corrupt: f64,
    /// Longest packet that passes, in bytes.
    pub mtu: u16,
}

impl Default for Path {
    fn default() -> Self {
        Self {
            cut_out: false,
            cut_in: false,
            cut_family: None,
            loss: 0.0,
            burst: None,
            delay: Duration::from_micros(150),
            jitter: Duration::from_micros(400),
            duplicates: 0.0,
            corrupt: 0.0,
            mtu: MTU,
        }
    }
}

impl Path {
    /// Dead in both directions.
    pub fn dead() -> Self {
        Self { cut_out: true, cut_in: true, ..Self::default() }
    }

    /// Dead in both directions, for one family.
    pub fn dead_in(family: Family) -> Self {
        Self { cut_family: Some(family), ..Self::default() }
    }

    /// Each round trip is lost with this chance.
    pub fn lossy(loss: f64) -> Self {
        Self { loss, ..Self::default() }
    }

    /// Whether one direction or both are dead for good.
    pub fn cut(&self) -> bool {
        self.cut_out || self.cut_in
    }

    /// Whether a family is dead for good, in one direction or both.
    pub fn cut_for(&self, family: Family) -> bool {
        self.cut() || self.cut_family == Some(family)
    }

    /// Whether round trips take no longer than they always did.
    pub fn of_usual_length(&self) -> bool {
        let usual = Self::default();
        self.delay + self.jitter <= usual.delay + usual.jitter
    }

    /// Whether nothing is lost and nothing changed on the way, however long it takes.
    pub fn faultless(&self) -> bool {
        !self.cut()
            && self.cut_family.is_none()
            && self.loss == 0.0
            && self.burst.is_none()
            && self.corrupt == 0.0
            && self.mtu >= MTU
    }
}
