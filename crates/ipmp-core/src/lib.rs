//! The failover decision core: all rules of IPMP, and nothing else.
//!
//! It knows members, groups, targets, verdicts and placement. It does no I/O, reads no clock, starts no
//! task and returns no error: [`Engine::step`] takes a moment and an event and names the actions that
//! follow, [`Engine::deadline`] says when it must be called at the latest, [`Engine::status`] what it
//! knows. The same seed and events give the same actions.

mod announce;
mod claim;
mod damping;
mod group;
mod history;
mod jitter;
mod member;
mod placement;
mod probing;
mod quality;
mod reconcile;
mod retry;
mod rtt;
mod schedule;
mod shift;
mod target;
mod verdict;

pub mod action;
pub mod config;
pub mod engine;
pub mod event;
pub mod handover;
pub mod id;
pub mod kernel;
pub mod notice;
pub mod rehearsal;
pub mod status;
pub mod time;

pub use action::{
    Action, AddressCheck, Announcement, Change, Means, Memory, ProbeKind, ProbeOutcome, ProbeReport, Prober,
    Transaction,
};
pub use config::{Config, Damping, Detection, GroupConfig, MemberConfig, ProbeMode, Schedule};
pub use engine::Engine;
pub use event::{Command, Event, Outcome, Refusal, ReplyFault};
pub use handover::{Foreign, ForeignKey, Handover};
pub use id::{Family, GroupName, IfIndex, IfName, Mac, ProbeId, RequestId, TransactionId};
pub use notice::Notice;
pub use status::Status;
pub use time::Instant;
