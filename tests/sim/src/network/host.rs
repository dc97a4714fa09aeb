//! The hosts that are probed: dead, slow, sparing with answers, or deaf to multicast.

use std::time::Duration;

use ipmp_core::Instant;

/// A host of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// Whether it lives.
    pub alive: bool,
    /// Whether it answers echo requests.
    pub echo: bool,
    /// Whether it answers ARP requests and neighbour solicitations.
    pub neighbour: bool,
    /// What it thinks over each answer, on top of the way.
    pub delay: Duration,
    /// So many answers to echo requests a second at most, as routers are set up to.
    pub answers_a_second: Option<u32>,
    /// Whether it answers to multicast.
    pub multicast: bool,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            alive: true,
            echo: true,
            neighbour: true,
            delay: Duration::ZERO,
            answers_a_second: None,
            multicast: true,
        }
    }
}

impl Host {
    /// One that is off.
    pub const DEAD: Host = Host {
        alive: false,
        echo: true,
        neighbour: true,
        delay: Duration::ZERO,
        answers_a_second: None,
        multicast: true,
    };

    /// Whether it answers everything at once.
    pub fn ordinary(&self) -> bool {
        self.alive && self.echo && self.neighbour && self.delay.is_zero() && self.answers_a_second.is_none()
    }
}

/// How many answers a host has left in the present second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowance {
    second: u64,
    given: u32,
}

impl Allowance {
    /// Takes one answer, if there is one left.
    pub(super) fn spend(&mut self, host: &Host, now: Instant) -> bool {
        let Some(limit) = host.answers_a_second else { return true };
        let second = now.as_nanos() / 1_000_000_000;
        if second != self.second {
            (self.second, self.given) = (second, 0);
        }
        self.given += 1;
        self.given <= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_second() {
        let host = Host { answers_a_second: Some(3), ..Host::default() };
        let mut allowance = Allowance::default();
        let at = |ms: u64| Instant::from_nanos(ms * 1_000_000);
        let given = |allowance: &mut Allowance, from: u64| {
            (0..10).filter(|n| allowance.spend(&host, at(from + n * 50))).count()
        };
        assert_eq!(given(&mut allowance, 5_000), 3);
        assert_eq!(given(&mut allowance, 5_500), 0);
        assert_eq!(given(&mut allowance, 6_000), 3);
    }
}
