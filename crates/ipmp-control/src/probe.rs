//! The stream of probes on the wire.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use zlink::introspect::{CustomType, Type};

use crate::ProbeKind;

/// What became of some probes: one reply of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Probes {
    /// How many more there were, before or among these.
    pub missed: u64,
    /// In the order in which they were decided.
    pub probes: Vec<Probe>,
}

/// One probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct Probe {
    /// Its number, which no other has while the daemon runs.
    pub probe: u64,
    /// The member that it left by.
    pub interface: String,
    /// What it was.
    pub kind: ProbeKind,
    /// To whom.
    pub target: IpAddr,
    /// When it was sent: so long after the first reply, or before it where this is less than zero.
    pub sent_us: i64,
    /// What became of it.
    pub outcome: ProbeOutcome,
    /// Round trip until the kernel received the reply; none if lost.
    pub network_rtt_us: Option<u64>,
    /// Round trip until the reply was worked on.
    pub rtt_us: Option<u64>,
    /// Smoothed round trip to the target, once known.
    pub average_rtt_us: Option<u64>,
    /// Its mean deviation.
    pub rtt_deviation_us: Option<u64>,
}

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
#[serde(rename_all = "lowercase")]
#[zlink(rename_all = "lowercase")]
pub enum ProbeOutcome {
    /// Answered.
    Acked,
    /// Unanswered for too long, or refused by the kernel.
    Lost,
}
