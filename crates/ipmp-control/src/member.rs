//! A member in the snapshot: what it is, since when, why, and what it waits for.

use serde::{Deserialize, Serialize};
use zlink::introspect::CustomType;

use crate::{Family, Probing};

/// One member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CustomType)]
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
    /// Why.
    pub reason: Reason,
    /// What must happen for that to change; none where nothing is to come.
    pub waits_for: Option<Waiting>,
    /// Offline because another member has the same hardware address.
    pub hwaddr_duplicate: bool,
    /// Left idle because it is degraded, and a better one exists.
    pub drained: bool,
    /// How much it failed of late: 1000 a failure, less as time goes by.
    pub penalty: u32,
    /// Probing, once for each family that is probed.
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
    /// Nothing is probed.
    Disabled,
}

/// State of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
#[serde(rename_all = "lowercase")]
#[zlink(rename_all = "lowercase")]
pub enum MemberState {
    /// Works.
    Ok,
    /// Works, but not well.
    Degraded,
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
    /// What happened, in one of the words that the description of the interface has for it. More may come.
    pub kind: String,
    /// The same with all that is known about it, as a phrase for people.
    pub text: String,
    /// The family that does not work, where that is it.
    pub family: Option<Family>,
}

/// What a member waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct Waiting {
    /// In one of the words that the description of the interface has for it. More may come.
    pub kind: String,
    /// The same with all that is known about it, as a phrase for people.
    pub text: String,
    /// So many replies or losses in a row there are.
    pub have: Option<u32>,
    /// So many it takes.
    pub need: Option<u32>,
    /// The penalty has to fall below this.
    pub below: Option<u32>,
    /// It will take so long.
    pub left_ms: Option<u64>,
}
