//! What the kernel lets through to a probe socket: what may be an answer to it, and nothing else. A raw socket
//! is offered a copy of every ICMP message of the host, and a packet socket one of every frame of its kind;
//! without a filter a flood of pings to the host, the broadcasts of a busy link, or the daemon's own other
//! sockets, would wake the daemon for each.
//!
//! Classic BPF. A load past the end of the packet drops it. Each condition ends the program by itself, so that
//! no jump has far to go.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipmp_core::{Family, Mac};
use libc::{BPF_ABS, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_LDX, BPF_MSH, BPF_RET, BPF_W};
use pnet::packet::icmpv6::Icmpv6Types;
use pnet::packet::ip::IpNextHeaderProtocols;
use socket2::SockFilter;

use crate::arp::{self, Operation};
use crate::echo::{self, Kind};

/// Where a frame has the fields that are looked at.
mod place {
    pub const DESTINATION: u32 = 0;
    pub const SOURCE: u32 = 6;
    pub const ARP_OPERATION: u32 = 14 + 6;
    pub const ARP_SENDER: u32 = 14 + 14;
    pub const ARP_TARGET: u32 = 14 + 24;
    pub const IPV6_NEXT_HEADER: u32 = 14 + 6;
    pub const IPV6_DESTINATION: u32 = 14 + 24;
    pub const ICMPV6_TYPE: u32 = 14 + 40;
    /// The last four bytes of it.
    pub const NDP_TARGET: u32 = 14 + 40 + 8 + 12;
}

/// Addresses that a program looks for, such that it is within what older kernels lend a socket (20 KiB); one with
/// more to look for accepts everything.
const WANTED_MAX: usize = 200;

/// Echo replies with the socket's own identifier, on a raw socket.
pub(crate) fn echo_replies(family: Family, identifier: u16) -> Vec<SockFilter> {
    let reply = u32::from(echo::type_of(family, Kind::Reply));
    // A raw IPv4 socket sees the packet from its IP header on, whose length goes into X; a raw IPv6 socket
    // sees it from the ICMPv6 header on.
    let (header, mode) = match family {
        Family::V4 => (Some(op(BPF_LDX | BPF_B | BPF_MSH, 0)), BPF_IND),
        Family::V6 => (None, BPF_ABS),
    };
    Program(header.into_iter().collect())
        .must_be(op(BPF_LD | BPF_B | mode, 0), reply)
        .must_be(op(BPF_LD | BPF_H | mode, 4), u32::from(identifier))
        .accept()
}

/// ARP replies to `mac` for no address: what answers an ARP probe, and not what the kernel asked for itself.
pub(crate) fn arp_replies(mac: Mac) -> Vec<SockFilter> {
    Program::default()
        .addressed_to(mac)
        .must_be(half(place::ARP_OPERATION), u32::from(arp::number_of(Operation::Reply).0))
        .must_be(word(place::ARP_TARGET), Ipv4Addr::UNSPECIFIED.to_bits())
        .accept()
}

/// Neighbour advertisements to `source` at `mac`.
pub(crate) fn advertisements(mac: Mac, source: Ipv6Addr) -> Vec<SockFilter> {
    let words = [96, 64, 32, 0].map(|shift| (source.to_bits() >> shift) as u32);
    let to_source = (place::IPV6_DESTINATION..).step_by(4).zip(words);
    let program = Program::default()
        .addressed_to(mac)
        .must_be(byte(place::IPV6_NEXT_HEADER), u32::from(IpNextHeaderProtocols::Icmpv6.0))
        .must_be(byte(place::ICMPV6_TYPE), u32::from(Icmpv6Types::NeighborAdvert.0));
    to_source.fold(program, |program, (place, value)| program.must_be(word(place), value)).accept()
}

/// ARP of others that says or asks something about one of these addresses.
pub(crate) fn arp_about(mac: Mac, addresses: &[Ipv4Addr]) -> Vec<SockFilter> {
    let wanted: Vec<_> = addresses.iter().map(|address| address.to_bits()).collect();
    Program::default()
        .not_from(mac)
        .accept_if_one_of(place::ARP_SENDER, &wanted)
        .must_be(word(place::ARP_SENDER), Ipv4Addr::UNSPECIFIED.to_bits())
        .accept_if_one_of(place::ARP_TARGET, &wanted)
        .reject()
}

/// Solicitations and advertisements of others about one of these addresses, or one that ends alike.
pub(crate) fn ndp_about(mac: Mac, addresses: &[Ipv6Addr]) -> Vec<SockFilter> {
    let wanted: Vec<_> = addresses.iter().map(|address| address.to_bits() as u32).collect();
    let [solicitation, advertisement] =
        [Icmpv6Types::NeighborSolicit, Icmpv6Types::NeighborAdvert].map(|kind| u32::from(kind.0));
    Program::default()
        .not_from(mac)
        .must_be(byte(place::IPV6_NEXT_HEADER), u32::from(IpNextHeaderProtocols::Icmpv6.0))
        .then([byte(place::ICMPV6_TYPE), if_equal(solicitation, 2, 0), if_equal(advertisement, 1, 0), ret(REJECT)])
        .accept_if_one_of(place::NDP_TARGET, &wanted)
        .reject()
}

/// A program as far as it is written.
#[derive(Default)]
struct Program(Vec<SockFilter>);

impl Program {
    fn then(mut self, instructions: impl IntoIterator<Item = SockFilter>) -> Self {
        self.0.extend(instructions);
        self
    }

    /// Rejects what does not have this value there.
    fn must_be(self, load: SockFilter, value: u32) -> Self {
        self.then([load, if_equal(value, 1, 0), ret(REJECT)])
    }

    /// Accepts at once what has one of these values there, and whatever there is if they are too many.
    fn accept_if_one_of(self, place: u32, wanted: &[u32]) -> Self {
        if wanted.len() > WANTED_MAX {
            return self.then([ret(ACCEPT)]);
        }
        self.then([word(place)]).then(wanted.iter().flat_map(|value| [if_equal(*value, 0, 1), ret(ACCEPT)]))
    }

    /// Rejects what is not to that hardware address, or not taken by the kernel for this host's: a frame of a
    /// VLAN that the host has no device for has lost its tag, but is marked as another host's.
    fn addressed_to(self, mac: Mac) -> Self {
        let [high, low] = halves(mac);
        self.must_be(packet_type(), u32::from(libc::PACKET_HOST))
            .must_be(word(place::DESTINATION), high)
            .must_be(half(place::DESTINATION + 4), low)
    }

    /// Rejects what is of a VLAN, as above, or was put onto the link by this.
    fn not_from(self, mac: Mac) -> Self {
        let [high, low] = halves(mac);
        self.then([packet_type(), if_equal(u32::from(libc::PACKET_OTHERHOST), 0, 1), ret(REJECT)]).then([
            word(place::SOURCE),
            if_equal(high, 0, 3),
            half(place::SOURCE + 4),
            if_equal(low, 0, 1),
            ret(REJECT),
        ])
    }

    fn accept(self) -> Vec<SockFilter> {
        self.then([ret(ACCEPT)]).0
    }

    fn reject(self) -> Vec<SockFilter> {
        self.then([ret(REJECT)]).0
    }
}

/// How many bytes of the packet are let through.
const ACCEPT: u32 = u32::MAX;
const REJECT: u32 = 0;

fn halves(mac: Mac) -> [u32; 2] {
    let [a, b, c, d, e, f] = mac.0;
    [u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([0, 0, e, f])]
}

/// Whose the kernel takes the packet to be.
fn packet_type() -> SockFilter {
    byte((libc::SKF_AD_OFF + libc::SKF_AD_PKTTYPE) as u32)
}

fn byte(place: u32) -> SockFilter {
    op(BPF_LD | BPF_B | BPF_ABS, place)
}

fn half(place: u32) -> SockFilter {
    op(BPF_LD | BPF_H | BPF_ABS, place)
}

fn word(place: u32) -> SockFilter {
    op(BPF_LD | BPF_W | BPF_ABS, place)
}

fn ret(length: u32) -> SockFilter {
    op(BPF_RET | BPF_K, length)
}

fn op(code: u32, k: u32) -> SockFilter {
    SockFilter::new(code as u16, 0, 0, k)
}

/// Skips so many instructions where the accumulator is `k`, and so many where it is not.
fn if_equal(k: u32, then: u8, otherwise: u8) -> SockFilter {
    SockFilter::new((BPF_JMP | BPF_JEQ | BPF_K) as u16, then, otherwise, k)
}
