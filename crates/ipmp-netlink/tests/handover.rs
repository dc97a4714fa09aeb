//! What others have made is captured, taken, and given back as it was, on a real kernel.

mod common;

use std::net::IpAddr;

use common::{PATIENCE, address, namespace, set_ipv6, somebody_else, tap_up};
use ipmp_core::kernel::{AddressKey, Scope};
use ipmp_core::{Foreign, ForeignKey, IfIndex};
use ipmp_netlink::{Captured, Client, Kind, capture, dump, foreign_address, foreign_route};

/// An interface that has an address and a default route in each family, and all that is captured of it.
async fn host(client: &Client, name: &str) -> (common::Tap, IfIndex, Vec<Foreign>) {
    let (tap, index) = tap_up(client, name).await;
    set_ipv6(name, "accept_dad", 0);
    let given = [
        foreign_address(index, "192.0.2.50/24".parse().unwrap()),
        foreign_address(index, "2001:db8::50/64".parse().unwrap()),
        foreign_route("0.0.0.0/0".parse().unwrap(), "192.0.2.1".parse().unwrap(), index),
        foreign_route("::/0".parse().unwrap(), "2001:db8::1".parse().unwrap(), index),
    ];
    for foreign in &given {
        client.give(foreign, None).await.unwrap();
    }
    (tap, index, given.to_vec())
}

/// Addresses of global scope and the routes of an administrator, with all that belongs to them.
fn belongings(captured: &Captured) -> Vec<Foreign> {
    let addresses = captured.addresses.iter().filter(|address| address.scope == Scope::Global);
    let routes = captured.routes.iter().filter(|route| route.protocol == 4);
    addresses.map(|address| address.foreign.clone()).chain(routes.map(|route| route.foreign.clone())).collect()
}

fn keys(foreign: &[Foreign]) -> Vec<ForeignKey> {
    let mut keys: Vec<_> = foreign.iter().map(|foreign| foreign.key.clone()).collect();
    keys.sort();
    keys
}

fn holds(key: &AddressKey) -> Option<bool> {
    dump(PATIENCE).unwrap().addresses.into_iter().find(|(found, _)| found == key).map(|(_, info)| info.ours)
}

#[test]
fn what_is_given_is_what_an_administrator_makes_and_is_captured_as_it_was_named() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, _, given) = host(&client, "t0").await;
        let captured = capture().unwrap();
        assert_eq!(keys(&belongings(&captured)), keys(&given));
        assert!(captured.addresses.iter().filter(|it| it.scope == Scope::Global).all(|it| it.permanent));
        // The routes to their links come with the addresses, and are the kernel's.
        let connected = captured.routes.iter().filter(|it| it.protocol == 2).map(|it| it.route.key.to.to_string());
        let connected: Vec<_> = connected.filter(|to| !to.starts_with("fe80")).collect();
        assert_eq!(connected, ["192.0.2.0/24", "2001:db8::/64"]);
        assert!(captured.links.iter().any(|link| link.name.as_str() == "t0"));
    });
}

#[test]
fn what_was_taken_is_given_back_with_all_that_belonged_to_it() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index, _) = host(&client, "t0").await;
        // One with a label, a metric and a source address of its own: nothing of it is ours to know.
        let handle = somebody_else();
        let source: std::net::Ipv4Addr = "192.0.2.50".parse().unwrap();
        let odd = rtnetlink::RouteMessageBuilder::<std::net::Ipv4Addr>::new()
            .destination_prefix("203.0.113.0".parse().unwrap(), 24)
            .gateway("192.0.2.9".parse().unwrap())
            .output_interface(index.0)
            .priority(77)
            .pref_source(source)
            .build();
        handle.route().add(odd).execute().await.unwrap();
        let mut before = belongings(&capture().unwrap());
        assert_eq!(before.len(), 5);
        before.sort_by_key(|foreign| matches!(foreign.key, ForeignKey::Address(_)));
        for foreign in &before {
            client.take(foreign, None).await.unwrap();
            client.take(foreign, None).await.expect("what is gone is taken");
        }
        assert_eq!(belongings(&capture().unwrap()), []);
        for foreign in before.iter().rev() {
            client.give(foreign, None).await.unwrap();
            client.give(foreign, None).await.expect("what is there is given");
        }
        let mut after = belongings(&capture().unwrap());
        after.sort_by_key(|foreign| matches!(foreign.key, ForeignKey::Address(_)));
        assert_eq!(keys(&after), keys(&before));
        let routes = |all: &[Foreign]| -> Vec<Vec<u8>> {
            let mut routes: Vec<_> = all.iter().filter(|it| matches!(it.key, ForeignKey::Route(..))).collect();
            routes.sort();
            routes.into_iter().map(|it| it.message.clone()).filter(|message| message[0] == 2).collect()
        };
        assert_eq!(routes(&after), routes(&before), "to the byte");
    });
}

#[test]
fn an_ipv6_address_changes_hands_in_one_message() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index, given) = host(&client, "t0").await;
        let (ours, theirs) = (address(index, "2001:db8::50/128"), address(index, "2001:db8::50/64"));
        let foreign = &given[1];
        assert_eq!(client.add_address(&ours, Scope::Global).await.unwrap_err().kind(), Kind::Exists);
        client.take(foreign, Some(&ours)).await.unwrap();
        assert_eq!((holds(&ours), holds(&theirs)), (Some(true), None));
        // A tentative address cannot be bound to.
        let usable = || std::net::UdpSocket::bind((ours.address.addr(), 0)).is_ok();
        assert!(usable());
        client.give(foreign, Some(&ours)).await.unwrap();
        assert_eq!((holds(&ours), holds(&theirs)), (None, Some(false)));
        assert!(usable());
    });
}

#[test]
fn what_the_kernel_refuses_is_told_in_its_words() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        let router: IpAddr = "198.51.100.1".parse().unwrap();
        let unreachable = foreign_route("0.0.0.0/0".parse().unwrap(), router, index);
        let refused = client.give(&unreachable, None).await.unwrap_err().to_string();
        assert!(refused.contains("gateway") || refused.contains("unreachable"), "{refused}");
        let nowhere = foreign_address(IfIndex(999), "192.0.2.50/24".parse().unwrap());
        assert_eq!(client.give(&nowhere, None).await.unwrap_err().kind(), Kind::NoDevice);
        client.take(&nowhere, None).await.expect("what is gone is taken");
    });
}
