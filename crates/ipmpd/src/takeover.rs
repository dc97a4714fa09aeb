//! What becomes of the addresses and routes of an interface that joins a group, and of those of a group that goes. Pure:
//! it works on what was captured, and changes nothing.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipmp_config::Edit;
use ipmp_core::kernel::{AddressKey, Link, Route, RouteKey, Scope};
use ipmp_core::{Config, Foreign, ForeignKey, GroupConfig, IfIndex, IfName};
use ipmp_netlink::{Captured, CapturedAddress, CapturedRoute, foreign_address, foreign_route};
use ipnet::IpNet;

/// The kernel's own: a route to the prefix of an address, which goes with it (`RTPROT_KERNEL`).
const BY_KERNEL: u8 = 2;
/// By a router advertisement (`RTPROT_RA`).
const BY_ADVERTISEMENT: u8 = 9;

/// What comes of it.
#[derive(Debug, Default)]
pub struct Takeover {
    /// What the group gets.
    pub edits: Vec<Edit>,
    /// What goes once the group has it.
    pub take: Vec<Foreign>,
    /// What stays, and why.
    pub warnings: Vec<String>,
}

/// What interfaces hand over that join a group, which the configuration has with them in it.
///
/// # Errors
///
/// Why they cannot join, and what to do.
pub fn takeover(group: &IfName, joining: &[IfName], captured: &Captured, config: &Config) -> Result<Takeover, String> {
    let Some(group) = config.groups.iter().find(|known| known.interface == *group) else {
        return Err(format!("{group} is not an IPMP interface"));
    };
    captured.links.iter().filter(|link| joining.contains(&link.name)).try_for_each(|link| may_join(link, group))?;
    let index = |name: &IfName| captured.links.iter().find(|link| link.name == *name).map(|link| link.index);
    let joining: BTreeSet<IfIndex> = joining.iter().filter_map(index).collect();
    let members: BTreeSet<IfIndex> = group.members.iter().filter_map(|member| index(&member.interface)).collect();
    let mut takeover = Takeover::default();
    for address in captured.addresses.iter().filter(|address| joining.contains(&address.key.index)) {
        takeover.address(address, group, &name_of(captured, address.key.index))?;
    }
    for route in captured.routes.iter().filter(|captured| touches(&captured.route, &joining)) {
        if route.protocol != BY_KERNEL {
            takeover.route(route, group, &members);
        } else if takeover.leaves_behind(route) {
            takeover.take.push(route.foreign.clone());
        }
    }
    Ok(takeover)
}

/// What an interface gets of a group that goes: its data addresses, as the subnets' own, its gateways and its routes.
pub fn release(group: &GroupConfig, to: IfIndex) -> Vec<Foreign> {
    let addresses = group.addresses.iter().map(|address| foreign_address(to, *address));
    let gateways = group.gateways.iter().map(|gateway| foreign_route(everywhere(*gateway), *gateway, to));
    let routes = group.routes.iter().map(|route| foreign_route(route.to, route.via, to));
    addresses.chain(gateways).chain(routes).collect()
}

impl Takeover {
    fn address(&mut self, captured: &CapturedAddress, group: &GroupConfig, name: &str) -> Result<(), String> {
        let AddressKey { address, .. } = captured.key;
        if captured.scope != Scope::Global || is_test_address(group, address.addr()) {
            return Ok(());
        }
        if !captured.permanent && address.addr().is_ipv4() {
            return Err(format!(
                "{name} cannot join {}: its address {address} belongs to a DHCP client, which would go on renewing it; give \
                 {name} this address for good first, or free it",
                group.interface
            ));
        }
        if !captured.permanent {
            self.warnings.push(format!(
                "{address} stays on {name} and does not move: it is made from router advertisements, or has a lifetime"
            ));
            return Ok(());
        }
        if !group.addresses.iter().any(|known| known.addr() == address.addr()) {
            let interface = group.interface.clone();
            self.edits.push(Edit::AddAddress { interface, address, down: false });
        }
        self.take.push(captured.foreign.clone());
        Ok(())
    }

    fn route(&mut self, captured: &CapturedRoute, group: &GroupConfig, members: &BTreeSet<IfIndex>) {
        let Route { key, legs, .. } = &captured.route;
        if key.to.addr().is_ipv6() && is_link_local(key.to.addr()) {
            return;
        }
        let routers: BTreeSet<IpAddr> = legs.iter().filter_map(|leg| leg.via).collect();
        let by_routers = !routers.is_empty() && legs.iter().all(|leg| leg.via.is_some());
        let same_family = routers.iter().all(|router| router.is_ipv4() == key.to.addr().is_ipv4());
        let of_members = legs.iter().all(|leg| members.contains(&leg.index));
        let default = key.to.prefix_len() == 0;
        if !by_routers || !same_family || !of_members || (!default && routers.len() > 1) {
            self.warnings.push(format!("the route to {} stays as it is: a group cannot have it", key.to));
            return;
        }
        for router in routers {
            self.edits.extend(self.missing(key.to, router, group));
        }
        if captured.protocol != BY_ADVERTISEMENT {
            self.take.push(captured.foreign.clone());
        }
    }

    /// Whether the kernel leaves its own route to the prefix of an address where it is when that goes: of IPv6 it removes
    /// the group's, which has the better metric.
    fn leaves_behind(&self, captured: &CapturedRoute) -> bool {
        let RouteKey { to, .. } = captured.route.key;
        let goes = |foreign: &Foreign| match &foreign.key {
            ForeignKey::Address(key) => {
                key.address.trunc() == to && captured.route.legs.iter().any(|leg| leg.index == key.index)
            }
            ForeignKey::Route(..) => false,
        };
        to.addr().is_ipv6() && self.take.iter().any(goes)
    }

    /// The edit that gives the group a way, where it has none yet.
    fn missing(&self, to: IpNet, via: IpAddr, group: &GroupConfig) -> Option<Edit> {
        let interface = group.interface.clone();
        let edit = match to.prefix_len() {
            0 if group.gateways.contains(&via) => return None,
            0 => Edit::AddGateway { interface, gateway: via },
            _ if group.routes.iter().any(|route| route.to == to.trunc()) => return None,
            _ => Edit::AddRoute { interface, to: to.trunc(), via },
        };
        (!self.edits.contains(&edit)).then_some(edit)
    }
}

/// Solaris refuses these too (IPMP behaviour, §13, set group name). One that is not there yet may join when it appears.
fn may_join(link: &Link, group: &GroupConfig) -> Result<(), String> {
    if link.multi_access {
        return Ok(());
    }
    Err(format!(
        "{0} cannot join {1}: it is a point-to-point link, a port of a bridge or bond, or without ARP or multicast \
         (`ip -d link show {0}` tells which)",
        link.name, group.interface
    ))
}

fn touches(route: &Route, interfaces: &BTreeSet<IfIndex>) -> bool {
    route.legs.iter().any(|leg| interfaces.contains(&leg.index))
}

fn is_test_address(group: &GroupConfig, address: IpAddr) -> bool {
    group.members.iter().flat_map(|member| &member.test_addresses).any(|test| test.addr() == address)
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local() || address.is_multicast())
}

fn everywhere(family: IpAddr) -> IpNet {
    IpNet::new_assert(family, 0).trunc()
}

fn name_of(captured: &Captured, index: IfIndex) -> String {
    let link = captured.links.iter().find(|link| link.index == index);
    link.map_or_else(|| format!("interface {index}"), |link| link.name.to_string())
}
