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

type Fields = (Kind, u16, u16, Vec<u8>);

fn an_echo() -> impl Strategy<Value = Fields> {
    let kind = prop_oneof![Just(Kind::Request), Just(Kind::Reply)];
    (kind, any::<u16>(), any::<u16>(), prop::collection::vec(any::<u8>(), 0..100))
}

fn echo((kind, identifier, sequence, data): &Fields) -> Echo<'_> {
    Echo { kind: *kind, identifier: *identifier, sequence: *sequence, data }
}

fn a_family() -> impl Strategy<Value = Family> {
    prop_oneof![Just(Family::V4), Just(Family::V6)]
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(family in a_family(), fields in an_echo()) {
        let message = encode(family, &echo(&fields));
        prop_assert_eq!(decode(family, &message), Ok(echo(&fields)));
    }

    #[test]
    fn ip_options_are_skipped_and_trailing_bytes_ignored(
        fields in an_echo(), options in 0u8..=10, padding in 0usize..20,
    ) {
        let mut bytes = datagram(&encode(Family::V4, &echo(&fields)), options);
        bytes.resize(bytes.len() + padding, 0xff);
        prop_assert_eq!(decode_delivered(Family::V4, &bytes), Ok(echo(&fields)));
    }

    #[test]
    fn no_bytes_panic(family in a_family(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_delivered(family, &bytes);
        let _ = decode(family, &bytes);
    }

    /// Nearly right is where the mistakes are: a genuine reply with some bytes overwritten.
    #[test]
    fn no_damage_panics(
        family in a_family(), fields in an_echo(), options in 0u8..=10,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let message = encode(family, &echo(&fields));
        let mut bytes = match family {
            Family::V4 => datagram(&message, options),
            Family::V6 => message,
        };
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = decode_delivered(family, &bytes);
    }

    /// In IPv6 the kernel knows the length and the checksum, and only a header that is cut is seen here.
    #[test]
    fn a_shortened_message_is_truncated(fields in an_echo(), options in 0u8..=10, length in any::<prop::sample::Index>()) {
        let bytes = datagram(&encode(Family::V4, &echo(&fields)), options);
        let bytes = &bytes[..length.index(bytes.len())];
        prop_assert_eq!(decode_delivered(Family::V4, bytes), Err(Undecodable::Truncated));

        let bytes = encode(Family::V6, &echo(&fields));
        let bytes = &bytes[..length.index(echo::HEADER_LEN)];
        prop_assert_eq!(decode_delivered(Family::V6, bytes), Err(Undecodable::Truncated));
    }

    /// What is left of it can still be seen. The two forms of zero are the same checksum.
    #[test]
    fn a_flipped_bit_fails_the_checksum(fields in an_echo(), bit in any::<prop::sample::Index>()) {
        let mut message = encode(Family::V4, &echo(&fields));
        // Not in type and code, which decide whether it is an echo at all.
        let bit = 16 + bit.index(message.len() * 8 - 16);
        message[bit / 8] ^= 1 << (bit % 8);
        let damaged = Echo {
            kind: fields.0,
            identifier: u16::from_be_bytes([message[4], message[5]]),
            sequence: u16::from_be_bytes([message[6], message[7]]),
            data: &message[8..],
        };
        prop_assert_eq!(decode(Family::V4, &message), Err(Undecodable::Damaged(damaged)));
    }
}

const ECHO: Echo<'static> = Echo { kind: Kind::Reply, identifier: 1, sequence: 2, data: &[3; 16] };

#[test]
fn a_checksum_of_zero_may_be_written_either_way() {
    let echo = Echo { identifier: 0, sequence: 0xffff, data: &[0; 16], ..ECHO };
    let mut message = encode(Family::V4, &echo);
    assert_eq!(message[2..4], [0, 0]);
    assert_eq!(decode(Family::V4, &message), Ok(echo));
    message[2..4].copy_from_slice(&[0xff, 0xff]);
    assert_eq!(decode(Family::V4, &message), Ok(echo));
}

#[test]
fn each_broken_rule_is_named() {
    let good = datagram(&encode(Family::V4, &ECHO), 0);
    let bare = encode(Family::V6, &ECHO);
    let cases = [
        (Family::V4, &good, 0, 0x65, "not IPv4"),
        (Family::V4, &good, 0, 0x44, "impossible IPv4 header length"),
        (Family::V4, &good, 3, 19, "impossible IPv4 header length"),
        (Family::V4, &good, 9, 17, "not ICMP"),
        (Family::V4, &good, 20, 3, "not an echo"),
        (Family::V6, &bare, 0, 130, "not an echo"),
        (Family::V6, &bare, 1, 1, "an echo has code 0"),
    ];
    for (family, good, place, byte, rule) in cases {
        let mut bytes = good.clone();
        bytes[place] = byte;
        assert_eq!(decode_delivered(family, &bytes), Err(Undecodable::Malformed(rule)));
    }
}
