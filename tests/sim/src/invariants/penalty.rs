//! How long a member may be kept out because it failed again and again (after RFC 2439): a penalty that is
//! a thousand a failure, halves with time, and never is above four times the limit of suspension.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ipmp_core::{Damping, IfName, Instant};

const FAILURE: f64 = 1_000.0;

/// More failures than a member has within a half-life.
const NEVER: u32 = 1_000_000;

const HIGHEST: f64 = 4.0;

/// For how long at most a member is kept out. A limit that is never met keeps nobody out.
pub(super) fn longest(damping: Damping) -> Duration {
    let halvings = (f64::from(damping.suspend) * HIGHEST / f64::from(damping.reuse)).log2();
    if damping.suspend >= NEVER { Duration::ZERO } else { damping.half_life.mul_f64(halvings) }
}

/// The penalty of one member as of the moment of its last failure.
#[derive(Clone, Copy, Debug, Default)]
struct Penalty {
    value: f64,
    as_of: Instant,
    suspended: bool,
}

/// The penalties of all members.
#[derive(Clone, Debug, Default)]
pub(super) struct Penalties {
    of: BTreeMap<IfName, Penalty>,
    /// Failed, and not repaired yet.
    failed: BTreeSet<IfName>,
    /// Nothing is known of their links yet: to be found without one is no failure.
    new: BTreeSet<IfName>,
}

impl Penalties {
    /// A member failed, by the loss of its link, which counts by itself, or otherwise.
    pub(super) fn failed(&mut self, member: &IfName, by_link: bool, damping: Damping, now: Instant) {
        self.failed.insert(member.clone());
        if !by_link {
            self.count(member, damping, now);
        }
    }

    /// The link of a member went, whether it had failed before or not.
    pub(super) fn link_lost(&mut self, member: &IfName, damping: Damping, now: Instant) {
        if !self.new.remove(member) {
            self.count(member, damping, now);
        }
    }

    /// A member is new, and has no link as far as is known.
    pub(super) fn is_new(&mut self, member: &IfName) {
        self.new.insert(member.clone());
    }

    /// A member has a link.
    pub(super) fn linked(&mut self, member: &IfName) {
        self.new.remove(member);
    }

    /// A member is repaired; whether it had failed.
    pub(super) fn repaired(&mut self, member: &IfName) -> bool {
        self.failed.remove(member)
    }

    /// One failure more; so counts a link that was gone for a moment.
    pub(super) fn count(&mut self, member: &IfName, damping: Damping, now: Instant) {
        let before = self.of.get(member).copied().unwrap_or_default();
        let suspended = before.suspended && before.left(damping, now) >= f64::from(damping.reuse);
        let value = (before.left(damping, now) + FAILURE).min(f64::from(damping.suspend) * HIGHEST);
        let suspended = suspended || value >= f64::from(damping.suspend);
        self.of.insert(member.clone(), Penalty { value, as_of: now, suspended });
    }

    /// Until when a member is kept out, as far as it ever was.
    pub(super) fn until(&self, member: &IfName, damping: Damping) -> Option<Instant> {
        let penalty = self.of.get(member).filter(|penalty| penalty.suspended)?;
        let halvings = (penalty.value / f64::from(damping.reuse)).log2().max(0.0);
        Some(penalty.as_of + damping.half_life.mul_f64(halvings) + Duration::from_micros(2))
    }

    /// Only these members are known still.
    pub(super) fn retain(&mut self, known: impl Fn(&IfName) -> bool) {
        self.of.retain(|name, _| known(name));
        self.failed.retain(|name| known(name));
        self.new.retain(|name| known(name));
    }
}

impl Penalty {
    fn left(&self, damping: Damping, now: Instant) -> f64 {
        self.value * (-(now.since(self.as_of).as_secs_f64() / damping.half_life.as_secs_f64())).exp2()
    }
}
