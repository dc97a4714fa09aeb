//! What probes without an address find in networks that are not simple, and that they leave them as they were.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipmp_core::{Mac, ProbeId};
use ipmp_probe::ProbeEngine;

use crate::exchange::ready_now;
use crate::lab::{Namespace, TARGET, TEST_ADDRESS, replies, run, send};
use crate::link::{Bare, SOURCE_6, TARGETS, is_answered};

const TARGET_GLOBAL: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// A host with a bare member `h0`, and two others, all plugged into a switch.
struct Lan {
    host: Namespace,
    others: [Namespace; 2],
    _switch: Namespace,
}

impl Lan {
    fn new() -> Self {
        let [switch, host, left, right] = [Namespace::switch(), Namespace::new(), Namespace::new(), Namespace::new()];
        switch.plug(&host, "h0");
        host.address("h0", SOURCE_6, 64);
        for (other, last) in [(&left, 201), (&right, 202)] {
            switch.plug(other, "p0");
            other.address("p0", Ipv4Addr::new(10, 1, 0, last), 24);
            other.address("p0", Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last.into()), 64);
        }
        Self { host, others: [left, right], _switch: switch }
    }

    fn engine(&self) -> ProbeEngine {
        let mut engine = ProbeEngine::new().unwrap();
        self.host.open_arp(&mut engine, "h0");
        self.host.open_ndp(&mut engine, "h0", SOURCE_6);
        engine
    }
}

/// Probes to both, and to an address that nobody has; and what all the neighbours think of it.
#[test]
fn no_neighbour_table_changes_but_for_the_link_local_address() {
    run(async {
        let lan = Lan::new();
        let mut engine = lan.engine();
        let of = |family: fn(&IpAddr) -> bool| {
            lan.others.each_ref().map(|other| {
                let mut known = other.neighbours();
                known.retain(|(address, _)| family(address));
                known
            })
        };
        // One of them knows the other, and where the host is said to be.
        let elsewhere = Mac([2, 0, 0, 0, 0, 0x99]);
        lan.others[0].neighbour("p0", Ipv4Addr::new(10, 1, 0, 202), elsewhere.0);
        lan.others[0].neighbour("p0", Ipv4Addr::new(10, 1, 0, 5), elsewhere.0);
        let before = of(IpAddr::is_ipv4);
        let mut probe = 0;
        for _ in 0..10 {
            for last in [201, 202] {
                is_answered(&mut engine, probe, Ipv4Addr::new(10, 1, 0, last)).await;
                probe += 1;
            }
            send(&mut engine, probe, "h0", Ipv4Addr::new(10, 1, 0, 5));
            assert_eq!(of(IpAddr::is_ipv4), before);
        }
        assert_eq!(of(IpAddr::is_ipv6), [vec![], vec![]]);

        let own = vec![(IpAddr::from(SOURCE_6), Some(lan.host.mac("h0")))];
        for _ in 0..10 {
            for last in [201, 202] {
                is_answered(&mut engine, probe, Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last)).await;
                probe += 1;
            }
            send(&mut engine, probe, "h0", Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 5));
            assert_eq!(of(IpAddr::is_ipv6), [own.clone(), own.clone()]);
        }
        engine.close(&"h0".parse().unwrap(), ipmp_core::Family::V4);
        engine.close(&"h0".parse().unwrap(), ipmp_core::Family::V6);
        assert_eq!((of(IpAddr::is_ipv4), of(IpAddr::is_ipv6)), (before, [own.clone(), own]));
        assert_eq!(lan.host.neighbours(), [], "nor does the host itself learn from what it asks");
    });
}

#[test]
fn a_router_that_drops_icmp() {
    run(async {
        let bare = Bare::new();
        bare.peer.sysctl("ipv4/icmp_echo_ignore_all", "1");
        bare.peer.sysctl("ipv6/icmp/echo_ignore_all", "1");
        bare.host.test_address("h0", TEST_ADDRESS);
        let mut engine = ProbeEngine::new().unwrap();
        bare.host.open(&mut engine, "h0", TEST_ADDRESS);
        bare.host.open(&mut engine, "h0", SOURCE_6);
        for target in TARGETS {
            send(&mut engine, 0, "h0", target);
        }
        let mut engine = bare.engine();
        for (probe, target) in (1..).zip(TARGETS) {
            is_answered(&mut engine, probe, target).await;
        }
    });
}

/// The first probe after the move goes to where the target was; the next one finds it.
#[test]
fn a_target_that_moves_to_another_router() {
    run(async {
        let lan = Lan::new();
        let mut engine = lan.engine();
        let [old, new] = &lan.others;
        for (target, prefix) in [(IpAddr::from(TARGET), 24), (TARGET_GLOBAL.into(), 64)] {
            old.address("p0", target, prefix);
            is_answered(&mut engine, 1, target).await;
            is_answered(&mut engine, 2, target).await;
            old.no_address("p0", target);
            new.address("p0", target, prefix);
            send(&mut engine, 3, "h0", target);
            is_answered(&mut engine, 4, target).await;
            is_answered(&mut engine, 5, target).await;
        }
    });
}

/// A proxy of the kernel answers no ARP request that claims no address: those are how duplicates are looked
/// for. It does answer solicitations. So what is behind it is no target in IPv4, and in IPv6 nothing but the
/// way to the proxy is proven.
#[test]
fn a_proxy_answers_solicitations_only() {
    run(async {
        let bare = Bare::new();
        let behind = Namespace::new();
        bare.peer.cable("p1", &behind, "b0");
        bare.peer.sysctl("ipv4/conf/p0/proxy_arp", "1");
        bare.peer.sysctl("ipv4/conf/p0/forwarding", "1");
        bare.peer.sysctl("ipv6/conf/all/forwarding", "1");
        bare.peer.sysctl("ipv6/conf/all/proxy_ndp", "1");
        bare.peer.sysctl("ipv6/conf/p0/proxy_ndp", "1");
        bare.peer.sysctl("ipv6/neigh/p0/proxy_delay", "0");
        let hidden = Ipv4Addr::new(10, 1, 0, 200);
        let hidden_6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 200);
        bare.peer.address("p1", Ipv4Addr::new(10, 1, 0, 129), 25);
        bare.peer.address("p1", Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 129), 64);
        bare.peer.proxy("p0", hidden_6);

        let mut engine = bare.engine();
        send(&mut engine, 1, "h0", hidden);
        is_answered(&mut engine, 2, hidden_6).await;
        is_answered(&mut engine, 3, hidden_6).await;
        // It does stand in for it: ask as a host does that has an address.
        bare.host.address("h0", Ipv4Addr::new(10, 1, 0, 50), 24);
        bare.host.open(&mut engine, "h0", Ipv4Addr::new(10, 1, 0, 50));
        send(&mut engine, 4, "h0", hidden);
        bare.host.wait_neighbour(hidden, bare.peer.mac("p0"));
        assert!(!ready_now(&mut engine).await, "nobody is behind it");
    });
}

/// One member asks for an address that another member of the same host carries, over the switch.
#[test]
fn a_transitive_probe() {
    run(async {
        let (switch, host, nowhere) = (Namespace::switch(), Namespace::new(), Namespace::new());
        host.cable("ipmp0", &nowhere, "n0");
        let data = Ipv4Addr::new(10, 1, 0, 5);
        let data_6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 5);
        host.sysctl("ipv4/conf/all/arp_ignore", "1");
        for (member, last) in [("h0", 0x11), ("h1", 0x12)] {
            switch.plug(&host, member);
            host.address(member, Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last), 64);
        }
        // As the daemon has it: anchored on a device that carries nothing, and bound to one of the members.
        for device in ["ipmp0", "h1"] {
            host.address(device, data, 32);
            host.address(device, data_6, 128);
        }
        let mut engine = ProbeEngine::new().unwrap();
        host.open_arp(&mut engine, "h0");
        host.open_ndp(&mut engine, "h0", SOURCE_6);
        for round in 0..3 {
            for (probe, target) in (2 * round..).zip([IpAddr::from(data), data_6.into()]) {
                is_answered(&mut engine, probe, target).await;
            }
        }
        // Where the other's link is dead, nobody answers: neither does the member that asks.
        host.down("h1");
        for target in [IpAddr::from(data), data_6.into()] {
            send(&mut engine, 9, "h0", target);
        }
        host.up("h1");
        host.address("h1", Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x13), 64);
        host.open_ndp(&mut engine, "h1", Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x13));
        send(&mut engine, 10, "h1", SOURCE_6);
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(10), "the first answer there is");
    });
}
