//! The daemon's small face of netlink: what the kernel tells becomes facts of `ipmp-core`, what is asked
//! of it becomes requests with a deadline and the kernel's own sentence where it refuses.
//!
//! It knows messages and sockets, and nothing of groups, members or failure. No type of the netlink
//! libraries leaves it: they change often, and each of them hides something that matters here (a lost
//! notification, an interrupted dump, an acknowledgement that never comes).

pub mod ask;
pub mod client;
pub mod decode;
mod dump;
pub mod error;
pub mod monitor;
mod query;
mod request;
mod socket;
mod wire;

pub use ask::Asker;
pub use client::Client;
pub use decode::{Decoded, decode};
pub use dump::dump;
pub use error::{Error, Kind};
pub use monitor::{Drained, Monitor};
