//! What is not the first and right answer to a probe does not count as one, and each kind is told apart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipmp_core::{Event, Family, ProbeId, ReplyFault};
use ipmp_probe::echo::{Echo, Kind, encode};
use ipmp_probe::{DRAIN_MAX, OUTSTANDING_MAX, ProbeEngine};

use crate::exchange::ready_now;
use crate::lab::{Pair, TARGET, TEST_ADDRESS, events, replies, run, send};
use crate::stranger::{Stranger, Stranger6};

const OTHER: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 2);

fn bad_reply(family: Family, fault: ReplyFault) -> Event {
    Event::BadReply { member: "h0".parse().unwrap(), family, fault }
}

/// With one bit of the byte flipped, and in IPv4 a checksum that is right all the same where it is to be.
fn flipped(message: &[u8], place: usize, checked: bool) -> Vec<u8> {
    let mut message = message.to_vec();
    message[place] ^= 1;
    if checked {
        message[2..4].fill(0);
        let sum = pnet::packet::util::checksum(&message, 1);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    message
}

/// What someone may say who has heard a request, from which address, and what it is to be taken for.
fn forgeries<A: Into<IpAddr>>(
    family: Family,
    reply: &Echo<'_>,
    target: A,
    other: A,
) -> Vec<(&'static str, IpAddr, Vec<u8>, ReplyFault)> {
    use ReplyFault::{Corrupt, Fake, Malformed, OutOfWindow};
    let (target, other) = (target.into(), other.into());
    let right = encode(family, reply);
    let with = |echo: Echo<'_>| encode(family, &echo);
    let sequence = |step| with(Echo { sequence: reply.sequence.wrapping_add_signed(step), ..*reply });
    let last = right.len() - 1;
    vec![
        ("from another host", other, right.clone(), Fake),
        ("made up by another host", other, with(Echo { data: &[0; 16], ..*reply }), Fake),
        ("the next sequence", target, sequence(1), OutOfWindow),
        ("the sequence before", target, sequence(-1), OutOfWindow),
        ("a code", target, flipped(&right, 1, family == Family::V4), Malformed),
        ("no data", target, with(Echo { data: &[], ..*reply }), Corrupt),
        ("half of the data", target, with(Echo { data: &reply.data[..8], ..*reply }), Corrupt),
        ("more data", target, with(Echo { data: &[reply.data, &[0; 1400]].concat(), ..*reply }), Corrupt),
        ("the first bit of the data", target, flipped(&right, 8, family == Family::V4), Corrupt),
        ("the last bit of the data", target, flipped(&right, last, family == Family::V4), Corrupt),
    ]
}

#[test]
fn each_forgery_is_told_apart_and_the_answer_counts_all_the_same() {
    run(async {
        let pair = Pair::new();
        let stranger = Stranger::new(&pair.peer);
        let mut engine = pair.engine();
        send(&mut engine, 1, "h0", TARGET);
        let request = stranger.hear();
        let right = encode(Family::V4, &request.answer());
        let mut forgeries = forgeries(Family::V4, &request.answer(), TARGET, OTHER);
        // A wrong checksum: what the kernel's ICMP would drop, a raw socket is given.
        forgeries.push(("a bit of the checksum", TARGET.into(), flipped(&right, 2, false), ReplyFault::Corrupt));
        forgeries.push(("damaged data", TARGET.into(), flipped(&right, 20, false), ReplyFault::Corrupt));
        forgeries.push(("a damaged sequence", TARGET.into(), flipped(&right, 6, false), ReplyFault::Malformed));
        for (case, from, message, fault) in forgeries {
            let IpAddr::V4(from) = from else { panic!("{from}") };
            stranger.say_bytes(from, TEST_ADDRESS, &message);
            assert_eq!(events(&mut engine, 1).await, [bad_reply(Family::V4, fault)], "{case}");
        }
        stranger.say_bytes(TARGET, TEST_ADDRESS, &right);
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(1));
        for _ in 0..3 {
            stranger.say_bytes(TARGET, TEST_ADDRESS, &right);
            assert_eq!(events(&mut engine, 1).await, [bad_reply(Family::V4, ReplyFault::Duplicate)]);
        }
    });
}

#[test]
fn ipv6_is_as_strict() {
    run(async {
        let pair = Pair::new();
        let [test_address, target, other] = [0x11, 1, 2].map(|last| Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last));
        pair.host.address("h0", test_address, 64);
        pair.peer.address("p0", target, 64);
        pair.peer.address("p0", other, 64);
        let stranger = Stranger6::new(&pair.peer, "p0");
        let mut engine = ProbeEngine::new().unwrap();
        pair.host.open(&mut engine, "h0", test_address);

        send(&mut engine, 1, "h0", target);
        let request = stranger.hear();
        let reply = request.answer();
        let say = |from: IpAddr, message: &[u8]| stranger.say(&pair.peer, from, test_address.into(), message);
        for (case, from, message, fault) in forgeries(Family::V6, &reply, target, other) {
            say(from, &message);
            assert_eq!(events(&mut engine, 1).await, [bad_reply(Family::V6, fault)], "{case}");
        }
        // None of these passes the filter.
        for identifier in (1..1000).map(|step| reply.identifier.wrapping_add(step)) {
            say(target.into(), &encode(Family::V6, &Echo { identifier, ..reply }));
        }
        say(target.into(), &encode(Family::V6, &Echo { kind: Kind::Request, ..reply }));
        say(target.into(), &encode(Family::V6, &reply));
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(1));
        say(target.into(), &encode(Family::V6, &reply));
        assert_eq!(events(&mut engine, 1).await, [bad_reply(Family::V6, ReplyFault::Duplicate)]);
    });
}

#[test]
fn an_answer_to_a_forgotten_probe() {
    run(async {
        let pair = Pair::new();
        let stranger = Stranger::new(&pair.peer);
        let mut engine = pair.engine();
        send(&mut engine, 1, "h0", TARGET);
        let forgotten = stranger.hear();
        for probe in 0..OUTSTANDING_MAX as u64 {
            send(&mut engine, 2 + probe, "h0", TARGET);
        }
        stranger.say(TARGET, TEST_ADDRESS, &forgotten.answer());
        assert_eq!(events(&mut engine, 1).await, [bad_reply(Family::V4, ReplyFault::OutOfWindow)]);
        stranger.say(TARGET, TEST_ADDRESS, &stranger.hear().answer());
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(2));
    });
}

/// A socket that was opened anew knows nothing of its predecessor's probes.
#[test]
fn an_answer_to_the_socket_before() {
    run(async {
        let pair = Pair::new();
        let stranger = Stranger::new(&pair.peer);
        let mut engine = pair.engine();
        send(&mut engine, 1, "h0", TARGET);
        let stale = stranger.hear();
        pair.host.open(&mut engine, "h0", TEST_ADDRESS);
        stranger.say(TARGET, TEST_ADDRESS, &stale.answer());
        send(&mut engine, 2, "h0", TARGET);
        stranger.say(TARGET, TEST_ADDRESS, &stranger.hear().answer());
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(2));
    });
}

/// The kernel's filter: whatever ICMP a host is sent, the daemon is woken for its own answers only.
#[test]
fn a_flood_of_foreign_icmp_wakes_nobody() {
    run(async {
        let pair = Pair::new();
        let stranger = Stranger::new(&pair.peer);
        let mut engine = pair.engine();
        send(&mut engine, 1, "h0", TARGET);
        let request = stranger.hear();
        for number in 0..5000u16 {
            let identifier = request.echo().identifier.wrapping_add(1 + number);
            stranger.say(TARGET, TEST_ADDRESS, &Echo { identifier, ..request.answer() });
            stranger.say(TARGET, TEST_ADDRESS, &Echo { sequence: number, ..request.echo() });
            let mut unreachable = encode(Family::V4, &request.echo());
            unreachable[0] = 3;
            stranger.say_bytes(TARGET, TEST_ADDRESS, &unreachable);
        }
        assert!(!ready_now(&mut engine).await);
        // The answer comes behind all of it.
        stranger.say(TARGET, TEST_ADDRESS, &request.answer());
        assert_eq!(replies(&mut engine, 1).await.len(), 1);
    });
}

/// A target gone mad neither stops the drain nor starves the others; what is beyond the bound stays ready.
#[test]
fn a_flood_of_duplicates_is_read_in_portions() {
    run(async {
        let pair = Pair::new();
        let stranger = Stranger::new(&pair.peer);
        let mut engine = pair.engine();
        send(&mut engine, 1, "h0", TARGET);
        let request = stranger.hear();
        for _ in 0..DRAIN_MAX + 100 {
            stranger.say(TARGET, TEST_ADDRESS, &request.answer());
        }
        let mut events = Vec::new();
        engine.readable().await;
        engine.drain(&mut events);
        assert_eq!(events.len(), DRAIN_MAX);
        assert!(ready_now(&mut engine).await);
        engine.drain(&mut events);
        assert_eq!(events.len(), DRAIN_MAX + 100);
        assert!(!ready_now(&mut engine).await);
        assert!(matches!(events[0], Event::Reply { probe: ProbeId(1), .. }));
        assert!(events[1..].iter().all(|event| *event == bad_reply(Family::V4, ReplyFault::Duplicate)));
    });
}
