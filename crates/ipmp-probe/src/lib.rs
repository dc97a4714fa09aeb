//! The probe engine: ICMP echo from the test address of a member, by that member and no other, and the
//! genuine answers with the moment at which the kernel received them; and the question to all hosts of a
//! link who is there.
//!
//! It knows packets, not failure: when to probe, which target, what a loss means and what a round trip
//! took are the core's. It holds no timer, starts no task and never waits for anything but a packet.
//!
//! | file | holds |
//! |---|---|
//! | `engine` | what the daemon sees: open, close, send, discover, wait, drain |
//! | `prober` | one member and family: a socket and what it still awaits |
//! | `ledger` | which requests are outstanding, and what an echo is to them |
//! | `socket` | the raw socket: its options, sending, receiving with stamps |
//! | `filter` | what the kernel lets through to it |
//! | `echo` | bytes of an echo, pure |
//! | `data` | what a request carries, and how long it is |
//! | `readiness` | many sockets behind one descriptor |
//! | `clock` | the daemon's clock, and wall-clock stamps moved onto it |

pub mod clock;
pub mod data;
pub mod echo;
mod engine;
mod filter;
mod ledger;
mod prober;
mod readiness;
mod socket;

pub use engine::ProbeEngine;
pub use ledger::{HOSTS_MAX, OUTSTANDING_MAX};
pub use prober::DRAIN_MAX;
