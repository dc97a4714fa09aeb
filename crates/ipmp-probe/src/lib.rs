//! The probe engine: probes of a member, by that member and no other, and the genuine answers with the moment
//! at which the kernel received them; the question to all hosts of a link who is there; and the question
//! whether anybody has an address. Probes are ICMP echo requests from a test address, or where there is none
//! ARP requests and neighbour solicitations.
//!
//! It knows packets, not failure: when to probe, which target, what a loss means and what a round trip
//! took are the core's. It holds no timer, starts no task and never waits for anything but a packet.
//!
//! | file | holds |
//! |---|---|
//! | `engine` | what the daemon sees: open, close, send, discover, check, wait, drain |
//! | `prober` | one member and family: `icmp`, or `link` by ARP or neighbour solicitations |
//! | `ledger`, `asked` | which requests are outstanding, and what an answer is to them: with sequence numbers, and without |
//! | `checks` | who else has an address that is about to be used |
//! | `socket` | the sockets: `raw` for ICMP, `packet` for frames; what both have: priority, receiving with stamps |
//! | `filter` | what the kernel lets through to them |
//! | `echo`, `arp`, `ndp`, `frame` | bytes, pure |
//! | `data` | what an echo request carries, and how long it is |
//! | `readiness` | many sockets behind one descriptor |
//! | `clock` | the daemon's clock, and wall-clock stamps moved onto it |

pub mod arp;
mod asked;
mod checks;
pub mod clock;
pub mod data;
pub mod echo;
mod engine;
mod filter;
pub mod frame;
mod ledger;
pub mod ndp;
mod prober;
mod readiness;
mod socket;

pub use engine::ProbeEngine;
pub use ledger::{HOSTS_MAX, OUTSTANDING_MAX};
pub use socket::DRAIN_MAX;
