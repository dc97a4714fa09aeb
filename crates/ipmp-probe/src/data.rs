//! What a request carries as its data: a nonce, and for one that is to be long a pattern that follows from
//! it. A target that returns exactly these bytes has seen the request, and nothing on the way has changed
//! them.

use ipmp_core::Family;

use crate::echo::HEADER_LEN;

/// Random, and known to no one but the target and the path to it.
pub type Nonce = [u8; 16];

/// Bytes of the shortest probe's echo message.
pub const LEN: usize = HEADER_LEN + size_of::<Nonce>();

/// The data of one request, in little room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Data {
    nonce: Nonce,
    len: usize,
}

impl Data {
    /// Such that the request's IP packet has `packet` bytes, or as few as it can.
    pub fn new(family: Family, nonce: Nonce, packet: Option<u16>) -> Self {
        let header = match family {
            Family::V4 => 20,
            Family::V6 => 40,
        };
        let len = usize::from(packet.unwrap_or(0)).saturating_sub(header + HEADER_LEN);
        Self { nonce, len: len.max(nonce.len()) }
    }

    /// The nonce again and again, each time changed in another way, so that neither a block that is missing
    /// nor one in the place of another goes unseen.
    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        let blocks = (0..=u8::MAX).cycle();
        blocks.flat_map(|block| self.nonce.map(|byte| byte ^ block)).take(self.len)
    }

    /// Whether these are the bytes.
    pub fn is(&self, data: &[u8]) -> bool {
        self.bytes().eq(data.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: Nonce = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    fn len(family: Family, packet: Option<u16>) -> usize {
        Data::new(family, NONCE, packet).bytes().count()
    }

    #[test]
    fn a_packet_is_as_long_as_asked_and_no_shorter_than_the_nonce() {
        assert_eq!(len(Family::V4, Some(1500)), 1500 - 28);
        assert_eq!(len(Family::V6, Some(1500)), 1500 - 48);
        assert_eq!(len(Family::V4, Some(u16::MAX)), 65535 - 28);
        for short in [None, Some(0), Some(28), Some(44)] {
            assert_eq!(len(Family::V4, short), 16, "{short:?}");
        }
        assert_eq!(len(Family::V4, Some(45)), 17);
    }

    #[test]
    fn any_byte_counts_and_so_does_the_length() {
        let data = Data::new(Family::V4, NONCE, Some(100));
        let bytes: Vec<_> = data.bytes().collect();
        assert_eq!(bytes[..16], NONCE);
        assert!(data.is(&bytes));
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 0x80;
            assert!(!data.is(&changed), "byte {place}");
        }
        assert!(!data.is(&bytes[..71]) && !data.is(&[&bytes[..], &[0]].concat()) && !data.is(&[]));
    }

    #[test]
    fn no_two_blocks_near_each_other_are_the_same() {
        let bytes: Vec<_> = Data::new(Family::V4, NONCE, Some(28 + 4096)).bytes().collect();
        let blocks: std::collections::BTreeSet<_> = bytes.chunks(16).collect();
        assert_eq!(blocks.len(), 256);
    }
}
