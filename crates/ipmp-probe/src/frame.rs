//! The Ethernet header of what is sent and received without the help of the kernel's protocols. Pure.

use std::fmt;

use ipmp_core::Mac;
use pnet::packet::ethernet::{EtherType, EthernetPacket, MutableEthernetPacket};

/// Bytes of the header. A tag of a VLAN is none of ours: the member is the device that takes it off.
pub(crate) const HEADER_LEN: usize = EthernetPacket::minimum_packet_size();

/// Everybody on the link.
pub const BROADCAST: Mac = Mac([0xff; 6]);

/// Why bytes are no frame that concerns us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadFrame(pub &'static str);

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadFrame {}

/// Shorter than its headers say, or than they are.
pub(crate) const TRUNCATED: BadFrame = BadFrame("truncated");

/// Where a frame came from and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Who put it onto the link, as it says.
    pub from: Mac,
    /// Who is to take it.
    pub to: Mac,
}

/// Whether this can be the hardware address of one host: neither nobody's nor everybody's.
pub(crate) fn is_somebody(mac: Mac) -> bool {
    mac != Mac([0; 6]) && mac != BROADCAST
}

/// Writes the header, and gives what follows it.
pub(crate) fn write(frame: &mut [u8], ends: Ends, kind: EtherType) -> &mut [u8] {
    let (header, payload) = frame.split_at_mut(HEADER_LEN);
    let mut ethernet = MutableEthernetPacket::new(header).expect("the header has its length");
    ethernet.set_destination(ends.to.0.into());
    ethernet.set_source(ends.from.0.into());
    ethernet.set_ethertype(kind);
    payload
}

/// The ends of a frame of that kind, and what follows the header.
pub(crate) fn read(frame: &[u8], kind: EtherType) -> Result<(Ends, &[u8]), BadFrame> {
    let ethernet = EthernetPacket::new(frame).ok_or(TRUNCATED)?;
    if ethernet.get_ethertype() != kind {
        return Err(BadFrame("another EtherType"));
    }
    let ends = Ends { from: Mac(ethernet.get_source().octets()), to: Mac(ethernet.get_destination().octets()) };
    Ok((ends, &frame[HEADER_LEN..]))
}
