//! What the core knows, for `ipmpstat`, metrics and the service manager (`ipmp-behaviour.md` §11, data model).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::action::ProbeKind;
use crate::config::Damping;
use crate::event::ReplyFault;
use crate::id::{Family, GroupName, IfName, Mac};
use crate::notice::Reason;
use crate::time::Instant;

/// Everything at one moment, consistent in itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The groups, in the order of the configuration.
    pub groups: Vec<GroupStatus>,
}

/// State of a group (§1): ok where all members are usable, degraded where some, failed where none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupState {
    /// All members are usable.
    Ok,
    /// Some are.
    Degraded,
    /// None is.
    Failed,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// The IPMP interface.
    pub interface: IfName,
    /// The group's name.
    pub name: GroupName,
    /// Its state.
    pub state: GroupState,
    /// Failure detection time in force; none if no member probes.
    pub failure_detection_time: Option<Duration>,
    /// The one that is configured.
    pub failure_detection_time_wanted: Duration,
    /// How often a year the loss that is measured now would fail a member that works, by the schedule in
    /// force; none if no member probes.
    pub false_failures_per_year: Option<f64>,
    /// The limits of its members' penalties.
    pub damping: Damping,
    /// Members in the order of the configuration.
    pub members: Vec<MemberStatus>,
    /// Data addresses in the order of the configuration.
    pub addresses: Vec<AddressStatus>,
}

/// State of a member as `ipmpstat -i` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemberState {
    /// Works.
    Ok,
    /// Works, but not well.
    Degraded,
    /// Does not.
    Failed,
    /// Taken out of service.
    Offline,
    /// Probing is configured, and there is nothing to probe; used all the same.
    Unknown,
}

/// State of probing as `ipmpstat -i` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProbeState {
    /// Probes are answered.
    Ok,
    /// The member is failed.
    Failed,
    /// No targets.
    Unknown,
    /// No test address.
    Disabled,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberStatus {
    /// The interface.
    pub interface: IfName,
    /// Functions, and neither inactive nor offline.
    pub active: bool,
    /// Idle by policy.
    pub inactive: bool,
    /// Configured as standby.
    pub standby: bool,
    /// Whether it is present, up and has carrier.
    pub link_up: bool,
    /// Out of service because another member has the same hardware address.
    pub hwaddr_duplicate: bool,
    /// Idle because it is degraded, and a better one exists.
    pub drained: bool,
    /// Probing.
    pub probe: ProbeState,
    /// Its state.
    pub state: MemberState,
    /// Since when.
    pub since: Instant,
    /// Why.
    pub reason: Reason,
    /// How much it failed of late: 1000 a failure, less as time goes by.
    pub penalty: u32,
    /// What must happen for the state to change.
    pub waits_for: Option<Waiting>,
    /// Probing, a family each where there is a test address.
    pub probing: Vec<ProbingStatus>,
}

/// What a member waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Waiting {
    /// A NIC with a usable link.
    Link,
    /// Replies in a row, to be repaired.
    Replies {
        /// So many came.
        have: u32,
        /// So many it takes.
        need: u32,
    },
    /// Losses in a row are being confirmed.
    Losses {
        /// So many there are.
        have: u32,
        /// So many fail it.
        need: u32,
    },
    /// What other members' probes say.
    Others,
    /// Its penalty has to fall.
    Penalty {
        /// Below this.
        reuse: u32,
        /// Which will take so long.
        left: Duration,
    },
    /// Losses do not count for so long, unless a reply comes before.
    QuietPeriod(Duration),
    /// Somebody to probe.
    Targets,
    /// The administrator's `online`.
    Administrator,
    /// A hardware address of its own.
    HardwareAddress,
    /// It to be better.
    Improvement,
}

/// Whether a family works on a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FamilyHealth {
    /// As far as is known.
    Ok,
    /// It does not: its addresses are elsewhere, where another member can serve them.
    Failed,
    /// There is nobody to probe.
    Unknown,
}

/// How targets were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetMode {
    /// Configured, or next hops of routes.
    Routes,
    /// By multicast.
    Multicast,
    /// There are none; data addresses that other members carry stand in for them.
    Transitive,
    /// Probing is disabled.
    Disabled,
}

/// Probing of a member in one family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbingStatus {
    /// The family.
    pub family: Family,
    /// What it is probed with.
    pub kind: ProbeKind,
    /// Whether the family works on this member.
    pub health: FamilyHealth,
    /// The address that probes are sent from, where there is one.
    pub test_address: Option<IpAddr>,
    /// How targets were found.
    pub mode: TargetMode,
    /// The active ones in firing order, the next first; then the others.
    pub targets: Vec<TargetStatus>,
    /// The present run of losses or replies; none before the first.
    pub run: Option<Run>,
    /// Share of the recent probes that were lost, 0 to 1; none before there are enough.
    pub loss: Option<f64>,
    /// Until which round trip a probe is not lost.
    pub timeout: Duration,
    /// How long ago the last reply came, and its round trip.
    pub last_reply: Option<(Duration, Duration)>,
    /// Probes sent, answered, lost and void since the member joined.
    pub counts: ProbeCounts,
}

/// Counters of probes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeCounts {
    /// Sent, or refused by the kernel.
    pub sent: u64,
    /// Answered, late answers included.
    pub acked: u64,
    /// Unanswered for an interval, or refused.
    pub lost: u64,
    /// Overlapped by a stall of the daemon.
    pub void: u64,
    /// Answered after they had been declared lost; in `acked` too.
    pub late: u64,
    /// Slots that the daemon was too late for.
    pub missed: u64,
    /// Large ones sent; in no other count.
    pub large_sent: u64,
    /// Large ones lost.
    pub large_lost: u64,
    /// What came and answered no probe, by its fault.
    pub bad: BTreeMap<ReplyFault, u64>,
}

/// Probes in a row with the same outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Run {
    /// Lost.
    Losses(u32),
    /// Answered.
    Replies(u32),
}

/// What is made of a target (§3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// One target of a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// Its address.
    pub address: IpAddr,
    /// What is made of it.
    pub state: TargetState,
    /// Smoothed round trip and its mean deviation, once known.
    pub rtt: Option<(Duration, Duration)>,
    /// Share of the probes to it in the history that were lost, 0 to 1; none where there are none.
    pub loss: Option<f64>,
}

/// Whether a data address may be used: who brings one into a network asks first whether another host has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claim {
    /// Nobody else has it, as far as is known.
    Ours,
    /// That is being asked.
    Checking,
    /// This host has it.
    Taken(Mac),
}

/// One data address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressStatus {
    /// The address.
    pub address: IpAddr,
    /// Whether it is on the IPMP interface.
    pub up: bool,
    /// The member that it is bound to.
    pub inbound: Option<IfName>,
    /// The members that traffic from it may leave by.
    pub outbound: Vec<IfName>,
    /// Whether it may be used.
    pub claim: Claim,
}
