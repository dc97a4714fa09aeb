//! Probes without an address, by ARP and by neighbour solicitations: they go out, and their answers come back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipmp_core::{Event, Mac, ProbeId};
use ipmp_probe::arp::{self, Arp};
use ipmp_probe::frame::BROADCAST;
use ipmp_probe::ndp::{self, Ndp};
use ipmp_probe::{ProbeEngine, clock};
use pnet::packet::ethernet::EtherTypes;

use crate::exchange::ready_now;
use crate::lab::{DEADLINE, Namespace, TARGET, events, replies, run, send};
use crate::stranger::FrameStranger;

pub const SOURCE_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x11);
pub const TARGET_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
pub const TARGETS: [IpAddr; 2] = [IpAddr::V4(TARGET), IpAddr::V6(TARGET_6)];

/// A host whose member has a link-local address and nothing else, and a neighbour.
pub struct Bare {
    pub host: Namespace,
    pub peer: Namespace,
}

impl Bare {
    pub fn new() -> Self {
        let (host, peer) = (Namespace::new(), Namespace::new());
        host.cable("h0", &peer, "p0");
        host.address("h0", SOURCE_6, 64);
        peer.address("p0", TARGET, 24);
        peer.address("p0", TARGET_6, 64);
        Self { host, peer }
    }

    /// An engine that probes both families by the member.
    pub fn engine(&self) -> ProbeEngine {
        let mut engine = ProbeEngine::new().unwrap();
        self.open(&mut engine);
        engine
    }

    fn open(&self, engine: &mut ProbeEngine) {
        self.host.open_arp(engine, "h0");
        self.host.open_ndp(engine, "h0", SOURCE_6);
    }
}

/// Sends a probe to a target, and has its answer.
pub async fn is_answered(engine: &mut ProbeEngine, probe: u64, target: impl Into<IpAddr>) {
    send(engine, probe, "h0", target);
    assert_eq!(replies(engine, 1).await[0].0, ProbeId(probe));
}

#[test]
fn a_round_trip() {
    run(async {
        let bare = Bare::new();
        let mut engine = bare.engine();
        for (probe, target) in (0..20).zip(TARGETS.into_iter().cycle()) {
            let sent = send(&mut engine, probe, "h0", target);
            let replies = replies(&mut engine, 1).await;
            let [(id, received)] = replies[..] else { panic!("{replies:?}") };
            assert_eq!(id, ProbeId(probe));
            assert!(sent <= received && received <= clock::now(), "sent {sent:?}, received {received:?}");
        }
    });
}

/// All are asked first, and afterwards the one who answered.
#[test]
fn an_arp_probe_claims_nothing_and_is_no_broadcast_for_long() {
    run(async {
        let bare = Bare::new();
        let ear = FrameStranger::new(&bare.peer, "p0", EtherTypes::Arp);
        let mut engine = bare.engine();
        let (host, peer) = (bare.host.mac("h0"), bare.peer.mac("p0"));
        for (probe, to) in (0..).zip([BROADCAST, peer, peer]) {
            is_answered(&mut engine, probe, TARGET).await;
            assert_eq!(ear.hear(|frame| arp::decode(frame).ok()), Arp::question(host, to, TARGET));
        }
        let question = Arp::question(host, peer, TARGET);
        assert_eq!((question.sender, question.sender_mac), (Ipv4Addr::UNSPECIFIED, host));
    });
}

#[test]
fn a_solicitation_goes_to_its_group_first() {
    run(async {
        let bare = Bare::new();
        let ear = FrameStranger::new(&bare.peer, "p0", EtherTypes::Ipv6);
        let mut engine = bare.engine();
        let (host, peer) = (bare.host.mac("h0"), bare.peer.mac("p0"));
        let group: Ipv6Addr = "ff02::1:ff00:1".parse().unwrap();
        let group_mac = Mac([0x33, 0x33, 0xff, 0, 0, 1]);
        for (probe, (to, destination)) in (0..).zip([(group_mac, group), (peer, TARGET_6), (peer, TARGET_6)]) {
            is_answered(&mut engine, probe, TARGET_6).await;
            let asks_for_target = |ndp: &Ndp| ndp.kind == ndp::Kind::Solicitation && ndp.target == TARGET_6;
            let heard = ear.hear(|frame| ndp::decode(frame).ok().filter(asks_for_target));
            assert_eq!((heard.ends.from, heard.ends.to), (host, to));
            assert_eq!((heard.source, heard.destination, heard.link), (SOURCE_6, destination, Some(host)));
        }
    });
}

/// The moment of a reply is the kernel's here, too.
#[test]
fn a_late_reader_is_told_when_it_came() {
    run(async {
        let bare = Bare::new();
        let mut engine = bare.engine();
        for target in TARGETS {
            // Until the kernel has switched stamping on, a reply is stamped when it is read.
            let deadline = clock::now() + DEADLINE;
            loop {
                send(&mut engine, 0, "h0", target);
                engine.readable().await;
                let noticed = clock::now();
                std::thread::sleep(std::time::Duration::from_millis(20));
                if replies(&mut engine, 1).await[0].1 <= noticed {
                    break;
                }
                assert!(clock::now() < deadline, "no reply was ever stamped on arrival");
            }
        }
    });
}

/// Hosts are looked for from an address that the member carries, and answers to its probes count all the same.
#[test]
fn all_hosts_are_asked_from_a_data_address() {
    run(async {
        let bare = Bare::new();
        bare.peer.sysctl("ipv4/icmp_echo_ignore_broadcasts", "0");
        let mut engine = bare.engine();
        let member = "h0".parse().unwrap();
        let found = |target| vec![Event::Discovered { member: "h0".parse().unwrap(), address: target }];
        for last in [21, 22, 22] {
            let source = Ipv4Addr::new(10, 1, 0, last);
            if last == 21 {
                let refused = bare.host.enter(|| engine.discover(&member, source.into())).unwrap_err();
                assert!(
                    refused.starts_with("cannot send from 10.1.0.21 by h0 to all hosts: Cannot assign"),
                    "{refused}"
                );
            }
            bare.host.test_address("h0", source);
            bare.host.enter(|| engine.discover(&member, source.into())).unwrap();
            assert_eq!(events(&mut engine, 1).await, found(TARGETS[0]), "from {source}");
            bare.host.no_address("h0", source);
        }
        bare.host.enter(|| engine.discover(&member, SOURCE_6.into())).unwrap();
        assert_eq!(events(&mut engine, 1).await, found(TARGETS[1]));
        for (probe, target) in (0..).zip(TARGETS) {
            is_answered(&mut engine, probe, target).await;
        }
    });
}

fn refused(engine: &mut ProbeEngine, target: IpAddr) -> String {
    engine.send(ProbeId(0), &"h0".parse().unwrap(), target, None).unwrap_err()
}

/// A socket outlives the loss of the link, at either end.
#[test]
fn a_link_that_goes_down_and_comes_back() {
    run(async {
        let bare = Bare::new();
        let mut engine = bare.engine();
        for round in 0..3 {
            bare.host.down("h0");
            for target in TARGETS {
                let sentence = refused(&mut engine, target);
                assert_eq!(sentence, format!("cannot send by h0 to {target}: Network is down"));
            }
            // What the kernel has to say of it wakes us once, and is nothing to tell.
            let mut told = Vec::new();
            engine.drain(&mut told);
            assert_eq!((told, ready_now(&mut engine).await), (vec![], false));
            bare.host.up("h0");
            bare.host.wait_running("h0");
            // With the link, the kernel has taken it away.
            bare.host.address("h0", SOURCE_6, 64);
            for (probe, target) in (2 * round..).zip(TARGETS) {
                is_answered(&mut engine, probe, target).await;
            }
        }
    });
}

/// The socket of a device that is gone stays dead, even where there is another of its name, until it is
/// opened anew.
#[test]
fn a_member_that_is_unplugged_and_plugged() {
    run(async {
        let bare = Bare::new();
        let mut engine = bare.engine();
        bare.host.delete("h0");
        for _ in 0..2 {
            for target in TARGETS {
                let sentence = refused(&mut engine, target);
                assert_eq!(sentence, format!("cannot send by h0 to {target}: No such device or address"));
            }
            let mut told = Vec::new();
            engine.drain(&mut told);
            assert_eq!((told, ready_now(&mut engine).await), (vec![], false));
        }
        bare.host.cable("h0", &bare.peer, "p0");
        bare.host.address("h0", SOURCE_6, 64);
        bare.peer.address("p0", TARGET, 24);
        bare.peer.address("p0", TARGET_6, 64);
        for target in TARGETS {
            refused(&mut engine, target);
        }
        bare.open(&mut engine);
        for (probe, target) in (0..).zip(TARGETS) {
            is_answered(&mut engine, probe, target).await;
        }
    });
}

/// One whose hardware address is another is opened anew, and knows nothing of before.
#[test]
fn a_member_whose_hardware_address_changes() {
    run(async {
        let bare = Bare::new();
        let mut engine = bare.engine();
        let changed = Mac([2, 0, 0, 0, 0, 0x42]);
        bare.host.set_mac("h0", changed);
        bare.open(&mut engine);
        let ear = FrameStranger::new(&bare.peer, "p0", EtherTypes::Arp);
        for (probe, target) in (0..).zip(TARGETS) {
            is_answered(&mut engine, probe, target).await;
        }
        assert_eq!(ear.hear(|frame| arp::decode(frame).ok()), Arp::question(changed, BROADCAST, TARGET));
    });
}
