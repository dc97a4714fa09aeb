//! The full-screen view of `ipmpstat --watch`, as a pure function of what was told: it knows no socket, no terminal
//! and no clock. [`View`] takes in what the daemon says and which keys are pressed; [`View::draw`] puts it on a frame
//! of any size.
//!
//! Four panels below each other: members, groups, data addresses, events. What does not fit scrolls; on a screen that
//! is too small for all, the one with the focus stays.

mod columns;
mod draw;
mod history;
mod keys;
mod panel;
mod panels;
mod share;
mod view;

pub use history::{Histories, Second};
pub use keys::{Key, key};
pub use panel::Panel;
pub use view::{Source, View};
