//! What the kernel lets through to a probe socket: echo replies with the socket's own identifier. A raw
//! socket is offered a copy of every ICMP message of the host; without a filter a flood of pings to the
//! host, or the daemon's own other sockets, would wake the daemon for each.

use ipmp_core::Family;
use libc::{BPF_ABS, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_LDX, BPF_MSH, BPF_RET};
use socket2::SockFilter;

use crate::echo::{self, Kind};

/// Where an echo message has its type and its identifier.
const TYPE: u32 = 0;
const IDENTIFIER: u32 = 4;

/// The program for `SO_ATTACH_FILTER`. A load past the end of the packet drops it.
pub(crate) fn echo_replies(family: Family, identifier: u16) -> Vec<SockFilter> {
    let reply = u32::from(echo::type_of(family, Kind::Reply));
    // A raw IPv4 socket sees the packet from its IP header on, whose length goes into X; a raw IPv6 socket
    // sees it from the ICMPv6 header on.
    let (header, mode) = match family {
        Family::V4 => (vec![op(BPF_LDX | BPF_B | BPF_MSH, 0)], BPF_IND),
        Family::V6 => (vec![], BPF_ABS),
    };
    let rest = [
        op(BPF_LD | BPF_B | mode, TYPE),
        unless_equal(reply, 3),
        op(BPF_LD | BPF_H | mode, IDENTIFIER),
        unless_equal(u32::from(identifier), 1),
        op(BPF_RET | BPF_K, u32::MAX),
        op(BPF_RET | BPF_K, 0),
    ];
    header.into_iter().chain(rest).collect()
}

fn op(code: u32, k: u32) -> SockFilter {
    SockFilter::new(code as u16, 0, 0, k)
}

/// Goes on where the accumulator is `k`, else skips `skip` instructions.
fn unless_equal(k: u32, skip: u8) -> SockFilter {
    SockFilter::new((BPF_JMP | BPF_JEQ | BPF_K) as u16, 0, skip, k)
}
