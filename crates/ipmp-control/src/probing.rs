//! The probing of a member in the snapshot: whom it asks, and what came back so far.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use zlink::introspect::CustomType;

use crate::ProbeOutcome;

/// Probing of a member in one family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CustomType)]
pub struct Probing {
    /// The family.
    pub family: Family,
    /// What it is probed with.
    pub kind: ProbeKind,
    /// Whether the family works on this member.
    pub health: FamilyHealth,
    /// The address that probes are sent from, where there is one: not for probes that need none.
    pub test_address: Option<IpAddr>,
    /// How targets were found.
    pub mode: TargetMode,
    /// The active ones in firing order, the next first; then the others.
    pub targets: Vec<Target>,
    /// The present run of losses or replies; none before the first.
    pub run: Option<Run>,
    /// Share of the recent ordinary probes that were lost: not of large ones, of those that confirm a loss, or
    /// that are sent while the member is failed. None before there are enough.
    pub loss: Option<f64>,
    /// How long a probe may go unanswered before it is lost.
    pub timeout_us: u64,
    /// The last reply; none before the first.
    pub last_reply: Option<LastReply>,
    /// Probes sent, or refused by the kernel, since the member joined.
    pub sent: u64,
    /// Answered of them, late answers included.
    pub acked: u64,
    /// Unanswered for longer than the timeout, or refused.
    pub lost: u64,
    /// Overlapped by a stall of the daemon, and counted as neither.
    pub void: u64,
    /// Answered after they had been declared lost; in `acked` too.
    pub late: u64,
    /// Slots in which none was sent, because the daemon was too late for them.
    pub missed: u64,
    /// Large ones sent; in no other number.
    pub large_sent: u64,
    /// Large ones lost.
    pub large_lost: u64,
    /// What came and was no reply to a probe.
    pub bad: BadReplies,
}

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
#[serde(rename_all = "lowercase")]
#[zlink(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

/// How targets were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
#[serde(rename_all = "lowercase")]
#[zlink(rename_all = "lowercase")]
pub enum TargetMode {
    /// Configured, or next hops of routes.
    Routes,
    /// Hosts that answered a multicast request, where there are no routers.
    Multicast,
    /// There are none; data addresses that other members carry stand in for them.
    Transitive,
    /// Probing is disabled.
    Disabled,
}

/// What a probe is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
#[serde(rename_all = "lowercase")]
#[zlink(rename_all = "lowercase")]
pub enum ProbeKind {
    /// ICMP or ICMPv6 echo request.
    Icmp,
    /// ARP request.
    Arp,
    /// Neighbour solicitation.
    Ndp,
    /// One of the last two, for a data address that another member of the group carries.
    Transitive,
}

/// Whether a family works on a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
#[serde(rename_all = "lowercase")]
#[zlink(rename_all = "lowercase")]
pub enum FamilyHealth {
    /// As far as is known.
    Ok,
    /// It does not.
    Failed,
    /// There is nobody to probe.
    Unknown,
}

/// Probes in a row with the same outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct Run {
    /// Which.
    pub outcome: ProbeOutcome,
    /// How many.
    pub length: u32,
}

/// The last reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct LastReply {
    /// How long ago it came.
    pub age_ms: u64,
    /// Its round trip.
    pub rtt_us: u64,
}

/// What came and was no reply to a probe, by what is wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct BadReplies {
    /// The probe was answered before.
    pub duplicate: u64,
    /// What it answers was not asked, or too long ago.
    pub out_of_window: u64,
    /// From another address than was probed.
    pub fake: u64,
    /// From the host that was probed, with other data than the probe's, or a wrong checksum.
    pub corrupt: u64,
    /// No answer to such a probe at all, cut short, or for somebody else.
    pub malformed: u64,
}

/// One target of a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CustomType)]
pub struct Target {
    /// Its address.
    pub address: IpAddr,
    /// What is made of it.
    pub state: TargetState,
    /// Share of the recent probes to it that were lost; none where there are none.
    pub loss: Option<f64>,
    /// Smoothed round trip, once known.
    pub rtt_us: Option<u64>,
    /// Mean deviation of the round trip, once known.
    pub rtt_deviation_us: Option<u64>,
}

/// What is made of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
#[serde(rename_all = "lowercase")]
#[zlink(rename_all = "lowercase")]
pub enum TargetState {
    /// Probed.
    Active,
    /// Spare.
    Unused,
    /// Much slower than the others.
    Slow,
    /// Does not answer, while others do.
    Dead,
}
