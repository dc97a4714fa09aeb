//! Who is on the link answers the question to all, and each is told of once.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipmp_core::{Event, Family, ProbeId, ReplyFault};
use ipmp_probe::{HOSTS_MAX, ProbeEngine};

use crate::lab::{Pair, TARGET, TEST_ADDRESS, events, replies, run, send};
use crate::stranger::Stranger;
use crate::wire::Ear;

fn discover(engine: &mut ProbeEngine, source: impl Into<IpAddr>) -> Result<(), String> {
    engine.discover(&"h0".parse().unwrap(), source.into())
}

fn found(address: impl Into<IpAddr>) -> Event {
    Event::Discovered { member: "h0".parse().unwrap(), address: address.into() }
}

fn bad_reply(fault: ReplyFault) -> Event {
    Event::BadReply { member: "h0".parse().unwrap(), family: Family::V4, fault }
}

#[test]
fn a_host_that_answers_multicast_is_found() {
    run(async {
        let pair = Pair::new();
        pair.peer.sysctl("ipv4/icmp_echo_ignore_broadcasts", "0");
        // Nor does the host find itself.
        pair.host.sysctl("ipv4/icmp_echo_ignore_broadcasts", "0");
        let mut engine = pair.engine();
        for _ in 0..2 {
            discover(&mut engine, TEST_ADDRESS).unwrap();
            assert_eq!(events(&mut engine, 1).await, [found(TARGET)]);
        }
        send(&mut engine, 1, "h0", TARGET);
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(1));
    });
}

#[test]
fn a_host_of_ipv6_too() {
    run(async {
        let pair = Pair::new();
        let [test_address, target] = [0x11, 1].map(|last| Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last));
        pair.host.address("h0", test_address, 64);
        pair.peer.address("p0", target, 64);
        let mut engine = ProbeEngine::new().unwrap();
        pair.host.open(&mut engine, "h0", test_address);
        discover(&mut engine, test_address).unwrap();
        assert_eq!(events(&mut engine, 1).await, [found(target)]);
    });
}

#[test]
fn the_question_stays_on_the_link_of_the_member() {
    run(async {
        let pair = Pair::new();
        pair.host.neighbour("h0", [10, 1, 0, 254].into(), [2, 0, 0, 0, 0, 0xfe]);
        pair.host.default_route("h0", [10, 1, 0, 254].into());
        let ear = Ear::new(&pair.peer, libc::ETH_P_IP);
        let mut engine = pair.engine();
        discover(&mut engine, TEST_ADDRESS).unwrap();
        let packet = ear.hear(9, libc::IPPROTO_ICMP as u8);
        let (ttl, from, to) = (packet[8], &packet[12..16], &packet[16..20]);
        assert_eq!((ttl, from, to), (1, &TEST_ADDRESS.octets()[..], &[224, 0, 0, 1][..]));
    });
}

#[test]
fn each_host_is_told_of_once_for_each_request() {
    run(async {
        let pair = Pair::new();
        let stranger = Stranger::new(&pair.peer);
        let mut engine = pair.engine();
        let other = Ipv4Addr::new(10, 1, 0, 2);
        for _ in 0..2 {
            discover(&mut engine, TEST_ADDRESS).unwrap();
            let request = stranger.hear();
            for (from, event) in [
                (TARGET, found(TARGET)),
                (TARGET, bad_reply(ReplyFault::Duplicate)),
                (other, found(other)),
                (other, bad_reply(ReplyFault::Duplicate)),
            ] {
                stranger.say(from, TEST_ADDRESS, &request.answer());
                assert_eq!(events(&mut engine, 1).await, [event], "from {from}");
            }
            let made_up = ipmp_probe::echo::Echo { data: &[0; 16], ..request.answer() };
            stranger.say([10, 1, 0, 3].into(), TEST_ADDRESS, &made_up);
            assert_eq!(events(&mut engine, 1).await, [bad_reply(ReplyFault::Fake)]);
        }
    });
}

#[test]
fn a_link_with_more_hosts_than_anyone_needs() {
    run(async {
        let pair = Pair::new();
        let stranger = Stranger::new(&pair.peer);
        let mut engine = pair.engine();
        discover(&mut engine, TEST_ADDRESS).unwrap();
        let request = stranger.hear();
        for host in 1..=200 {
            stranger.say([10, 1, 1, host].into(), TEST_ADDRESS, &request.answer());
        }
        // The answer to a probe shows that all of those have been dealt with.
        send(&mut engine, 7, "h0", TARGET);
        stranger.say(TARGET, TEST_ADDRESS, &stranger.hear().answer());
        let mut events = events(&mut engine, HOSTS_MAX + 1).await;
        assert!(matches!(events.pop(), Some(Event::Reply { probe: ProbeId(7), .. })), "{events:?}");
        let hosts: BTreeSet<_> = events
            .iter()
            .map(|event| match event {
                Event::Discovered { address, .. } => *address,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!((events.len(), hosts.len()), (HOSTS_MAX, HOSTS_MAX));
    });
}

#[test]
fn what_cannot_be_asked() {
    run(async {
        let pair = Pair::new();
        let mut engine = pair.engine();
        let closed = discover(&mut engine, Ipv6Addr::LOCALHOST).unwrap_err();
        assert_eq!(closed, "no inet6 probe socket is open on h0");
        pair.host.down("h0");
        let down = discover(&mut engine, TEST_ADDRESS).unwrap_err();
        assert_eq!(down, "cannot send from 10.1.0.11 by h0 to all hosts: Network is unreachable");
    });
}
