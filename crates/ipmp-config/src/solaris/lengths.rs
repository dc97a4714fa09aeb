//! Which subnet an address is in that was written without one.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use super::steps::mask;
use super::world::World;

/// `/etc/netmasks`: networks and the masks of their subnets.
#[derive(Clone, Debug, Default)]
pub(super) struct Netmasks(Vec<(Ipv4Net, u8)>);

impl Netmasks {
    /// Lines that are none are passed over, as on Solaris.
    pub(super) fn parse(text: &str) -> Self {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        Self(
            lines
                .filter_map(|line| {
                    let mut words = line.split_whitespace();
                    let network: Ipv4Addr = words.next()?.parse().ok()?;
                    let length = mask(words.next()?).ok()??;
                    Some((Ipv4Net::new(network, length).ok()?, length))
                })
                .collect(),
        )
    }

    /// The mask of the subnet that has the address, or of the network of its class.
    fn length(&self, address: Ipv4Addr) -> Option<u8> {
        let subnet = || self.0.iter().find(|(network, _)| network.contains(&address));
        let class = Ipv4Net::new(address, class(address)).ok()?.network();
        let network = || self.0.iter().find(|(network, _)| network.addr() == class);
        subnet().or_else(network).map(|(_, length)| *length)
    }
}

impl World {
    /// Gives each address a length: that of a subnet of its group which has it, else by the netmasks, else by its class,
    /// with a warning.
    pub(super) fn settle_lengths(&mut self, netmasks: &Netmasks) -> Vec<String> {
        let mut warnings = Vec::new();
        let known = self.subnets();
        for interface in &mut self.interfaces {
            let ipmp =
                if interface.is_ipmp() { Some(interface.name.clone()) } else { interface.under().map(str::to_owned) };
            for family in [super::Family::Inet, super::Family::Inet6] {
                for held in interface.units_mut(family).iter_mut().filter_map(|unit| unit.address.as_mut()) {
                    if held.length.is_some() {
                        continue;
                    }
                    let same = known.iter().find(|(group, net)| *group == ipmp && net.contains(&held.address));
                    let listed = || match held.address {
                        IpAddr::V4(v4) => netmasks.length(v4),
                        IpAddr::V6(_) => None,
                    };
                    let length = same.map(|(_, net)| net.prefix_len()).or_else(listed).unwrap_or_else(|| {
                        let length = usual(held.address);
                        warnings.push(format!(
                            "{0} is written without the length of its subnet's prefix; {0}/{length} is assumed",
                            held.address
                        ));
                        length
                    });
                    held.length = Some(length);
                }
            }
        }
        warnings
    }

    fn subnets(&self) -> Vec<(Option<String>, IpNet)> {
        let of = |interface: &super::world::Interface| {
            if interface.is_ipmp() { Some(interface.name.clone()) } else { interface.under().map(str::to_owned) }
        };
        let interfaces = self.interfaces.iter();
        let nets = interfaces.flat_map(|interface| interface.addresses().map(move |(held, _)| (of(interface), held)));
        nets.filter_map(|(group, held)| Some((group, IpNet::new(held.address, held.length?).ok()?))).collect()
    }
}

fn usual(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(v4) => class(v4),
        IpAddr::V6(_) => 64,
    }
}

/// As before there were subnets.
fn class(address: Ipv4Addr) -> u8 {
    match address.octets()[0] {
        0..128 => 8,
        128..192 => 16,
        _ => 24,
    }
}
