//! The engine: one `step` for every event, one `deadline`, one `status`.

use crate::action::{Action, Memory};
use crate::event::Event;
use crate::status::Status;
use crate::time::Instant;

/// The failover decision core.
pub struct Engine {}

impl Engine {
    /// An engine that knows nothing but what the last one remembered. It acts once it has been given a
    /// configuration and a snapshot. `seed` feeds the jitter of the probes and nothing else.
    pub fn new(_memory: Memory, _seed: u64) -> Self {
        Self {}
    }

    /// Takes in what happened at `now`, and adds what is to be done, in order.
    pub fn step(&mut self, _now: Instant, _event: Event, _actions: &mut Vec<Action>) {}

    /// When `step` is to be called with `Event::Timeout` if nothing else happens before.
    pub fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Everything that is known.
    pub fn status(&self, _now: Instant) -> Status {
        Status::default()
    }
}
