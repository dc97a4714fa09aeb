//! The checked configuration: what `ipmp-config` makes of the files once nothing is wrong with them.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::id::{GroupName, IfName};

/// Failure detection time where nothing is configured (`ipmp-behaviour.md` §0).
pub const FAILURE_DETECTION_TIME_DEFAULT: Duration = Duration::from_secs(10);

/// The shortest failure detection time that is accepted (`ipmp-behaviour.md`, decisions for Linux).
pub const FAILURE_DETECTION_TIME_MIN: Duration = Duration::from_millis(20);

/// Everything that is configured. Defaults of the system are already applied to each group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The groups, in the order of the files.
    pub groups: Vec<GroupConfig>,
    /// `track-interfaces-only-with-groups`: false watches every other interface too (§9).
    pub track_all_interfaces: bool,
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
    /// Default routers, reached through every active member.
    pub gateways: Vec<IpAddr>,
    /// Further routes over the active members.
    pub routes: Vec<RouteConfig>,
    /// Within this time a dead path is found.
    pub failure_detection_time: Duration,
    /// Whether a repaired member takes its addresses back.
    pub failback: bool,
    /// Explicit probe targets.
    pub targets: Vec<IpAddr>,
    /// Probe the explicit targets and no others.
    pub targets_exclusive: bool,
    /// The underlying interfaces, in the order of the file.
    pub members: Vec<MemberConfig>,
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

/// Whether this version carries addresses of that kind: IPv6 is in every type, its data plane is not there yet.
pub fn carried(address: IpAddr) -> bool {
    address.is_ipv4()
}
