//! A probe goes straight onto the link of its member, whatever the routes of the host say.

use std::net::Ipv4Addr;

use ipmp_core::ProbeId;

use crate::lab::{Namespace, Pair, TARGET, replies, run, send};

const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 254);
/// Nobody's.
const NOWHERE: [u8; 6] = [2, 0, 0, 0, 0, 0xfe];

/// A reply shows that the request was not sent to the gateway, whose hardware address nobody has.
async fn reaches_the_target(pair: &Pair) {
    let mut engine = pair.engine();
    send(&mut engine, 1, "h0", TARGET);
    assert_eq!(replies(&mut engine, 1).await[0].0, ProbeId(1));
}

#[test]
fn without_any_route() {
    run(async { reaches_the_target(&Pair::new()).await });
}

#[test]
fn past_a_default_route_by_a_gateway_on_the_member() {
    run(async {
        let pair = Pair::new();
        pair.host.neighbour("h0", GATEWAY, NOWHERE);
        pair.host.default_route("h0", GATEWAY);
        reaches_the_target(&pair).await;
    });
}

#[test]
fn past_a_group_route_over_other_members() {
    run(async {
        let pair = Pair::new();
        let elsewhere = Namespace::new();
        for (member, port) in [("h1", "p1"), ("h2", "p2")] {
            pair.host.cable(member, &elsewhere, port);
        }
        pair.host.multipath(&["h1", "h2"], Ipv4Addr::new(10, 1, 0, 0), 24);
        reaches_the_target(&pair).await;
        pair.host.neighbour("h0", GATEWAY, NOWHERE);
        pair.host.default_route("h0", GATEWAY);
        reaches_the_target(&pair).await;
    });
}

#[test]
fn past_a_group_route_that_has_a_leg_on_the_member() {
    run(async {
        let pair = Pair::new();
        let elsewhere = Namespace::new();
        pair.host.cable("h1", &elsewhere, "p1");
        pair.host.multipath(&["h0", "h1"], Ipv4Addr::new(10, 1, 0, 0), 24);
        reaches_the_target(&pair).await;
    });
}
