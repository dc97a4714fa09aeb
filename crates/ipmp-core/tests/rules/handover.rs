//! Interfaces that carry the host's addresses become members, and get them back: make before break.

use ipmp_core::kernel::{AddressKey, Fact, Kernel, Leg, ROUTE_METRIC, Route, RouteKey, Scope};
use ipmp_core::rehearsal::{Supposition, obey};
use ipmp_core::{Change, Config, Foreign, ForeignKey, GroupConfig, Handover, IfIndex};

use crate::bench::*;

const V4: &str = "192.0.2.50/24";
const V6: &str = "2001:db8::50/64";

/// A host that is reached by eth0 alone, which has its addresses, the routes to their links, and the default routes.
fn host(group: GroupConfig) -> (Bench, Vec<Foreign>) {
    let mut bench = Bench::new(group);
    let index = bench.index("eth0");
    let mut handed = Vec::new();
    for (address, router) in [(V4, "192.0.2.1"), (V6, "fe80::1")] {
        bench.address("eth0", address);
        let key = AddressKey { index, address: address.parse().unwrap() };
        // The kernel takes the route to the link away by itself in IPv4 only.
        let metric = if key.address.addr().is_ipv4() { 0 } else { 256 };
        let connected = RouteKey { to: key.address.trunc(), metric, ours: false };
        let on_link = vec![Leg { index, via: None }];
        tell(&mut bench, connected, on_link.clone());
        if metric > 0 {
            handed.push(Foreign { key: ForeignKey::Route(connected, on_link), message: vec![] });
        }
        let to = if key.address.addr().is_ipv4() { "0.0.0.0/0" } else { "::/0" };
        let default = RouteKey { to: to.parse().unwrap(), metric: 0, ours: false };
        let legs = vec![Leg { index, via: Some(ip(router)) }];
        tell(&mut bench, default, legs.clone());
        for key in [ForeignKey::Address(key), ForeignKey::Route(default, legs)] {
            handed.push(Foreign { key, message: vec![] });
        }
    }
    (bench, handed)
}

fn tell(bench: &mut Bench, key: RouteKey, legs: Vec<Leg>) {
    let fact = Fact::Route(Route { key, scope: Scope::Global, legs });
    bench.kernel.learn(fact.clone());
    bench.feed(ipmp_core::Event::Kernel(fact));
}

/// One address in each family, on two NICs.
fn both() -> GroupConfig {
    GroupConfig { addresses: vec![V4.parse().unwrap(), V6.parse().unwrap()], ..dual() }
}

/// Plays the changes on this kernel, and has the host reachable after each of them: every address on `eth0` or `eth1`,
/// and a way to the link and to everywhere.
fn reachable_at_each_step(mut kernel: Kernel, nics: &[IfIndex], changes: &[Change]) {
    for change in changes {
        obey(&mut kernel, change);
        for address in [V4, V6] {
            let net: ipnet::IpNet = address.parse().unwrap();
            assert!(nics.iter().any(|nic| kernel.has_address(*nic, net.addr())), "{address} nowhere after {change:?}");
            let default = if net.addr().is_ipv4() { "0.0.0.0/0" } else { "::/0" };
            for to in [net.trunc(), default.parse().unwrap()] {
                let mut ways = kernel.routes.values().filter(|route| route.key.to == to);
                assert!(ways.any(|route| !route.legs.is_empty()), "no way to {to} after {change:?}");
            }
        }
    }
}

fn nics(bench: &Bench) -> [IfIndex; 2] {
    ["eth0", "eth1"].map(|name| bench.index(name))
}

fn foreign(kernel: &Kernel) -> usize {
    let addresses = kernel.addresses.iter().filter(|(_, info)| !info.ours && info.scope == Scope::Global);
    addresses.count() + kernel.routes.keys().filter(|key| !key.ours).count()
}

#[test]
fn what_a_member_had_is_taken_over_once_ours_stands() {
    let (mut bench, handed) = host(both());
    let before = bench.kernel.clone();
    bench.config.handover.take = handed;
    bench.start();
    assert!(!bench.is_settled() || foreign(&bench.kernel) == 0);
    bench.run(s(3));
    assert_eq!(foreign(&bench.kernel), 0);
    assert!(bench.is_settled());
    assert!(bench.kernel.has_address(bench.index("eth0"), ip("192.0.2.50")), "the address stays where it is");
    assert_eq!(bench.ways_out("0.0.0.0/0", ROUTE_METRIC), ["eth0"]);
    assert!(bench.checks.is_empty(), "nobody is asked whether somebody has what this host has");
    reachable_at_each_step(before, &nics(&bench), &bench.changes);
}

#[test]
fn neighbours_know_whose_an_address_is_before_the_others_stop_to_take_it() {
    let (mut bench, handed) = host(both());
    bench.config.handover.take = handed;
    bench.start();
    bench.run(s(3));
    let place = |wanted: &dyn Fn(&Change) -> bool| bench.changes.iter().position(wanted).expect("it is done");
    let eth0 = bench.index("eth0");
    let told =
        place(&|change| matches!(change, Change::Announce(it) if it.index == eth0 && it.address == ip("192.0.2.50")));
    assert!(told < place(&|change| matches!(change, Change::Tune { .. })), "{:?}", bench.changes);
}

#[test]
fn while_another_member_is_not_proven_nothing_leaves_by_it() {
    let (mut bench, handed) = host(both());
    bench.config.handover.take = handed;
    bench.fate(silent("eth1"));
    bench.start();
    bench.run(s(30));
    assert_eq!(bench.ways_out("::/0", ROUTE_METRIC), ["eth0"]);
    assert!(!bench.notices.iter().any(|notice| notice.event() == "interface_failed"), "{:?}", bench.notices);
}

#[test]
fn what_was_not_handed_over_stays() {
    let (mut bench, mut handed) = host(both());
    handed.retain(|foreign| matches!(foreign.key, ForeignKey::Address(_)));
    bench.config.handover.take = handed;
    bench.start();
    bench.run(s(3));
    let left: Vec<&RouteKey> = bench.kernel.routes.keys().filter(|key| !key.ours).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn what_was_taken_is_given_back_before_ours_goes() {
    let (mut bench, handed) = host(both());
    bench.config.handover.take = handed.clone();
    bench.start();
    bench.run(s(3));
    let (before, done) = (bench.kernel.clone(), bench.changes.len());
    bench.reload(|config| {
        let handover = config.handover.inverse();
        *config = Config { handover, ..Config::default() };
    });
    bench.run(s(3));
    assert!(bench.is_settled());
    assert!(handed.iter().all(|foreign| bench.kernel.has_foreign(&foreign.key)));
    assert!(!bench.kernel.addresses.values().any(|info| info.ours) && !bench.kernel.routes.keys().any(|key| key.ours));
    reachable_at_each_step(before, &nics(&bench), &bench.changes[done..]);
}

#[test]
fn a_handover_that_is_over_is_over() {
    let (mut bench, handed) = host(both());
    bench.config.handover.take = handed;
    bench.start();
    bench.run(s(3));
    bench.address("eth1", "198.51.100.7/24");
    bench.address("eth0", V4);
    bench.run(s(30));
    assert_eq!(foreign(&bench.kernel), 2, "what others add later is theirs");
}

#[test]
fn a_rehearsal_tells_what_then_happens_and_changes_nothing() {
    let (mut bench, handed) = host(both());
    bench.config.groups.clear();
    bench.start();
    let config =
        Config { groups: vec![both()], handover: Handover { take: handed, give: vec![] }, ..Config::default() };
    let (engine, kernel) = (format!("{:?}", bench.engine), bench.kernel.clone());
    let rehearsal = bench.engine.rehearse(Supposition::Configured(Box::new(config.clone())), bench.now);
    assert_eq!((format!("{:?}", bench.engine), &bench.kernel), (engine, &kernel));
    bench.reload(|now| *now = config);
    bench.run(ms(1));
    assert_eq!(rehearsal.changes.len(), bench.changes.len(), "{:#?}", rehearsal.changes);
    let ours = |routes: Vec<Route>| routes.into_iter().map(|route| (route.key.to, route.legs)).collect::<Vec<_>>();
    let real = bench.kernel.routes.values().filter(|route| route.key.ours).cloned().collect();
    assert_eq!(ours(rehearsal.routes), ours(real));
    for phrase in [
        "make interface ipmp0",
        "add address 192.0.2.50/32 on eth0",
        "take over address 192.0.2.50/24 on eth0",
        "take over route to default (0.0.0.0/0) via 192.0.2.1 by eth0",
    ] {
        assert!(rehearsal.changes.iter().any(|change| change == phrase), "{phrase}: {:#?}", rehearsal.changes);
    }
}

#[test]
fn a_rehearsal_of_a_failure_tells_where_addresses_would_go() {
    let mut bench = Bench::running(dual());
    let rehearsal = bench.engine.rehearse(Supposition::Failed(vec!["eth0".parse().unwrap()]), bench.now);
    bench.carrier("eth0", false);
    bench.run(ms(1));
    let holders = |status: &ipmp_core::Status| {
        let addresses = status.groups[0].addresses.iter();
        addresses.map(|address| (address.address, address.inbound.clone())).collect::<Vec<_>>()
    };
    assert_eq!(holders(&rehearsal.status), holders(&bench.engine.status(bench.now)));
    assert!(rehearsal.changes.iter().any(|change| change.starts_with("announce ") && change.ends_with(" by eth1")));
}
