//! Addresses, routes, settings and states of members: each change, done twice, refused, skipped.

mod common;

use common::{Host, add, announcement, delete, key, ours, refusal, route};
use ipmp_core::event::Outcome::{Done, Skipped};
use ipmp_core::kernel::{Leg, PROTOCOL, Route, Scope, Tunables};
use ipmp_core::{Change, IfIndex};
use ipmp_lab::Namespace;

const NOWHERE: IfIndex = IfIndex(9999);

#[tokio::test]
async fn addresses_come_and_go_and_doing_it_twice_is_done_too() {
    let mut host = Host::new();
    let wire = Namespace::new().unwrap();
    let eth0 = host.plug(0, &wire, "p0");
    let test = Change::AddAddress { key: key(eth0, "10.1.0.11/32"), scope: Scope::Link };
    let changes = vec![add(eth0, "10.1.0.50/32"), test, add(eth0, "2001:db8::50/128")];

    assert_eq!(host.apply(changes.clone()).await, [Done, Done, Done]);
    assert_eq!(ours(&host.namespace, "eth0"), ["10.1.0.11/32", "10.1.0.50/32", "2001:db8::50/128"]);
    let found = host.namespace.addresses().unwrap();
    let scope = |ip: &str| found.iter().find(|found| found.address.addr().to_string() == ip).unwrap().scope;
    assert_eq!((scope("10.1.0.11"), scope("10.1.0.50")), (253, 0));
    assert_eq!(host.apply(changes).await, [Done, Done, Done]);
    assert_eq!(ours(&host.namespace, "eth0").len(), 3);

    let changes = vec![delete(eth0, "10.1.0.50/32"), delete(eth0, "10.1.0.11/32"), delete(eth0, "2001:db8::50/128")];
    assert_eq!(host.apply(changes.clone()).await, [Done, Done, Done]);
    assert!(ours(&host.namespace, "eth0").is_empty());
    assert_eq!(host.apply(changes).await, [Done, Done, Done]);
    assert_eq!(host.change(delete(NOWHERE, "10.1.0.50/32")).await, Done, "gone with its interface");
}

#[tokio::test]
async fn an_address_that_cannot_be_added_stays_where_it_is() {
    let mut host = Host::new();
    let wire = Namespace::new().unwrap();
    let eth0 = host.plug(0, &wire, "p0");
    host.apply(vec![add(eth0, "10.1.0.50/32"), add(eth0, "10.1.0.51/32")]).await;

    let outcomes = host
        .apply(vec![
            add(NOWHERE, "10.1.0.50/32"),
            Change::Announce(announcement(NOWHERE, 7, "10.1.0.50")),
            delete(eth0, "10.1.0.50/32"),
            delete(eth0, "10.1.0.51/32"),
        ])
        .await;

    assert!(refusal(outcomes[0].clone()).contains("No such device"), "{outcomes:?}");
    assert_eq!(outcomes[1..], [Skipped, Skipped, Done]);
    assert_eq!(ours(&host.namespace, "eth0"), ["10.1.0.50/32"]);
    assert_eq!(host.change(delete(eth0, "10.1.0.50/32")).await, Done, "a later transaction starts afresh");
}

#[tokio::test]
async fn routes_are_put_replaced_and_deleted() {
    let mut host = Host::new();
    let wire = Namespace::new().unwrap();
    let (eth0, eth1) = (host.plug(0, &wire, "p0"), host.plug(1, &wire, "p1"));
    host.apply(vec![add(eth0, "10.1.0.50/32"), add(eth1, "10.1.0.51/32")]).await;
    let on_link = route("10.1.0.0/24", &[eth0, eth1]);
    let default = by_router(route("0.0.0.0/0", &[eth0, eth1]));
    let narrow = by_router(route("0.0.0.0/0", &[eth1]));
    let put = |route: &Route, present: &[Leg]| Change::PutRoute { route: route.clone(), present: present.to_vec() };

    assert_eq!(host.apply(vec![put(&on_link, &[]), put(&default, &[])]).await, [Done, Done]);
    assert_eq!(legs(&host, "0.0.0.0/0"), ["eth0", "eth1"]);
    assert_eq!(legs(&host, "10.1.0.0/24"), ["eth0", "eth1"]);
    assert_eq!(host.change(put(&narrow, &default.legs)).await, Done);
    assert_eq!(legs(&host, "0.0.0.0/0"), ["eth1"]);

    let changes = vec![Change::DeleteRoute(default.key), Change::DeleteRoute(on_link.key)];
    assert_eq!(host.apply(changes.clone()).await, [Done, Done]);
    assert!(host.namespace.routes().unwrap().iter().all(|route| route.protocol != PROTOCOL));
    assert_eq!(host.apply(changes).await, [Done, Done], "gone already");
}

#[tokio::test]
async fn a_foreign_route_is_neither_replaced_nor_deleted() {
    let mut host = Host::new();
    let wire = Namespace::new().unwrap();
    let (eth0, eth1) = (host.plug(0, &wire, "p0"), host.plug(1, &wire, "p1"));
    host.namespace.add_route("10.1.0.0/24".parse().unwrap(), None, "eth0").unwrap();
    // The kernel's own link-local routes come when they come.
    let routes = |host: &Host| {
        let all = host.namespace.routes().unwrap().into_iter();
        all.filter(|route| route.to.addr().is_ipv4()).collect::<Vec<_>>()
    };
    let before = routes(&host);
    let mut same_key = route("10.1.0.0/24", &[eth0, eth1]);
    same_key.key.metric = 0;

    let outcomes = host
        .apply(vec![
            Change::PutRoute { route: same_key.clone(), present: Vec::new() },
            Change::DeleteRoute(same_key.key),
        ])
        .await;

    assert!(refusal(outcomes[0].clone()).contains("exists"), "{outcomes:?}");
    assert_eq!(outcomes[1], Done, "ours is not there");
    assert_eq!(routes(&host), before);
}

#[tokio::test]
async fn members_are_tuned_and_set_up() {
    let mut host = Host::new();
    let wire = Namespace::new().unwrap();
    let eth0 = host.plug(0, &wire, "p0");
    let tune = |tunables| Change::Tune { index: eth0, tunables };
    let settings = |host: &Host| {
        ["arp_ignore", "arp_announce", "rp_filter", "ignore_routes_with_linkdown"]
            .map(|name| host.namespace.sysctl(&format!("net/ipv4/conf/eth0/{name}")).unwrap())
    };

    assert_eq!(host.change(tune(Tunables::MEMBER)).await, Done);
    assert_eq!(settings(&host), ["1", "2", "2", "1"]);
    assert_eq!(host.change(tune(Tunables::default())).await, Done);
    assert_eq!(settings(&host), ["0", "0", "0", "0"]);

    host.namespace.set_down("eth0").unwrap();
    assert_eq!(host.apply(vec![Change::SetUp(eth0), Change::SetUp(eth0)]).await, [Done, Done]);
    assert!(host.namespace.link("eth0").unwrap().up);

    let nowhere = Change::Tune { index: NOWHERE, tunables: Tunables::MEMBER };
    for outcome in host.apply(vec![Change::SetUp(NOWHERE), nowhere]).await {
        assert!(refusal(outcome).contains("No such device"));
    }
}

fn by_router(mut route: Route) -> Route {
    route.legs.iter_mut().for_each(|leg| leg.via = Some("10.1.0.1".parse().unwrap()));
    route
}

fn legs(host: &Host, to: &str) -> Vec<String> {
    let routes = host.namespace.routes().unwrap();
    let ours = routes.iter().find(|route| route.to.to_string() == to && route.protocol == PROTOCOL);
    ours.unwrap().legs.iter().map(|leg| leg.link.clone()).collect()
}
