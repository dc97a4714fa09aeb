//! A frame as a packet socket delivers it.

use ipmp_probe::{arp, ndp};

/// Takes the bytes for a frame of either kind that is decoded.
pub fn frame(bytes: &[u8]) {
    // There is one way to write an ARP message; what follows it is padding.
    if let Ok(arp) = arp::decode(bytes) {
        assert_eq!(arp::encode(&arp), bytes[..arp::FRAME_LEN]);
    }
    // Of neighbour discovery, options and flags are left out that say nothing to us.
    if let Ok(ndp) = ndp::decode(bytes) {
        let encoded = ndp::encode(&ndp);
        assert_eq!(ndp::decode(&encoded), Ok(ndp));
        assert!(encoded.len() <= bytes.len());
    }
}
