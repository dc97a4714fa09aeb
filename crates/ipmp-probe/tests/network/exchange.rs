//! A probe goes out, its answer comes back, and the moments are right.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipmp_core::{Event, Family, ProbeId};
use ipmp_probe::{ProbeEngine, clock};
use nix::time::{ClockId, clock_gettime};
use tokio::time::timeout;

use crate::lab::{DEADLINE, Namespace, Pair, TARGET, TEST_ADDRESS, replies, run, send};
use crate::stranger::Stranger;

const TEST_ADDRESS_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x11);
const TARGET_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

#[test]
fn a_round_trip() {
    run(async {
        let pair = Pair::new();
        let mut engine = pair.engine();
        for probe in 0..20 {
            let sent = send(&mut engine, probe, "h0", TARGET);
            let replies = replies(&mut engine, 1).await;
            let [(id, received)] = replies[..] else { panic!("{replies:?}") };
            assert_eq!(id, ProbeId(probe));
            assert!(sent <= received && received <= clock::now(), "sent {sent:?}, received {received:?}");
        }
    });
}

#[test]
fn both_families_of_a_member_keep_apart() {
    run(async {
        let pair = Pair::new();
        pair.host.address("h0", TEST_ADDRESS_6, 64);
        pair.peer.address("p0", TARGET_6, 64);
        let mut engine = pair.engine();
        pair.host.open(&mut engine, "h0", TEST_ADDRESS_6);
        let sent = send(&mut engine, 4, "h0", TARGET);
        send(&mut engine, 6, "h0", TARGET_6);
        let mut replies = replies(&mut engine, 2).await;
        replies.sort();
        assert_eq!(replies.iter().map(|(probe, _)| probe.0).collect::<Vec<_>>(), [4, 6]);
        assert!(replies.iter().all(|(_, received)| sent <= *received && *received <= clock::now()));

        engine.close(&"h0".parse().unwrap(), Family::V6);
        let refused = engine.send(ProbeId(7), &"h0".parse().unwrap(), TARGET_6.into(), None);
        assert_eq!(refused, Err("no inet6 probe socket is open on h0".into()));
        send(&mut engine, 5, "h0", TARGET);
        assert_eq!(crate::lab::replies(&mut engine, 1).await[0].0, ProbeId(5));
    });
}

/// The moment of a reply is the kernel's: a daemon that was stopped learns when it came, not when it read.
#[test]
fn a_late_reader_is_told_when_it_came() {
    run(async {
        let pair = Pair::new();
        let mut engine = pair.engine();
        // The kernel switches stamping on in the background once the first socket of the host asks for it;
        // until then a reply is stamped when it is read.
        let deadline = clock::now() + DEADLINE;
        while !told_when_it_came(&mut engine).await {
            assert!(clock::now() < deadline, "no reply was ever stamped on arrival");
        }
        for _ in 0..10 {
            assert!(told_when_it_came(&mut engine).await);
        }
    });
}

async fn told_when_it_came(engine: &mut ProbeEngine) -> bool {
    send(engine, 0, "h0", TARGET);
    timeout(DEADLINE, engine.readable()).await.unwrap();
    let noticed = clock::now();
    std::thread::sleep(Duration::from_millis(20));
    replies(engine, 1).await[0].1 <= noticed
}

/// Replies that come after others were sent still match, in whatever order.
#[test]
fn late_replies_match_their_own_probe() {
    run(async {
        let pair = Pair::new();
        let stranger = Stranger::new(&pair.peer);
        let mut engine = pair.engine();
        let sent: Vec<_> = (0..5).map(|probe| send(&mut engine, probe, "h0", TARGET)).collect();
        let requests: Vec<_> = sent.iter().map(|_| stranger.hear()).collect();
        for request in requests.iter().rev() {
            stranger.say(TARGET, TEST_ADDRESS, &request.answer());
        }
        let replies = replies(&mut engine, 5).await;
        assert_eq!(replies.iter().map(|(probe, _)| probe.0).collect::<Vec<_>>(), [4, 3, 2, 1, 0]);
    });
}

/// The same target by two members: each answer belongs to the member that it came to.
#[test]
fn members_with_the_same_target_keep_apart() {
    run(async {
        let (host, left, right) = (Namespace::new(), Namespace::new(), Namespace::new());
        let other_test_address = Ipv4Addr::new(10, 1, 0, 12);
        for (member, test_address, peer) in [("h0", TEST_ADDRESS, &left), ("h1", other_test_address, &right)] {
            host.cable(member, peer, "p0");
            host.test_address(member, test_address);
            peer.address("p0", TARGET, 24);
        }
        let mut engine = ProbeEngine::new().unwrap();
        host.open(&mut engine, "h0", TEST_ADDRESS);
        host.open(&mut engine, "h1", other_test_address);
        let (left, right) = (Stranger::new(&left), Stranger::new(&right));

        send(&mut engine, 1, "h1", TARGET);
        let secret = right.hear();
        // The genuine answer to a probe of h1, but it comes in by h0: what works is h0, not h1.
        left.say(TARGET, other_test_address, &secret.answer());
        left.say(TARGET, TEST_ADDRESS, &secret.answer());
        // What comes in by h0 afterwards shows that those have been dealt with.
        send(&mut engine, 0, "h0", TARGET);
        left.say(TARGET, TEST_ADDRESS, &left.hear().answer());
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(0));

        right.say(TARGET, other_test_address, &secret.answer());
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(1));
    });
}

/// Waiting may be given up at any moment without losing what came.
#[test]
fn waiting_is_cancel_safe() {
    run(async {
        let pair = Pair::new();
        let stranger = Stranger::new(&pair.peer);
        let mut engine = pair.engine();
        for probe in 0..50 {
            send(&mut engine, probe, "h0", TARGET);
            let request = stranger.hear();
            // Polled once and dropped, before the answer and after it.
            for _ in 0..3 {
                assert!(!ready_now(&mut engine).await);
            }
            stranger.say(TARGET, TEST_ADDRESS, &request.answer());
            timeout(DEADLINE, engine.readable()).await.unwrap();
            for _ in 0..3 {
                assert!(ready_now(&mut engine).await);
            }
            assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(probe));
        }
    });
}

/// Whether `readable` returns without waiting.
pub async fn ready_now(engine: &mut ProbeEngine) -> bool {
    tokio::select! {
        biased;
        () = engine.readable() => true,
        () = std::future::ready(()) => false,
    }
}

/// Between probes the daemon sleeps.
#[test]
fn waiting_costs_nothing() {
    run(async {
        let pair = Pair::new();
        let mut engine = pair.engine();
        send(&mut engine, 0, "h0", TARGET);
        replies(&mut engine, 1).await;
        let used = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
        let before = used();
        timeout(Duration::from_millis(200), engine.readable()).await.unwrap_err();
        let spent = used() - before;
        assert!(spent < Duration::from_millis(50), "{spent:?} of 200 ms");
    });
}

/// One drain takes from every socket that has something, so that nothing that has arrived is judged lost.
#[test]
fn one_drain_takes_from_every_socket() {
    run(async {
        let (host, peer) = (Namespace::new(), Namespace::new());
        let mut engine = ProbeEngine::new().unwrap();
        for number in 0..3 {
            host.cable(&format!("h{number}"), &peer, &format!("p{number}"));
            host.test_address(&format!("h{number}"), [10, 1, number, 11]);
            peer.address(&format!("p{number}"), [10, 1, number, 1], 24);
            host.open(&mut engine, &format!("h{number}"), [10, 1, number, 11]);
        }
        // Whether all three have arrived when one reads cannot be told from here, so some tries may fail.
        let deadline = clock::now() + DEADLINE;
        let mut members = BTreeSet::new();
        while members.len() < 3 {
            assert!(clock::now() < deadline, "at once from {members:?} only");
            for number in 0..3 {
                send(&mut engine, number.into(), &format!("h{number}"), [10, 1, number, 1]);
            }
            let mut events = Vec::new();
            engine.drain(&mut events);
            members = events.iter().filter_map(probe_of).collect();
        }
    });
}

fn probe_of(event: &Event) -> Option<ProbeId> {
    match event {
        Event::Reply { probe, .. } => Some(*probe),
        _ => None,
    }
}

/// Sockets come and go while someone waits.
#[test]
fn members_come_and_go() {
    run(async {
        let (host, peer) = (Namespace::new(), Namespace::new());
        let mut engine = ProbeEngine::new().unwrap();
        assert!(!ready_now(&mut engine).await);
        let members: Vec<_> = (0..16).map(|number| format!("h{number}")).collect();
        for (number, member) in (0u8..).zip(&members) {
            host.cable(member, &peer, &format!("p{number}"));
            host.test_address(member, [10, 1, number, 11]);
            peer.address(&format!("p{number}"), [10, 1, number, 1], 24);
            host.open(&mut engine, member, [10, 1, number, 11]);
        }
        for round in 0..3 {
            for (number, member) in (0u8..).zip(&members) {
                send(&mut engine, u64::from(number), member, [10, 1, number, 1]);
            }
            let mut probes: Vec<_> =
                replies(&mut engine, members.len()).await.iter().map(|(probe, _)| probe.0).collect();
            probes.sort();
            assert_eq!(probes, (0..16).collect::<Vec<_>>(), "round {round}");
            // Every second one is opened anew, which replaces it.
            for (number, member) in (0u8..).zip(&members).step_by(2) {
                host.open(&mut engine, member, [10, 1, number, 11]);
            }
        }
    });
}
