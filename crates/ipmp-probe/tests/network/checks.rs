//! Whether anybody else has an address is found out before it is used.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipmp_core::{AddressCheck, Event, IfIndex, Mac};
use ipmp_probe::ProbeEngine;
use ipmp_probe::arp::{self, Arp, Operation};
use ipmp_probe::frame::{BROADCAST, Ends};
use ipmp_probe::ndp::{self, Kind, Ndp};
use pnet::packet::ethernet::EtherTypes;
use tokio::time::timeout;

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

    /// Whether that is what is told, or nothing at all. On a veth pair what was said has come.
    async fn is(&mut self, case: &str, event: Event, told: bool) {
        let mut events = Vec::new();
        if told {
            timeout(DEADLINE, self.engine.readable()).await.expect(case);
        }
        self.engine.drain(&mut events);
        assert_eq!(events, if told { vec![event] } else { vec![] }, "{case}");
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

/// What somebody on the link may say about an address, and whether that is a claim to it.
#[test]
fn what_is_a_claim_and_what_is_not() {
    run(async {
        let mut link = Link::new();
        let (host, other) = (link.host.mac("h0"), Ipv4Addr::new(10, 1, 0, 6));
        let stranger = FrameStranger::new(&link.peer, "p0", EtherTypes::Arp);
        link.check(&[ADDRESS.into(), Ipv4Addr::new(10, 1, 0, 4).into()]);
        let probe = Arp::claim(SOMEBODY, BROADCAST, ADDRESS);
        let reply = Arp {
            ends: Ends { from: SOMEBODY, to: host },
            operation: Operation::Reply,
            sender: ADDRESS,
            target_mac: host,
            target: Ipv4Addr::UNSPECIFIED,
            ..probe
        };
        for (case, arp, claims) in [
            ("an answer", reply, true),
            ("an answer to another", Arp { target: other, ..reply }, true),
            ("a probe of another, who is about to take it", probe, true),
            ("an announcement", Arp { sender: ADDRESS, ..probe }, true),
            ("use", Arp { sender: ADDRESS, target: other, ..probe }, true),
            ("an answer about another address", Arp { sender: other, ..reply }, false),
            ("one who probes it", Arp::question(SOMEBODY, BROADCAST, ADDRESS), false),
            ("one who looks for who has it", Arp { sender: other, ..probe }, false),
            ("our own question, reflected", Arp::claim(host, BROADCAST, ADDRESS), false),
            ("in our own name", Arp { sender_mac: host, ..reply }, false),
        ] {
            stranger.say(&arp::encode(&arp));
            link.is(case, taken(ADDRESS, SOMEBODY), claims).await;
        }
    });
}

#[test]
fn what_is_a_claim_in_ipv6() {
    run(async {
        let mut link = Link::new();
        let (host, other) = (link.host.mac("h0"), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 6));
        let stranger = FrameStranger::new(&link.peer, "p0", EtherTypes::Ipv6);
        link.check(&[ADDRESS_6.into()]);
        let question = Ndp::duplicate_detection(SOMEBODY, ADDRESS_6);
        let all_nodes = "ff02::1".parse().unwrap();
        let defence = Ndp {
            ends: Ends { from: SOMEBODY, to: ndp::multicast_mac(all_nodes) },
            source: ADDRESS_6,
            destination: all_nodes,
            kind: Kind::Advertisement { solicited: false },
            target: ADDRESS_6,
            link: Some(SOMEBODY),
        };
        let ends_alike = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 5);
        for (case, ndp, claims) in [
            ("a defence", defence, true),
            ("one that does not say where", Ndp { link: None, ..defence }, true),
            ("a question of another, who is about to take it", question, true),
            ("of another address", Ndp { target: other, ..defence }, false),
            ("of one that ends alike", Ndp { target: ends_alike, ..defence }, false),
            ("one who looks for who has it", Ndp::solicitation(SOMEBODY, other, None, ADDRESS_6), false),
            ("our own question, reflected", Ndp::duplicate_detection(host, ADDRESS_6), false),
        ] {
            stranger.say(&ndp::encode(&ndp));
            link.is(case, taken(ADDRESS_6, SOMEBODY), claims).await;
        }
        let mut damaged = ndp::encode(&defence);
        damaged[14 + 7] = 254;
        stranger.say(&damaged);
        link.is("came over a router", taken(ADDRESS_6, SOMEBODY), false).await;
    });
}

/// What the questions look like, and that the host listens where the answers go.
#[test]
fn a_question_claims_nothing() {
    run(async {
        let mut link = Link::new();
        let host = link.host.mac("h0");
        let arps = FrameStranger::new(&link.peer, "p0", EtherTypes::Arp);
        let ndps = FrameStranger::new(&link.peer, "p0", EtherTypes::Ipv6);
        link.check(&[ADDRESS.into(), ADDRESS_6.into()]);
        assert_eq!(arps.hear(|frame| arp::decode(frame).ok()), Arp::claim(host, BROADCAST, ADDRESS));
        let group: Ipv6Addr = "ff02::1:ff00:5".parse().unwrap();
        let heard = ndps.hear(|frame| ndp::decode(frame).ok());
        let expected = Ndp {
            ends: Ends { from: host, to: Mac([0x33, 0x33, 0xff, 0, 0, 5]) },
            source: Ipv6Addr::UNSPECIFIED,
            destination: group,
            kind: Kind::Solicitation,
            target: ADDRESS_6,
            link: None,
        };
        assert_eq!(heard, expected);

        let in_group = |link: &Link| {
            link.host.groups().contains(&("h0".to_owned(), "ff0200000000000000000001ff000005".to_owned()))
        };
        assert!(in_group(&link), "a switch that snoops would not tell of another who asks");
        link.check(&[ADDRESS.into()]);
        assert!(!in_group(&link));
    });
}

/// From one question to the next the host listens, without a gap, to what concerns it, and to nothing else.
#[test]
fn each_question_ends_the_one_before() {
    run(async {
        let mut link = Link::new();
        let other = Ipv4Addr::new(10, 1, 0, 6);
        let stranger = FrameStranger::new(&link.peer, "p0", EtherTypes::Arp);
        let announce = |address| {
            stranger.say(&arp::encode(&Arp { sender: address, ..Arp::claim(SOMEBODY, BROADCAST, address) }));
        };
        link.check(&[ADDRESS.into()]);
        announce(ADDRESS);
        link.check(&[ADDRESS.into()]);
        assert_eq!(events(&mut link.engine, 1).await, [taken(ADDRESS, SOMEBODY)], "told before the next question");
        link.check(&[ADDRESS.into(), other.into()]);
        announce(other);
        assert_eq!(events(&mut link.engine, 1).await, [taken(other, SOMEBODY)]);
        link.check(&[other.into()]);
        announce(ADDRESS);
        link.is("no longer asked for", taken(ADDRESS, SOMEBODY), false).await;
        link.check(&[]);
        announce(other);
        link.is("none is", taken(other, SOMEBODY), false).await;
    });
}

/// More than the kernel would look for.
#[test]
fn a_thousand_addresses() {
    run(async {
        let mut link = Link::new();
        link.peer.address("p0", Ipv4Addr::new(10, 2, 0, 77), 16);
        let addresses: Vec<_> = (1..=1000).map(|last| IpAddr::from(Ipv4Addr::from_bits(0x0a02_0000 + last))).collect();
        link.check(&addresses);
        let peer = link.peer.mac("p0");
        assert_eq!(events(&mut link.engine, 1).await, [taken(Ipv4Addr::new(10, 2, 0, 77), peer)]);
    });
}

#[test]
fn a_device_that_goes_and_one_that_is_not_there() {
    run(async {
        let mut link = Link::new();
        let addresses = [ADDRESS.into(), ADDRESS_6.into()];
        link.check(&addresses);
        link.host.down("h0");
        link.check(&addresses);
        let mac = link.host.mac("h0");
        link.host.delete("h0");
        for index in [4711, 0] {
            let gone = addresses.map(|address| AddressCheck { index: IfIndex(index), mac, address });
            let engine = &mut link.engine;
            link.host.enter(|| engine.check_addresses(&gone));
            link.is("nobody is there", taken(ADDRESS, SOMEBODY), false).await;
        }
    });
}

#[test]
fn the_broadcasts_of_a_busy_link_wake_nobody() {
    run(async {
        let mut link = Link::new();
        let arps = FrameStranger::new(&link.peer, "p0", EtherTypes::Arp);
        let ndps = FrameStranger::new(&link.peer, "p0", EtherTypes::Ipv6);
        link.check(&[ADDRESS.into(), ADDRESS_6.into()]);
        for number in 0..5000 {
            let other = Ipv4Addr::from_bits(0x0a01_0100 + number);
            arps.say(&arp::encode(&Arp { sender: other, ..Arp::claim(SOMEBODY, BROADCAST, ADDRESS) }));
            arps.say(&arp::encode(&Arp::claim(SOMEBODY, BROADCAST, other)));
            let other = Ipv6Addr::from_bits(ADDRESS_6.to_bits() + 1 + u128::from(number));
            ndps.say(&ndp::encode(&Ndp::duplicate_detection(SOMEBODY, other)));
            assert!(!ready_now(&mut link.engine).await, "woken by number {number}");
        }
    });
}
