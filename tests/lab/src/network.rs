//! The standard network of the tests, and the faults of its wires.
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
use pnet::util::MacAddr;

use crate::cable::{Cable, End};
use crate::error::{Error, Result};
use crate::{Frames, Namespace, Way, wait_until};

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

/// The kind of wire between a NIC and its switch port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireKind {
    /// A veth pair. The kernel tells of its carrier at once, always.
    Veth,
    /// A [`Cable`] between two TAP devices: may be slow, and its carrier is told as late as that of a real NIC.
    /// Needs `/dev/net/tun`.
    Cable,
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
}

impl Plan {
    /// Builds the network.
    pub fn build(&self) -> Result<Network> {
        let switch = self.switches()?;
        let [host, router, client, remote] = [station()?, station()?, station()?, station()?];
        let router_port = plug(&router, "lan0", mac(0xff, 1), &switch, "lan0")?;
        let client_port = plug(&client, "eth0", mac(0xff, 7), &switch, "c0")?;
        router.add_veth("wan0", mac(0xfe, 1), &remote, "eth0")?;
        for (namespace, link, v4, v6) in [
            (&router, "lan0", ROUTER, ROUTER6),
            (&client, "eth0", CLIENT, CLIENT6),
            (&router, "wan0", ROUTER_WAN, ROUTER_WAN6),
            (&remote, "eth0", REMOTE, REMOTE6),
        ] {
            namespace.set_up(link)?;
            namespace.add_address(link, net(v4.into(), 24)?)?;
            namespace.add_address(link, net(v6.into(), 64)?)?;
        }
        for (namespace, link, v4, v6) in
            [(&client, "eth0", ROUTER, ROUTER6), (&remote, "eth0", ROUTER_WAN, ROUTER_WAN6)]
        {
            namespace.add_route(net(Ipv4Addr::UNSPECIFIED.into(), 0)?, Some(v4.into()), link)?;
            namespace.add_route(net(Ipv6Addr::UNSPECIFIED.into(), 0)?, Some(v6.into()), link)?;
        }
        router.set_sysctl("net/ipv4/ip_forward", "1")?;
        router.set_sysctl("net/ipv6/conf/all/forwarding", "1")?;
        let members = (0..self.members).map(|number| {
            let bridge = SWITCHES[if self.trunk { number % 2 } else { 0 }];
            let port = Port { switch: switch.clone(), name: format!("p{number}") };
            let mut member = Member {
                number,
                name: format!("eth{number}"),
                kind: self.wire,
                host: host.clone(),
                port,
                bridge,
                seed: self.seed.wrapping_add(number as u64),
                plugged: 0,
                cable: None,
            };
            member.plug().map(|()| member)
        });
        let members = members.collect::<Result<_>>()?;
        let trunk = self.trunk.then(|| Port { switch: switch.clone(), name: "trunk0".into() });
        for namespace in [&host, &switch, &router, &client, &remote] {
            wait_until(READY_WITHIN, "all links to run", || {
                let mut idle = namespace.links()?.into_iter().filter(|link| !link.running).peekable();
                let all_run = idle.peek().is_none();
                idle.try_for_each(|link| namespace.hasten(&link.name))?;
                Ok(all_run)
            })?;
        }
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

/// A locally administered hardware address.
fn mac(station: u8, number: u8) -> MacAddr {
    MacAddr::new(0x02, 0, 0, 0, station, number)
}

fn net(address: IpAddr, length: u8) -> Result<IpNet> {
    IpNet::new(address, length).map_err(|error| Error::new(format!("{address}/{length}"), error.to_string()))
}

/// Connects a new link of a station to a new port of the first switch. The station's end is left down.
fn plug(station: &Namespace, link: &str, mac: MacAddr, switch: &Namespace, port: &str) -> Result<Port> {
    station.add_veth(link, mac, switch, port)?;
    switch.attach(port, SWITCHES[0])?;
    switch.set_up(port)?;
    Ok(Port { switch: switch.clone(), name: port.into() })
}

/// A port of the switch, and what can go wrong there.
#[derive(Clone, Debug)]
pub struct Port {
    switch: Namespace,
    name: String,
}

impl Port {
    /// The name of the link in the switch's namespace.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Disables or enables the port. At a veth wire the station loses or gains carrier at once.
    pub fn set_up(&self, up: bool) -> Result<()> {
        if up { self.switch.set_up(&self.name) } else { self.switch.set_down(&self.name) }
    }

    /// Drops everything in both ways, or forwards again. Carrier stays, and the switch forgets no hardware address.
    pub fn set_forwarding(&self, forwarding: bool) -> Result<()> {
        self.switch.set_forwarding(&self.name, forwarding)
    }

    /// Loses a share (0 to 1) of these frames; 0 ends it. See [`Namespace::lose`].
    pub fn lose(&self, way: Way, frames: Frames, share: f64) -> Result<()> {
        self.switch.lose(&self.name, way, frames, share)
    }

    /// Ends all faults of this port.
    pub fn mend(&self) -> Result<()> {
        self.switch.lose_nothing(&self.name)?;
        self.set_up(true)?;
        self.set_forwarding(true)
    }
}

/// A NIC of the host, its wire and its switch port.
#[derive(Debug)]
pub struct Member {
    number: usize,
    name: String,
    kind: WireKind,
    host: Namespace,
    port: Port,
    bridge: &'static str,
    seed: u64,
    /// How often it was plugged in: each NIC has a hardware address of its own.
    plugged: u8,
    cable: Option<Cable>,
}

impl Member {
    /// The name of the NIC in the host.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hardware address that the NIC came with.
    pub fn mac(&self) -> MacAddr {
        mac(self.number as u8, self.plugged)
    }

    /// The switch port that it is plugged into.
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// The cable, where it is one and the NIC is there. Its end [`End::A`] is the NIC.
    pub fn cable(&self) -> Option<&Cable> {
        self.cable.as_ref()
    }

    /// Pulls the wire, or plugs it in again. The NIC stays.
    pub fn set_carrier(&self, carrier: bool) -> Result<()> {
        match &self.cable {
            Some(cable) => cable.set_carrier(End::A, carrier),
            None => self.port.set_up(carrier),
        }
    }

    /// Lets nothing pass in either way while carrier stays; see [`Port::set_forwarding`].
    pub fn silence(&self) -> Result<()> {
        self.port.set_forwarding(false)
    }

    /// Loses a share (0 to 1) of these frames; 0 ends it. See [`Namespace::lose`].
    pub fn lose(&self, way: Way, frames: Frames, share: f64) -> Result<()> {
        self.port.lose(way, frames, share)
    }

    /// Ends all faults of the wire and of the port, but does not plug in a NIC that was unplugged.
    pub fn mend(&self) -> Result<()> {
        if let Some(cable) = &self.cable {
            cable.mend()?;
        }
        self.port.mend()
    }

    /// Takes the NIC out of the host.
    pub fn unplug(&mut self) -> Result<()> {
        match self.cable.take() {
            Some(cable) => drop(cable),
            None => self.host.delete_link(&self.name)?,
        }
        Ok(())
    }

    /// Puts another NIC of the same name in, with a hardware address of its own, and sets it up.
    pub fn plug(&mut self) -> Result<()> {
        self.plugged += 1;
        let (mac, port) = (self.mac(), &self.port);
        match self.kind {
            WireKind::Veth => self.host.add_veth(&self.name, mac, &port.switch, &port.name)?,
            WireKind::Cable => {
                self.cable = Some(Cable::new(&self.host, &self.name, &port.switch, &port.name, self.seed)?);
                self.host.set_mac(&self.name, mac)?;
            }
        }
        port.switch.attach(&port.name, self.bridge)?;
        port.set_up(true)?;
        self.host.set_up(&self.name)
    }
}
