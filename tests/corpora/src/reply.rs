//! An ICMP message as a raw socket delivers it.

use ipmp_core::Family;
use ipmp_probe::echo::{self, Echo, Kind};

/// Where the checksum is.
const CHECKSUM: std::ops::Range<usize> = 2..4;

/// Takes the bytes for what a socket of either family delivers, and for the fields of an echo.
pub fn reply(bytes: &[u8]) {
    if let Ok(echo) = echo::decode_delivered(Family::V4, bytes) {
        let start = usize::from(bytes[0] & 0xf) * 4;
        is_what_we_encode(Family::V4, &echo, &bytes[start..start + echo::HEADER_LEN + echo.data.len()]);
    }
    if let Ok(echo) = echo::decode_delivered(Family::V6, bytes) {
        is_what_we_encode(Family::V6, &echo, bytes);
    }
    if let Some(echo) = fields(bytes) {
        for family in [Family::V4, Family::V6] {
            assert_eq!(echo::decode(family, &echo::encode(family, &echo)), Ok(echo));
        }
    }
}

/// There is one way to write an echo, but for the checksum: zero has two forms in IPv4, and in IPv6 it is the
/// kernel's.
fn is_what_we_encode(family: Family, echo: &Echo<'_>, message: &[u8]) {
    let encoded = echo::encode(family, echo);
    assert_eq!(encoded[..CHECKSUM.start], message[..CHECKSUM.start]);
    assert_eq!(encoded[CHECKSUM.end..], message[CHECKSUM.end..]);
}

/// An echo made of the first bytes, where there are enough, and of what is left as its data.
fn fields(bytes: &[u8]) -> Option<Echo<'_>> {
    let (&[kind, identifier @ .., a, b], data) = bytes.split_first_chunk::<5>()?;
    let kind = if kind % 2 == 0 { Kind::Request } else { Kind::Reply };
    let [identifier, sequence] = [identifier, [a, b]].map(u16::from_be_bytes);
    Some(Echo { kind, identifier, sequence, data })
}
