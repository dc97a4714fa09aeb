//! The frames that tell neighbours where an address is now. Bytes only: no socket, no interface.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipmp_core::Mac;
use pnet::packet::arp::{ArpHardwareTypes, ArpOperation, MutableArpPacket};
use pnet::packet::ethernet::{EtherType, EtherTypes, MutableEthernetPacket};
use pnet::packet::icmpv6::ndp::{MutableNeighborAdvertPacket, NdpOption, NdpOptionTypes, NeighborAdvertFlags};
use pnet::packet::icmpv6::{Icmpv6Packet, Icmpv6Types, checksum};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv6::MutableIpv6Packet;
use pnet::util::MacAddr;

const ETHERNET: usize = 14;
const ARP: usize = 28;
const IPV6: usize = 40;
/// A neighbour advertisement with one option of eight bytes.
const ADVERT: usize = 32;

/// All nodes of the link, and their Ethernet group (RFC 2464 §7).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC: MacAddr = MacAddr(0x33, 0x33, 0, 0, 0, 1);

/// A gratuitous ARP: sender and target address are the same (RFC 5227 §3).
///
/// The target hardware address is empty in a request. In a reply it is the sender's: Linux takes a reply
/// as gratuitous, and so lets it overrule a fresh entry, only then (as RFC 5944 §4.6 asks for).
pub(crate) fn gratuitous_arp(operation: ArpOperation, mac: Mac, address: Ipv4Addr) -> [u8; ETHERNET + ARP] {
    let mut frame = [0; ETHERNET + ARP];
    let payload = ethernet(&mut frame, MacAddr::broadcast(), mac, EtherTypes::Arp);
    let mut arp = MutableArpPacket::new(payload).expect("the buffer has its length");
    arp.set_hardware_type(ArpHardwareTypes::Ethernet);
    arp.set_protocol_type(EtherTypes::Ipv4);
    arp.set_hw_addr_len(6);
    arp.set_proto_addr_len(4);
    arp.set_operation(operation);
    arp.set_sender_hw_addr(mac.0.into());
    arp.set_sender_proto_addr(address);
    if operation == pnet::packet::arp::ArpOperations::Reply {
        arp.set_target_hw_addr(mac.0.into());
    }
    arp.set_target_proto_addr(address);
    frame
}

/// An unsolicited neighbour advertisement to all nodes (RFC 4861 §7.2.6): override, with the target
/// link-layer address, without which neighbours keep what they know. One without the router flag has those
/// who use this host as a router drop it from their lists (§7.2.5).
pub(crate) fn neighbour_advertisement(mac: Mac, address: Ipv6Addr, router: bool) -> [u8; ETHERNET + IPV6 + ADVERT] {
    let mut frame = [0; ETHERNET + IPV6 + ADVERT];
    let payload = ethernet(&mut frame, ALL_NODES_MAC, mac, EtherTypes::Ipv6);
    let (header, body) = payload.split_at_mut(IPV6);
    let mut ip = MutableIpv6Packet::new(header).expect("the buffer has its length");
    ip.set_version(6);
    ip.set_payload_length(ADVERT as u16);
    ip.set_next_header(IpNextHeaderProtocols::Icmpv6);
    ip.set_hop_limit(255);
    ip.set_source(address);
    ip.set_destination(ALL_NODES);

    let mut advert = MutableNeighborAdvertPacket::new(body).expect("the buffer has its length");
    advert.set_icmpv6_type(Icmpv6Types::NeighborAdvert);
    advert.set_flags(NeighborAdvertFlags::Override | if router { NeighborAdvertFlags::Router } else { 0 });
    advert.set_target_addr(address);
    advert.set_options(&[NdpOption { option_type: NdpOptionTypes::TargetLLAddr, length: 1, data: mac.0.into() }]);
    let sum = checksum(&Icmpv6Packet::new(body).expect("the buffer has its length"), &address, &ALL_NODES);
    MutableNeighborAdvertPacket::new(body).expect("the buffer has its length").set_checksum(sum);
    frame
}

/// Writes the Ethernet header, and returns what follows it.
fn ethernet(frame: &mut [u8], to: MacAddr, from: Mac, kind: EtherType) -> &mut [u8] {
    let (header, payload) = frame.split_at_mut(ETHERNET);
    let mut ethernet = MutableEthernetPacket::new(header).expect("the buffer has its length");
    ethernet.set_destination(to);
    ethernet.set_source(from.0.into());
    ethernet.set_ethertype(kind);
    payload
}

#[cfg(test)]
mod tests {
    use pnet::packet::Packet;
    use pnet::packet::arp::{ArpOperations, ArpPacket};
    use pnet::packet::ethernet::EthernetPacket;
    use pnet::packet::icmpv6::ndp::NeighborAdvertPacket;
    use pnet::packet::ipv6::Ipv6Packet;
    use proptest::prelude::*;

    use super::*;

    const MAC: Mac = Mac([0x02, 0x11, 0x22, 0x33, 0x44, 0x55]);
    const V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 50);
    const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x50);

    #[rustfmt::skip]
    #[test]
    fn request_form_byte_for_byte() {
        assert_eq!(gratuitous_arp(ArpOperations::Request, MAC, V4), [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x08, 0x06,
            0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,
            0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 192, 0, 2, 50,
            0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 192, 0, 2, 50,
        ]);
    }

    #[rustfmt::skip]
    #[test]
    fn reply_form_byte_for_byte() {
        assert_eq!(gratuitous_arp(ArpOperations::Reply, MAC, V4), [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x08, 0x06,
            0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x02,
            0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 192, 0, 2, 50,
            0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 192, 0, 2, 50,
        ]);
    }

    #[rustfmt::skip]
    #[test]
    fn advertisement_byte_for_byte() {
        assert_eq!(neighbour_advertisement(MAC, V6, false), [
            0x33, 0x33, 0x00, 0x00, 0x00, 0x01, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x86, 0xdd,
            0x60, 0x00, 0x00, 0x00, 0x00, 0x20, 0x3a, 0xff,
            0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50,
            0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01,
            // The checksum: one's complement of the sum of the pseudo header
            // (addresses 0x2001+0x0db8+0x0050 + 0xff02+0x0001, length 0x0020, protocol 0x003a) and the
            // message (0x8800 + 0x2000 + target 0x2001+0x0db8+0x0050 + 0x0201+0x0211+0x2233+0x4455).
            0x88, 0x00, 0x91, 0xf4, 0x20, 0x00, 0x00, 0x00,
            0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50,
            0x02, 0x01, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55,
        ]);
    }

    proptest! {
        #[test]
        fn any_gratuitous_arp_says_the_same_thing_in_every_field(mac: [u8; 6], address: Ipv4Addr, reply: bool) {
            let operation = if reply { ArpOperations::Reply } else { ArpOperations::Request };
            let frame = gratuitous_arp(operation, Mac(mac), address);
            let ethernet = EthernetPacket::new(&frame).unwrap();
            prop_assert_eq!(ethernet.get_destination(), MacAddr::broadcast());
            prop_assert_eq!(ethernet.get_source(), MacAddr::from(mac));
            prop_assert_eq!(ethernet.get_ethertype(), EtherTypes::Arp);
            let arp = ArpPacket::new(ethernet.payload()).unwrap();
            prop_assert_eq!(arp.get_operation(), operation);
            prop_assert_eq!(arp.get_sender_hw_addr(), MacAddr::from(mac));
            prop_assert_eq!(arp.get_sender_proto_addr(), address);
            prop_assert_eq!(arp.get_target_proto_addr(), address);
            prop_assert!(arp.payload().is_empty());
        }

        #[test]
        fn any_advertisement_overrides_and_names_its_mac(mac: [u8; 6], address: Ipv6Addr, router: bool) {
            let frame = neighbour_advertisement(Mac(mac), address, router);
            let ethernet = EthernetPacket::new(&frame).unwrap();
            prop_assert_eq!(ethernet.get_source(), MacAddr::from(mac));
            let ip = Ipv6Packet::new(ethernet.payload()).unwrap();
            prop_assert_eq!((ip.get_source(), ip.get_destination(), ip.get_hop_limit()), (address, ALL_NODES, 255));
            let icmp = Icmpv6Packet::new(ip.payload()).unwrap();
            prop_assert_eq!(icmp.get_checksum(), checksum(&icmp, &address, &ALL_NODES));
            let advert = NeighborAdvertPacket::new(ip.payload()).unwrap();
            prop_assert_eq!(advert.get_target_addr(), address);
            let flags = NeighborAdvertFlags::Override | if router { NeighborAdvertFlags::Router } else { 0 };
            prop_assert_eq!(advert.get_flags(), flags);
            let options = advert.get_options();
            prop_assert_eq!(options.len(), 1);
            prop_assert_eq!(options[0].option_type, NdpOptionTypes::TargetLLAddr);
            prop_assert_eq!(&options[0].data[..], &mac[..]);
        }
    }
}
