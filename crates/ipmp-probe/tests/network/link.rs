//! Probes without an address, by ARP and by neighbour solicitations: they go out, their answers come back, and
//! nobody's neighbour table is any different.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipmp_core::{Event, Family, Mac, ProbeId, ReplyFault};
use ipmp_probe::arp::{self, Arp, Operation};
use ipmp_probe::frame::{BROADCAST, Ends};
use ipmp_probe::ndp::{self, Kind, Ndp};
use ipmp_probe::{DRAIN_MAX, ProbeEngine, clock};

use crate::exchange::ready_now;
use crate::lab::{Namespace, TARGET, events, replies, run, send};
use crate::stranger::FrameStranger;

const SOURCE_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x11);
const TARGET_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
/// One that nobody has.
const SOMEBODY: Mac = Mac([2, 0, 0, 0, 0, 0x77]);

/// A host whose member has a link-local address and nothing else, and a neighbour.
struct Bare {
    host: Namespace,
    peer: Namespace,
}

impl Bare {
    fn new() -> Self {
        let (host, peer) = (Namespace::new(), Namespace::new());
        host.cable("h0", &peer, "p0");
        host.address("h0", SOURCE_6, 64);
        peer.address("p0", TARGET, 24);
        peer.address("p0", TARGET_6, 64);
        Self { host, peer }
    }

    /// An engine that probes both families by the member.
    fn engine(&self) -> ProbeEngine {
        let mut engine = ProbeEngine::new().unwrap();
        self.host.open_arp(&mut engine, "h0");
        self.host.open_ndp(&mut engine, "h0", SOURCE_6);
        engine
    }
}

#[test]
fn a_round_trip() {
    run(async {
        let bare = Bare::new();
        let mut engine = bare.engine();
        for (probe, target) in (0..20).zip([IpAddr::from(TARGET), TARGET_6.into()].into_iter().cycle()) {
            let sent = send(&mut engine, probe, "h0", target);
            let replies = replies(&mut engine, 1).await;
            let [(id, received)] = replies[..] else { panic!("{replies:?}") };
            assert_eq!(id, ProbeId(probe));
            assert!(sent <= received && received <= clock::now(), "sent {sent:?}, received {received:?}");
        }
    });
}
