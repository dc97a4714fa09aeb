//! Which links have room for many hosts, and how large a packet each takes.

mod common;

use common::{Tap, index_of, link, namespace, somebody_else};
use ipmp_netlink::Client;
use rtnetlink::{Handle, LinkBridge, LinkMacVlan, LinkUnspec, LinkVeth};

async fn set_mtu(other: &Handle, index: u32, mtu: u32) {
    other.link().set(LinkUnspec::new_with_index(index).mtu(mtu).build()).execute().await.unwrap();
}

#[test]
fn a_link_with_many_hosts_is_told_from_one_without() {
    namespace(async || {
        let (client, other) = (Client::connect().unwrap(), somebody_else());
        let _devices = (Tap::new("tap0"), Tap::tun("tun0"));
        other.link().add(LinkVeth::new("veth0", "veth1").build()).execute().await.unwrap();
        other.link().add(LinkBridge::new("bridge0").build()).execute().await.unwrap();
        let lower = index_of(&client, "veth1").await.0;
        let mode = rtnetlink::packet_route::link::MacVlanMode::Bridge;
        other.link().add(LinkMacVlan::new("macvlan0", lower, mode).build()).execute().await.unwrap();
        let many = ["tap0", "veth0", "veth1", "bridge0", "macvlan0"];
        for (name, multi_access) in many.map(|name| (name, true)).into_iter().chain([("lo", false), ("tun0", false)]) {
            assert_eq!(link(&client, name).await.multi_access, multi_access, "{name}");
        }
    });
}

#[test]
fn a_port_of_a_bridge_has_no_hosts_of_its_own() {
    namespace(async || {
        let (client, other) = (Client::connect().unwrap(), somebody_else());
        let tap = Tap::new("t0");
        other.link().add(LinkBridge::new("bridge0").build()).execute().await.unwrap();
        let (port, bridge) = (index_of(&client, "t0").await.0, index_of(&client, "bridge0").await.0);
        for (controller, multi_access) in [(bridge, false), (0, true)] {
            let message = LinkUnspec::new_with_index(port).controller(controller).build();
            other.link().set(message).execute().await.unwrap();
            assert_eq!(link(&client, tap.name.as_str()).await.multi_access, multi_access, "port of {controller}");
        }
    });
}

#[test]
fn the_largest_packet_is_known_and_may_change() {
    namespace(async || {
        let (client, other) = (Client::connect().unwrap(), somebody_else());
        other.link().add(LinkVeth::new("veth0", "veth1").build()).execute().await.unwrap();
        let veth = link(&client, "veth0").await;
        assert_eq!(veth.mtu, 1500);
        set_mtu(&other, veth.index.0, 9000).await;
        assert_eq!(link(&client, "veth0").await.mtu, 9000);
        assert_eq!(link(&client, "lo").await.mtu, 65536);
    });
}
