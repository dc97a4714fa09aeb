//! What IPv6 does differently: legs of its own for on-link routes, deprecated test addresses, and an IPMP interface
//! that asks the network for nothing.

mod common;

use std::net::UdpSocket;

use common::{Host, add, announcement, key, name, ours, route};
use ipmp_core::Announcement;
use ipmp_core::Change;
use ipmp_core::event::Outcome::Done;
use ipmp_core::kernel::{Leg, Scope};
use ipmp_lab::Namespace;

const LAN: &str = "2001:db8::/64";

fn legs(host: &Host) -> Vec<String> {
    let lan = LAN.parse().unwrap();
    let routes = host.namespace.routes().unwrap().into_iter().filter(|route| route.to == lan);
    let mut legs: Vec<String> = routes.flat_map(|route| route.legs).map(|leg| leg.link).collect();
    legs.sort();
    legs
}

#[tokio::test]
async fn legs_of_an_on_link_route_come_and_go_one_by_one() {
    let mut host = Host::new();
    let wire = Namespace::new().unwrap();
    let (eth0, eth1) = (host.plug(0, &wire, "p0"), host.plug(1, &wire, "p1"));
    let leg = |index| Leg { index, via: None };
    let steps: [(&[_], Vec<Leg>, &[&str]); 4] = [
        (&[eth0], vec![], &["eth0"]),
        (&[eth0, eth1], vec![leg(eth0)], &["eth0", "eth1"]),
        (&[eth1], vec![leg(eth0), leg(eth1)], &["eth1"]),
        // Somebody took one away meanwhile: it is gone, as it should be.
        (&[eth1], vec![leg(eth0), leg(eth1)], &["eth1"]),
    ];
    for (members, present, wanted) in steps {
        assert_eq!(host.change(Change::PutRoute { route: route(LAN, members), present }).await, Done);
        assert_eq!(legs(&host), wanted);
    }
    assert_eq!(host.change(Change::DeleteRoute(route(LAN, &[eth1]).key)).await, Done);
    assert!(legs(&host).is_empty());
}

/// What it is for: with a global address of each kind the kernel takes the data address as a source.
#[tokio::test]
async fn a_test_address_is_no_source_of_traffic() {
    let mut host = Host::new();
    let wire = Namespace::new().unwrap();
    let eth0 = host.plug(0, &wire, "p0");
    // Of two that are alike the kernel takes the newer one.
    let test = Change::AddAddress { key: key(eth0, "2001:db8::10/128"), scope: Scope::Link };
    let put = Change::PutRoute { route: route(LAN, &[eth0]), present: vec![] };
    assert_eq!(host.apply(vec![add(eth0, "2001:db8::50/128"), test, put]).await, [Done, Done, Done]);
    let source = host.namespace.run(|| {
        let socket = UdpSocket::bind("[::]:0").unwrap();
        socket.connect("[2001:db8::1]:9").unwrap();
        socket.local_addr().unwrap().ip().to_string()
    });
    assert_eq!(source.unwrap(), "2001:db8::50");
}

#[tokio::test]
async fn an_address_that_is_there_with_another_prefix_is_there() {
    let mut host = Host::new();
    let wire = Namespace::new().unwrap();
    let eth0 = host.plug(0, &wire, "p0");
    host.namespace.add_address("eth0", "2001:db8::50/64".parse().unwrap()).unwrap();
    assert_eq!(host.change(add(eth0, "2001:db8::50/128")).await, Done);
    assert!(ours(&host.namespace, "eth0").is_empty(), "and somebody else's");
}

#[tokio::test]
async fn the_ipmp_interface_has_the_data_addresses_and_no_other() {
    let mut host = Host::new();
    let ipmp0 = name("ipmp0");
    let off = Change::SetCarrier { name: ipmp0.clone(), on: false };
    assert_eq!(host.apply(vec![Change::CreateInterface(ipmp0), off]).await, [Done, Done]);
    assert_eq!(host.change(add(host.index("ipmp0"), "2001:db8::50/128")).await, Done);
    assert!(host.namespace.run(|| UdpSocket::bind("[2001:db8::50]:0")).unwrap().is_ok(), "local without a carrier");
    let of_ipmp0 = host.namespace.addresses().unwrap().into_iter().filter(|address| address.link == "ipmp0");
    assert_eq!(of_ipmp0.count(), 1, "nor does it ask for routers from a link-local one");
}

/// A neighbour that uses this host as a router drops it for an advertisement without that flag (RFC 4861 §7.2.5).
#[tokio::test]
async fn an_announcement_says_whether_the_host_is_a_router() {
    let mut host = Host::new();
    let wire = Namespace::new().unwrap();
    let eth0 = host.plug(0, &wire, "p0");
    let capture = common::Capture::open(&wire, "p0", libc::ETH_P_IPV6);
    for router in [false, true] {
        let told = Announcement { router, ..announcement(eth0, 0, "2001:db8::50") };
        assert_eq!(host.change(Change::Announce(told)).await, Done);
        let is_ours = |frame: &Vec<u8>| frame.len() >= 86 && frame[54] == 136 && frame[62..78].ends_with(&[0x50]);
        let frame = std::iter::repeat_with(|| capture.next()).find(is_ours).unwrap();
        assert_eq!(frame[58] & 0x80 != 0, router, "{frame:02x?}");
    }
}
