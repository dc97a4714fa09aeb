//! How many probes a second one core bears, of each kind: the engine, its sockets, and both kernels, that of the
//! host and that of the target, which is a network namespace on the same core.
//!
//! Probes go out so many at a time, and the next when all are answered. It judges nothing, and its numbers are
//! as good as the machine is quiet.

use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use ipmp_core::{Means, ProbeId};
use ipmp_probe::ProbeEngine;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use self::lab::{DEADLINE, Pair, TARGET, TEST_ADDRESS, run};

#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../tests/network/lab.rs"]
mod lab;

const SOURCE_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x11);
const TARGET_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// Probes that are on their way together: one, and as many as a host with many members may have.
const TOGETHER: [u64; 2] = [1, 64];
/// How often each is measured, and for how long.
const RUNS: usize = 5;
const RUN: Duration = Duration::from_secs(1);

fn main() {
    stay_on_one_core();
    let pair = Pair::new();
    pair.host.address("h0", SOURCE_6, 64);
    pair.peer.address("p0", TARGET_6, 64);
    let mac = pair.host.mac("h0");
    println!("{:<8}{:>10}{:>14}", "kind", "together", "probes/s");
    for (kind, means, target) in [
        ("icmp", Means::Icmp(TEST_ADDRESS.into()), IpAddr::from(TARGET)),
        ("icmpv6", Means::Icmp(SOURCE_6.into()), TARGET_6.into()),
        ("arp", Means::Arp(mac), TARGET.into()),
        ("ndp", Means::Ndp(mac, SOURCE_6), TARGET_6.into()),
    ] {
        for together in TOGETHER {
            let mut rates: Vec<_> = (0..RUNS).map(|_| run(rate(&pair, means, target, together))).collect();
            rates.sort_by(f64::total_cmp);
            println!("{kind:<8}{together:>10}{:>14.0}", rates[RUNS / 2]);
        }
    }
}

/// Answered probes a second.
async fn rate(pair: &Pair, means: Means, target: IpAddr, together: u64) -> f64 {
    let mut engine = ProbeEngine::new().unwrap();
    pair.host.open_by(&mut engine, "h0", means);
    let member = "h0".parse().unwrap();
    let mut events = Vec::new();
    let (begun, mut sent) = (Instant::now(), 0);
    while begun.elapsed() < RUN {
        for _ in 0..together {
            engine.send(ProbeId(sent), &member, target, None).unwrap();
            sent += 1;
        }
        events.clear();
        while events.len() < together as usize {
            tokio::time::timeout(DEADLINE, engine.readable()).await.expect("no answer comes");
            engine.drain(&mut events);
        }
    }
    sent as f64 / begun.elapsed().as_secs_f64()
}

/// All threads of this process, and with them the kernel's work on what they send.
fn stay_on_one_core() {
    let allowed = sched_getaffinity(Pid::from_raw(0)).unwrap();
    let first = (0..CpuSet::count()).find(|cpu| allowed.is_set(*cpu).unwrap()).unwrap();
    let mut one = CpuSet::new();
    one.set(first).unwrap();
    sched_setaffinity(Pid::from_raw(0), &one).unwrap();
}
