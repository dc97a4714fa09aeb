//! The probe engine: ICMP echo from the test address of a member, by that member and no other, and the
//! genuine answers with the moment at which the kernel received them.
//!
//! It knows packets, not failure: when to probe, which target, what a loss means and what a round trip
//! took are the core's. It holds no timer, starts no task and never waits for anything but a packet.
//!
//! | file | holds |
//! |---|---|
//! | `engine` | what the daemon sees: open, close, send, wait, drain |
//! | `prober` | one member and family: a socket and what it still awaits |
//! | `ledger` | which probes are outstanding, and whether an echo is the answer to one |
//! | `socket` | the raw socket: its options, sending, receiving with stamps |
//! | `filter` | what the kernel lets through to it |
//! | `echo` | bytes of an echo, pure |
//! | `readiness` | many sockets behind one descriptor |
//! | `clock` | the daemon's clock, and wall-clock stamps moved onto it |

pub mod clock;
pub mod echo;
mod engine;
mod filter;
mod ledger;
mod prober;
mod readiness;
mod socket;

pub use engine::ProbeEngine;
pub use ledger::{OUTSTANDING_MAX, Rejected};
pub use prober::DRAIN_MAX;
