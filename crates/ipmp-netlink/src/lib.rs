//! The daemon's small face of netlink: what the kernel tells becomes facts of `ipmp-core`, what is asked
//! of it becomes requests with a deadline and the kernel's own sentence where it refuses.
//!
//! It knows messages and sockets, and nothing of groups, members or failure. No type of the netlink
//! libraries leaves it: they change often, and each of them hides something that matters here (a lost
//! notification, an interrupted dump, an acknowledgement that never comes).

mod ask;
mod capture;
mod client;
mod decode;
mod dump;
mod error;
mod foreign;
mod monitor;
mod query;
mod request;
mod socket;
mod wire;

pub use ask::Asker;
pub use capture::{Captured, CapturedAddress, CapturedRoute, capture};
pub use client::{Client, DEADLINE};
pub use decode::{Decoded, decode};
pub use dump::dump;
pub use error::{Error, Kind};
pub use foreign::{foreign_address, foreign_route};
pub use monitor::{Drained, Monitor, QUEUE_BYTES};
