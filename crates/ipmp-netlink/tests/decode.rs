//! The decoder on its own: messages that are hard to provoke, and bytes that no kernel would send.

mod common;

use std::os::fd::AsRawFd;

use common::{address, namespace, our_route, somebody_else, tap_up};
use ipmp_core::IfIndex;
use ipmp_core::kernel::{Fact, Scope};
use ipmp_netlink::{Client, Decoded, decode};
use netlink_packet_core::{DefaultNla, NetlinkMessage};
use netlink_packet_route::link::{InfoPortKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily as Family, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
};
use proptest::prelude::*;
use rtnetlink::{LinkBridge, LinkUnspec};

const IFLA_WIRELESS: u16 = 11;
const LAST_LINK: &str = "last0";

fn facts(datagram: &[u8]) -> Vec<Fact> {
    let mut facts = Vec::new();
    assert_eq!(decode(datagram, &mut facts), Decoded::default());
    facts
}

fn bytes(message: RouteNetlinkMessage) -> Vec<u8> {
    let mut message = NetlinkMessage::from(message);
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

fn link(name: &str) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = 7;
    message.header.flags = LinkFlags::Up | LinkFlags::LowerUp;
    message.attributes.push(LinkAttribute::IfName(name.into()));
    message
}

fn one_link(message: LinkMessage) -> ipmp_core::kernel::Link {
    match facts(&bytes(RouteNetlinkMessage::NewLink(message))).as_slice() {
        [Fact::Link(link)] => link.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn carrier_is_the_attribute_and_else_the_flag() {
    assert!(one_link(link("eth0")).carrier);
    let mut without = link("eth0");
    without.header.flags = LinkFlags::Up;
    assert!(!one_link(without).carrier);
    let mut both = link("eth0");
    both.attributes.push(LinkAttribute::Carrier(0));
    assert!(!one_link(both).carrier, "the attribute decides");
}

#[test]
fn a_link_of_a_driver_with_attributes_of_its_own_is_a_link() {
    let mut message = link("eth0");
    message.attributes.push(LinkAttribute::Other(DefaultNla::new(4000, vec![1, 2, 3])));
    message.attributes.push(LinkAttribute::Other(DefaultNla::new(libc::IFLA_LINKINFO, vec![0xff; 5])));
    assert_eq!(one_link(message).name.as_str(), "eth0");
}

/// A port of anything else is not to have addresses; that of a VRF is.
#[test]
fn an_interface_in_a_vrf_is_no_port() {
    let port = |kind: InfoPortKind| {
        let mut message = link("eth0");
        message.header.flags |= LinkFlags::Multicast;
        message.attributes.push(LinkAttribute::Controller(3));
        message.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::PortKind(kind)]));
        one_link(message).multi_access
    };
    assert!(port(InfoPortKind::Vrf));
    assert!(!port(InfoPortKind::Bond));
    assert!(!port(InfoPortKind::Other("team".into())));
}

#[test]
fn messages_that_are_not_about_the_link_itself_are_none_of_ours() {
    for family in [AddressFamily::Bridge, AddressFamily::Inet6] {
        let mut message = link("eth0");
        message.header.interface_family = family;
        assert_eq!(facts(&bytes(RouteNetlinkMessage::NewLink(message.clone()))), []);
        assert_eq!(facts(&bytes(RouteNetlinkMessage::DelLink(message))), []);
    }
    let mut wireless = link("wlan0");
    wireless.attributes.push(LinkAttribute::Other(DefaultNla::new(IFLA_WIRELESS, vec![0; 8])));
    assert_eq!(facts(&bytes(RouteNetlinkMessage::NewLink(wireless))), []);
}

#[test]
fn a_datagram_may_hold_several_messages_and_a_bad_one_among_them() {
    let mut nameless = link("");
    nameless.attributes.clear();
    let mut datagram = bytes(RouteNetlinkMessage::NewLink(link("eth0")));
    datagram.extend(bytes(RouteNetlinkMessage::NewLink(nameless)));
    datagram.extend(bytes(RouteNetlinkMessage::DelLink(link("eth1"))));
    assert!(matches!(facts(&datagram).as_slice(), [Fact::Link(_), Fact::LinkGone(IfIndex(7))]));
}

#[test]
fn a_refused_question_says_that_the_link_is_gone_and_no_other_refusal_does() {
    let refusal = |errno: i32, request: RouteNetlinkMessage| {
        let mut payload = (-errno).to_ne_bytes().to_vec();
        payload.extend(bytes(request));
        let mut datagram = ((16 + payload.len()) as u32).to_ne_bytes().to_vec();
        datagram.extend((libc::NLMSG_ERROR as u16).to_ne_bytes());
        datagram.extend([0; 10]);
        datagram.extend(payload);
        facts(&datagram)
    };
    assert_eq!(refusal(libc::ENODEV, RouteNetlinkMessage::GetLink(link("x"))), [Fact::LinkGone(IfIndex(7))]);
    assert_eq!(refusal(libc::ENOMEM, RouteNetlinkMessage::GetLink(link("x"))), []);
    assert_eq!(refusal(libc::ENODEV, RouteNetlinkMessage::SetLink(link("x"))), []);
    assert_eq!(refusal(0, RouteNetlinkMessage::GetLink(link("x"))), []);
}

/// What a kernel really sends, of every kind that is decoded.
fn recorded() -> Vec<Vec<u8>> {
    let (sender, receiver) = std::sync::mpsc::channel();
    namespace(async move || {
        let groups = libc::RTMGRP_LINK
            | libc::RTMGRP_IPV4_IFADDR
            | libc::RTMGRP_IPV6_IFADDR
            | libc::RTMGRP_IPV4_ROUTE
            | libc::RTMGRP_IPV6_ROUTE;
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let recorder = socket(Family::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute).unwrap();
        bind(recorder.as_raw_fd(), &NetlinkAddr::new(0, groups as u32)).unwrap();
        let client = Client::connect().unwrap();
        let ((a, first), (_b, second)) = (tap_up(&client, "t0").await, tap_up(&client, "t1").await);
        let other = somebody_else();
        other.link().add(LinkBridge::new(LAST_LINK).build()).execute().await.unwrap();
        let bridge = common::index_of(&client, LAST_LINK).await;
        let port = |bridge: u32| LinkUnspec::new_with_index(second.0).controller(bridge).build();
        other.link().set(port(bridge.0)).execute().await.unwrap();
        other.link().set(port(0)).execute().await.unwrap();
        client.set_alias(first, "ipmpd").await.unwrap();
        client.add_address(&address(first, "10.1.0.50/32"), Scope::Global).await.unwrap();
        client.add_address(&address(first, "2001:db8::50/128"), Scope::Global).await.unwrap();
        for (to, via) in
            [("10.9.0.0/16", Some("10.1.0.1")), ("2001:db8:1::/64", Some("fe80::1")), ("2001:db8:2::/64", None)]
        {
            let route = our_route(to, &[(first, via), (second, via)]);
            client.put_route(&route, &[]).await.unwrap();
            client.delete_route(&route.key).await.unwrap();
        }
        drop(a);
        let mut buffer = vec![0; 65536];
        loop {
            match recv(recorder.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Ok(length) => sender.send(buffer[..length].to_vec()).unwrap(),
                Err(Errno::EAGAIN) => break,
                Err(errno) => panic!("{errno}"),
            }
        }
    });
    receiver.into_iter().collect()
}

#[test]
fn no_message_of_the_kernel_however_mangled_makes_the_decoder_panic() {
    let recorded = recorded();
    let mut all = Vec::new();
    for datagram in &recorded {
        decode(datagram, &mut all);
    }
    let seen = |kind: fn(&Fact) -> bool| all.iter().any(kind);
    assert!(seen(|fact| matches!(fact, Fact::Link(_))) && seen(|fact| matches!(fact, Fact::LinkGone(_))));
    assert!(seen(|fact| matches!(fact, Fact::Address(..))) && seen(|fact| matches!(fact, Fact::AddressGone(_))));
    assert!(seen(|fact| matches!(fact, Fact::Route(_))) && seen(|fact| matches!(fact, Fact::RouteGone(_))));
    assert!(seen(|fact| matches!(fact, Fact::LegAdded(_))) && seen(|fact| matches!(fact, Fact::LegsGone(_))));

    for datagram in &recorded {
        for length in 0..datagram.len() {
            decode(&datagram[..length], &mut Vec::new());
        }
    }
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8);
    let config = ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(datagram in prop::sample::select(recorded), damage in damage)| {
        let mut datagram = datagram;
        for (at, byte) in damage {
            let at = at.index(datagram.len());
            datagram[at] = byte;
        }
        decode(&datagram, &mut Vec::new());
    });
}

/// Attributes whose lengths are right, of kinds that are decoded, with values that may be anything.
fn attributes() -> impl Strategy<Value = Vec<u8>> {
    let attribute = (0u16..64, prop::collection::vec(any::<u8>(), 0..24)).prop_map(|(kind, value)| {
        let mut bytes = ((4 + value.len()) as u16).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    });
    prop::collection::vec(attribute, 0..12).prop_map(|attributes| attributes.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn well_framed_nonsense_makes_no_panic(
        kind in 0u16..32, flags: u16, header in prop::collection::vec(any::<u8>(), 0..20), attributes in attributes(),
    ) {
        let mut datagram = ((16 + header.len() + attributes.len()) as u32).to_ne_bytes().to_vec();
        datagram.extend(kind.to_ne_bytes());
        datagram.extend(flags.to_ne_bytes());
        datagram.extend([0; 8]);
        datagram.extend(header);
        datagram.extend(attributes);
        decode(&datagram, &mut Vec::new());
    }

    #[test]
    fn noise_makes_no_panic(noise in prop::collection::vec(any::<u8>(), 0..256)) {
        decode(&noise, &mut Vec::new());
    }
}
