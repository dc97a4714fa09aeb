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

/// Length of an advertisement without options, and of the option that names a prefix (4.6.2).
const BARE: usize = 16;
const PREFIX: usize = 32;

/// On the link, and hosts make themselves addresses of it.
const ON_LINK_AUTONOMOUS: u8 = 0xc0;

impl Namespace {
    /// Says once, to all nodes of a link, that this station is a router for so long. It says nothing about prefixes.
    pub fn advertise_router(&self, link: &str, lifetime: Duration) -> Result<()> {
        let [high, low] = u16::try_from(lifetime.as_secs()).unwrap_or(u16::MAX).to_be_bytes();
        let mut message = [0; BARE];
        (message[6], message[7]) = (high, low);
        self.advertise(link, &mut message)
    }

    /// Says once, to all nodes of a link, that they may make themselves addresses of this prefix of 64 bits, which are
    /// valid for so long. It does not say that this station is a router.
    pub fn advertise_prefix(&self, link: &str, prefix: Ipv6Addr, lifetime: Duration) -> Result<()> {
        let lifetime = u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX).to_be_bytes();
        let mut message = [0; BARE + PREFIX];
        let option = &mut message[BARE..];
        option[..4].copy_from_slice(&[3, (PREFIX / 8) as u8, 64, ON_LINK_AUTONOMOUS]);
        option[4..8].copy_from_slice(&lifetime);
        option[8..12].copy_from_slice(&lifetime);
        option[16..].copy_from_slice(&prefix.octets());
        self.advertise(link, &mut message)
    }

    /// The kernel sends it from the link-local address, and computes the checksum.
    fn advertise(&self, link: &str, message: &mut [u8]) -> Result<()> {
        let index = self.link(link)?.index;
        message[0] = ROUTER_ADVERTISEMENT;
        let send = || -> io::Result<()> {
            let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6))?;
            socket.set_multicast_hops_v6(HOP_LIMIT)?;
            socket.send_to(message, &SocketAddrV6::new(ALL_NODES, 0, 0, index).into()).map(drop)
        };
        self.run(send)?.doing(|| format!("advertise on {link}"))
    }
}
