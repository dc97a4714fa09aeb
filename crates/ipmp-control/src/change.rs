//! Changes of the configuration on the wire.

use serde::{Deserialize, Serialize};
use zlink::introspect::{CustomType, Type};

use crate::Group;

/// One change of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct Edit {
    /// What is to be done.
    pub kind: EditKind,
    /// The interface that it is about: an IPMP interface or a member, as the kind says.
    pub interface: String,
    /// The group's name, or the IPMP interface of a group, as the kind says.
    pub group: Option<String>,
    /// An address, with its prefix length where the kind says so.
    pub address: Option<String>,
    /// Whether the address is to be down.
    pub down: Option<bool>,
    /// A key of the configuration.
    pub key: Option<String>,
    /// Its value as it is written in TOML; none for the default.
    pub value: Option<String>,
}

/// What an edit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
#[serde(rename_all = "lowercase")]
#[zlink(rename_all = "lowercase")]
pub enum EditKind {
    /// A new group with the IPMP interface `interface`, called `group` if that is given.
    Create,
    /// The group of the IPMP interface `interface` goes. Refused while it has members, unless `group` names the one that
    /// gets its addresses and routes; the other members then leave.
    Delete,
    /// `interface` becomes a member of the group whose IPMP interface is `group`, and leaves the one that it is in. Its
    /// addresses and routes become the group's.
    Join,
    /// `interface` leaves its group.
    Leave,
    /// `address`, with its prefix length, becomes a data address of the IPMP interface `interface`, or a test address of
    /// the member `interface`.
    Add,
    /// The data or test address `address` of `interface` goes.
    Remove,
    /// The data or test address `address` of `interface` is taken down, or up again, as `down` says.
    Set,
    /// `key` of the group with the IPMP interface `interface`, or of the member `interface`, gets `value`.
    Property,
}

/// Every address that is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Addresses {
    /// Of each interface those that are up first, in the order of the configuration.
    pub addresses: Vec<ConfiguredAddress>,
}

/// An address as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct ConfiguredAddress {
    /// The IPMP interface or member.
    pub interface: String,
    /// The address, with the length of its subnet's prefix.
    pub address: String,
    /// Whether the administrator has taken it down.
    pub down: bool,
}

/// What came of a change, or would.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Changed {
    /// Every change to the kernel, in order, where only that was asked for.
    pub changes: Vec<String>,
    /// What is doubtful.
    pub warnings: Vec<String>,
}

/// Where everything would go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct Forecast {
    /// The groups as they would be.
    pub groups: Vec<Group>,
    /// The routes of ipmpd as they would be.
    pub routes: Vec<Route>,
    /// Every change to the kernel, in order.
    pub changes: Vec<String>,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct Route {
    /// Destination with its prefix length.
    pub to: String,
    /// The ways out.
    pub legs: Vec<Leg>,
}

/// One way out of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct Leg {
    /// The interface.
    pub interface: String,
    /// The router; none where the destination is on-link.
    pub via: Option<String>,
}
