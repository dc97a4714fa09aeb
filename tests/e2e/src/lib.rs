//! What the stories share: a host with a group on a network, the daemon that runs it, and questions about both.
//!
//! A story is a function of a [`Story`]; [`in_every_case`] makes tests of it, one for each case of the table.

mod axe;
mod case;
mod family;
mod site;
mod story;
mod traffic;

use std::path::PathBuf;
use std::time::Duration;

pub use axe::Axe;
pub use family::Family;
pub use site::Site;
pub use story::Story;
pub use traffic::Flows;

/// How long a condition may take on a busy machine before the story has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Packets a second of the flows that measure.
pub const RATE: u32 = 1000;

/// A program of the project, built by the same command as the tests.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own file");
    let target = test.ancestors().find(|directory| directory.join(name).is_file());
    target.unwrap_or_else(|| panic!("{name} is not built; run `cargo test --workspace`, which builds it")).join(name)
}
