//! The link-state watcher: what happens in the kernel becomes events for the core.
//!
//! It only reads the kernel, and it knows links, addresses and routes, not groups or failure.
//!
//! ```text
//!  kernel ──notifications, answers──► Monitor ──► Watcher::drain ──► events
//!     ▲                                             │      ▲
//!     └─── "ask" thread ◄── Watcher::ask ───────────│──────│
//!     └─── "dump" thread ◄── overrun, resync ───────┘      └── snapshots
//! ```
//!
//! The loop that owns the watcher never waits for rtnetlink, which can be busy for seconds: questions are
//! sent by one thread and dumps are made by another. Both end when the watcher is dropped.

mod ask;
mod dump;
mod resync;
mod watcher;

pub use watcher::Watcher;
