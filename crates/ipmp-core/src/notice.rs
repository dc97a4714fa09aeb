//! What the administrator is told: one variant a documented message (`docs/messages.md`).
//! The core says what happened; level, sentence and fields are rendered here and nowhere else.

mod message;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{Family, GroupName, IfName, Mac};

pub use message::{Field, MESSAGES, Message};

/// How grave a message is; the words of syslog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// All members of a group are unusable.
    Critical,
    /// A member is lost, or something refused.
    Error,
    /// Worth a look.
    Warning,
    /// Normal, but to be known.
    Notice,
    /// For the curious.
    Info,
    /// For those who look for a mistake in the program; no documented message has it.
    Debug,
}

impl Level {
    /// All of them, the gravest first.
    pub const ALL: [Level; 6] =
        [Level::Critical, Level::Error, Level::Warning, Level::Notice, Level::Info, Level::Debug];

    /// Its name in logs and options.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Critical => "critical",
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "notice",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }

    /// Its number in syslog and the journal (RFC 5424, section 6.2.1).
    pub fn priority(self) -> u8 {
        match self {
            Level::Critical => 2,
            Level::Error => 3,
            Level::Warning => 4,
            Level::Notice => 5,
            Level::Info => 6,
            Level::Debug => 7,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Level::ALL
            .into_iter()
            .find(|level| level.as_str() == name)
            .ok_or_else(|| format!("a level is one of {}", Level::ALL.map(Level::as_str).join(", ")))
    }
}

/// Why a verdict fell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// The interface is not there.
    Absent,
    /// It is administratively down.
    AdminDown,
    /// It has no carrier.
    NoCarrier,
    /// Probes were lost.
    ProbesLost {
        /// How many in a row.
        lost: u32,
        /// The targets of the run.
        targets: Vec<IpAddr>,
        /// How long before the verdict the last good reply came, and its round trip.
        last_reply: Option<(Duration, Duration)>,
    },
    /// Probes were answered.
    ProbesAnswered {
        /// How many in a row.
        replies: u32,
        /// The targets of the run.
        targets: Vec<IpAddr>,
    },
    /// The link is up, and no probe has said more.
    LinkUp,
    /// It came to a group that works without it, and has yet to earn its place by replies.
    Unproven,
    /// No member of the group is answered.
    Network,
    /// The administrator asked for it.
    Requested,
    /// Another member has the same hardware address.
    HardwareAddress {
        /// Which.
        twin: IfName,
    },
    /// It works, but not well.
    Grey(Grey),
    /// There is nobody to probe.
    NoTargets,
}

/// What is wrong with a member that works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grey {
    /// Many of its probes are lost, though never enough in a row.
    Loss {
        /// So many of a hundred.
        percent: u8,
    },
    /// Round trips take much longer than they used to.
    Slow {
        /// Now.
        rtt: Duration,
        /// Before.
        usual: Duration,
    },
    /// One of its families does not work.
    Family(Family),
    /// Large probes are lost while small ones pass: a wrong MTU on the path, or bad optics.
    Large {
        /// Length of the packets that are lost.
        length: u16,
    },
    /// Answers come with other data than was sent.
    Corrupt {
        /// So many of late.
        replies: u32,
    },
}

impl fmt::Display for Grey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grey::Loss { percent } => write!(f, "{percent} % of the recent probes are lost"),
            Grey::Slow { rtt, usual } => {
                write!(f, "RTT {:.2} ms, usually {:.2} ms", rtt.as_secs_f64() * 1e3, usual.as_secs_f64() * 1e3)
            }
            Grey::Family(family) => write!(f, "{family} does not work"),
            Grey::Large { length } => write!(f, "probes of {length} bytes are lost while small ones pass"),
            Grey::Corrupt { replies } => write!(f, "{replies} corrupted replies of late"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Absent => f.write_str("the interface is not present"),
            Reason::AdminDown => f.write_str("the interface is administratively down"),
            Reason::NoCarrier => f.write_str("no carrier"),
            Reason::ProbesLost { lost, targets, last_reply } => {
                write!(f, "{lost} consecutive probes lost to {}; ", Joined(targets))?;
                match last_reply {
                    Some((ago, rtt)) => {
                        write!(f, "last reply {} ms before, RTT {:.2} ms", ago.as_millis(), rtt.as_secs_f64() * 1e3)
                    }
                    None => f.write_str("no reply so far"),
                }
            }
            Reason::ProbesAnswered { replies, targets } => {
                write!(f, "{replies} consecutive probes answered by {}", Joined(targets))
            }
            Reason::LinkUp => f.write_str("link is up"),
            Reason::Unproven => f.write_str("not proven yet, waiting for 10 consecutive replies"),
            Reason::Network => f.write_str("no member of the group is answered"),
            Reason::Requested => f.write_str("requested by the administrator"),
            Reason::HardwareAddress { twin } => write!(f, "same hardware address as {twin}"),
            Reason::Grey(grey) => grey.fmt(f),
            Reason::NoTargets => f.write_str("nothing to probe"),
        }
    }
}

struct Joined<'a>(&'a [IpAddr]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, address) in self.0.iter().enumerate() {
            write!(f, "{}{address}", if i == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// Something to be told. The fields are what their names say: the interface and group that it is about,
/// data or target addresses, and sentences of the kernel.
#[allow(missing_docs)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Notice {
    /// A member lost its link, or was found without.
    LinkDown { interface: IfName, group: GroupName, reason: Reason },
    /// A member got its link back.
    LinkUp { interface: IfName, group: GroupName },
    /// A link comes and goes too often to be trusted (§5, anti-flap).
    LinkFlapping { interface: IfName, group: GroupName, limit: u32 },
    /// A member failed.
    InterfaceFailed { interface: IfName, group: GroupName, reason: Reason },
    /// A member works again.
    InterfaceRepaired { interface: IfName, group: GroupName, reason: Reason },
    /// No member of the group works.
    GroupFailed { group: GroupName, interface: IfName, reason: Reason },
    /// A member of a failed group works again.
    GroupRecovered { group: GroupName, interface: IfName },
    /// A data address is bound to another member now; both members are named, the first where it had one.
    AddressMoved { group: GroupName, address: IpAddr, from: Option<IfName>, to: IfName },
    /// A standby, or a member left idle, carries data now.
    StandbyActivated { interface: IfName, group: GroupName },
    /// It is idle again.
    StandbyDeactivated { interface: IfName, group: GroupName },
    /// A target does not answer while others do (§3, DEAD).
    TargetDead { interface: IfName, group: GroupName, target: IpAddr },
    /// A member whose group probes has no test address.
    TestAddressMissing { interface: IfName, group: GroupName },
    /// It has one now.
    TestAddressConfigured { interface: IfName, group: GroupName, address: IpAddr },
    /// Its test address is on another interface too.
    TestAddressDuplicate { interface: IfName, group: GroupName, address: IpAddr, twin: String },
    /// A member has the hardware address of another one, and goes out of service.
    DuplicateHwaddr { interface: IfName, group: GroupName, twin: IfName },
    /// It has one of its own again.
    DuplicateHwaddrResolved { interface: IfName, group: GroupName },
    /// A member lacks a family that others have.
    Inhomogeneous { interface: IfName, group: GroupName, family: Family },
    /// It has it now.
    Homogeneous { interface: IfName, group: GroupName },
    /// A family does not work on a member whose other family does; the reason says how that was found.
    FamilyFailed { interface: IfName, group: GroupName, family: Family, reason: Reason },
    /// It works again.
    FamilyRepaired { interface: IfName, group: GroupName, family: Family, reason: Reason },
    /// A data address that was to be used first is another host's.
    AddressConflict { group: GroupName, address: IpAddr, by: Mac },
    /// That host has it no more.
    AddressConflictOver { group: GroupName, address: IpAddr },
    /// The network is too slow for the failure detection time.
    FdtRaised { interface: IfName, group: GroupName, family: Family, wanted: Duration, now: Duration },
    /// The failure detection time is shorter again.
    FdtImproved { interface: IfName, group: GroupName, family: Family, now: Duration },
    /// It would have to be longer than it may be.
    FdtLimited { interface: IfName, group: GroupName, family: Family, limit: Duration, rtt: Duration },
    /// A target is much slower than the others, and rests (§3, SLOW).
    TargetSlow { interface: IfName, group: GroupName, target: IpAddr, rtt: Duration },
    /// A member works, but not well.
    InterfaceDegraded { interface: IfName, group: GroupName, reason: Grey },
    /// It works well again.
    InterfaceImproved { interface: IfName, group: GroupName },
    /// A degraded member is emptied.
    InterfaceDrained { interface: IfName, group: GroupName, reason: Grey },
    /// It carries data again, well or because nothing better is left.
    InterfaceUndrained { interface: IfName, group: GroupName },
    /// A member fails too often to be repaired at once.
    RepairSuspended { interface: IfName, group: GroupName, penalty: u32, reuse: u32, left: Duration },
    /// At this loss members that work will be taken for failed.
    FalseFailuresExpected { group: GroupName, interface: IfName, percent: f64, per_year: f64 },
    /// Replies wait long in this host before the daemon gets to them.
    LocalOverload { interface: IfName, network: Duration, total: Duration },
    /// Taken out of service by the administrator.
    Offline { interface: IfName, group: GroupName },
    /// Back in service.
    Online { interface: IfName, group: GroupName },
    /// A NIC that the configuration names appeared.
    InterfaceAppeared { interface: IfName, group: GroupName },
    /// The hardware address of a member changed.
    HardwareAddressChanged { interface: IfName, group: GroupName },
    /// The daemon did not run for a while; probes that this overlaps are void.
    DaemonLate { late: Duration, void: u32 },
    /// Something of ours was taken from the kernel by someone else, and is put back.
    Mended { what: String },
    /// The kernel refused a change; it is tried again.
    ChangeRefused { what: String, reason: String, retry_in: Duration },
    /// Probes can not be sent from a member.
    ProberFailed { interface: IfName, group: GroupName, reason: String },
    /// The daemon began its work.
    Started { version: String },
    /// Configuration and kernel have been taken in, and the first changes are done.
    Ready { status: String },
    /// The daemon was asked to end.
    Stopping,
    /// A new configuration is in force.
    Reloaded { file: String },
    /// A new configuration has errors; each has been told before.
    ReloadRefused { file: String, reason: String },
    /// An administrator's change is in force.
    ConfigurationChanged { what: String },
    /// An administrator's change did not come into force, and everything is put back.
    ChangeUndone { what: String, reason: String },
    /// A change is taken back that was to be confirmed.
    ChangeReverted { what: String, reason: String },
    /// A mistake in a configuration that is refused.
    ConfigError { finding: String },
    /// Something doubtful in a configuration.
    ConfigWarning { finding: String },
    /// The kernel had more to tell than its buffer holds.
    Overrun,
    /// The file of what the last run remembered cannot be used.
    MemoryIgnored { file: String, reason: String },
    /// It cannot be written.
    MemoryNotWritten { file: String, reason: String },
    /// Lines that were not logged, because the log was slower than the events.
    LogLinesDropped { count: u64 },
    /// A hook did not do its work on the event `on`.
    HookFailed { hook: String, on: String, reason: String },
    /// A hook is not run at all.
    HookRefused { hook: String, reason: String },
    /// Events that no hook was run on, because the hooks were slower than the events.
    HooksLate { count: u64 },
}
