//! What ARP and neighbour discovery frames say about who has an address. Pure.

use std::net::{IpAddr, Ipv6Addr};
use std::time::SystemTime;

use pnet::packet::Packet as _;
use pnet::packet::arp::{ArpOperations, ArpPacket};
use pnet::packet::ethernet::{EtherTypes, EthernetPacket};
use pnet::packet::icmpv6::ndp::{NeighborAdvertFlags, NeighborAdvertPacket, NeighborSolicitPacket};
use pnet::packet::icmpv6::{Icmpv6Packet, Icmpv6Types};
use pnet::packet::ipv6::Ipv6Packet;
use pnet::util::MacAddr;

/// What a frame says about an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// When the kernel saw it.
    pub at: SystemTime,
    /// Sent by the station that listens, not received.
    pub sent: bool,
    /// The source in the Ethernet header: by which NIC it left.
    pub source: MacAddr,
    /// The destination in the Ethernet header.
    pub destination: MacAddr,
    /// Which kind of frame.
    pub kind: ClaimKind,
    /// Whose hardware address is told: the sender of ARP, the target of an advertisement, the source of a
    /// solicitation. Unspecified in a probe, which claims nothing.
    pub address: IpAddr,
    /// The hardware address that it is said to have, where one is told.
    pub mac: Option<MacAddr>,
    /// The address that is asked for or answered about.
    pub target: IpAddr,
}

/// The kinds of [`Claim`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimKind {
    /// ARP request.
    ArpRequest,
    /// ARP reply.
    ArpReply,
    /// IPv6 neighbour solicitation.
    Solicitation,
    /// IPv6 neighbour advertisement.
    Advertisement {
        /// It replaces what the receiver believes (the override flag).
        overrides: bool,
    },
}

impl Claim {
    /// Told to everyone, unasked: gratuitous ARP in either form, or an unsolicited advertisement.
    pub fn is_announcement(&self) -> bool {
        self.address == self.target && !self.destination.is_unicast()
    }

    /// What an Ethernet frame says; nothing where it is neither ARP nor neighbour discovery.
    pub(crate) fn decode(frame: &[u8], at: SystemTime, sent: bool) -> Option<Claim> {
        let frame = EthernetPacket::new(frame)?;
        let (kind, address, mac, target) = match frame.get_ethertype() {
            EtherTypes::Arp => arp(&ArpPacket::new(frame.payload())?)?,
            EtherTypes::Ipv6 => neighbour_discovery(&Ipv6Packet::new(frame.payload())?)?,
            _ => return None,
        };
        let (source, destination) = (frame.get_source(), frame.get_destination());
        Some(Claim { at, sent, source, destination, kind, address, mac, target })
    }
}

/// Kind, address, the hardware address that it is said to have, target.
type Said = (ClaimKind, IpAddr, Option<MacAddr>, IpAddr);

fn arp(packet: &ArpPacket<'_>) -> Option<Said> {
    let kind = match packet.get_operation() {
        ArpOperations::Request => ClaimKind::ArpRequest,
        ArpOperations::Reply => ClaimKind::ArpReply,
        _ => return None,
    };
    let (address, target) = (packet.get_sender_proto_addr().into(), packet.get_target_proto_addr().into());
    Some((kind, address, Some(packet.get_sender_hw_addr()), target))
}

fn neighbour_discovery(packet: &Ipv6Packet<'_>) -> Option<Said> {
    let payload = packet.payload();
    let said = |kind, address: Ipv6Addr, target: Ipv6Addr, options| {
        Some((kind, address.into(), link_layer_address(options), target.into()))
    };
    match Icmpv6Packet::new(payload)?.get_icmpv6_type() {
        Icmpv6Types::NeighborSolicit => {
            let solicitation = NeighborSolicitPacket::new(payload)?;
            said(ClaimKind::Solicitation, packet.get_source(), solicitation.get_target_addr(), payload)
        }
        Icmpv6Types::NeighborAdvert => {
            let advertisement = NeighborAdvertPacket::new(payload)?;
            let overrides = advertisement.get_flags() & NeighborAdvertFlags::Override != 0;
            let target = advertisement.get_target_addr();
            said(ClaimKind::Advertisement { overrides }, target, target, payload)
        }
        _ => None,
    }
}

/// The first option, where it is a link-layer address of the source (1) or the target (2); it is eight bytes long
/// (RFC 4861, 4.6.1). Linux sends it first.
fn link_layer_address(message: &[u8]) -> Option<MacAddr> {
    match message.get(NeighborAdvertPacket::minimum_packet_size()..)? {
        [1 | 2, 1, a, b, c, d, e, f, ..] => Some(MacAddr::new(*a, *b, *c, *d, *e, *f)),
        _ => None,
    }
}
