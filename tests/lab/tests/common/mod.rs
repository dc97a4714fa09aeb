//! A network whose host has its addresses on `eth0`, as without any multipathing.

// Each test file uses some of it.
#![allow(dead_code)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipmp_lab::{CLIENT, Network, Plan, ROUTER, ROUTER6, Result, Station, WireKind};

/// The host.
pub const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 50));
/// The host, IPv6.
pub const HOST6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x50));

pub fn network(wire: WireKind) -> Result<Network> {
    let network = Plan { wire, ..Plan::default() }.build()?;
    // Or eth1 would answer ARP for the address of eth0.
    network.host.set_sysctl("net/ipv4/conf/all/arp_ignore", "1")?;
    network.host.add_address("eth0", "192.0.2.50/24".parse().unwrap())?;
    network.host.add_address("eth0", "2001:db8::50/64".parse().unwrap())?;
    network.host.add_route("0.0.0.0/0".parse().unwrap(), Some(ROUTER.into()), "eth0")?;
    network.host.add_route("::/0".parse().unwrap(), Some(ROUTER6.into()), "eth0")?;
    Ok(network)
}

pub fn host(network: &Network) -> Station<'_> {
    (&network.host, HOST)
}

pub fn client(network: &Network) -> Station<'_> {
    (&network.client, CLIENT.into())
}
