//! The snapshot on the wire. States are lower-case words, addresses strings, shares numbers from 0 to 1, spans
//! whole numbers whose unit ends the name; a moment is how many milliseconds ago it was when the snapshot was
//! taken.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use zlink::introspect::{CustomType, Type};

use crate::Member;

/// Everything at one moment, consistent in itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Type)]
pub struct Snapshot {
    /// The groups, in the order of the configuration.
    pub groups: Vec<Group>,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CustomType)]
pub struct Group {
    /// The IPMP interface; empty for the anonymous group.
    pub interface: String,
    /// The group's name; empty for the anonymous one.
    pub name: String,
    /// Its state.
    pub state: GroupState,
    /// Failure detection time in force; none if no member probes.
    pub failure_detection_time_ms: Option<u64>,
    /// The one that is configured.
    pub failure_detection_time_wanted_ms: u64,
    /// How often a year a member that works would be failed, if all loss that is measured now were chance.
    pub false_failures_per_year: Option<f64>,
    /// The penalty from which on a member that has failed is not repaired.
    pub penalty_suspend: u32,
    /// The one below which it is again.
    pub penalty_reuse: u32,
    /// After which time half of a penalty is left.
    pub penalty_half_life_ms: u64,
    /// Members in the order of the configuration.
    pub members: Vec<Member>,
    /// Data addresses in the order of the configuration.
    pub addresses: Vec<Address>,
}

impl Group {
    /// Whether it is the group of all interfaces that are in no other (IPMP behaviour, §9).
    pub fn is_anonymous(&self) -> bool {
        self.interface.is_empty()
    }
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
    /// Whether this host may use it.
    pub claim: Claim,
    /// The hardware address of the host that has it, where it is taken.
    pub taken_by: Option<String>,
}

/// Whether a data address may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
#[serde(rename_all = "lowercase")]
#[zlink(rename_all = "lowercase")]
pub enum Claim {
    /// Nobody else has it, as far as is known.
    Ours,
    /// That is being asked.
    Checking,
    /// Another host has it.
    Taken,
}
