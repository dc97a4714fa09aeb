//! Neighbour solicitations and advertisements as bytes (RFC 4861 §4.3, §4.4). Pure: any bytes may be
//! decoded, and none make it panic.

use std::net::Ipv6Addr;

use ipmp_core::Mac;
use pnet::packet::Packet;
use pnet::packet::ethernet::EtherTypes;
use pnet::packet::icmpv6::Icmpv6Types;
use pnet::packet::icmpv6::ndp::{
    MutableNeighborSolicitPacket, NdpOptionTypes, NeighborAdvertFlags, NeighborSolicitPacket,
};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv6::{Ipv6Packet, MutableIpv6Packet};
use pnet::packet::util::ipv6_checksum;

use crate::frame::{self, BadFrame, Ends};

/// Class selector 6, as the probes of [`crate::echo`] have it.
const CS6: u8 = 0xc0;

/// Whoever may have forwarded it has taken one off (RFC 4861 §7.1).
const HOPS: u8 = 255;

/// Bytes of the message without options; those of the advertisement lie as those of the solicitation.
const MESSAGE_LEN: usize = NeighborSolicitPacket::minimum_packet_size();
/// Bytes of an option that holds a hardware address (RFC 4861 §4.6.1, RFC 2464 §6).
const OPTION_LEN: usize = 8;
const IPV6_LEN: usize = Ipv6Packet::minimum_packet_size();

/// Which of the two messages, and what only one of them says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Who has the target's address?
    Solicitation,
    /// Its sender speaks for the target; `solicited` if it says that it was asked.
    Advertisement {
        /// The S flag.
        solicited: bool,
    },
}

/// A message in its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ndp {
    /// Of the frame.
    pub ends: Ends,
    /// Of the packet; unspecified in a solicitation that detects duplicates.
    pub source: Ipv6Addr,
    /// Of the packet.
    pub destination: Ipv6Addr,
    /// Solicitation or advertisement.
    pub kind: Kind,
    /// Which address it is about.
    pub target: Ipv6Addr,
    /// Where the sender, or in an advertisement the target, says that it is.
    pub link: Option<Mac>,
}

impl Ndp {
    /// Asks `target` at `to`, or where that is not known all who may be it, to answer `source` at `from`.
    pub fn solicitation(from: Mac, source: Ipv6Addr, to: Option<Mac>, target: Ipv6Addr) -> Self {
        let group = solicited_node(target);
        let (to, destination) = to.map_or((multicast_mac(group), group), |mac| (mac, target));
        let kind = Kind::Solicitation;
        Self { ends: Ends { from, to }, source, destination, kind, target, link: Some(from) }
    }

    /// Asks whether anybody has `target`, or is about to take it (RFC 4862 §5.4.2).
    pub fn duplicate_detection(from: Mac, target: Ipv6Addr) -> Self {
        Self { link: None, ..Self::solicitation(from, Ipv6Addr::UNSPECIFIED, None, target) }
    }
}

/// The group that whoever has this address is in (RFC 4291 §2.7.1).
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]))
}

/// Where what is for a group goes on Ethernet (RFC 2464 §7).
pub fn multicast_mac(group: Ipv6Addr) -> Mac {
    let [.., a, b, c, d] = group.octets();
    Mac([0x33, 0x33, a, b, c, d])
}

/// The frame. The override flag of an advertisement is left clear, and so are all other fields that a message
/// of ours has no use for.
pub fn encode(ndp: &Ndp) -> Vec<u8> {
    let message_len = MESSAGE_LEN + ndp.link.map_or(0, |_| OPTION_LEN);
    let mut bytes = vec![0; frame::HEADER_LEN + IPV6_LEN + message_len];
    let payload = frame::write(&mut bytes, ndp.ends, EtherTypes::Ipv6);
    let (header, message) = payload.split_at_mut(IPV6_LEN);

    let mut ip = MutableIpv6Packet::new(header).expect("it has that length");
    ip.set_version(6);
    ip.set_traffic_class(CS6);
    ip.set_payload_length(message_len as u16);
    ip.set_next_header(IpNextHeaderProtocols::Icmpv6);
    ip.set_hop_limit(HOPS);
    ip.set_source(ndp.source);
    ip.set_destination(ndp.destination);

    // The two messages differ in their types, and in the byte of flags, which is reserved in the one.
    let (number, flags, option) = match ndp.kind {
        Kind::Solicitation => (Icmpv6Types::NeighborSolicit, 0, NdpOptionTypes::SourceLLAddr),
        Kind::Advertisement { solicited } => {
            let flags = if solicited { NeighborAdvertFlags::Solicited } else { 0 };
            (Icmpv6Types::NeighborAdvert, flags, NdpOptionTypes::TargetLLAddr)
        }
    };
    if let Some(mac) = ndp.link {
        message[MESSAGE_LEN..][..2].copy_from_slice(&[option.0, 1]);
        message[MESSAGE_LEN + 2..].copy_from_slice(&mac.0);
    }
    let mut packet = MutableNeighborSolicitPacket::new(message).expect("it has that length");
    packet.set_icmpv6_type(number);
    packet.set_reserved(u32::from(flags) << 24);
    packet.set_target_addr(ndp.target);
    let sum = sum(packet.packet(), ndp.source, ndp.destination);
    packet.set_checksum(sum);
    bytes
}

/// What a frame says that was received, if it keeps the rules (RFC 4861 §7.1). What follows the packet is
/// padding.
pub fn decode(frame: &[u8]) -> Result<Ndp, BadFrame> {
    let (ends, payload) = frame::read(frame, EtherTypes::Ipv6)?;
    let ip = Ipv6Packet::new(payload).ok_or(frame::TRUNCATED)?;
    if ip.get_version() != 6 || ip.get_next_header() != IpNextHeaderProtocols::Icmpv6 {
        return Err(BadFrame("not ICMPv6"));
    }
    if ip.get_hop_limit() != HOPS {
        return Err(BadFrame("came over a router"));
    }
    let message = payload[IPV6_LEN..].get(..usize::from(ip.get_payload_length())).ok_or(frame::TRUNCATED)?;
    let (source, destination) = (ip.get_source(), ip.get_destination());
    let packet = NeighborSolicitPacket::new(message).ok_or(frame::TRUNCATED)?;
    if sum(message, source, destination) != 0 {
        return Err(BadFrame("wrong checksum"));
    }
    let flags = (packet.get_reserved() >> 24) as u8;
    let (kind, option) = match packet.get_icmpv6_type() {
        Icmpv6Types::NeighborSolicit => (Kind::Solicitation, NdpOptionTypes::SourceLLAddr),
        Icmpv6Types::NeighborAdvert => {
            let solicited = flags & NeighborAdvertFlags::Solicited != 0;
            (Kind::Advertisement { solicited }, NdpOptionTypes::TargetLLAddr)
        }
        _ => return Err(BadFrame("neither solicitation nor advertisement")),
    };
    if packet.get_icmpv6_code().0 != 0 {
        return Err(BadFrame("neighbour discovery has code 0"));
    }
    let target = packet.get_target_addr();
    if target.is_multicast() {
        return Err(BadFrame("about a group"));
    }
    let link = link_address(&message[MESSAGE_LEN..], option.0)?;
    match kind {
        Kind::Solicitation if source.is_unspecified() && link.is_some() => Err(BadFrame("an option of nobody")),
        Kind::Solicitation if source.is_unspecified() && destination != solicited_node(target) => {
            Err(BadFrame("duplicates are asked for in their group"))
        }
        Kind::Advertisement { solicited: true } if destination.is_multicast() => Err(BadFrame("solicited by a group")),
        _ => Ok(Ndp { ends, source, destination, kind, target, link }),
    }
}

/// The hardware address in the last option of that type. Any may come (RFC 4861 §4.6), but none of length 0.
fn link_address(mut options: &[u8], wanted: u8) -> Result<Option<Mac>, BadFrame> {
    let mut link = None;
    while let [kind, length, ..] = *options {
        let option = match usize::from(length) * OPTION_LEN {
            0 => return Err(BadFrame("an option without length")),
            length => options.get(..length).ok_or(frame::TRUNCATED)?,
        };
        if let (true, Ok(mac)) = (kind == wanted, option[2..].try_into()) {
            link = Some(Mac(mac));
        }
        options = &options[option.len()..];
    }
    if options.is_empty() { Ok(link) } else { Err(frame::TRUNCATED) }
}

/// Zero over a message with the right checksum; over one with none, that checksum.
fn sum(message: &[u8], source: Ipv6Addr, destination: Ipv6Addr) -> u16 {
    ipv6_checksum(message, usize::MAX, &[], &source, &destination, IpNextHeaderProtocols::Icmpv6)
}
