//! An echo as bytes. Pure: any bytes may be decoded, and none make it panic.

use std::fmt;

use ipmp_core::Family;
use pnet::packet::Packet;
use pnet::packet::icmp::IcmpTypes;
use pnet::packet::icmp::echo_request::{EchoRequestPacket, MutableEchoRequestPacket};
use pnet::packet::icmp::{IcmpCode, IcmpType};
use pnet::packet::icmpv6::Icmpv6Types;
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv4::Ipv4Packet;
use pnet::packet::util::checksum;

/// Bytes of an echo's header (RFC 792; RFC 4443 §4).
pub const HEADER_LEN: usize = EchoRequestPacket::minimum_packet_size();

/// Which of the two echo messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ours to send.
    Request,
    /// The target's to send.
    Reply,
}

/// An echo message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Request or reply.
    pub kind: Kind,
    /// Which socket it belongs to.
    pub identifier: u16,
    /// Which request of that socket.
    pub sequence: u16,
    /// What a reply returns as it came.
    pub data: &'a [u8],
}

/// Why bytes are no [`Echo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecodable<'a> {
    /// Shorter than its headers say, or than they are.
    Truncated,
    /// Breaks a rule of the protocol, named here, or is not an echo.
    Malformed(&'static str),
    /// The checksum is wrong, and so may be everything that it seems to be.
    Damaged(Echo<'a>),
}

impl fmt::Display for Undecodable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undecodable::Truncated => f.write_str("truncated"),
            Undecodable::Malformed(what) => f.write_str(what),
            Undecodable::Damaged(_) => f.write_str("wrong checksum"),
        }
    }
}

impl std::error::Error for Undecodable<'_> {}

/// The message as it is handed to a raw socket. In IPv6 the checksum is left to the kernel, which alone
/// knows the pseudo-header (RFC 3542 §3.1).
pub fn encode(family: Family, echo: &Echo<'_>) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_LEN + echo.data.len()];
    // The messages of the two families differ in nothing but the type and the checksum.
    let mut packet = MutableEchoRequestPacket::new(&mut bytes).expect("it is no shorter than the header");
    packet.set_icmp_type(IcmpType(type_of(family, echo.kind)));
    packet.set_identifier(echo.identifier);
    packet.set_sequence_number(echo.sequence);
    packet.set_payload(echo.data);
    if family == Family::V4 {
        let sum = checksum(packet.packet(), 1);
        packet.set_checksum(sum);
    }
    bytes
}

/// What [`encode`] made, or a target's answer to it. In IPv6 the kernel has verified the checksum.
pub fn decode(family: Family, message: &[u8]) -> Result<Echo<'_>, Undecodable<'_>> {
    let packet = EchoRequestPacket::new(message).ok_or(Undecodable::Truncated)?;
    let kind = kind_of(family, packet.get_icmp_type().0).ok_or(Undecodable::Malformed("not an echo"))?;
    if packet.get_icmp_code() != IcmpCode(0) {
        return Err(Undecodable::Malformed("an echo has code 0"));
    }
    let data = &message[HEADER_LEN..];
    let echo = Echo { kind, identifier: packet.get_identifier(), sequence: packet.get_sequence_number(), data };
    // The sum is taken over everything, checksum included: a responder that updates the checksum in place
    // (RFC 1624) may write zero in its other form, which comparing with a sum of our own would refuse.
    if family == Family::V4 && checksum(message, usize::MAX) != 0 {
        return Err(Undecodable::Damaged(echo));
    }
    Ok(echo)
}

/// What a raw socket of this family delivers: in IPv4 the message within its IP header, in IPv6 bare.
pub fn decode_delivered(family: Family, datagram: &[u8]) -> Result<Echo<'_>, Undecodable<'_>> {
    match family {
        Family::V4 => decode(family, within_ipv4(datagram)?),
        Family::V6 => decode(family, datagram),
    }
}

/// The message that an IPv4 datagram carries.
fn within_ipv4(datagram: &[u8]) -> Result<&[u8], Undecodable<'_>> {
    let packet = Ipv4Packet::new(datagram).ok_or(Undecodable::Truncated)?;
    if packet.get_version() != 4 {
        return Err(Undecodable::Malformed("not IPv4"));
    }
    let header = usize::from(packet.get_header_length()) * 4;
    let total = usize::from(packet.get_total_length());
    if header < Ipv4Packet::minimum_packet_size() || total < header {
        return Err(Undecodable::Malformed("impossible IPv4 header length"));
    }
    if packet.get_next_level_protocol() != IpNextHeaderProtocols::Icmp {
        return Err(Undecodable::Malformed("not ICMP"));
    }
    datagram.get(header..total).ok_or(Undecodable::Truncated)
}

/// The number of a message type (RFC 792; RFC 4443 §4.1, §4.2).
pub(crate) fn type_of(family: Family, kind: Kind) -> u8 {
    match (family, kind) {
        (Family::V4, Kind::Request) => IcmpTypes::EchoRequest.0,
        (Family::V4, Kind::Reply) => IcmpTypes::EchoReply.0,
        (Family::V6, Kind::Request) => Icmpv6Types::EchoRequest.0,
        (Family::V6, Kind::Reply) => Icmpv6Types::EchoReply.0,
    }
}

fn kind_of(family: Family, number: u8) -> Option<Kind> {
    [Kind::Request, Kind::Reply].into_iter().find(|kind| type_of(family, *kind) == number)
}
