//! The control interface as both of its ends know it: where the socket is, what is said on it, what a call
//! asks for, and a client.
//!
//! The types here are a promise to programs in other languages, kept apart from the core's own, which may
//! change with it: names and meanings stay, fields and methods may be added. It knows nothing of how the
//! daemon decides, and does not depend on the core. `docs/control.md` is the page for users.

mod call;
mod change;
mod client;
mod event;
mod member;
mod probe;
mod probing;
mod problem;
mod refusal;
mod status;

use std::path::{Path, PathBuf};

pub use call::{Call, Change, Message};
pub use change::*;
pub use client::{Client, Error, Watch};
pub use event::*;
pub use member::*;
pub use probe::*;
pub use probing::*;
pub use problem::*;
pub use refusal::Refusal;
pub use status::*;

/// The Varlink interface.
pub const INTERFACE: &str = "io.ipmpd.Control";

/// Its description, in Varlink's own language: the contract, which the types here follow.
pub const DESCRIPTION: &str = include_str!("io.ipmpd.Control.varlink");

/// Where the daemon keeps its socket unless told otherwise.
pub const DEFAULT_RUNTIME_DIR: &str = "/run/ipmpd";

/// The environment variable that tells clients where the runtime directory is.
pub const RUNTIME_DIR_VARIABLE: &str = "IPMPD_RUNTIME_DIR";

/// The socket in a runtime directory.
pub fn socket_path(runtime_dir: &Path) -> PathBuf {
    runtime_dir.join("ipmpd.sock")
}
