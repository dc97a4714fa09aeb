//! Probes of the length that data packets have: they pass whole, or not at all.

use std::net::{IpAddr, Ipv6Addr};

use ipmp_core::ProbeId;
use ipmp_probe::ProbeEngine;

use crate::lab::{Pair, TARGET, replies, run, send};
use crate::wire::Ear;

fn send_large(engine: &mut ProbeEngine, probe: u64, target: impl Into<IpAddr>, length: u16) -> Result<(), String> {
    engine.send(ProbeId(probe), &"h0".parse().unwrap(), target.into(), Some(length)).map(drop)
}

#[test]
fn a_packet_is_as_long_as_asked_and_in_one_piece() {
    run(async {
        let pair = Pair::new();
        let ear = Ear::new(&pair.peer, libc::ETH_P_IP);
        let mut engine = pair.engine();
        for (probe, (asked, sent)) in (0..).zip([(1500, 1500), (1000, 1000), (44, 44), (43, 44), (0, 44)]) {
            send_large(&mut engine, probe, TARGET, asked).unwrap();
            let packet = ear.hear(9, libc::IPPROTO_ICMP as u8);
            let fragment = u16::from_be_bytes([packet[6], packet[7]]);
            assert_eq!((packet.len(), fragment), (sent, 0x4000), "asked for {asked}, not to be fragmented");
            assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(probe));
        }
    });
}

#[test]
fn a_packet_of_ipv6_too() {
    run(async {
        let pair = Pair::new();
        let [test_address, target] = [0x11, 1].map(|last| Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last));
        pair.host.address("h0", test_address, 64);
        pair.peer.address("p0", target, 64);
        let ear = Ear::new(&pair.peer, libc::ETH_P_IPV6);
        let mut engine = pair.engine();
        pair.host.open(&mut engine, "h0", test_address);
        send_large(&mut engine, 0, target, 1500).unwrap();
        assert_eq!(ear.hear(40, 128).len(), 1500);
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(0));
        let refused = send_large(&mut engine, 1, target, 1501).unwrap_err();
        assert_eq!(refused, "cannot send by h0 to fe80::1: Message too long");
    });
}

/// The longest of all, on a link that takes it, comes back whole.
#[test]
fn jumbo_frames() {
    run(async {
        let pair = Pair::new();
        pair.host.mtu("h0", 65535);
        pair.peer.mtu("p0", 65535);
        let mut engine = pair.engine();
        for (probe, length) in (0..).zip([9000, 65535]) {
            send_large(&mut engine, probe, TARGET, length).unwrap();
            assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(probe));
        }
    });
}

#[test]
fn longer_than_the_member_takes() {
    run(async {
        let pair = Pair::new();
        let mut engine = pair.engine();
        for length in [1501, u16::MAX] {
            let refused = send_large(&mut engine, 0, TARGET, length).unwrap_err();
            assert_eq!(refused, "cannot send by h0 to 10.1.0.1: Message too long");
        }
        send(&mut engine, 1, "h0", TARGET);
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(1));
    });
}

/// What the other end of the cable does not take is lost; what is shorter passes.
#[test]
fn longer_than_the_path_takes() {
    run(async {
        let pair = Pair::new();
        pair.peer.mtu("p0", 1400);
        let mut engine = pair.engine();
        for (probe, length) in (0..).zip([1500, 1400, 1500, 1000]) {
            send_large(&mut engine, probe, TARGET, length).unwrap();
        }
        let probes: Vec<_> = replies(&mut engine, 2).await.iter().map(|(probe, _)| probe.0).collect();
        assert_eq!(probes, [1, 3]);
    });
}

/// A router's word that packets are too long changes nothing: whether they pass is what a probe is to find.
#[test]
fn the_path_length_that_the_host_believes_in_is_not_heeded() {
    run(async {
        let pair = Pair::new();
        let index = pair.host.index("h0");
        pair.host.netlink(|kernel| async move {
            use rtnetlink::packet_route::route::{RouteAttribute, RouteMetric, RouteScope};
            let mut route = rtnetlink::RouteMessageBuilder::<std::net::Ipv4Addr>::new()
                .destination_prefix(TARGET, 32)
                .output_interface(index)
                .scope(RouteScope::Link)
                .build();
            route.attributes.push(RouteAttribute::Metrics(vec![RouteMetric::Mtu(1200)]));
            kernel.route().add(route).execute().await.unwrap();
        });
        let mut engine = pair.engine();
        send_large(&mut engine, 0, TARGET, 1500).unwrap();
        assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(0));
    });
}
