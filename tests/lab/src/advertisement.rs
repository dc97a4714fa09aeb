//! Router advertisements (RFC 4861, 4.2), without a daemon for them.

use std::io;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::Namespace;
use crate::error::{Doing, Result};

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// Its ICMPv6 type.
const ROUTER_ADVERTISEMENT: u8 = 134;

/// The hop limit that proves that a message is from the link.
const HOP_LIMIT: u32 = 255;

impl Namespace {
    /// Says once, to all nodes of a link, that this station is a router for so long. It says nothing about prefixes.
    /// The kernel sends it from the link-local address, and computes the checksum.
    pub fn advertise_router(&self, link: &str, lifetime: Duration) -> Result<()> {
        let index = self.link(link)?.index;
        let [high, low] = u16::try_from(lifetime.as_secs()).unwrap_or(u16::MAX).to_be_bytes();
        let mut message = [0; 16];
        (message[0], message[6], message[7]) = (ROUTER_ADVERTISEMENT, high, low);
        let send = || -> io::Result<()> {
            let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6))?;
            socket.set_multicast_hops_v6(HOP_LIMIT)?;
            socket.send_to(&message, &SocketAddrV6::new(ALL_NODES, 0, 0, index).into()).map(drop)
        };
        self.run(send)?.doing(|| format!("advertise a router on {link}"))
    }
}
