//! Why the daemon says no.

use std::fmt;

use zlink::{ReplyError, introspect};

/// The errors of the interface. The sentences are those of `if_mpadm` (IPMP behaviour, §12).
#[derive(Clone, Debug, PartialEq, Eq, ReplyError, introspect::ReplyError)]
#[zlink(interface = "io.ipmpd.Control")]
pub enum Refusal {
    /// No group has a member of that name.
    UnknownInterface {
        /// The name.
        interface: String,
    },
    /// It is offline already.
    AlreadyOffline {
        /// The member.
        interface: String,
    },
    /// It is not offline.
    NotOffline {
        /// The member.
        interface: String,
    },
    /// No other member of the group could carry its addresses.
    MinimumRedundancy {
        /// The member.
        interface: String,
    },
    /// Another member has its hardware address.
    DuplicateHardwareAddress {
        /// The member.
        interface: String,
    },
    /// No member has a test address.
    NothingProbed,
    /// The new configuration has mistakes; the daemon keeps running on what it had.
    ReloadRefused {
        /// All of them, as the daemon's log shows them.
        findings: String,
    },
    /// A change is refused, and nothing was changed.
    ChangeRefused {
        /// Why, and what to do.
        reason: String,
    },
    /// A change was refused by the kernel, and undone.
    ChangeUndone {
        /// What the kernel says.
        reason: String,
    },
    /// There is no change that waits to be confirmed.
    NothingPending,
    /// Only administrators may do this.
    PermissionDenied,
    /// The daemon is about to end, and did not do it.
    Stopping,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::UnknownInterface { interface } => {
                write!(f, "{interface} is not a physical interface or is not in an IPMP group")
            }
            Refusal::AlreadyOffline { interface } => write!(f, "{interface} is already offline"),
            Refusal::NotOffline { interface } => write!(f, "{interface} is not offline"),
            Refusal::DuplicateHardwareAddress { interface } => {
                write!(f, "{interface} has a hardware address which is not unique in its group")
            }
            Refusal::MinimumRedundancy { interface } => {
                write!(f, "{interface} cannot be taken offline: there are no other functioning interfaces in its group")
            }
            Refusal::NothingProbed => {
                f.write_str("there are no probes to show: no interface has probe-based failure detection enabled")
            }
            Refusal::ReloadRefused { findings } => {
                write!(f, "the new configuration is refused, the old one stays in force:\n{}", findings.trim_end())
            }
            Refusal::ChangeRefused { reason } => write!(f, "{}", reason.trim_end()),
            Refusal::ChangeUndone { reason } => {
                write!(f, "the kernel refused it, and everything is as it was before: {}", reason.trim_end())
            }
            Refusal::NothingPending => f.write_str("there is no change that waits to be confirmed"),
            Refusal::PermissionDenied => f.write_str(
                "permission denied: only root, the daemon's user and members of the configured admin-group may do this",
            ),
            Refusal::Stopping => f.write_str("the daemon is stopping"),
        }
    }
}

impl std::error::Error for Refusal {}
