//! IPv6 routes on a real kernel, which keeps legs without a router apart: how they are put, and how it tells.

mod common;

use common::world::{World, dumped};
use common::{Tap, link, namespace, our_route, set_ipv6, somebody_else, tap_up};
use futures_util::StreamExt;
use ipmp_core::IfIndex;
use ipmp_core::kernel::{Fact, LAST_RESORT_METRIC, Leg, Route, RouteKey, Scope};
use ipmp_netlink::{Client, Kind};
use netlink_packet_core::{NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkMessage};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::LinkUnspec;

const PREFIX: &str = "2001:db8:1::/64";
const DEFAULT: &str = "::/0";
const ROUTER: Option<&str> = Some("fe80::1");

/// The same route of somebody else.
fn theirs(route: &Route) -> Route {
    Route { key: RouteKey { ours: false, ..route.key }, ..route.clone() }
}

/// Puts a leg of somebody else's, as another daemon would.
async fn put_theirs(route: &Route, flags: u16) {
    let mut message = their_leg(route, route.legs[0]);
    message.header.protocol = RouteProtocol::Static;
    message.header.scope = RouteScope::Universe;
    message.header.kind = RouteType::Unicast;
    message.header.flags = RouteFlags::Onlink;
    let mut request = NetlinkMessage::from(RouteNetlinkMessage::NewRoute(message));
    request.header.flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | flags;
    assert!(somebody_else().request(request).unwrap().next().await.is_none(), "refused: {route:?}");
}

/// Deletes a route leg by leg, whoever's it is.
async fn delete_any(route: Route) {
    for leg in &route.legs {
        somebody_else().route().del(their_leg(&route, *leg)).execute().await.unwrap();
    }
}

fn their_leg(route: &Route, leg: Leg) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = AddressFamily::Inet6;
    message.header.destination_prefix_length = route.key.to.prefix_len();
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.attributes.push(RouteAttribute::Destination(RouteAddress::from(route.key.to.network())));
    message.attributes.push(RouteAttribute::Priority(route.key.metric));
    message.attributes.push(RouteAttribute::Oif(leg.index.0));
    message.attributes.extend(leg.via.map(|via| RouteAttribute::Gateway(via.into())));
    message
}

async fn three_taps(client: &Client) -> ([Tap; 3], [IfIndex; 3]) {
    let [(a, first), (b, second), (c, third)] =
        [tap_up(client, "t0").await, tap_up(client, "t1").await, tap_up(client, "t2").await];
    ([a, b, c], [first, second, third])
}

#[test]
fn legs_without_a_router_come_before_others_go() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_taps, [a, b, c]) = three_taps(&client).await;
        let mut world = World::watch();
        let [one, both, others] = [&[a][..], &[a, b], &[b, c]]
            .map(|legs| our_route(PREFIX, &legs.iter().map(|leg| (*leg, None)).collect::<Vec<_>>()));

        client.put_route(&both, &[]).await.unwrap();
        assert_eq!(world.legs_in_turn(both.key), [one.legs.clone(), both.legs.clone()]);
        client.put_route(&others, &both.legs).await.unwrap();
        let all: Vec<_> = [&one.legs[..], &others.legs].concat();
        assert_eq!(world.legs_in_turn(both.key), [all, others.legs.clone()]);
        client.put_route(&one, &others.legs).await.unwrap();
        assert!(world.legs_in_turn(one.key).iter().all(|legs| !legs.is_empty()));
        world.is_true("three changes");
        assert_eq!(world.told.routes[&one.key], one);

        client.put_route(&both, &one.legs).await.unwrap();
        client.delete_route(&both.key).await.unwrap();
        world.is_true("the deletion");
        assert!(!world.told.routes.contains_key(&both.key));
        assert_eq!(client.delete_route(&both.key).await.unwrap_err().kind(), Kind::NotFound);
        assert_eq!(world.doubts, 0);
    });
}

#[test]
fn a_leg_that_cannot_be_added_lets_the_others_stay() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_taps, [a, b, _]) = three_taps(&client).await;
        let route = our_route(PREFIX, &[(a, None)]);
        client.put_route(&route, &[]).await.unwrap();

        let nowhere = our_route(PREFIX, &[(IfIndex(4711), None)]);
        let refusal = client.put_route(&nowhere, &route.legs).await.unwrap_err();
        assert_eq!(refusal.kind(), Kind::NoDevice);
        assert!(refusal.to_string().starts_with("cannot add interface 4711 to route 2001:db8:1::/64 metric 10: "));
        assert_eq!(dumped().routes[&route.key], route, "nothing takes its place");

        let partly = our_route(PREFIX, &[(b, None), (IfIndex(4711), None)]);
        assert_eq!(client.put_route(&partly, &route.legs).await.unwrap_err().kind(), Kind::NoDevice);
        assert_eq!(dumped().routes[&route.key].legs, [Leg { index: b, via: None }], "one does");

        // One that is gone with its interface need not be deleted.
        let before = [partly.legs.clone(), vec![Leg { index: a, via: None }]].concat();
        client.put_route(&our_route(PREFIX, &[(b, None)]), &before).await.unwrap();
    });
}

#[test]
fn legs_of_somebody_else_are_left_alone() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_taps, [a, b, _]) = three_taps(&client).await;
        let ours = our_route(PREFIX, &[(a, None), (b, None)]);
        let foreign = theirs(&our_route(PREFIX, &[(a, None)]));
        put_theirs(&foreign, 0).await;
        let mut world = World::watch();

        let refusal = client.put_route(&ours, &[]).await.unwrap_err();
        assert_eq!(refusal.kind(), Kind::Exists, "{refusal}");
        world.is_true("the refusal");
        assert_eq!(world.told.routes[&foreign.key], foreign);
        assert_eq!(world.told.routes[&ours.key].legs, [Leg { index: b, via: None }], "the other is there");

        // What goes is only ever ours, and there is a way out in the place of the last.
        let only = our_route(PREFIX, &[(a, None)]);
        assert_eq!(client.put_route(&only, &ours.legs[1..]).await.unwrap_err().kind(), Kind::Exists);
        assert_eq!(client.delete_route(&ours.key).await.unwrap_err().kind(), Kind::NotFound);
        world.is_true("the deletion");
        assert_eq!(world.told.routes[&foreign.key], foreign);
    });
}

#[test]
fn a_route_by_routers_is_replaced_at_once() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_taps, [a, b, c]) = three_taps(&client).await;
        let both = our_route(DEFAULT, &[(a, ROUTER), (b, ROUTER)]);
        let one = our_route(DEFAULT, &[(b, ROUTER)]);
        client.put_route(&both, &[]).await.unwrap();
        let beside = theirs(&our_route(DEFAULT, &[(c, None)]));
        put_theirs(&beside, NLM_F_APPEND).await;
        let mut world = World::watch();

        client.put_route(&one, &both.legs).await.unwrap();
        assert_eq!(world.legs_in_turn(one.key), std::slice::from_ref(&one.legs));
        client.put_route(&both, &one.legs).await.unwrap();
        assert_eq!(world.legs_in_turn(one.key), std::slice::from_ref(&both.legs));
        assert_eq!(client.put_route(&both, &[]).await.unwrap_err().kind(), Kind::Exists);
        client.delete_route(&both.key).await.unwrap();
        world.is_true("all");
        assert_eq!(world.told.routes.get(&beside.key), Some(&beside));
        assert_eq!(world.doubts, 0);
    });
}

#[test]
fn a_route_that_gets_or_loses_its_routers_is_never_without_a_leg() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_taps, [a, b, c]) = three_taps(&client).await;
        let [direct, routed] = [None, ROUTER].map(|via| our_route(PREFIX, &[(a, via), (b, via)]));
        client.put_route(&direct, &[]).await.unwrap();
        let beside = theirs(&our_route(PREFIX, &[(c, None)]));
        put_theirs(&beside, NLM_F_APPEND).await;
        let mut world = World::watch();

        for (to, from) in [(&routed, &direct), (&direct, &routed)] {
            client.put_route(to, &from.legs).await.unwrap();
            let turns = world.legs_in_turn(to.key);
            assert!(turns.iter().all(|legs| !legs.is_empty()), "{turns:?}");
            world.is_true("the change");
            assert_eq!(world.told.routes[&to.key], *to);
            assert_eq!(world.told.routes[&beside.key], beside);
        }
    });
}

#[test]
fn whatever_becomes_of_a_nic_the_facts_tell_it() {
    follow_nics("0");
}

/// Some routing daemons ask the kernel for that.
#[test]
fn what_is_not_told_of_a_nic_that_goes_down_is_known() {
    follow_nics("1");
}

fn follow_nics(skip_notify: &'static str) {
    namespace(async move || {
        std::fs::write("/proc/sys/net/ipv6/route/skip_notify_on_dev_down", skip_notify).unwrap();
        let client = Client::connect().unwrap();
        let ([first, second, third], [a, b, c]) = three_taps(&client).await;
        let set = async |index: IfIndex, up: bool| {
            let message = LinkUnspec::new_with_index(index.0);
            let message = if up { message.up() } else { message.down() };
            somebody_else().link().set(message.build()).execute().await.unwrap();
        };
        let put = async || {
            let mut last_resort = our_route(PREFIX, &[(a, None), (b, None), (c, None)]);
            last_resort.key.metric = LAST_RESORT_METRIC;
            let routed = our_route(DEFAULT, &[(a, ROUTER), (b, ROUTER), (c, ROUTER)]);
            for route in [our_route(PREFIX, &[(a, None), (b, None)]), last_resort, routed] {
                let present = dumped().routes.remove(&route.key).map(|route| route.legs).unwrap_or_default();
                client.put_route(&route, &present).await.unwrap();
            }
            for (index, address) in [(a, "2001:db8:1::50/128"), (b, "2001:db8:1::51/128")] {
                let added = client.add_address(&common::address(index, address), Scope::Global).await;
                assert!(added.as_ref().map_or_else(|error| error.kind() == Kind::Exists, |()| true), "{added:?}");
            }
        };
        let mut world = World::watch();
        put().await;
        world.is_true("the start");
        first.set_carrier(false);
        world.is_true("the loss of carrier");
        first.set_carrier(true);
        world.is_true("the return of carrier");
        set(a, false).await;
        world.is_true("one NIC set down");
        set(b, false).await;
        set(c, false).await;
        world.is_true("all NICs set down");
        assert!(world.told.routes.values().all(|route| !route.key.ours), "the kernel drops what has no way out");
        for index in [a, b, c] {
            set(index, true).await;
        }
        put().await;
        world.is_true("all NICs set up");
        drop(third);
        world.is_true("the end of one NIC");
        drop((first, second));
        world.is_true("the end of all NICs");
        assert_eq!(world.doubts, 0);
    });
}

/// In each case the kernel names one leg or one owner, and more than that has changed.
#[test]
fn where_somebody_else_meddles_with_a_route_of_ours_only_a_dump_tells() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_taps, [a, b, c]) = three_taps(&client).await;
        let [direct, routed] = [None, ROUTER].map(|via| our_route(PREFIX, &[(a, via), (b, via)]));
        let [leg, router] = [None, Some("fe80::2")].map(|via| theirs(&our_route(PREFIX, &[(c, via)])));
        for (route, meddler, flags) in [
            (&direct, &leg, NLM_F_REPLACE),
            (&direct, &router, NLM_F_REPLACE),
            (&routed, &router, NLM_F_REPLACE),
            (&routed, &router, NLM_F_APPEND),
        ] {
            client.put_route(route, &[]).await.unwrap();
            let mut world = World::watch();
            put_theirs(meddler, flags).await;
            world.is_true("the meddling");
            assert!(world.doubts > 0, "{meddler:?} {flags:x}");
            assert_ne!(world.told.routes.get(&route.key), Some(route), "{meddler:?} {flags:x}");
            for key in [route.key, meddler.key] {
                if let Some(route) = dumped().routes.remove(&key) {
                    delete_any(route).await;
                }
            }
            world.is_true("the end");
        }
    });
}

#[test]
fn routers_that_advertise_themselves_are_all_known() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (tap, index) = tap_up(&client, "t0").await;
        let mut world = World::watch();
        for last in [1, 2] {
            tap.receive(&advertisement(last));
        }
        let key = RouteKey { to: DEFAULT.parse().unwrap(), metric: 1024, ours: false };
        let both = ["fe80::1", "fe80::2"].map(|via| Leg { index, via: Some(via.parse().unwrap()) });
        let deadline = std::time::Instant::now() + common::PATIENCE;
        while dumped().routes.get(&key).is_none_or(|route| route.legs != both) {
            assert!(std::time::Instant::now() < deadline, "no routes: {:#?}", dumped().routes);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        world.is_true("two advertisements");
    });
}

/// A router advertisement of fe80::`last` to all nodes (RFC 4861 §4.2): it is a router for half an hour.
fn advertisement(last: u8) -> Vec<u8> {
    let mut source = [0; 16];
    (source[0], source[1], source[15]) = (0xfe, 0x80, last);
    let mut to = [0; 16];
    (to[0], to[1], to[15]) = (0xff, 0x02, 1);
    let mut message = vec![134, 0, 0, 0, 64, 0];
    message.extend(1800_u16.to_be_bytes());
    message.extend([0; 8]);
    let sum = checksum(&[&source[..], &to, &[0, 0, 0, message.len() as u8, 0, 0, 0, 58], &message[..]].concat());
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let ethernet = [0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, last, 0x86, 0xdd];
    let header = [0x60, 0, 0, 0, 0, message.len() as u8, 58, 255];
    [&ethernet[..], &header, &source, &to, &message].concat()
}

/// Of an even number of bytes (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks_exact(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
    let sum = words.sum::<u32>();
    !((sum & 0xffff) + (sum >> 16)) as u16
}

#[test]
fn what_ipv6_is_on_a_link_is_known() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, _) = tap_up(&client, "t0").await;
        let inet6 = async || link(&client, "t0").await.inet6.map(|inet6| inet6.forwarding);
        assert_eq!(inet6().await, Some(false));
        set_ipv6("t0", "forwarding", 1);
        assert_eq!(inet6().await, Some(true));
        set_ipv6("t0", "disable_ipv6", 1);
        assert_eq!(inet6().await, None);
        set_ipv6("t0", "disable_ipv6", 0);
        assert_eq!(inet6().await, Some(true));
        set_ipv6("all", "forwarding", 0);
        assert_eq!(inet6().await, Some(false));
        let index = link(&client, "t0").await.index;
        somebody_else().link().set(LinkUnspec::new_with_index(index.0).mtu(1000).build()).execute().await.unwrap();
        assert_eq!(inet6().await, None, "IPv6 takes packets of 1280 bytes");
    });
}

/// Neither setting makes a notice of the link; who wants to know asks.
#[test]
fn a_setting_of_ipv6_is_in_the_answer_to_a_question() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        let mut monitor = ipmp_netlink::Monitor::open().unwrap();
        let asker = monitor.asker().unwrap();
        for (setting, told) in [("forwarding", Some(true)), ("disable_ipv6", None)] {
            set_ipv6("t0", setting, 1);
            let mut facts = Vec::new();
            monitor.drain(&mut facts);
            assert!(!facts.iter().any(|fact| matches!(fact, Fact::Link(_))), "{facts:#?}");
            asker.ask(index).unwrap();
            let answer = common::wait_for_link(&mut monitor, setting, |link| link.index == index);
            assert_eq!(answer.inet6.map(|inet6| inet6.forwarding), told);
        }
    });
}
