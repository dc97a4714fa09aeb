//! What the kernel tells of links, addresses and routes, on a real kernel.

mod common;

use std::net::Ipv4Addr;

use common::{
    PATIENCE, Tap, address, index_of, link, namespace, our_route, somebody_else, tap_up, wait_for, wait_for_link,
};
use ipmp_core::Mac;
use ipmp_core::kernel::{AddressInfo, Fact, RouteKey, Scope};
use ipmp_netlink::{Client, Monitor, dump};
use netlink_packet_route::link::LinkMessage;
use rtnetlink::{LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder};

fn change(index: u32) -> LinkMessageBuilder<LinkUnspec> {
    LinkUnspec::new_with_index(index)
}

async fn set(message: LinkMessage) {
    somebody_else().link().set(message).execute().await.unwrap();
}

#[test]
fn a_link_comes_changes_and_goes() {
    namespace(async || {
        let mut monitor = Monitor::open().unwrap();
        let tap = Tap::new("t0");
        let new = wait_for_link(&mut monitor, "the new link", |link| link.name == tap.name);
        assert!(!new.up && new.mac.is_some() && new.alias.is_none() && new.tunables.is_some());
        let index = new.index;

        set(change(index.0).up().build()).await;
        wait_for_link(&mut monitor, "up with carrier", |link| link.index == index && link.up && link.carrier);

        set(change(index.0).address(vec![2, 0, 0, 0, 0, 7]).build()).await;
        wait_for_link(&mut monitor, "the new MAC", |link| link.mac == Some(Mac([2, 0, 0, 0, 0, 7])));

        set(change(index.0).alias("ipmpd").build()).await;
        wait_for_link(&mut monitor, "the alias", |link| link.alias.as_deref() == Some("ipmpd"));

        set(change(index.0).name("renamed0").build()).await;
        let renamed = wait_for_link(&mut monitor, "the new name", |link| link.name.as_str() == "renamed0");
        assert_eq!(renamed.index, index);

        set(change(index.0).down().build()).await;
        wait_for_link(&mut monitor, "down", |link| link.index == index && !link.up);

        drop(tap);
        wait_for(&mut monitor, "the end", |fact| *fact == Fact::LinkGone(index));
    });
}

#[test]
fn carrier_is_that_of_the_cable() {
    namespace(async || {
        let mut monitor = Monitor::open().unwrap();
        somebody_else().link().add(LinkVeth::new("v0", "v1").up().build()).execute().await.unwrap();
        let client = Client::connect().unwrap();
        let (near, far) = (index_of(&client, "v0").await, index_of(&client, "v1").await);
        let lost = wait_for_link(&mut monitor, "no carrier", |link| link.index == near && link.up && !link.carrier);

        client.set_up(far).await.unwrap();
        wait_for_link(&mut monitor, "carrier", |link| link.index == near && link.carrier);

        set(change(far.0).down().build()).await;
        let again = wait_for_link(&mut monitor, "no carrier again", |link| link.index == near && !link.carrier);
        assert!(again.up && again.carrier_downs > lost.carrier_downs, "{again:?}");
    });
}

#[test]
fn what_a_bridge_tells_of_its_port_is_not_about_the_interface() {
    namespace(async || {
        let other = somebody_else();
        other.link().add(LinkBridge::new("br0").up().build()).execute().await.unwrap();
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        let bridge = index_of(&client, "br0").await;
        let mut monitor = Monitor::open().unwrap();

        set(change(index.0).controller(bridge.0).build()).await;
        set(change(index.0).controller(0).build()).await;
        client.set_alias(index, "the last").await.unwrap();

        let facts = wait_for(
            &mut monitor,
            "the alias",
            |fact| matches!(fact, Fact::Link(link) if link.alias.as_deref() == Some("the last")),
        );
        assert!(!facts.contains(&Fact::LinkGone(index)), "leaving a bridge is not the end: {facts:#?}");
        let complete =
            |fact: &Fact| !matches!(fact, Fact::Link(link) if link.index == index && link.tunables.is_none());
        assert!(facts.iter().all(complete), "a port's message was taken for the link's: {facts:#?}");
    });
}

#[test]
fn addresses_of_both_families_come_and_go() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        let mut monitor = Monitor::open().unwrap();
        for (text, scope, told) in [
            ("10.1.0.50/32", Scope::Global, Scope::Global),
            ("10.1.0.11/32", Scope::Link, Scope::Link),
            ("2001:db8::50/128", Scope::Global, Scope::Global),
        ] {
            let key = address(index, text);
            client.add_address(&key, scope).await.unwrap();
            let fact = Fact::Address(key, AddressInfo { scope: told, ours: true, tentative: false });
            wait_for(&mut monitor, text, |seen| *seen == fact);
            client.delete_address(&key).await.unwrap();
            wait_for(&mut monitor, "its end", |seen| *seen == Fact::AddressGone(key));
        }
    });
}

#[test]
fn an_address_of_somebody_else_is_not_ours_and_keeps_its_host_bits() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        let mut monitor = Monitor::open().unwrap();
        somebody_else().address().add(index.0, "10.2.0.7".parse().unwrap(), 24).execute().await.unwrap();
        let fact = Fact::Address(
            address(index, "10.2.0.7/24"),
            AddressInfo { scope: Scope::Global, ours: false, tentative: false },
        );
        wait_for(&mut monitor, "the address", |seen| *seen == fact);
    });
}

#[test]
fn routes_of_one_leg_and_of_many_are_told_whole() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let ((_a, first), (_b, second)) = (tap_up(&client, "t0").await, tap_up(&client, "t1").await);
        let mut monitor = Monitor::open().unwrap();

        let one = our_route("10.9.0.0/16", &[(first, None)]);
        client.put_route(&one, &[]).await.unwrap();
        wait_for(&mut monitor, "one leg", |fact| *fact == Fact::Route(one.clone()));

        let two = our_route("10.9.0.0/16", &[(second, None), (first, Some("10.9.0.1"))]);
        client.put_route(&two, &one.legs).await.unwrap();
        wait_for(&mut monitor, "two legs", |fact| *fact == Fact::Route(two.clone()));

        client.delete_route(&two.key).await.unwrap();
        wait_for(&mut monitor, "the end", |fact| *fact == Fact::RouteGone(two.key));

        let default = our_route("0.0.0.0/0", &[(first, Some("10.9.0.1"))]);
        client.put_route(&default, &[]).await.unwrap();
        wait_for(&mut monitor, "the default route", |fact| *fact == Fact::Route(default.clone()));
    });
}

#[test]
fn a_route_that_changes_hands_is_told_as_gone_and_come() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        let ours = our_route("10.9.0.0/16", &[(index, None)]);
        client.put_route(&ours, &[]).await.unwrap();
        let mut monitor = Monitor::open().unwrap();

        let theirs = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix("10.9.0.0".parse().unwrap(), 16)
            .output_interface(index.0)
            .priority(ours.key.metric)
            .build();
        somebody_else().route().add(theirs).replace().execute().await.unwrap();

        let key = RouteKey { ours: false, ..ours.key };
        let facts = wait_for(&mut monitor, "theirs", |fact| matches!(fact, Fact::Route(route) if route.key == key));
        assert!(facts.contains(&Fact::RouteGone(ours.key)), "{facts:#?}");
    });
}

#[test]
fn only_unicast_routes_of_the_main_table_are_told() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        let mut monitor = Monitor::open().unwrap();
        let route = || RouteMessageBuilder::<Ipv4Addr>::new().destination_prefix("10.9.0.0".parse().unwrap(), 16);
        let other = somebody_else().route();
        other.add(route().output_interface(index.0).table_id(100).build()).execute().await.unwrap();
        other.add(route().output_interface(index.0).table_id(1000).build()).execute().await.unwrap();
        let blackhole = route().kind(netlink_packet_route::route::RouteType::BlackHole).priority(7);
        other.add(blackhole.build()).execute().await.unwrap();
        // An address makes a route in table "local".
        client.add_address(&address(index, "10.1.0.50/32"), Scope::Global).await.unwrap();
        let last = our_route("10.10.0.0/16", &[(index, None)]);
        client.put_route(&last, &[]).await.unwrap();

        let facts = wait_for(&mut monitor, "the last", |fact| *fact == Fact::Route(last.clone()));
        let routes = facts.iter().filter(|fact| matches!(fact, Fact::Route(route) if route.key.to.addr().is_ipv4()));
        assert_eq!(routes.count(), 1, "{facts:#?}");
        let dumped = dump(PATIENCE).unwrap().routes.into_iter().filter(|route| route.key.to.addr().is_ipv4());
        assert_eq!(dumped.collect::<Vec<_>>(), [last]);
    });
}

#[test]
fn a_question_is_answered_in_the_monitor() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (tap, index) = tap_up(&client, "t0").await;
        let mut monitor = Monitor::open().unwrap();
        let asker = monitor.asker().unwrap();

        asker.ask(index).unwrap();
        let answer = wait_for_link(&mut monitor, "the answer", |link| link.index == index);
        assert_eq!(answer, link(&client, "t0").await);

        drop(tap);
        let mut facts = Vec::new();
        monitor.drain(&mut facts);
        asker.ask(index).unwrap();
        facts.clear();
        monitor.drain(&mut facts);
        assert_eq!(facts, [Fact::LinkGone(index)], "the answer about an interface that is gone");
    });
}

#[test]
fn an_overrun_is_told_and_does_not_last() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        let mut monitor = Monitor::with_queue(4096).unwrap();
        for n in 0..200 {
            client.add_address(&address(index, &format!("10.7.0.{n}/32")), Scope::Global).await.unwrap();
        }
        let mut facts = Vec::new();
        assert!(monitor.drain(&mut facts).overrun);
        assert!(facts.len() < 200);
        let key = address(index, "10.8.0.1/32");
        client.add_address(&key, Scope::Global).await.unwrap();
        wait_for(&mut monitor, "the next", |fact| matches!(fact, Fact::Address(seen, _) if *seen == key));
    });
}
