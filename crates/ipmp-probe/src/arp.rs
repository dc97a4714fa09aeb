//! ARP as bytes (RFC 826). Pure: any bytes may be decoded, and none make it panic.

use std::net::Ipv4Addr;

use ipmp_core::Mac;
use pnet::packet::arp::{ArpHardwareTypes, ArpOperation, ArpOperations, ArpPacket, MutableArpPacket};
use pnet::packet::ethernet::EtherTypes;

use crate::frame::{self, BadFrame, Ends};

/// Bytes of a frame; the NIC makes it as long as Ethernet wants it.
pub const FRAME_LEN: usize = frame::HEADER_LEN + ArpPacket::minimum_packet_size();

/// Which of the two ARP messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Who has the target's address?
    Request,
    /// The sender has.
    Reply,
}

/// An ARP message in its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// Of the frame.
    pub ends: Ends,
    /// Request or reply.
    pub operation: Operation,
    /// Where the sender is.
    pub sender_mac: Mac,
    /// Who it is; 0.0.0.0 where it claims no address.
    pub sender: Ipv4Addr,
    /// Where the target is; nothing in a request.
    pub target_mac: Mac,
    /// Who is asked for, or told.
    pub target: Ipv4Addr,
}

impl Arp {
    /// Asks `to` whether anybody has `target`, to take it if nobody has (RFC 5227 §2.1.1). It claims no address
    /// yet, so nobody learns anything of it.
    pub fn claim(from: Mac, to: Mac, target: Ipv4Addr) -> Self {
        Self {
            ends: Ends { from, to },
            operation: Operation::Request,
            sender_mac: from,
            sender: Ipv4Addr::UNSPECIFIED,
            target_mac: Mac([0; 6]),
            target,
        }
    }

    /// Asks `to` whether `target` can be reached. It differs from a claim in the target's hardware address, which
    /// nobody looks at in a request (RFC 826), but those who know it: else two hosts that probe each other would
    /// each take the other to claim its address.
    pub fn question(from: Mac, to: Mac, target: Ipv4Addr) -> Self {
        Self { target_mac: from, ..Self::claim(from, to, target) }
    }

    /// Whether the sender is about to take the target's address.
    pub fn is_claim(&self) -> bool {
        self.operation == Operation::Request && self.sender.is_unspecified() && self.target_mac != self.sender_mac
    }
}

/// The frame.
pub fn encode(arp: &Arp) -> [u8; FRAME_LEN] {
    let mut bytes = [0; FRAME_LEN];
    let payload = frame::write(&mut bytes, arp.ends, EtherTypes::Arp);
    let mut packet = MutableArpPacket::new(payload).expect("it has that length");
    packet.set_hardware_type(ArpHardwareTypes::Ethernet);
    packet.set_protocol_type(EtherTypes::Ipv4);
    packet.set_hw_addr_len(6);
    packet.set_proto_addr_len(4);
    packet.set_operation(number_of(arp.operation));
    packet.set_sender_hw_addr(arp.sender_mac.0.into());
    packet.set_sender_proto_addr(arp.sender);
    packet.set_target_hw_addr(arp.target_mac.0.into());
    packet.set_target_proto_addr(arp.target);
    bytes
}

/// What a frame says that was received. What follows the message is padding.
pub fn decode(frame: &[u8]) -> Result<Arp, BadFrame> {
    let (ends, payload) = frame::read(frame, EtherTypes::Arp)?;
    let packet = ArpPacket::new(payload).ok_or(frame::TRUNCATED)?;
    if packet.get_hardware_type() != ArpHardwareTypes::Ethernet || packet.get_hw_addr_len() != 6 {
        return Err(BadFrame("not of Ethernet"));
    }
    if packet.get_protocol_type() != EtherTypes::Ipv4 || packet.get_proto_addr_len() != 4 {
        return Err(BadFrame("not of IPv4"));
    }
    let operation = [Operation::Request, Operation::Reply]
        .into_iter()
        .find(|operation| number_of(*operation) == packet.get_operation())
        .ok_or(BadFrame("neither request nor reply"))?;
    Ok(Arp {
        ends,
        operation,
        sender_mac: Mac(packet.get_sender_hw_addr().octets()),
        sender: packet.get_sender_proto_addr(),
        target_mac: Mac(packet.get_target_hw_addr().octets()),
        target: packet.get_target_proto_addr(),
    })
}

pub(crate) fn number_of(operation: Operation) -> ArpOperation {
    match operation {
        Operation::Request => ArpOperations::Request,
        Operation::Reply => ArpOperations::Reply,
    }
}
