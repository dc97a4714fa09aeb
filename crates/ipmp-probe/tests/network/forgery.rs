//! What is not the answer to a probe does not count, and is counted.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipmp_core::{Family, ProbeId};
use ipmp_probe::echo::{Echo, Kind, encode};
use ipmp_probe::{DRAIN_MAX, OUTSTANDING_MAX, ProbeEngine, Rejected};

use crate::exchange::ready_now;
use crate::lab::{Pair, TARGET, TEST_ADDRESS, replies, run, send};
use crate::stranger::{Stranger, Stranger6, answer};

/// Someone answers a probe in a wrong way, and then rightly, which shows that the wrong one has been dealt
/// with; what the engine counted then.
fn after(wrong: impl FnOnce(&Stranger, &Echo)) -> Rejected {
    run(async {
        let pair = Pair::new();
        let stranger = Stranger::new(&pair.peer);
        let mut engine = pair.engine();
        send(&mut engine, 1, "h0", TARGET);
        let request = stranger.hear();
        wrong(&stranger, &request);
        stranger.say(TARGET, TEST_ADDRESS, &answer(&request));
        assert_eq!(replies(&mut engine, 1).await.iter().map(|(probe, _)| *probe).collect::<Vec<_>>(), [ProbeId(1)]);
        engine.rejected()
    })
}

#[test]
fn a_forged_nonce() {
    let rejected = after(|stranger, request| {
        stranger.say(TARGET, TEST_ADDRESS, &Echo { nonce: [0; 16], ..answer(request) });
        let mut nonce = request.nonce;
        nonce[15] ^= 1;
        stranger.say(TARGET, TEST_ADDRESS, &Echo { nonce, ..answer(request) });
    });
    assert_eq!(rejected, Rejected { wrong_nonce: 2, ..Default::default() });
}

#[test]
fn another_source() {
    let rejected = after(|stranger, request| {
        stranger.say(Ipv4Addr::new(10, 1, 0, 2), TEST_ADDRESS, &answer(request));
    });
    assert_eq!(rejected, Rejected { wrong_source: 1, ..Default::default() });
}

#[test]
fn a_wrong_sequence() {
    let rejected = after(|stranger, request| {
        for step in [1, -1] {
            let sequence = request.sequence.wrapping_add_signed(step);
            stranger.say(TARGET, TEST_ADDRESS, &Echo { sequence, ..answer(request) });
        }
    });
    assert_eq!(rejected, Rejected { unknown_sequence: 2, ..Default::default() });
}

#[test]
fn truncated_and_malformed() {
    let rejected = after(|stranger, request| {
        let reply = encode(Family::V4, &answer(request));
        // Half of the nonce, with a checksum that is right for it.
        let mut short = reply;
        short[16..].fill(0);
        let sum = pnet::packet::util::checksum(&short[..16], 1);
        short[2..4].copy_from_slice(&sum.to_be_bytes());
        stranger.say_bytes(TARGET, TEST_ADDRESS, &short[..16]);
        // Longer than any reply of ours, and than the buffer.
        let long = [&reply[..], &[0; 200]].concat();
        stranger.say_bytes(TARGET, TEST_ADDRESS, &long);
        // A wrong checksum: what the kernel's ICMP would drop, a raw socket is given.
        let mut damaged = reply;
        damaged[2] ^= 1;
        stranger.say_bytes(TARGET, TEST_ADDRESS, &damaged);
        // A code.
        let mut coded = reply;
        coded[1] = 1;
        coded[2..4].fill(0);
        let sum = pnet::packet::util::checksum(&coded, 1);
        coded[2..4].copy_from_slice(&sum.to_be_bytes());
        stranger.say_bytes(TARGET, TEST_ADDRESS, &coded);
    });
    assert_eq!(rejected, Rejected { truncated: 1, malformed: 3, ..Default::default() });
}

#[test]
fn a_duplicate() {
    run(async {
        let pair = Pair::new();
        let stranger = Stranger::new(&pair.peer);
        let mut engine = pair.engine();
        send(&mut engine, 1, "h0", TARGET);
        let request = stranger.hear();
        for _ in 0..3 {
            stranger.say(TARGET, TEST_ADDRESS, &answer(&request));
        }
        send(&mut engine, 2, "h0", TARGET);
        stranger.say(TARGET, TEST_ADDRESS, &answer(&stranger.hear()));
        let probes: Vec<_> = replies(&mut engine, 2).await.iter().map(|(probe, _)| probe.0).collect();
        assert_eq!(probes, [1, 2]);
        assert_eq!(engine.rejected(), Rejected { duplicate: 2, ..Default::default() });
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
        stranger.say(TARGET, TEST_ADDRESS, &answer(&forgotten));
        stranger.say(TARGET, TEST_ADDRESS, &answer(&stranger.hear()));
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(2));
        assert_eq!(engine.rejected(), Rejected { unknown_sequence: 1, ..Default::default() });
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
        stranger.say(TARGET, TEST_ADDRESS, &answer(&stale));
        send(&mut engine, 2, "h0", TARGET);
        stranger.say(TARGET, TEST_ADDRESS, &answer(&stranger.hear()));
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
            let identifier = request.identifier.wrapping_add(1 + number);
            stranger.say(TARGET, TEST_ADDRESS, &Echo { identifier, ..answer(&request) });
            stranger.say(TARGET, TEST_ADDRESS, &Echo { sequence: number, ..request });
            let mut unreachable = encode(Family::V4, &request);
            unreachable[0] = 3;
            stranger.say_bytes(TARGET, TEST_ADDRESS, &unreachable);
        }
        assert!(!ready_now(&mut engine).await);
        // The answer comes behind all of it.
        stranger.say(TARGET, TEST_ADDRESS, &answer(&request));
        assert_eq!(replies(&mut engine, 1).await.len(), 1);
        assert_eq!(engine.rejected(), Default::default(), "something passed the filter");
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
            stranger.say(TARGET, TEST_ADDRESS, &answer(&request));
        }
        let mut events = Vec::new();
        engine.readable().await;
        engine.drain(&mut events);
        assert_eq!((events.len(), engine.rejected().duplicate), (1, DRAIN_MAX as u64 - 1));
        assert!(ready_now(&mut engine).await);
        engine.drain(&mut events);
        assert_eq!((events.len(), engine.rejected().duplicate), (1, DRAIN_MAX as u64 + 99));
        assert!(!ready_now(&mut engine).await);
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
        let reply = answer(&request);
        let say = |from: Ipv6Addr, echo: Echo| {
            stranger.say(&pair.peer, from.into(), test_address.into(), &encode(Family::V6, &echo));
        };
        say(target, Echo { nonce: [0; 16], ..reply });
        say(other, reply);
        say(target, Echo { sequence: reply.sequence.wrapping_sub(1), ..reply });
        stranger.say(&pair.peer, target.into(), test_address.into(), &encode(Family::V6, &reply)[..20]);
        for identifier in (1..1000).map(|step| reply.identifier.wrapping_add(step)) {
            say(target, Echo { identifier, ..reply });
        }
        say(target, Echo { kind: Kind::Request, ..reply });
        say(target, reply);
        say(target, reply);
        send(&mut engine, 2, "h0", target);
        say(target, answer(&stranger.hear()));

        let probes: Vec<_> = replies(&mut engine, 2).await.iter().map(|(probe, _)| probe.0).collect();
        assert_eq!(probes, [1, 2]);
        let expected = Rejected {
            wrong_nonce: 1,
            wrong_source: 1,
            unknown_sequence: 1,
            truncated: 1,
            duplicate: 1,
            ..Default::default()
        };
        assert_eq!(engine.rejected(), expected);
    });
}
