//! Whether anybody else has an address is found out before it is used.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipmp_core::{AddressCheck, Event, IfIndex, Mac};
use ipmp_probe::ProbeEngine;
use ipmp_probe::arp::{self, Arp, Operation};
use ipmp_probe::frame::{BROADCAST, Ends};
use ipmp_probe::ndp::{self, Kind, Ndp};
use pnet::packet::ethernet::EtherTypes;

use crate::exchange::ready_now;
use crate::lab::{DEADLINE, Namespace, events, run};
use crate::stranger::FrameStranger;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 5);
const ADDRESS_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 5);
const SOMEBODY: Mac = Mac([2, 0, 0, 0, 0, 0x77]);

struct Link {
    host: Namespace,
    peer: Namespace,
    engine: ProbeEngine,
}

impl Link {
    fn new() -> Self {
        let (host, peer) = (Namespace::new(), Namespace::new());
        host.cable("h0", &peer, "p0");
        Self { host, peer, engine: ProbeEngine::new().unwrap() }
    }

    fn check(&mut self, addresses: &[IpAddr]) {
        let (index, mac) = (IfIndex(self.host.index("h0")), self.host.mac("h0"));
        let checks: Vec<_> = addresses.iter().map(|address| AddressCheck { index, mac, address: *address }).collect();
        let engine = &mut self.engine;
        self.host.enter(|| engine.check_addresses(&checks));
    }
}

fn taken(address: impl Into<IpAddr>, by: Mac) -> Event {
    Event::AddressTaken { address: address.into(), by }
}

#[test]
fn an_address_that_a_neighbour_has() {
    run(async {
        let mut link = Link::new();
        link.peer.address("p0", ADDRESS, 24);
        link.peer.address("p0", ADDRESS_6, 64);
        let before = link.peer.neighbours();
        let peer = link.peer.mac("p0");
        for address in [IpAddr::from(ADDRESS), ADDRESS_6.into()] {
            for _ in 0..3 {
                link.check(&[address]);
                assert_eq!(events(&mut link.engine, 1).await, [taken(address, peer)]);
            }
        }
        link.check(&[ADDRESS.into(), ADDRESS_6.into()]);
        let mut both = events(&mut link.engine, 2).await;
        both.sort_by_key(|event| matches!(event, Event::AddressTaken { address: IpAddr::V6(_), .. }));
        assert_eq!(both, [taken(ADDRESS, peer), taken(ADDRESS_6, peer)]);
        assert_eq!(link.peer.neighbours(), before, "nobody learns anything of a question");
    });
}
