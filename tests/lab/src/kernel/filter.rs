//! Losing frames at a link: a classic BPF program in the kernel decides which (`tc filter ... bpf da bytecode`).
//!
//! Works in user namespaces too, on every kind of link, and one way at a time. The dice are the kernel's own, so
//! random loss is not seeded; a [`Cable`](crate::Cable) is.

use std::io;

use libc::{BPF_ABS, BPF_B, BPF_H, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_K, BPF_LD, BPF_LEN, BPF_RET, BPF_W};
use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{TcAttribute, TcFilterBpfOption, TcHandle, TcMessage, TcOption};

use super::link;
use crate::Namespace;
use crate::error::{Doing, Result};

/// A direction, as the NIC at the far end of a link's wire sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// What the NIC receives; the link with the filter sends it.
    Inbound,
    /// What the NIC sends; the link with the filter receives it.
    Outbound,
}

impl Way {
    /// Both.
    pub const BOTH: [Way; 2] = [Way::Inbound, Way::Outbound];
}

/// Which frames a fault meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// Every frame.
    All,
    /// IPv4, but not the ARP that it needs.
    Ipv4,
    /// IPv6, neighbour discovery included.
    Ipv6,
    /// ARP.
    Arp,
    /// ICMP over IPv4.
    Icmp,
    /// ICMP over IPv6, neighbour discovery included.
    Icmpv6,
    /// UDP over IPv4 or IPv6.
    Udp,
    /// Frames with a packet of more bytes than this, whatever it is.
    LongerThan(u16),
}

impl Frames {
    /// Each kind has a filter of its own, by this number.
    fn priority(self) -> u32 {
        match self {
            Frames::All => 1,
            Frames::Arp => 2,
            Frames::Icmp => 3,
            Frames::Icmpv6 => 4,
            Frames::Udp => 5,
            Frames::LongerThan(_) => 6,
            Frames::Ipv4 => 7,
            Frames::Ipv6 => 8,
        }
    }
}

/// `TCA_BPF_OPS_LEN`, `TCA_BPF_OPS`, `TCA_BPF_FLAGS` and its `TCA_BPF_FLAG_ACT_DIRECT`.
const OPS_LEN: u16 = 4;
const OPS: u16 = 5;
const FLAGS: u16 = 8;
const DIRECT: u32 = 1;

/// What the program returns: to ask the next filter (`TC_ACT_UNSPEC`), or to drop (`TC_ACT_SHOT`).
const PASS: u32 = u32::MAX;
const DROP: u32 = 2;

/// Loading a word from here yields a random number (`SKF_AD_OFF + SKF_AD_RANDOM`).
const RANDOM: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_RANDOM) as u32;

/// Bytes of an Ethernet header, which the length of a frame includes.
const ETHER_LEN: u32 = 14;

/// Where the Ethernet type, the IPv4 protocol and the IPv6 next header stand.
const ETHER_TYPE: u32 = 12;
const PROTOCOL_V4: u32 = 23;
const PROTOCOL_V6: u32 = 20;

impl Namespace {
    /// Loses a share (0 to 1) of these frames at a link from now on; 0 ends it. Each kind of frame has a filter of
    /// its own, a later share replaces an earlier one. The first filter of a link may cost it a frame besides: the
    /// kernel stops the link for a moment.
    pub fn lose(&self, name: &str, way: Way, frames: Frames, share: f64) -> Result<()> {
        self.netlink(|netlink| {
            let index = link::link(netlink, name)?.index as i32;
            if share <= 0.0 {
                return ignore(netlink.change(filter(index, way, frames, None), 0), io::ErrorKind::NotFound);
            }
            let hook = netlink.change(RouteNetlinkMessage::NewQueueDiscipline(hook(index)), NLM_F_CREATE | NLM_F_EXCL);
            ignore(hook, io::ErrorKind::AlreadyExists)?;
            let program = program(frames, share);
            netlink.change(filter(index, way, frames, Some(&program)), NLM_F_CREATE | NLM_F_REPLACE)
        })
        .doing(|| format!("lose {share} of {frames:?} {way:?} at {name}"))
    }

    /// Loses nothing more at a link. Where it lost something, the kernel stops it for a moment.
    pub fn lose_nothing(&self, name: &str) -> Result<()> {
        self.netlink(|netlink| {
            let index = link::link(netlink, name)?.index as i32;
            let removed = netlink.change(RouteNetlinkMessage::DelQueueDiscipline(hook(index)), 0);
            // Without a hook the kernel answers "invalid argument" or "no such file", by version.
            let removed = ignore(removed, io::ErrorKind::InvalidInput);
            ignore(removed, io::ErrorKind::NotFound)
        })
        .doing(|| format!("remove the filters of {name}"))
    }
}

fn ignore(result: io::Result<()>, kind: io::ErrorKind) -> io::Result<()> {
    result.or_else(|error| if error.kind() == kind { Ok(()) } else { Err(error) })
}

/// The `clsact` queueing discipline: no queue, only the places where filters hang.
fn hook(index: i32) -> TcMessage {
    let mut message = TcMessage::with_index(index);
    message.header.parent = TcHandle::CLSACT;
    message.header.handle = TcHandle { major: TcHandle::CLSACT.major, minor: 0 };
    message.attributes = vec![TcAttribute::Kind("clsact".into())];
    message
}

/// The request to set a filter, or, without a program, to remove it.
fn filter(index: i32, way: Way, frames: Frames, program: Option<&[libc::sock_filter]>) -> RouteNetlinkMessage {
    let protocol = u32::from((libc::ETH_P_ALL as u16).to_be());
    let mut message = TcMessage::with_index(index);
    message.header.parent = TcHandle {
        major: TcHandle::CLSACT.major,
        minor: match way {
            Way::Inbound => TcHandle::MIN_EGRESS,
            Way::Outbound => TcHandle::MIN_INGRESS,
        },
    };
    message.header.info = frames.priority() << 16 | protocol;
    message.attributes = vec![TcAttribute::Kind("bpf".into())];
    let Some(program) = program else { return RouteNetlinkMessage::DelTrafficFilter(message) };
    message.header.handle = TcHandle { major: 0, minor: 1 };
    let options = [
        (OPS_LEN, (program.len() as u16).to_ne_bytes().to_vec()),
        (OPS, program.iter().flat_map(bytes).collect()),
        (FLAGS, DIRECT.to_ne_bytes().to_vec()),
    ];
    let options = options.map(|(kind, value)| TcOption::Bpf(TcFilterBpfOption::Other(DefaultNla::new(kind, value))));
    message.attributes.push(TcAttribute::Options(options.into()));
    RouteNetlinkMessage::NewTrafficFilter(message)
}

fn bytes(step: &libc::sock_filter) -> Vec<u8> {
    [&step.code.to_ne_bytes()[..], &[step.jt, step.jf], &step.k.to_ne_bytes()].concat()
}

/// Passes what is none of these frames, throws the dice over the rest.
fn program(frames: Frames, share: f64) -> Vec<libc::sock_filter> {
    let mut steps = matching(frames);
    if share < 1.0 {
        steps.push(step(BPF_LD | BPF_W | BPF_ABS, 0, 0, RANDOM));
        let bound = (share * f64::from(u32::MAX)) as u32;
        steps.push(step(BPF_JMP | BPF_JGE | BPF_K, TO_PASS, 0, bound));
    }
    steps.push(step(BPF_RET | BPF_K, 0, 0, DROP));
    steps.push(step(BPF_RET | BPF_K, 0, 0, PASS));
    let last = steps.len() - 1;
    for (at, step) in steps.iter_mut().enumerate() {
        let distance = (last - at).saturating_sub(1) as u8;
        for target in [&mut step.jt, &mut step.jf] {
            *target = if *target == TO_PASS { distance } else { *target };
        }
    }
    steps
}

/// A jump to the end, wherever that will be.
const TO_PASS: u8 = u8::MAX;

/// Steps that jump to the end unless the frame is one of these.
fn matching(frames: Frames) -> Vec<libc::sock_filter> {
    let ether_type = step(BPF_LD | BPF_H | BPF_ABS, 0, 0, ETHER_TYPE);
    let v4 = step(BPF_LD | BPF_B | BPF_ABS, 0, 0, PROTOCOL_V4);
    let v6 = step(BPF_LD | BPF_B | BPF_ABS, 0, 0, PROTOCOL_V6);
    let only = |value: i32| step(BPF_JMP | BPF_JEQ | BPF_K, 0, TO_PASS, value as u32);
    let or_skip = |value: i32, skip| step(BPF_JMP | BPF_JEQ | BPF_K, 0, skip, value as u32);
    match frames {
        Frames::All => vec![],
        Frames::Ipv4 => vec![ether_type, only(libc::ETH_P_IP)],
        Frames::Ipv6 => vec![ether_type, only(libc::ETH_P_IPV6)],
        Frames::Arp => vec![ether_type, only(libc::ETH_P_ARP)],
        Frames::Icmp => vec![ether_type, only(libc::ETH_P_IP), v4, only(libc::IPPROTO_ICMP)],
        Frames::Icmpv6 => vec![ether_type, only(libc::ETH_P_IPV6), v6, only(libc::IPPROTO_ICMPV6)],
        Frames::Udp => vec![
            ether_type,
            or_skip(libc::ETH_P_IP, 2),
            v4,
            step(BPF_JMP | BPF_JA, 0, 0, 2),
            only(libc::ETH_P_IPV6),
            v6,
            only(libc::IPPROTO_UDP),
        ],
        Frames::LongerThan(bytes) => vec![
            step(BPF_LD | BPF_W | BPF_LEN, 0, 0, 0),
            step(BPF_JMP | BPF_JGT | BPF_K, 0, TO_PASS, u32::from(bytes) + ETHER_LEN),
        ],
    }
}

fn step(code: u32, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt, jf, k }
}
