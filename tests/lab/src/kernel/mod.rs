//! What `ip`, `bridge` and `tc` do, asked of the kernel itself: links, addresses, routes, neighbours, filters.
//!
//! Everything is a method of [`Namespace`](crate::Namespace) that returns when the kernel has answered. This is not
//! the code that the daemon uses, on purpose: a test must not see the kernel through the eyes of what it tests.

mod address;
mod filter;
mod link;
mod monitor;
mod neighbour;
mod route;
pub(crate) mod socket;

pub use address::Address;
pub use filter::{Frames, Way};
pub use link::Link;
pub use monitor::{Change, Monitor};
pub use neighbour::Neighbour;
pub use route::{Leg, Route};
