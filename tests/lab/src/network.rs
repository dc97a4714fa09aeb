//! The standard network of the tests.
//!
//! ```text
//!                 switch                                  LAN: 192.0.2.0/24, 2001:db8::/64
//!            +--------------+
//!  host eth0-|p0            |
//!       eth1-|p1       lan0 |-lan0 router wan0 --- eth0 remote      198.51.100.0/24, 2001:db8:1::/64
//!        ... |          c0  |-eth0 client
//!            +--------------+
//! ```
//!
//! The members of `host` carry no address: that is the daemon's business. Only documentation prefixes are used
//! (RFC 5737, RFC 3849).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::IpNet;

use crate::error::{Error, Result};
use crate::wire::{Member, Port, WireKind, mac};
use crate::{Namespace, wait_until};

/// The router on the LAN.
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The router on the LAN, IPv6.
pub const ROUTER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
/// The client on the LAN.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
/// The client on the LAN, IPv6.
pub const CLIENT6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);
/// The client behind the router.
pub const REMOTE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
/// The client behind the router, IPv6.
pub const REMOTE6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 7);

const ROUTER_WAN: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const ROUTER_WAN6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);

/// How long the kernel may take to act upon all carriers; it does one thing at a time for all namespaces.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// The names of the two bridges; the second is only there with a trunk.
const SWITCHES: [&str; 2] = ["br0", "br1"];

/// What to build.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many NICs the host has: `eth0`, `eth1`, ...
    pub members: usize,
    /// What connects them to the switch.
    pub wire: WireKind,
    /// Two switches joined by a trunk. NICs with odd numbers are on the second, everything else on the first.
    pub trunk: bool,
    /// What the dice of the cables are thrown from. Loss at a veth wire is random, not seeded.
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Plan { members: 2, wire: WireKind::Veth, trunk: false, seed: 0 }
    }
}

/// A network. Everything in it goes when it is dropped, or when the program ends, however it ends.
#[derive(Debug)]
pub struct Network {
    /// The host with several NICs.
    pub host: Namespace,
    /// The switch, or both. It has no address.
    pub switch: Namespace,
    /// The router between LAN and remote client.
    pub router: Namespace,
    /// A station on the LAN, link `eth0`.
    pub client: Namespace,
    /// A station behind the router, link `eth0`.
    pub remote: Namespace,
    /// The NICs of the host.
    pub members: Vec<Member>,
    /// Where the router is plugged in.
    pub router_port: Port,
    /// Where the client is plugged in.
    pub client_port: Port,
    /// The first switch's end of the trunk, where there is one.
    pub trunk: Option<Port>,
}

impl Network {
    /// A host with so many NICs, on veth wires to one switch.
    pub fn new(members: usize) -> Result<Self> {
        Plan { members, ..Plan::default() }.build()
    }

    /// Puts one more station on the LAN, at a port of the first switch; its link is `eth0`, it has no addresses but
    /// the link-local one, and `number` tells it from others.
    pub fn add_station(&self, number: u8) -> Result<(Namespace, Port)> {
        let port = Port::new(&self.switch, &format!("s{number}"), SWITCHES[0]);
        let station = station()?;
        port.plug_in(&station, "eth0", mac(0xfc, number))?;
        station.set_up("eth0")?;
        wait_running(&station)?;
        Ok((station, port))
    }
}

impl Plan {
    /// Builds the network.
    pub fn build(&self) -> Result<Network> {
        let switch = self.switches()?;
        let [host, router, client, remote] = [station()?, station()?, station()?, station()?];
        let port = |name: &str| Port::new(&switch, name, SWITCHES[0]);
        let (router_port, client_port) = (port("lan0"), port("c0"));
        router_port.plug_in(&router, "lan0", mac(0xff, 1))?;
        client_port.plug_in(&client, "eth0", mac(0xff, 7))?;
        router.add_veth("wan0", mac(0xfe, 1), &remote, "eth0")?;
        address(&router, &client, &remote)?;
        let members = (0..self.members).map(|number| {
            let bridge = SWITCHES[if self.trunk { number % 2 } else { 0 }];
            let port = Port::new(&switch, &format!("p{number}"), bridge);
            Member::new(number, self.wire, &host, port, self.seed.wrapping_add(number as u64))
        });
        let members = members.collect::<Result<_>>()?;
        let trunk = self.trunk.then(|| port("trunk0"));
        [&host, &switch, &router, &client, &remote].into_iter().try_for_each(wait_running)?;
        Ok(Network { host, switch, router, client, remote, members, router_port, client_port, trunk })
    }

    fn switches(&self) -> Result<Namespace> {
        let switch = Namespace::new()?;
        // A switch says nothing of its own.
        switch.set_sysctl("net/ipv6/conf/default/disable_ipv6", "1")?;
        switch.set_sysctl("net/ipv6/conf/all/disable_ipv6", "1")?;
        let count = if self.trunk { 2 } else { 1 };
        for bridge in &SWITCHES[..count] {
            switch.add_bridge(bridge)?;
            switch.set_up(bridge)?;
        }
        if self.trunk {
            switch.add_veth("trunk0", mac(0xfd, 0), &switch, "trunk1")?;
            for (port, bridge) in ["trunk0", "trunk1"].into_iter().zip(SWITCHES) {
                switch.attach(port, bridge)?;
                switch.set_up(port)?;
            }
        }
        Ok(switch)
    }
}

/// A namespace whose IPv6 addresses are usable at once.
fn station() -> Result<Namespace> {
    let namespace = Namespace::new()?;
    for which in ["default", "all"] {
        namespace.set_sysctl(&format!("net/ipv6/conf/{which}/accept_dad"), "0")?;
    }
    Ok(namespace)
}

/// Gives everyone but the host addresses and routes.
fn address(router: &Namespace, client: &Namespace, remote: &Namespace) -> Result<()> {
    for (station, link, v4, v6) in [
        (router, "lan0", ROUTER, ROUTER6),
        (client, "eth0", CLIENT, CLIENT6),
        (router, "wan0", ROUTER_WAN, ROUTER_WAN6),
        (remote, "eth0", REMOTE, REMOTE6),
    ] {
        station.set_up(link)?;
        station.add_address(link, net(v4.into(), 24)?)?;
        station.add_address(link, net(v6.into(), 64)?)?;
    }
    for (station, v4, v6) in [(client, ROUTER, ROUTER6), (remote, ROUTER_WAN, ROUTER_WAN6)] {
        station.add_route(net(Ipv4Addr::UNSPECIFIED.into(), 0)?, Some(v4.into()), "eth0")?;
        station.add_route(net(Ipv6Addr::UNSPECIFIED.into(), 0)?, Some(v6.into()), "eth0")?;
    }
    router.set_sysctl("net/ipv4/ip_forward", "1")?;
    router.set_sysctl("net/ipv6/conf/all/forwarding", "1")
}

/// Waits until the kernel has acted upon every carrier, and hastens it.
fn wait_running(station: &Namespace) -> Result<()> {
    wait_until(READY_WITHIN, "all links to run", || {
        let mut idle = station.links()?.into_iter().filter(|link| !link.running).peekable();
        let all_run = idle.peek().is_none();
        idle.try_for_each(|link| station.hasten(&link.name))?;
        Ok(all_run)
    })
}

fn net(address: IpAddr, length: u8) -> Result<IpNet> {
    IpNet::new(address, length).map_err(|error| Error::new(format!("{address}/{length}"), error.to_string()))
}
