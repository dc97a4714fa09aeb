//! The snapshot on the wire. States are lower-case words, addresses strings, spans whole numbers whose unit
//! ends the name; a moment is how many milliseconds ago it was when the snapshot was taken.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use zlink::introspect::{CustomType, Type};

/// Everything at one moment, consistent in itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Snapshot {
    /// The groups, in the order of the configuration.
    pub groups: Vec<Group>,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct Group {
    /// The IPMP interface.
    pub interface: String,
    /// The group's name.
    pub name: String,
    /// Its state.
    pub state: GroupState,
    /// Failure detection time in force; none if no member probes.
    pub failure_detection_time_ms: Option<u64>,
    /// Members in the order of the configuration.
    pub members: Vec<Member>,
    /// Data addresses in the order of the configuration.
    pub addresses: Vec<Address>,
}

/// State of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
#[serde(rename_all = "lowercase")]
#[zlink(rename_all = "lowercase")]
pub enum GroupState {
    /// All members are usable.
    Ok,
    /// Some are.
    Degraded,
    /// None is.
    Failed,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct Member {
    /// The interface.
    pub interface: String,
    /// Functions, and is neither inactive nor offline.
    pub active: bool,
    /// Idle by policy.
    pub inactive: bool,
    /// Configured as standby.
    pub standby: bool,
    /// Its link.
    pub link: LinkState,
    /// Its probing.
    pub probe: ProbeState,
    /// Its state.
    pub state: MemberState,
    /// How long it has been in that state.
    pub since_ms: u64,
    /// Why, where the state is not ok.
    pub reason: Option<Reason>,
    /// Probing, once a family that has a test address.
    pub probing: Vec<Probing>,
}

/// State of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
#[serde(rename_all = "lowercase")]
#[zlink(rename_all = "lowercase")]
pub enum LinkState {
    /// Present, administratively up, with carrier.
    Up,
    /// One of these is missing.
    Down,
}

/// State of a member's probing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
#[serde(rename_all = "lowercase")]
#[zlink(rename_all = "lowercase")]
pub enum ProbeState {
    /// Probes are answered.
    Ok,
    /// The member is failed.
    Failed,
    /// There is nothing to probe.
    Unknown,
    /// There is no test address.
    Disabled,
}

/// State of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
#[serde(rename_all = "lowercase")]
#[zlink(rename_all = "lowercase")]
pub enum MemberState {
    /// Works.
    Ok,
    /// Does not.
    Failed,
    /// Taken out of service.
    Offline,
    /// To be probed, but there is nothing to probe; used all the same.
    Unknown,
}

/// Why a member is in its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct Reason {
    /// What happened, in one word: `absent`, `admin_down`, `no_carrier`, `probes_lost`, `probes_answered`,
    /// `link_up`, `unproven`, `network` or `requested`. More may come.
    pub kind: String,
    /// The same with all that is known about it, as a phrase for people.
    pub text: String,
}

/// Probing of a member in one family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct Probing {
    /// The family.
    pub family: Family,
    /// The test address.
    pub test_address: IpAddr,
    /// How targets were found.
    pub mode: TargetMode,
    /// In firing order, the next first.
    pub targets: Vec<Target>,
    /// Probes sent, or refused by the kernel, since the member joined.
    pub sent: u64,
    /// Answered of them, late answers included.
    pub acked: u64,
    /// Unanswered for an interval, or refused.
    pub lost: u64,
    /// Overlapped by a stall of the daemon, and counted as neither.
    pub void: u64,
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
    /// Probing is disabled.
    Disabled,
}

/// One target of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct Target {
    /// Its address.
    pub address: IpAddr,
    /// Smoothed round trip, once known.
    pub rtt_us: Option<u64>,
    /// Mean deviation of the round trip, once known.
    pub rtt_deviation_us: Option<u64>,
}

/// One data address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// Whether it is on the IPMP interface.
    pub up: bool,
    /// The member that it is bound to.
    pub inbound: Option<String>,
    /// The members that traffic from it may leave by.
    pub outbound: Vec<String>,
}
