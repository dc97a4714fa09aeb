//! What the kernel refuses is told in a sentence, and touches no other probe.

use std::net::{IpAddr, Ipv4Addr};

use futures_util::TryStreamExt;
use ipmp_core::{IfIndex, Means, ProbeId, Prober};
use ipmp_probe::{ProbeEngine, clock};
use rtnetlink::packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourState};

use crate::lab::{DEADLINE, Namespace, Pair, TARGET, TEST_ADDRESS, replies, run, send};

const NOBODY: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 99);

fn refused(engine: &mut ProbeEngine, target: impl Into<IpAddr>) -> String {
    engine.send(ProbeId(0), &"h0".parse().unwrap(), target.into(), None).unwrap_err()
}

#[test]
fn a_member_that_is_down() {
    run(async {
        let pair = Pair::new();
        let mut engine = pair.engine();
        pair.host.down("h0");
        let sentence = refused(&mut engine, TARGET);
        assert_eq!(sentence, "cannot send by h0 to 10.1.0.1: Network is unreachable");
        pair.host.up("h0");
        send(&mut engine, 1, "h0", TARGET);
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(1));
    });
}

/// The socket of a device that is gone stays dead, even where there is another of its name, until it is
/// opened anew.
#[test]
fn a_member_that_is_unplugged_and_plugged() {
    run(async {
        let pair = Pair::new();
        let mut engine = pair.engine();
        pair.host.delete("h0");
        let gone = refused(&mut engine, TARGET);
        assert!(gone.starts_with("cannot send by h0 to 10.1.0.1: "), "{gone}");

        pair.host.cable("h0", &pair.peer, "p0");
        pair.host.test_address("h0", TEST_ADDRESS);
        pair.peer.address("p0", TARGET, 24);
        refused(&mut engine, TARGET);
        pair.host.open(&mut engine, "h0", TEST_ADDRESS);
        send(&mut engine, 1, "h0", TARGET);
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(1));
    });
}

#[test]
fn a_test_address_that_is_gone() {
    run(async {
        let pair = Pair::new();
        let mut engine = pair.engine();
        let index = pair.host.index("h0");
        pair.host.netlink(|kernel| async move {
            use rtnetlink::packet_route::address::AddressAttribute;
            let mut address = kernel.address().add(index, TEST_ADDRESS.into(), 32);
            let mut message = address.message_mut().clone();
            message.attributes.retain(|attribute| !matches!(attribute, AddressAttribute::Broadcast(_)));
            kernel.address().del(message).execute().await.unwrap();
        });
        refused(&mut engine, TARGET);
        pair.host.test_address("h0", TEST_ADDRESS);
        send(&mut engine, 1, "h0", TARGET);
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(1));
    });
}

#[test]
fn what_cannot_be_opened() {
    run(async {
        let host = Namespace::new();
        let mut engine = ProbeEngine::new().unwrap();
        let peer = Namespace::new();
        host.cable("h0", &peer, "p0");
        let spec = host.prober("h0", Means::Icmp(TEST_ADDRESS.into()));
        let mut refusal = |spec: &Prober| host.enter(|| engine.open(spec)).unwrap_err().to_string();
        let absent = refusal(&spec);
        assert!(absent.starts_with("cannot probe inet by h0: Cannot assign requested address"), "{absent}");
        let other = Prober { index: IfIndex(host.index("lo")), ..spec.clone() };
        let loopback = host.index("lo");
        assert_eq!(refusal(&other), format!("cannot probe inet by h0: interface {loopback} is not h0"));
        let unplugged = refusal(&Prober { index: IfIndex(4711), ..spec });
        assert!(unplugged.starts_with("cannot probe inet by h0: "), "{unplugged}");
    });
}

/// Probes to a dead neighbour wait for ARP in the kernel and are charged to the socket: they must not use up
/// what the probes to other targets need.
#[test]
fn dead_targets_leave_room_for_the_others() {
    run(async {
        let pair = Pair::new();
        let mut engine = pair.engine();
        for nobody in 90..95 {
            for probe in 0..500 {
                send(&mut engine, probe, "h0", [10, 1, 0, nobody]);
            }
        }
        send(&mut engine, 4711, "h0", TARGET);
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(4711));
    });
}

/// "No route to host" of a probe that was given up by ARP is nobody else's.
#[test]
fn the_error_of_one_probe_is_not_anothers() {
    run(async {
        let pair = Pair::new();
        pair.host.sysctl("ipv4/neigh/h0/retrans_time_ms", "20");
        pair.host.sysctl("ipv4/neigh/h0/mcast_solicit", "1");
        let mut engine = pair.engine();
        send(&mut engine, 0, "h0", NOBODY);
        until_unreachable(&pair.host, NOBODY);
        for probe in 1..5 {
            send(&mut engine, probe, "h0", TARGET);
            assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(probe));
        }
    });
}

/// Waits until the kernel has given up on a neighbour.
fn until_unreachable(host: &Namespace, neighbour: Ipv4Addr) {
    let deadline = clock::now() + DEADLINE;
    let state = || {
        host.netlink(|kernel| async move {
            let address = NeighbourAttribute::Destination(NeighbourAddress::Inet(neighbour));
            let entries: Vec<_> = kernel.neighbours().get().execute().try_collect().await.unwrap();
            entries.iter().find(|entry| entry.attributes.contains(&address)).map(|entry| entry.header.state)
        })
    };
    while state() != Some(NeighbourState::Failed) {
        assert!(clock::now() < deadline, "{neighbour} is {:?}", state());
        std::thread::yield_now();
    }
}
