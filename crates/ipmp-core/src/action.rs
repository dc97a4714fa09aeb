//! Everything that the core can ask for. The driver carries each out without waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::Refusal;
use crate::handover::Foreign;
use crate::id::{Family, IfIndex, IfName, Mac, ProbeId, RequestId, TransactionId};
use crate::kernel::{AddressKey, Leg, Route, RouteKey, Scope, Tunables};
use crate::notice::Notice;
use crate::time::Instant;

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Open the probe socket of a member and family, in place of one that is open.
    OpenProber(Prober),
    /// Close it.
    CloseProber {
        /// The member.
        member: IfName,
        /// The family.
        family: Family,
    },
    /// Send a probe; answered by [`crate::Event::ProbeSent`].
    SendProbe {
        /// Names it in the events that follow.
        probe: ProbeId,
        /// From the prober of this member, in the family of the target.
        member: IfName,
        /// To whom.
        target: IpAddr,
        /// Length of the IP packet in bytes, not to be fragmented; none for the shortest. ICMP only.
        length: Option<u16>,
    },
    /// Ask by multicast which hosts are on the link (§3); answered by [`crate::Event::Discovered`], once
    /// for each host and request.
    Discover {
        /// From the prober of this member.
        member: IfName,
        /// Which address of the member the request is sent from; its family is that of the prober.
        source: IpAddr,
    },
    /// Ask once whether anybody has these addresses (RFC 5227 §2.1.1, RFC 4862 §5.4.2), and listen for the
    /// answers until the next of these actions; an empty list ends that. Answered by
    /// [`crate::Event::AddressTaken`] only.
    CheckAddresses(Vec<AddressCheck>),
    /// Show those who watch probes what became of one.
    Probed(ProbeReport),
    /// Carry out changes in order; answered by [`crate::Event::Changed`].
    Apply(Transaction),
    /// Repeat announcements; no answer. Never overtakes an earlier `Apply`.
    Announce(Vec<Announcement>),
    /// Ask the kernel for these links at once; the answers come as facts.
    AskLinks(Vec<IfIndex>),
    /// Dump everything again; the answer is a [`crate::kernel::Fact::Snapshot`].
    Resync,
    /// Keep this for the next start, before any later action is carried out.
    Remember(Memory),
    /// Tell the administrator.
    Notify(Notice),
    /// Answer a command.
    Answer {
        /// Whose.
        request: RequestId,
        /// What to say.
        result: Result<(), Refusal>,
    },
}

/// What became of a probe (`ipmpstat -p`, §12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// Which.
    pub probe: ProbeId,
    /// Of which member.
    pub member: IfName,
    /// What it was.
    pub kind: ProbeKind,
    /// To whom.
    pub target: IpAddr,
    /// When it was sent.
    pub sent: Instant,
    /// Answered or not.
    pub outcome: ProbeOutcome,
    /// Smoothed round trip to the target and its mean deviation, where known.
    pub rtt: Option<(Duration, Duration)>,
}

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProbeOutcome {
    /// Answered.
    Acked {
        /// Until the kernel received the answer.
        network: Duration,
        /// Until the answer was worked on.
        total: Duration,
    },
    /// Unanswered for too long, or refused by the kernel.
    Lost,
}

/// What probes one family of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prober {
    /// The member; also the device to bind to.
    pub member: IfName,
    /// Its index.
    pub index: IfIndex,
    /// How, and in whose name.
    pub means: Means,
}

/// How a path is probed, and in whose name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Means {
    /// Echo requests from this address, by a raw socket bound to the device and to it.
    Icmp(IpAddr),
    /// ARP requests of this hardware address with the sender 0.0.0.0 (RFC 5227 §2.1.1): no address is needed,
    /// and no cache learns one.
    Arp(Mac),
    /// Neighbour solicitations of this hardware address from the member's link-local address (RFC 4861 §7.2).
    Ndp(Mac, Ipv6Addr),
}

impl Means {
    /// The family probed.
    pub fn family(&self) -> Family {
        match self {
            Means::Icmp(source) => Family::of(*source),
            Means::Arp(_) => Family::V4,
            Means::Ndp(..) => Family::V6,
        }
    }
}

impl Prober {
    /// The family probed.
    pub fn family(&self) -> Family {
        self.means.family()
    }
}

/// What a probe was, as `ipmpstat -p` marks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProbeKind {
    /// ICMP or ICMPv6 echo.
    Icmp,
    /// ARP request.
    Arp,
    /// Neighbour solicitation.
    Ndp,
    /// One of the two to a data address that another member of the group carries.
    Transitive,
}

/// An address that is about to be used for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AddressCheck {
    /// The member to ask from.
    pub index: IfIndex,
    /// Its hardware address.
    pub mac: Mac,
    /// The address.
    pub address: IpAddr,
}

/// Changes that belong together, in an order that never has an address on no member. Where an
/// `AddAddress` is refused, the later `DeleteAddress`es of the same address are skipped, and so is its
/// `Announce` by that interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Names it in the answer.
    pub id: TransactionId,
    /// In order.
    pub changes: Vec<Change>,
}

/// One change to the kernel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Change {
    /// Make the IPMP interface: dummy, else persistent tun; with [`crate::kernel::ALIAS`], and up.
    CreateInterface(IfName),
    /// Delete an IPMP interface that carries our alias.
    DeleteInterface(IfName),
    /// Set an interface administratively up.
    SetUp(IfIndex),
    /// Show the group's state as the carrier of its interface. An adopted interface whose type has no
    /// settable carrier is left as it is, which counts as done.
    SetCarrier {
        /// The IPMP interface.
        name: IfName,
        /// Whether some member functions.
        on: bool,
    },
    /// Set the per-interface settings.
    Tune {
        /// The member.
        index: IfIndex,
        /// To what.
        tunables: Tunables,
    },
    /// Add an address with our protocol number, `noprefixroute`, and `nodad` in IPv6.
    AddAddress {
        /// Where, and which; a host prefix.
        key: AddressKey,
        /// Global for data, link for test addresses.
        scope: Scope,
    },
    /// Delete an address of ours. One that is gone already counts as done.
    DeleteAddress(AddressKey),
    /// Add the route, or replace ours of the same key. Gateway legs are `onlink`.
    PutRoute {
        /// The route, with our protocol number.
        route: Route,
        /// The legs that ours has; none where it is not there, and then a foreign one in its place must not be
        /// replaced.
        present: Vec<Leg>,
    },
    /// Delete a route of ours. One that is gone already counts as done.
    DeleteRoute(RouteKey),
    /// Tell the neighbours, at once.
    Announce(Announcement),
    /// Remove what somebody else made and the administrator hands over. One that is gone counts as done.
    Take {
        /// What.
        foreign: Foreign,
        /// An IPv6 address cannot stand twice on an interface: then this one of ours is added in the same datagram, so
        /// that not even the end of the daemon can come between.
        with: Option<AddressKey>,
    },
    /// Put in place again what was taken. What is there already counts as done. An IPv6 address comes without duplicate
    /// address detection.
    Give {
        /// What.
        foreign: Foreign,
        /// The address of ours that goes in the same datagram, for the same reason.
        replaces: Option<AddressKey>,
    },
}

/// A gratuitous ARP in both forms, or an unsolicited neighbour advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Announcement {
    /// The member that the address is bound to, by which it leaves (finding 11).
    pub index: IfIndex,
    /// Its hardware address.
    pub mac: Mac,
    /// The data address.
    pub address: IpAddr,
    /// Whether the host forwards IPv6: neighbours take an advertisement without the router flag to mean that
    /// it is no router any more (RFC 4861 §7.2.5).
    pub router: bool,
}

/// What cannot be read from the kernel again after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// What each member's settings were before it joined.
    pub tunables: BTreeMap<IfName, Tunables>,
    /// Members taken offline by the administrator.
    pub offline: BTreeSet<IfName>,
}
