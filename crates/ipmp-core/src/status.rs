//! What the core knows, for `ipmpstat`, metrics and the service manager (`ipmp-behaviour.md` §11, data model).

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{Family, GroupName, IfName};
use crate::notice::Reason;
use crate::time::Instant;

/// Everything at one moment, consistent in itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// The IPMP interface.
    pub interface: IfName,
    /// The group's name.
    pub name: GroupName,
    /// Its state.
    pub state: GroupState,
    /// Failure detection time in force; none if no member probes.
    pub failure_detection_time: Option<Duration>,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Probing.
    pub probe: ProbeState,
    /// Its state.
    pub state: MemberState,
    /// Since when.
    pub since: Instant,
    /// Why, where the state is not ok.
    pub reason: Option<Reason>,
    /// Probing, a family each where there is a test address.
    pub probing: Vec<ProbingStatus>,
}

/// How targets were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetMode {
    /// Configured, or next hops of routes.
    Routes,
    /// Probing is disabled.
    Disabled,
}

/// Probing of a member in one family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbingStatus {
    /// The family.
    pub family: Family,
    /// The test address.
    pub test_address: IpAddr,
    /// How targets were found.
    pub mode: TargetMode,
    /// In firing order, the next first.
    pub targets: Vec<TargetStatus>,
    /// Probes sent, answered, lost and void since the member joined.
    pub counts: ProbeCounts,
}

/// Counters of probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeCounts {
    /// Sent, or refused by the kernel.
    pub sent: u64,
    /// Answered, late answers included.
    pub acked: u64,
    /// Unanswered for an interval, or refused.
    pub lost: u64,
    /// Overlapped by a stall of the daemon.
    pub void: u64,
}

/// One target of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// Its address.
    pub address: IpAddr,
    /// Smoothed round trip and its mean deviation, once known.
    pub rtt: Option<(Duration, Duration)>,
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
}
