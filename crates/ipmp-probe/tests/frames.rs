//! ARP and neighbour discovery as bytes: whatever arrives is decoded or refused, and never panics.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipmp_core::Mac;
use ipmp_probe::arp::{self, Arp, Operation};
use ipmp_probe::frame::{BadFrame, Ends};
use ipmp_probe::ndp::{self, Kind, Ndp};
use proptest::prelude::*;

const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);
const OTHER: Mac = Mac([2, 0, 0, 0, 0, 2]);
const TARGET_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0x12, 0x3456);
const SOURCE_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

fn a_mac() -> impl Strategy<Value = Mac> {
    any::<[u8; 6]>().prop_map(Mac)
}

fn an_arp() -> impl Strategy<Value = Arp> {
    let operation = prop_oneof![Just(Operation::Request), Just(Operation::Reply)];
    let macs = (a_mac(), a_mac(), a_mac(), a_mac());
    (operation, macs, any::<Ipv4Addr>(), any::<Ipv4Addr>()).prop_map(|(operation, macs, sender, target)| {
        let (from, to, sender_mac, target_mac) = macs;
        Arp { ends: Ends { from, to }, operation, sender_mac, sender, target_mac, target }
    })
}

/// Any that keeps the rules.
fn an_ndp() -> impl Strategy<Value = Ndp> {
    let kind =
        prop_oneof![Just(Kind::Solicitation), any::<bool>().prop_map(|solicited| Kind::Advertisement { solicited }),];
    let addresses = (any::<Ipv6Addr>(), any::<Ipv6Addr>(), any::<Ipv6Addr>());
    (a_mac(), a_mac(), addresses, kind, prop::option::of(a_mac())).prop_filter_map(
        "breaks a rule",
        |(from, to, (source, destination, target), kind, link)| {
            let ndp = Ndp { ends: Ends { from, to }, source, destination, kind, target, link };
            let to_group = kind == Kind::Advertisement { solicited: true } && destination.is_multicast();
            (!target.is_multicast() && !source.is_unspecified() && !to_group).then_some(ndp)
        },
    )
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(arp in an_arp(), ndp in an_ndp(), padding in 0usize..20) {
        let mut frame = arp::encode(&arp).to_vec();
        frame.resize(frame.len() + padding, 0xff);
        prop_assert_eq!(arp::decode(&frame), Ok(arp));
        let mut frame = ndp::encode(&ndp);
        frame.resize(frame.len() + padding, 0xff);
        prop_assert_eq!(ndp::decode(&frame), Ok(ndp));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = arp::decode(&bytes);
        let _ = ndp::decode(&bytes);
    }

    /// Nearly right is where the mistakes are.
    #[test]
    fn no_damage_panics(
        arp in an_arp(), ndp in an_ndp(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (mut arp, mut ndp) = (arp::encode(&arp).to_vec(), ndp::encode(&ndp));
        for (place, byte) in damage {
            let [in_arp, in_ndp] = [&arp, &ndp].map(|frame| place.index(frame.len()));
            arp[in_arp] = byte;
            ndp[in_ndp] = byte;
        }
        let _ = arp::decode(&arp);
        let _ = ndp::decode(&ndp);
    }

    #[test]
    fn a_shortened_frame_is_truncated(arp in an_arp(), ndp in an_ndp(), length in any::<prop::sample::Index>()) {
        let truncated = BadFrame("truncated");
        let frame = arp::encode(&arp);
        prop_assert_eq!(arp::decode(&frame[..length.index(frame.len())]), Err(truncated));
        let frame = ndp::encode(&ndp);
        prop_assert_eq!(ndp::decode(&frame[..length.index(frame.len())]), Err(truncated));
    }

    /// Of a message and of the addresses that it goes between.
    #[test]
    fn a_flipped_bit_fails_the_checksum(ndp in an_ndp(), bit in any::<prop::sample::Index>()) {
        let mut frame = ndp::encode(&ndp);
        let summed = 14 + 8;
        let bit = bit.index((frame.len() - summed) * 8);
        frame[summed + bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(ndp::decode(&frame), Err(BadFrame("wrong checksum")));
    }
}

#[test]
fn each_broken_rule_of_arp_is_named() {
    let good = arp::encode(&Arp::claim(MAC, OTHER, Ipv4Addr::new(192, 0, 2, 1)));
    for (place, byte, rule) in [
        (12, 0x86, "another EtherType"),
        (15, 6, "not of Ethernet"),
        (18, 8, "not of Ethernet"),
        (16, 9, "not of IPv4"),
        (19, 16, "not of IPv4"),
        (21, 0, "neither request nor reply"),
        (21, 3, "neither request nor reply"),
    ] {
        let mut frame = good;
        frame[place] = byte;
        assert_eq!(arp::decode(&frame), Err(BadFrame(rule)), "byte {place}");
    }
}

/// The frame with the bytes of its message written over, and the checksum made right again.
fn resummed(ndp: &Ndp, changes: &[(usize, u8)]) -> Vec<u8> {
    use pnet::packet::ip::IpNextHeaderProtocols;
    use pnet::packet::util::ipv6_checksum;
    let mut frame = ndp::encode(ndp);
    for (place, byte) in changes {
        frame[54 + place] = *byte;
    }
    let sum = ipv6_checksum(&frame[54..], 1, &[], &ndp.source, &ndp.destination, IpNextHeaderProtocols::Icmpv6);
    frame[56..58].copy_from_slice(&sum.to_be_bytes());
    frame
}

#[test]
fn each_broken_rule_of_neighbour_discovery_is_named() {
    let good = Ndp::solicitation(MAC, SOURCE_6, None, TARGET_6);
    let detection = Ndp::duplicate_detection(MAC, TARGET_6);
    let solicited = Ndp { kind: Kind::Advertisement { solicited: true }, ..good };
    for (frame, rule) in [
        (resummed(&good, &[(0, 133)]), "neither solicitation nor advertisement"),
        (resummed(&good, &[(1, 1)]), "neighbour discovery has code 0"),
        (resummed(&good, &[(8, 0xff)]), "about a group"),
        (resummed(&good, &[(25, 0)]), "an option without length"),
        (resummed(&good, &[(25, 2)]), "truncated"),
        (ndp::encode(&Ndp { link: Some(MAC), ..detection }), "an option of nobody"),
        (ndp::encode(&Ndp { destination: TARGET_6, ..detection }), "duplicates are asked for in their group"),
        (ndp::encode(&solicited), "solicited by a group"),
    ] {
        assert_eq!(ndp::decode(&frame), Err(BadFrame(rule)));
    }
    for (place, byte, rule) in [
        (12, 8, "another EtherType"),
        (14, 0x45, "not ICMPv6"),
        (20, 17, "not ICMPv6"),
        (21, 64, "came over a router"),
        (19, 200, "truncated"),
    ] {
        let mut frame = ndp::encode(&good);
        frame[place] = byte;
        assert_eq!(ndp::decode(&frame), Err(BadFrame(rule)), "byte {place}");
    }
}

#[test]
fn unknown_options_are_passed_over() {
    let good = Ndp::solicitation(MAC, SOURCE_6, None, TARGET_6);
    let unknown = resummed(&good, &[(24, 14)]);
    assert_eq!(ndp::decode(&unknown), Ok(Ndp { link: None, ..good }));
}

/// RFC 4291 §2.7.1 and RFC 2464 §7, with their own example.
#[test]
fn the_group_of_an_address() {
    let group = ndp::solicited_node("4037::1:800:200e:8c6c".parse().unwrap());
    assert_eq!(group, "ff02::1:ff0e:8c6c".parse::<Ipv6Addr>().unwrap());
    assert_eq!(ndp::multicast_mac(group), Mac([0x33, 0x33, 0xff, 0x0e, 0x8c, 0x6c]));
}
