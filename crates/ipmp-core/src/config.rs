//! The checked configuration: what `ipmp-config` makes of the files once nothing is wrong with them.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::handover::Handover;
use crate::id::{GroupName, IfName};

/// Failure detection time where nothing is configured. Solaris has 10 s; `docs/detection.md` shows why one
/// is enough here.
pub const FAILURE_DETECTION_TIME_DEFAULT: Duration = Duration::from_secs(1);

/// The shortest failure detection time that is accepted (`ipmp-behaviour.md`, decisions for Linux).
pub const FAILURE_DETECTION_TIME_MIN: Duration = Duration::from_millis(20);

/// Everything that is configured. Defaults of the system are already applied to each group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The groups, in the order of the files.
    pub groups: Vec<GroupConfig>,
    /// `track-interfaces-only-with-groups`: false watches every other interface too (§9).
    pub track_all_interfaces: bool,
    /// Failure detection time of interfaces in no group.
    pub failure_detection_time: Duration,
    /// How their failures are looked for.
    pub detection: Detection,
    /// What of others is taken over, or given back.
    pub handover: Handover,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            track_all_interfaces: false,
            failure_detection_time: FAILURE_DETECTION_TIME_DEFAULT,
            detection: Detection::default(),
            handover: Handover::default(),
        }
    }
}

/// One IPMP group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupConfig {
    /// The IPMP interface that owns the data addresses.
    pub interface: IfName,
    /// The group's name; that of the interface where none is given.
    pub name: GroupName,
    /// Data addresses; the prefix length tells the on-link prefix, bound addresses are host prefixes.
    pub addresses: Vec<IpNet>,
    /// Data addresses that the administrator took down: known, and not used.
    pub down_addresses: Vec<IpNet>,
    /// Default routers, reached through every active member.
    pub gateways: Vec<IpAddr>,
    /// Further routes over the active members.
    pub routes: Vec<RouteConfig>,
    /// Within this time a dead path is found.
    pub failure_detection_time: Duration,
    /// How failures are looked for, and what follows short of a failure.
    pub detection: Detection,
    /// Whether a repaired member takes its addresses back.
    pub failback: bool,
    /// Explicit probe targets.
    pub targets: Vec<IpAddr>,
    /// Probe the explicit targets and no others.
    pub targets_exclusive: bool,
    /// The underlying interfaces, in the order of the file.
    pub members: Vec<MemberConfig>,
}

impl GroupConfig {
    /// Where the group's routes go: the prefixes of its addresses, the default where it has gateways, and
    /// what its static routes name.
    pub fn destinations(&self) -> impl Iterator<Item = IpNet> {
        let on_link = self.addresses.iter().map(IpNet::trunc);
        let default = self.gateways.iter().map(|gateway| IpNet::new_assert(*gateway, 0).trunc());
        on_link.chain(default).chain(self.routes.iter().map(|route| route.to.trunc()))
    }
}

/// How failures of a group's members are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detection {
    /// What paths are probed with.
    pub probe: ProbeMode,
    /// When probes are sent, and how many lost ones are a failure.
    pub schedule: Schedule,
    /// As far as the failure detection time is raised where the network is too slow for it; ten times
    /// itself where nothing is configured (§14 #10).
    pub failure_detection_time_max: Option<Duration>,
    /// A member that loses this share of its probes is degraded.
    pub degraded_loss_percent: u8,
    /// Whether a degraded member is emptied while a better one exists.
    pub drain: bool,
    /// When a member that fails again and again is no longer repaired at once.
    pub damping: Damping,
}

impl Default for Detection {
    fn default() -> Self {
        Self {
            probe: ProbeMode::Auto,
            schedule: Schedule::Confirm,
            failure_detection_time_max: None,
            degraded_loss_percent: 10,
            drain: false,
            damping: Damping::default(),
        }
    }
}

/// What paths are probed with (`probe`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProbeMode {
    /// ICMP from a test address that is configured; ARP, or neighbour solicitations, where there is none.
    Auto,
    /// ICMP: from the test address, else in IPv6 from the link-local address and in IPv4 from a data address
    /// that the member carries; ARP while it carries none.
    Icmp,
    /// ARP and neighbour solicitations, whether there are test addresses or not.
    Arp,
    /// Nothing: the link is all that is watched.
    None,
}

/// When probes are sent, and how many lost ones are a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Schedule {
    /// Solaris': a probe every seventh of the failure detection time, five losses in a row (§4).
    Classic,
    /// A third of those probes while all is well; the first loss is confirmed by twenty more, spread over
    /// half the failure detection time and all targets, all of which must be lost too.
    Confirm,
}

/// A penalty for each member that grows with each failure and halves with time (RFC 2439, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damping {
    /// After which time half of it is left.
    pub half_life: Duration,
    /// From this penalty on a failed member is not repaired; a failure counts 1000.
    pub suspend: u32,
    /// Below this one it is again.
    pub reuse: u32,
}

impl Default for Damping {
    /// Three failures within a minute suspend, as the third link-up within a minute does on Solaris (§5).
    fn default() -> Self {
        Self { half_life: Duration::from_secs(60), suspend: 2000, reuse: 1000 }
    }
}

/// A static route of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteConfig {
    /// Destination.
    pub to: IpNet,
    /// Router.
    pub via: IpAddr,
}

/// One underlying interface of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberConfig {
    /// The interface.
    pub interface: IfName,
    /// Test addresses, at most one a family is used; the prefix length tells which targets are on-link.
    pub test_addresses: Vec<IpNet>,
    /// Carries data only while another member is missing.
    pub standby: bool,
}
