//! What belongs to others changes hands and comes back as it was, on a real kernel.

mod common;

use std::collections::BTreeSet;

use common::{address, namespace, somebody_else, tap_up};
use ipmp_core::kernel::{AddressKey, Scope};
use ipmp_core::{Foreign, ForeignKey, IfIndex};
use ipmp_netlink::{Captured, Client, capture, dump, foreign_address, foreign_route};

const V4: &str = "192.0.2.50/24";
const V6: &str = "2001:db8::50/64";

/// Gives an interface these addresses and a default route in each family.
async fn furnish(client: &Client, index: IfIndex) {
    for (net, router) in [(V4, "192.0.2.1"), (V6, "2001:db8::1")] {
        client.give(&foreign_address(index, net.parse().unwrap()), None).await.unwrap();
        let everywhere = if net == V4 { "0.0.0.0/0" } else { "::/0" };
        let route = foreign_route(everywhere.parse().unwrap(), router.parse().unwrap(), index);
        client.give(&route, None).await.unwrap();
    }
}

/// What there is of others on an interface, but for link-local things.
fn foreign(captured: &Captured, index: IfIndex) -> Vec<Foreign> {
    let addresses = captured.addresses.iter().filter(|it| it.key.index == index && it.scope == Scope::Global);
    let routes = captured.routes.iter().filter(|it| it.route.legs.iter().any(|leg| leg.index == index));
    let routes = routes.filter(|it| it.route.key.to.to_string() != "fe80::/64");
    addresses.map(|it| it.foreign.clone()).chain(routes.map(|it| it.foreign.clone())).collect()
}

fn keys(foreign: &[Foreign]) -> BTreeSet<ForeignKey> {
    foreign.iter().map(|foreign| foreign.key.clone()).collect()
}

fn is_there(key: &AddressKey) -> Option<bool> {
    let snapshot = dump(ipmp_netlink::DEADLINE).unwrap();
    snapshot.addresses.iter().find(|(known, _)| known == key).map(|(_, info)| info.ours)
}

#[test]
fn what_is_taken_is_gone_and_comes_back_with_all_that_belongs_to_it() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        // With what no other attribute tells: a label, a broadcast address, a preferred source.
        let net = "198.51.100.9".parse().unwrap();
        somebody_else().address().add(index.0, net, 24).execute().await.unwrap();
        furnish(&client, index).await;
        let before = foreign(&capture().unwrap(), index);
        assert_eq!(before.len(), 3 + 5, "{before:#?}");
        let (addresses, routes): (Vec<_>, Vec<_>) =
            before.iter().partition(|foreign| matches!(foreign.key, ForeignKey::Address(_)));
        for foreign in routes.iter().chain(&addresses) {
            client.take(foreign, None).await.unwrap();
        }
        assert_eq!(foreign(&capture().unwrap(), index), [], "all of it is gone");
        client.take(addresses[0], None).await.expect("what is gone is taken");
        for foreign in addresses.iter().chain(&routes) {
            client.give(foreign, None).await.unwrap();
        }
        client.give(addresses[0], None).await.expect("what is there is given");
        let after = foreign(&capture().unwrap(), index);
        assert_eq!(keys(&after), keys(&before));
        let v4 = |all: &[Foreign]| {
            let mut messages: Vec<_> = all.iter().filter(|it| !is_v6(&it.key)).map(unstamped).collect();
            messages.sort();
            messages
        };
        assert_eq!(v4(&after), v4(&before), "to the byte");
    });
}

fn is_v6(key: &ForeignKey) -> bool {
    match key {
        ForeignKey::Address(key) => key.address.addr().is_ipv6(),
        ForeignKey::Route(key, _) => key.to.addr().is_ipv6(),
    }
}

/// The message but for when an address was made and changed (`IFA_CACHEINFO`, the last of its attributes but one).
fn unstamped(foreign: &Foreign) -> Vec<u8> {
    const IFA_CACHEINFO: [u8; 4] = [20, 0, 6, 0];
    let mut message = foreign.message.clone();
    if let Some(at) = message.windows(4).position(|window| window == IFA_CACHEINFO) {
        message[at + 12..at + 20].fill(0);
    }
    message
}

#[test]
fn an_ipv6_address_becomes_ours_and_theirs_again_at_one_stroke() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        let theirs = foreign_address(index, V6.parse().unwrap());
        client.give(&theirs, None).await.unwrap();
        let (key, host) = (address(index, V6), address(index, "2001:db8::50/128"));
        let refused = client.add_address(&host, Scope::Global).await;
        assert!(refused.is_err(), "an address is on an interface once, whatever its prefix");
        client.take(&theirs, Some(&host)).await.unwrap();
        assert_eq!((is_there(&key), is_there(&host)), (None, Some(true)));
        client.give(&theirs, Some(&host)).await.unwrap();
        assert_eq!((is_there(&key), is_there(&host)), (Some(false), None));
        let captured = capture().unwrap();
        let again = captured.addresses.iter().find(|it| it.key == key).unwrap();
        assert!(again.permanent, "it stays for good");
    });
}

#[test]
fn what_the_kernel_refuses_is_told() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        let route = foreign_route("0.0.0.0/0".parse().unwrap(), "192.0.2.1".parse().unwrap(), index);
        let refused = client.give(&route, None).await.unwrap_err().to_string();
        assert!(refused.starts_with("cannot give back what an interface had: "), "{refused}");
    });
}
