//! Requests and their refusals, on a real kernel.

mod common;

use std::net::Ipv4Addr;

use common::{PATIENCE, Tap, address, index_of, link, namespace, our_route, somebody_else, tap_up};
use ipmp_core::kernel::{AddressInfo, RouteKey, Scope, Tunables};
use ipmp_core::{IfIndex, IfName};
use ipmp_netlink::{Client, Kind, dump};
use rtnetlink::{LinkVeth, RouteMessageBuilder};

#[test]
fn tunables_are_written_and_read_back_and_zero_is_a_value() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        let before = link(&client, "t0").await.tunables.unwrap();
        assert_ne!(before, Tunables::MEMBER);

        client.set_tunables(index, &Tunables::MEMBER).await.unwrap();
        assert_eq!(link(&client, "t0").await.tunables, Some(Tunables::MEMBER));
        client.set_tunables(index, &Tunables::default()).await.unwrap();
        assert_eq!(link(&client, "t0").await.tunables, Some(Tunables::default()));
        client.set_tunables(index, &before).await.unwrap();
        assert_eq!(link(&client, "t0").await.tunables, Some(before));
    });
}

#[test]
fn an_address_carries_our_mark_and_makes_no_prefix_route() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        let (data, test) = (address(index, "10.1.0.50/32"), address(index, "10.1.0.11/24"));
        client.add_address(&data, Scope::Global).await.unwrap();
        client.add_address(&test, Scope::Link).await.unwrap();

        let snapshot = dump(PATIENCE).unwrap();
        assert!(
            snapshot.addresses.contains(&(data, AddressInfo { scope: Scope::Global, ours: true, tentative: false }))
        );
        assert!(snapshot.addresses.contains(&(test, AddressInfo { scope: Scope::Link, ours: true, tentative: false })));
        assert!(!snapshot.routes.iter().any(|route| route.key.to.addr().is_ipv4()), "{snapshot:#?}");

        let again = client.add_address(&data, Scope::Global).await.unwrap_err();
        assert_eq!(again.kind(), Kind::Exists);
        client.delete_address(&data).await.unwrap();
        assert_eq!(client.delete_address(&data).await.unwrap_err().kind(), Kind::NotFound);
        // Exactly this one: the same address with another prefix length is another one.
        let other = address(index, "10.1.0.11/32");
        assert_eq!(client.delete_address(&other).await.unwrap_err().kind(), Kind::NotFound);
    });
}

#[test]
fn an_ipv6_address_is_usable_at_once() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        client.add_address(&address(index, "2001:db8::50/128"), Scope::Global).await.unwrap();
        // A tentative address cannot be bound to.
        std::net::UdpSocket::bind("[2001:db8::50]:0").unwrap();
    });
}

#[test]
fn a_route_of_somebody_else_is_neither_replaced_nor_deleted() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        let ours = our_route("10.9.0.0/16", &[(index, None)]);
        let theirs = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix("10.9.0.0".parse().unwrap(), 16)
            .output_interface(index.0)
            .priority(ours.key.metric)
            .build();
        somebody_else().route().add(theirs).execute().await.unwrap();

        assert_eq!(client.put_route(&ours, &[]).await.unwrap_err().kind(), Kind::Exists);
        assert_eq!(client.delete_route(&ours.key).await.unwrap_err().kind(), Kind::NotFound);
        let routes = dump(PATIENCE).unwrap().routes;
        assert!(routes.iter().any(|route| route.key == RouteKey { ours: false, ..ours.key }), "{routes:#?}");
    });
}

#[test]
fn our_route_is_put_replaced_and_deleted() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let ((_a, first), (_b, second)) = (tap_up(&client, "t0").await, tap_up(&client, "t1").await);
        let ours = || dump(PATIENCE).unwrap().routes.into_iter().filter(|route| route.key.ours).collect::<Vec<_>>();

        // The on-link prefix and a gateway in it, each over both, as in a group.
        let prefix = our_route("10.1.0.0/24", &[(first, None), (second, None)]);
        let default = our_route("0.0.0.0/0", &[(first, Some("10.1.0.1")), (second, Some("10.1.0.1"))]);
        client.put_route(&prefix, &[]).await.unwrap();
        client.put_route(&default, &[]).await.unwrap();
        assert_eq!(ours(), [default.clone(), prefix.clone()]);
        assert_eq!(client.put_route(&prefix, &[]).await.unwrap_err().kind(), Kind::Exists);

        let narrower = our_route("10.1.0.0/24", &[(second, None)]);
        client.put_route(&narrower, &prefix.legs).await.unwrap();
        assert_eq!(ours(), [default.clone(), narrower.clone()]);

        client.delete_route(&narrower.key).await.unwrap();
        client.delete_route(&default.key).await.unwrap();
        assert_eq!(ours(), []);
    });
}

#[test]
fn carrier_can_be_set_where_the_interface_allows_it() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        client.set_carrier(index, false).await.unwrap();
        assert!(!link(&client, "t0").await.carrier);
        client.set_carrier(index, true).await.unwrap();
        assert!(link(&client, "t0").await.carrier);

        somebody_else().link().add(LinkVeth::new("v0", "v1").build()).execute().await.unwrap();
        let refused = client.set_carrier(index_of(&client, "v0").await, false).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::NotSupported, "{refused}");
    });
}

#[test]
fn links_are_looked_up_marked_and_deleted_by_name() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let nobody: IfName = "nobody0".parse().unwrap();
        assert_eq!(client.link_named(&nobody).await.unwrap(), None);
        assert_eq!(client.delete_link(&nobody).await.unwrap_err().kind(), Kind::NoDevice);

        let tap = Tap::new("t0");
        let index = index_of(&client, "t0").await;
        client.set_alias(index, "ipmpd").await.unwrap();
        assert_eq!(link(&client, "t0").await.alias.as_deref(), Some("ipmpd"));
        client.delete_link(&tap.name).await.unwrap();
        assert_eq!(client.link_named(&tap.name).await.unwrap(), None);
    });
}

#[test]
fn a_dummy_interface_is_made_or_the_kernel_has_none() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let name: IfName = "ipmp0".parse().unwrap();
        match client.create_dummy(&name, "ipmpd").await {
            Ok(()) => {
                let link = link(&client, "ipmp0").await;
                assert!(link.up && link.alias.as_deref() == Some("ipmpd"), "{link:?}");
            }
            Err(error) => {
                assert_eq!(error.kind(), Kind::NotSupported);
                assert_eq!(client.link_named(&name).await.unwrap(), None);
            }
        }
    });
}

#[test]
fn a_refusal_says_what_was_refused_in_the_kernels_own_words() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        let key = address(index, "10.1.0.50/32");
        client.add_address(&key, Scope::Global).await.unwrap();
        let refusal = client.add_address(&key, Scope::Global).await.unwrap_err().to_string();
        assert_eq!(
            refusal,
            format!(
                "cannot add address 10.1.0.50/32 to interface {index}: File exists (ipv4: Address already assigned)"
            )
        );

        let refusal = client.set_up(IfIndex(4711)).await.unwrap_err();
        assert_eq!(refusal.kind(), Kind::NoDevice);
        assert_eq!(refusal.to_string(), "cannot set interface 4711 up: No such device");
    });
}

#[test]
fn requests_of_an_ordinary_user_are_refused() {
    namespace(async || {
        let client = Client::connect().unwrap();
        let (_tap, index) = tap_up(&client, "t0").await;
        drop_rights();
        let refused = client.set_up(index).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::NotPermitted, "{refused}");
    });
}

/// Drops the capabilities of this thread; the next test has a thread of its own.
fn drop_rights() {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    let header = Header { version: VERSION_3, pid: 0 };
    let none = [0u32; 6];
    // SAFETY: capset(2) reads a header and, in version 3, six words; both outlive the call.
    assert_eq!(unsafe { libc::syscall(libc::SYS_capset, &header, none.as_ptr()) }, 0);
}
