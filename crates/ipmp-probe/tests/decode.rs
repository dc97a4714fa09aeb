//! Echo messages as bytes: whatever arrives is decoded or refused, and never panics.

use ipmp_core::Family;
use ipmp_probe::echo::{self, Echo, Kind, Undecodable, decode, decode_delivered, encode};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv4::MutableIpv4Packet;
use proptest::prelude::*;

/// The message within an IPv4 datagram that has `options` words of options.
fn datagram(message: &[u8], options: u8) -> Vec<u8> {
    let header = 20 + usize::from(options) * 4;
    let mut bytes = vec![0; header + message.len()];
    let length = bytes.len() as u16;
    let mut packet = MutableIpv4Packet::new(&mut bytes).unwrap();
    packet.set_version(4);
    packet.set_header_length(5 + options);
    packet.set_total_length(length);
    packet.set_next_level_protocol(IpNextHeaderProtocols::Icmp);
    bytes[header..].copy_from_slice(message);
    bytes
}

fn an_echo() -> impl Strategy<Value = Echo> {
    let kind = prop_oneof![Just(Kind::Request), Just(Kind::Reply)];
    (kind, any::<u16>(), any::<u16>(), any::<[u8; 16]>()).prop_map(|(kind, identifier, sequence, nonce)| Echo {
        kind,
        identifier,
        sequence,
        nonce,
    })
}

fn a_family() -> impl Strategy<Value = Family> {
    prop_oneof![Just(Family::V4), Just(Family::V6)]
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(family in a_family(), echo in an_echo()) {
        prop_assert_eq!(decode(family, &encode(family, &echo)), Ok(echo));
    }

    #[test]
    fn ip_options_are_skipped_and_trailing_bytes_ignored(
        echo in an_echo(), options in 0u8..=10, padding in 0usize..20,
    ) {
        let mut bytes = datagram(&encode(Family::V4, &echo), options);
        bytes.resize(bytes.len() + padding, 0xff);
        prop_assert_eq!(decode_delivered(Family::V4, &bytes), Ok(echo));
    }

    #[test]
    fn no_bytes_panic(family in a_family(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_delivered(family, &bytes);
        let _ = decode(family, &bytes);
    }

    /// Nearly right is where the mistakes are: a genuine reply with some bytes overwritten.
    #[test]
    fn no_damage_panics(
        family in a_family(), echo in an_echo(), options in 0u8..=10,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let message = encode(family, &echo);
        let mut bytes = match family {
            Family::V4 => datagram(&message, options),
            Family::V6 => message.to_vec(),
        };
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = decode_delivered(family, &bytes);
    }

    #[test]
    fn a_shortened_message_is_truncated(echo in an_echo(), options in 0u8..=10, length in any::<prop::sample::Index>()) {
        let bytes = datagram(&encode(Family::V4, &echo), options);
        let bytes = &bytes[..length.index(bytes.len())];
        prop_assert_eq!(decode_delivered(Family::V4, bytes), Err(Undecodable::Truncated));

        let bytes = encode(Family::V6, &echo);
        let bytes = &bytes[..length.index(bytes.len())];
        prop_assert_eq!(decode_delivered(Family::V6, bytes), Err(Undecodable::Truncated));
    }

    #[test]
    fn a_flipped_bit_fails_the_checksum(echo in an_echo(), bit in 0usize..echo::LEN * 8) {
        let mut message = encode(Family::V4, &echo);
        message[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(decode(Family::V4, &message), Err(Undecodable::Malformed("wrong checksum")));
    }
}

#[test]
fn a_checksum_of_zero_may_be_written_either_way() {
    let mut echo = Echo { kind: Kind::Reply, identifier: 0, sequence: 0, nonce: [0; 16] };
    echo.sequence = 0xffff;
    let mut message = encode(Family::V4, &echo);
    assert_eq!(message[2..4], [0, 0]);
    assert_eq!(decode(Family::V4, &message), Ok(echo));
    message[2..4].copy_from_slice(&[0xff, 0xff]);
    assert_eq!(decode(Family::V4, &message), Ok(echo));
}

#[test]
fn each_broken_rule_is_named() {
    let good =
        datagram(&encode(Family::V4, &Echo { kind: Kind::Reply, identifier: 1, sequence: 2, nonce: [3; 16] }), 0);
    let broken = |place: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[place] = byte;
        decode_delivered(Family::V4, &bytes)
    };
    assert_eq!(broken(0, 0x65), Err(Undecodable::Malformed("not IPv4")));
    assert_eq!(broken(0, 0x44), Err(Undecodable::Malformed("impossible IPv4 header length")));
    assert_eq!(broken(3, 19), Err(Undecodable::Malformed("impossible IPv4 header length")));
    assert_eq!(broken(9, 17), Err(Undecodable::Malformed("not ICMP")));
    let longer = encode(Family::V6, &Echo { kind: Kind::Reply, identifier: 1, sequence: 2, nonce: [3; 16] });
    let longer = [&longer[..], &[0]].concat();
    assert_eq!(decode(Family::V6, &longer), Err(Undecodable::Malformed("more data than was sent")));
    let mut coded = encode(Family::V6, &Echo { kind: Kind::Reply, identifier: 1, sequence: 2, nonce: [3; 16] });
    coded[1] = 1;
    assert_eq!(decode(Family::V6, &coded), Err(Undecodable::Malformed("an echo has code 0")));
    coded[0] = 130;
    assert_eq!(decode(Family::V6, &coded), Err(Undecodable::Malformed("not an echo")));
}
