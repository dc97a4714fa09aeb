//! The watcher on a real kernel: what it tells makes a world that is the kernel's.

mod common;

use std::time::{Duration, Instant};

use common::{PATIENCE, Tap, Told, address, namespace};
use ipmp_core::kernel::{Fact, Kernel, Scope};
use ipmp_netlink::{Client, Monitor, dump};
use ipmp_watch::Watcher;

/// The world as a dump shows it.
fn dumped() -> Kernel {
    let mut world = Kernel::default();
    world.learn(Fact::Snapshot(dump(PATIENCE).unwrap()));
    world
}

#[test]
fn what_is_there_at_the_start_and_what_comes_later_is_told() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let before = Tap::up(&client, "t0").await;
        let mut told = Told::start().await;
        assert!(told.has_carrier(before.index));

        let later = Tap::up(&client, "t1").await;
        told.until("the later link", |told| told.has_carrier(later.index)).await;
        let key = address(later.index, "10.1.0.50/32");
        client.add_address(&key, Scope::Global).await.unwrap();
        told.until("its address", |told| told.world.addresses.contains_key(&key)).await;

        let index = before.index;
        drop(before);
        told.until("the end of the first", |told| told.link(index).is_none()).await;
    });
}

#[test]
fn a_change_that_is_complete_is_drained_without_waiting() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let tap = Tap::up(&client, "t0").await;
        let mut told = Told::start().await;
        for n in 1..=100 {
            let key = address(tap.index, &format!("10.1.0.{n}/32"));
            client.add_address(&key, Scope::Global).await.unwrap();
            told.drain();
            assert!(told.world.addresses.contains_key(&key), "{}", key.address);
        }
    });
}

#[test]
fn two_nics_that_lose_carrier_within_a_second_are_both_known_in_milliseconds() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (first, second) = (Tap::up(&client, "t0").await, Tap::up(&client, "t1").await);
        let mut told = Told::start().await;
        told.until("carrier", |told| told.has_carrier(first.index) && told.has_carrier(second.index)).await;

        // The kernel tells of one batch of carrier changes a second: after the first loss it holds the second
        // back. On a machine so busy that the second goes by in between there is nothing to see: try again.
        for attempt in 1.. {
            first.set_carrier(false);
            told.until("the first loss", |told| !told.has_carrier(first.index)).await;
            second.set_carrier(false);
            let lost = Instant::now();
            told.drain();
            let told_at_once = !told.has_carrier(second.index);

            told.watcher.ask(&[first.index, second.index]);
            told.until("the second loss", |told| !told.has_carrier(second.index)).await;
            let took = lost.elapsed();
            println!("attempt {attempt}: told at once: {told_at_once}, asked and answered in {took:?}");
            if !told_at_once && took < Duration::from_millis(100) {
                return;
            }
            assert!(attempt < 10, "never known before the kernel's own notice");
            first.set_carrier(true);
            second.set_carrier(true);
            told.until("carrier", |told| told.has_carrier(first.index) && told.has_carrier(second.index)).await;
        }
    });
}

#[test]
fn a_question_about_a_nic_that_is_gone_is_answered() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let tap = Tap::up(&client, "t0").await;
        let mut told = Told::start().await;
        let index = tap.index;
        drop(tap);
        told.until("its end", |told| told.link(index).is_none()).await;
        told.events.clear();
        told.watcher.ask(&[index]);
        let gone = ipmp_core::Event::Kernel(Fact::LinkGone(index));
        told.until("the answer", |told| told.events.contains(&gone)).await;
    });
}

#[test]
fn after_an_overrun_one_snapshot_makes_the_world_true_again() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let tap = Tap::up(&client, "t0").await;
        let watcher = Watcher::with_monitor(Monitor::with_queue(4096).unwrap()).unwrap();
        let mut told = Told::by(watcher).await;

        // Nobody drains meanwhile; the last ones are gone again before anybody looks.
        for n in 0..=255 {
            client.add_address(&address(tap.index, &format!("10.7.0.{n}/32")), Scope::Global).await.unwrap();
        }
        for n in 200..=255 {
            client.delete_address(&address(tap.index, &format!("10.7.0.{n}/32"))).await.unwrap();
        }
        told.until("the truth", |told| told.snapshots() > 1 && told.world == dumped()).await;

        assert!(told.overruns() > 0 && told.snapshots() - 1 <= told.overruns(), "{:#?}", told.events);
        assert_eq!(told.world.addresses.keys().filter(|key| key.address.addr().is_ipv4()).count(), 200);
    });
}

#[test]
fn under_churn_with_overruns_the_world_becomes_true_when_the_churn_ends() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let tap = Tap::up(&client, "t0").await;
        let watcher = Watcher::with_monitor(Monitor::with_queue(4096).unwrap()).unwrap();
        let mut told = Told::by(watcher).await;

        for round in 0..20 {
            for n in 0..100 {
                let key = address(tap.index, &format!("10.8.{round}.{n}/32"));
                client.add_address(&key, Scope::Global).await.unwrap();
                if n % 3 == 0 {
                    client.delete_address(&key).await.unwrap();
                }
            }
            // Now and then, and in the midst of a dump or not.
            told.drain();
        }
        told.until("the truth", |told| told.world == dumped()).await;
        assert!(told.overruns() > 0, "this test shows nothing");
    });
}

#[test]
fn many_wishes_for_a_snapshot_make_one_or_two() {
    namespace(async || {
        let mut told = Told::start().await;
        for _ in 0..1000 {
            told.watcher.resync();
        }
        told.until("two snapshots more", |told| told.snapshots() == 3).await;
        // Were there one more, it would come after the least time between two.
        let silence = tokio::time::timeout(Duration::from_millis(500), told.watcher.readable()).await;
        assert!(silence.is_err(), "a third");
    });
}
