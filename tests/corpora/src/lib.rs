//! What must hold of each decoder whatever bytes it is given: a function each, which panics where it does not.
//!
//! The fuzz targets of `tests/fuzz` call these functions with bytes that they make up, and the tests of this
//! crate with those that are kept in `tests/fuzz/corpus`.

mod config;
mod control;
mod frame;
mod netlink;
mod reply;

pub use config::config;
pub use control::control;
pub use frame::frame;
pub use netlink::netlink;
pub use reply::reply;
