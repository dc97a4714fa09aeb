//! Announcements as a neighbour receives them, and the order in which they come.

mod common;

use std::net::UdpSocket;

use common::{Capture, Host, add, announced, announcement, delete, mac, refusal, route, wait_for};
use ipmp_core::event::Outcome::{self, Done};
use ipmp_core::kernel::Tunables;
use ipmp_core::{Change, IfIndex};
use ipmp_lab::Namespace;
use pnet::packet::Packet;
use pnet::packet::arp::{ArpOperations, ArpPacket};
use pnet::packet::ethernet::EthernetPacket;
use pnet::util::MacAddr;

#[tokio::test]
async fn gratuitous_arp_leaves_in_both_forms_by_the_interface_it_names() {
    let mut host = Host::new();
    let wire = Namespace::new().unwrap();
    let (eth0, eth1) = (host.plug(0, &wire, "p0"), host.plug(1, &wire, "p1"));
    let captures = ["p0", "p1"].map(|link| Capture::open(&wire, link, libc::ETH_P_ARP));

    let first = Change::Announce(announcement(eth1, 1, "10.1.0.50"));
    let second = Change::Announce(announcement(eth0, 0, "10.1.0.51"));
    assert_eq!(host.apply(vec![first, second]).await, [Done, Done]);

    // Each wire carries its own two frames, and nothing before them.
    for (nic, capture, address) in [(1, &captures[1], "10.1.0.50"), (0, &captures[0], "10.1.0.51")] {
        for operation in [ArpOperations::Request, ArpOperations::Reply] {
            let frame = capture.next();
            let ethernet = EthernetPacket::new(&frame).unwrap();
            assert_eq!((ethernet.get_destination(), ethernet.get_source()), (MacAddr::broadcast(), mac(nic)));
            let arp = ArpPacket::new(ethernet.payload()).unwrap();
            assert_eq!(arp.get_operation(), operation);
            assert_eq!(arp.get_sender_hw_addr(), mac(nic));
            assert_eq!(arp.get_sender_proto_addr().to_string(), address);
            assert_eq!(arp.get_target_proto_addr().to_string(), address);
        }
    }
}

#[tokio::test]
async fn an_announcement_that_cannot_leave_says_why() {
    let mut host = Host::new();
    let wire = Namespace::new().unwrap();
    let eth0 = host.plug(0, &wire, "p0");
    host.namespace.set_down("eth0").unwrap();

    let outcome = host.change(Change::Announce(announcement(eth0, 0, "10.1.0.50"))).await;
    assert!(refusal(outcome).contains("Network is down"));
    let outcome = host.change(Change::Announce(announcement(IfIndex(9999), 0, "10.1.0.50"))).await;
    assert!(refusal(outcome).contains("No such device"));

    host.mover.announce(vec![announcement(eth0, 0, "10.1.0.50"), announcement(eth0, 0, "10.1.0.51")]);
    wait_for("both are counted as lost", || host.mover.announcements_lost() == 2);
}

/// Router, switch and a host with two NICs: the story of one move.
#[tokio::test]
async fn a_neighbour_follows_a_move_made_in_one_transaction() {
    let mut host = Host::new();
    let (switch, router) = (Namespace::new().unwrap(), Namespace::new().unwrap());
    switch.add_bridge("br0").unwrap();
    switch.set_up("br0").unwrap();
    let (eth0, eth1) = (host.plug(0, &switch, "s0"), host.plug(1, &switch, "s1"));
    router.add_veth("r", MacAddr(2, 0, 0, 0, 2, 1), &switch, "s2").unwrap();
    router.set_up("r").unwrap();
    switch.set_up("s2").unwrap();
    for port in ["s0", "s1", "s2"] {
        switch.attach(port, "br0").unwrap();
    }
    router.add_address("r", "10.1.0.1/24".parse().unwrap()).unwrap();
    let tune = |index| Change::Tune { index, tunables: Tunables::MEMBER };
    let on_link = |members: &[IfIndex], present| Change::PutRoute { route: route("10.1.0.0/24", members), present };
    let begun = vec![tune(eth0), tune(eth1), add(eth0, "10.1.0.50/32"), on_link(&[eth0], Vec::new())];
    assert_eq!(host.apply(begun).await, [const { Done }; 4]);

    let address = "10.1.0.50".parse().unwrap();
    let socket = router.run(|| UdpSocket::bind("10.1.0.1:0")).unwrap().unwrap();
    wait_for("the router knows the first NIC", || {
        let _ = socket.send_to(b"who are you", (address, 9));
        router.neighbour(address).unwrap() == Some(mac(0))
    });

    let moved = vec![
        on_link(&[eth1], route("10.1.0.0/24", &[eth0]).legs),
        add(eth1, "10.1.0.50/32"),
        Change::Announce(announcement(eth1, 1, "10.1.0.50")),
        delete(eth0, "10.1.0.50/32"),
    ];
    assert_eq!(host.apply(moved).await, [const { Done }; 4]);
    wait_for("the router knows the second NIC", || router.neighbour(address).unwrap() == Some(mac(1)));
    assert_eq!(host.namespace.links_with(address).unwrap(), ["eth1"]);
}

#[tokio::test]
async fn a_neighbour_believes_an_advertisement_against_what_it_knew() {
    let mut host = Host::new();
    let router = Namespace::new().unwrap();
    let eth0 = host.plug(0, &router, "r");
    router.add_address("r", "2001:db8::1/64".parse().unwrap()).unwrap();
    host.namespace.add_route("2001:db8::/64".parse().unwrap(), None, "eth0").unwrap();
    assert_eq!(host.change(add(eth0, "2001:db8::50/128")).await, Done);

    let address = "2001:db8::50".parse().unwrap();
    let socket = router.run(|| UdpSocket::bind("[2001:db8::1]:0")).unwrap().unwrap();
    wait_for("the router knows the NIC", || {
        let _ = socket.send_to(b"who are you", (address, 9));
        router.neighbour(address).unwrap() == Some(mac(0))
    });
    let elsewhere = Change::Announce(announcement(eth0, 7, "2001:db8::50"));
    assert_eq!(host.change(elsewhere).await, Done);
    wait_for("the router believes the new MAC", || router.neighbour(address).unwrap() == Some(mac(7)));
}

#[tokio::test]
async fn nothing_overtakes() {
    let mut host = Host::new();
    let wire = Namespace::new().unwrap();
    let eth0 = host.plug(0, &wire, "p0");
    let capture = Capture::open(&wire, "p0", libc::ETH_P_ARP);
    let announce = |address| announcement(eth0, 0, address);

    let mut long: Vec<_> = (0..=255).map(|n| add(eth0, &format!("10.2.0.{n}/32"))).collect();
    long.push(Change::Announce(announce("10.1.0.1")));
    let first = host.begin(long);
    host.mover.announce(vec![announce("10.1.0.2"), announce("10.1.0.3")]);
    let second = host.begin(vec![Change::Announce(announce("10.1.0.4"))]);

    assert_eq!(host.done().await.0, first);
    assert_eq!(host.done().await.0, second);
    let seen: Vec<_> = (0..8).map(|_| announced(&capture.next())).collect();
    let expected = ["10.1.0.1", "10.1.0.1", "10.1.0.2", "10.1.0.2", "10.1.0.3", "10.1.0.3", "10.1.0.4", "10.1.0.4"];
    assert_eq!(seen, expected);
}

/// While one long transaction keeps the mover busy, far more is asked for than its queue holds.
#[tokio::test]
async fn a_full_queue_refuses_and_counts_and_never_waits() {
    const ASKED: usize = 300;
    let mut host = Host::new();
    let wire = Namespace::new().unwrap();
    let eth0 = host.plug(0, &wire, "p0");
    let long = (0..600).map(|n| add(eth0, &format!("10.2.{}.{}/32", n / 250, n % 250))).collect();
    let busy = host.begin(long);

    let mut asked: Vec<_> = (0..ASKED).map(|_| host.begin(vec![Change::SetUp(eth0), Change::SetUp(eth0)])).collect();
    host.mover.announce(vec![announcement(eth0, 0, "10.1.0.50"); 3]);
    assert_eq!(host.mover.announcements_lost(), 3);

    let mut refused = 0;
    asked.push(busy);
    while !asked.is_empty() {
        let (id, outcomes) = host.done().await;
        asked.retain(|asked| *asked != id);
        match &outcomes[..] {
            [Outcome::Refused(why), Outcome::Refused(_)] if why.contains("busy") => refused += 1,
            outcomes => assert!(outcomes.iter().all(|outcome| *outcome == Done), "{outcomes:?}"),
        }
    }
    assert!(refused >= ASKED - 100, "only {refused} refused");
    // The next answer is that of the next transaction: there was one answer each.
    assert_eq!(host.change(Change::SetUp(eth0)).await, Done, "at work again");
}
