//! Changes to the files as text: comments, order and everything else that is written stays, byte for byte.
//!
//! ```text
//!  text → outline (what stands where) → files (who is where) → groups (what is meant, or why not) → table, splice → text
//! ```

mod files;
mod groups;
mod outline;
mod splice;
mod table;

use std::net::IpAddr;

use ipmp_core::IfName;
use ipnet::IpNet;

pub(crate) use files::{addresses, holder};
pub(crate) use groups::edited;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A new group, at the end of the main file.
    CreateGroup {
        /// Its IPMP interface.
        interface: IfName,
        /// Its name, where that is not the interface's.
        name: Option<String>,
    },
    /// A group goes, with all that is written in it. Refused while it has members.
    DeleteGroup {
        /// Its IPMP interface.
        interface: IfName,
    },
    /// An interface becomes a member of a group, and leaves the one that it is in: its settings go along.
    AddMember {
        /// The group's IPMP interface.
        group: IfName,
        /// The member.
        interface: IfName,
    },
    /// A member leaves its group.
    RemoveMember {
        /// The member.
        interface: IfName,
    },
    /// A data address of an IPMP interface, or a test address of a member.
    AddAddress {
        /// The IPMP interface or member.
        interface: IfName,
        /// The address, with the length of its subnet's prefix.
        address: IpNet,
        /// Known, and not used.
        down: bool,
    },
    /// The data or test address of that interface goes.
    RemoveAddress {
        /// The IPMP interface or member.
        interface: IfName,
        /// The address.
        address: IpAddr,
    },
    /// The data or test address of that interface is taken down, or up again.
    SetAddress {
        /// The IPMP interface or member.
        interface: IfName,
        /// The address.
        address: IpAddr,
        /// Known, and not used.
        down: bool,
    },
    /// A default router of a group; nothing changes where it is there.
    AddGateway {
        /// The group's IPMP interface.
        interface: IfName,
        /// The router.
        gateway: IpAddr,
    },
    /// A further route of a group; nothing changes where it is there.
    AddRoute {
        /// The group's IPMP interface.
        interface: IfName,
        /// Destination.
        to: IpNet,
        /// Router.
        via: IpAddr,
    },
    /// A key of a group or member gets a value.
    Set {
        /// The IPMP interface or member.
        interface: IfName,
        /// The key.
        key: String,
        /// The value as it is written in TOML; none removes the key.
        value: Option<String>,
    },
}
