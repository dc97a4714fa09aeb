//! Dumps are the whole truth, whatever happens meanwhile.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use common::{PATIENCE, address, namespace, tap_up};
use ipmp_core::kernel::Scope;
use ipmp_netlink::{Client, Kind, dump};

/// So many dumps meet changes without end, and are nearly always interrupted; later ones find gaps.
const UNDER_PRESSURE: usize = 100;

#[test]
fn a_dump_amid_changes_misses_nothing_that_did_not_change() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        let stable: Vec<_> = (0..1000).map(|n| address(index, &format!("10.7.{}.{}/32", n / 250, n % 250))).collect();
        for key in &stable {
            client.add_address(key, Scope::Global).await.unwrap();
        }
        let dumps = Arc::new(AtomicUsize::new(0));
        let dumper = std::thread::spawn({
            let dumps = dumps.clone();
            move || {
                let mut complete = 0;
                while dumps.fetch_add(1, Relaxed) < UNDER_PRESSURE || complete == 0 {
                    // Interrupted again and again is an answer too; a part of the truth is none.
                    let Ok(snapshot) = dump(PATIENCE) else { continue };
                    let addresses: BTreeSet<_> = snapshot.addresses.iter().map(|(key, _)| *key).collect();
                    let missing: Vec<_> = stable.iter().filter(|key| !addresses.contains(key)).collect();
                    assert!(missing.is_empty(), "{missing:?}");
                    complete += 1;
                }
            }
        });
        // Addresses of narrower scope stand before the others in the kernel's list, and shift them.
        let churned = address(index, "10.6.0.1/32");
        while !dumper.is_finished() {
            client.add_address(&churned, Scope::Link).await.unwrap();
            client.delete_address(&churned).await.unwrap();
            if dumps.load(Relaxed) >= UNDER_PRESSURE {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        dumper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

#[test]
fn a_dump_has_a_deadline() {
    namespace(async || assert_eq!(dump(Duration::ZERO).unwrap_err().kind(), Kind::TimedOut));
}
