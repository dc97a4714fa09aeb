//! Everything that can wake the core, in one place. Events can be written down and played again.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::id::{Family, IfName, Mac, ProbeId, RequestId, TransactionId};
use crate::kernel::Fact;
use crate::time::Instant;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The time of [`crate::Engine::deadline`] has come.
    Timeout,
    /// The configuration is now this; applied in place.
    Configured(Config),
    /// The kernel told something.
    Kernel(Fact),
    /// Facts were lost: no notification may be trusted until the snapshot that was asked for comes.
    Overrun,
    /// A probe socket that [`crate::Action::OpenProber`] asked for could not be opened, or broke.
    ProberFailed {
        /// The member.
        member: IfName,
        /// The family.
        family: Family,
        /// The kernel's sentence.
        reason: String,
    },
    /// A probe that [`crate::Action::SendProbe`] asked for left the program, or did not.
    ProbeSent {
        /// Which.
        probe: ProbeId,
        /// When it was handed to the kernel, or why it was refused.
        sent: Result<Instant, String>,
    },
    /// A probe's own, genuine answer came.
    Reply {
        /// Which.
        probe: ProbeId,
        /// When the kernel received it.
        received: Instant,
    },
    /// Something came to a probe socket that does not answer a probe for the first time.
    BadReply {
        /// The member.
        member: IfName,
        /// The family.
        family: Family,
        /// What is wrong with it.
        fault: ReplyFault,
    },
    /// A host answered the multicast request that [`crate::Action::Discover`] asked for.
    Discovered {
        /// The member.
        member: IfName,
        /// The host.
        address: IpAddr,
    },
    /// Another host has an address that [`crate::Action::CheckAddresses`] asked for, or is about to take it.
    AddressTaken {
        /// The address.
        address: IpAddr,
        /// That host, or a NIC of this one.
        by: Mac,
    },
    /// The mover is done with a transaction. Every notification of its changes has been fed before.
    Changed {
        /// Which.
        transaction: TransactionId,
        /// One outcome a change, in order.
        outcomes: Vec<Outcome>,
    },
    /// A client wants something.
    Command {
        /// To be named in the answer.
        request: RequestId,
        /// What it wants.
        command: Command,
    },
}

/// Why something that came is not the answer to a probe (§4, accepting a reply).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ReplyFault {
    /// The probe was answered before.
    Duplicate,
    /// Its sequence was not sent, or too long ago.
    OutOfWindow,
    /// From another address than was probed.
    Fake,
    /// The answer of the host that was probed, with other data than the probe's, or a wrong checksum.
    Corrupt,
    /// No echo reply at all, cut short, or for another socket.
    Malformed,
}

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The kernel has it so.
    Done,
    /// Not tried, because a change that it builds on was refused.
    Skipped,
    /// Refused, with the kernel's sentence; or no answer within the deadline.
    Refused(String),
}

/// What an administrator can ask of the core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Take a member out of service without losing a packet (`if_mpadm -d`).
    Offline(IfName),
    /// Take it back into service (`if_mpadm -r`).
    Online(IfName),
}

/// Why a command is refused (`ipmp-behaviour.md` §11, IPMP codes).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// No group has a member of that name.
    UnknownInterface(IfName),
    /// It is offline already.
    AlreadyOffline(IfName),
    /// It is not offline.
    NotOffline(IfName),
    /// No other member of the group could carry its addresses.
    MinimumRedundancy(IfName),
    /// Another member has its hardware address.
    DuplicateHardwareAddress(IfName),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::UnknownInterface(name) => {
                write!(f, "{name} is not a physical interface or is not in an IPMP group")
            }
            Refusal::AlreadyOffline(name) => write!(f, "{name} is already offline"),
            Refusal::NotOffline(name) => write!(f, "{name} is not offline"),
            Refusal::MinimumRedundancy(name) => {
                write!(f, "{name} cannot be taken offline: there are no other functioning interfaces in its group")
            }
            Refusal::DuplicateHardwareAddress(name) => {
                write!(f, "{name} cannot be brought online: its hardware address is not unique in its group")
            }
        }
    }
}
