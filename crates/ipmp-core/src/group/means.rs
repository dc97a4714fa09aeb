//! Which families of a member are probed, and by which means (`docs/probing.md`).

use std::net::IpAddr;

use ipnet::IpNet;

use crate::action::Means;
use crate::config::ProbeMode;
use crate::group::Group;
use crate::id::{Family, is_link_local};
use crate::kernel::Kernel;
use crate::member::{Member, Nic};
use crate::probing::Probing;

impl Group {
    /// The families of a member that are to be probed, each with the test address that is configured: those of
    /// its test addresses and of the group's data addresses.
    pub(super) fn families_to_probe(&self, member: &Member) -> Vec<(Family, Option<IpNet>)> {
        if self.config.detection.probe == ProbeMode::None {
            return Vec::new();
        }
        let wanted = |family: Family| {
            let test = member.config.test_addresses.iter().copied().find(|test| Family::of(test.addr()) == family);
            let lacks = member.nic.is_some_and(|nic| !nic.has(family));
            let wanted = test.is_some() || self.has(family);
            (wanted && !lacks).then_some((family, test))
        };
        [Family::V4, Family::V6].into_iter().filter_map(wanted).collect()
    }

    /// Whether it has data addresses of that family.
    pub(crate) fn has(&self, family: Family) -> bool {
        self.addresses().any(|address| Family::of(address) == family)
    }

    /// What counts as on the link of a member with this test address.
    pub(super) fn on_link(&self, family: Family, test: Option<IpNet>) -> Vec<IpNet> {
        let prefixes = || self.config.addresses.iter().filter(|net| Family::of(net.addr()) == family);
        // Routers are on the link by definition, whatever prefix there is.
        let routers = || self.config.gateways.iter().copied().chain(self.config.routes.iter().map(|route| route.via));
        let routers = || routers().filter(|router| Family::of(*router) == family).map(IpNet::from);
        match (test, self.config.detection.probe) {
            (Some(test), ProbeMode::Auto | ProbeMode::Icmp) if !is_link_local(test.addr()) => vec![test],
            (test, _) => prefixes().copied().chain(routers()).chain(test).collect(),
        }
    }

    /// How a family of a member can be probed now; none while it cannot.
    pub(super) fn means(&self, member: &Member, probing: &Probing, nic: Nic, kernel: &Kernel) -> Option<Means> {
        let family = probing.family();
        let link_probe = || match family {
            Family::V4 => nic.mac.map(Means::Arp),
            Family::V6 => Some(Means::Ndp(nic.mac?, kernel.link_local(nic.index)?)),
        };
        match (self.config.detection.probe, probing.test) {
            (ProbeMode::None, _) => None,
            (ProbeMode::Auto | ProbeMode::Icmp, Some(test)) => {
                let there = kernel.has_address(nic.index, test.addr()) && probing.twin.is_none();
                there.then(|| Means::Icmp(test.addr()))
            }
            (ProbeMode::Icmp, None) if family == Family::V6 => {
                kernel.link_local(nic.index).map(|source| Means::Icmp(source.into()))
            }
            (ProbeMode::Icmp, None) => {
                // The one in use as long as it can be: with another everything is measured anew.
                let present = |address: &IpAddr| probing.means() == Some(Means::Icmp(*address));
                let data = self.data_addresses_on(member, family, nic, kernel);
                data.iter()
                    .find(|address| present(address))
                    .or(data.first())
                    .map_or_else(link_probe, |address| Some(Means::Icmp(*address)))
            }
            (ProbeMode::Auto, None) | (ProbeMode::Arp, _) => link_probe(),
        }
    }

    /// The data addresses that the kernel has on a member.
    pub(super) fn data_addresses_on(&self, member: &Member, family: Family, nic: Nic, kernel: &Kernel) -> Vec<IpAddr> {
        let here = self.bound.iter().filter(|(_, holder)| **holder == member.config.interface);
        let of_family = here.map(|(address, _)| *address).filter(|address| Family::of(*address) == family);
        of_family.filter(|address| kernel.has_address(nic.index, *address)).collect()
    }

    /// One data address of that family on each other member that carries any.
    pub(super) fn addresses_of_others(&self, i: usize, family: Family) -> Vec<IpAddr> {
        let carriers = self.carriers_of(family);
        let others = self
            .others(i)
            .filter(|other| carriers.iter().any(|carrier| carrier.config.interface == other.config.interface));
        let of = |other: &Member| {
            let bound = self.bound.iter().filter(|(_, holder)| **holder == other.config.interface);
            bound.map(|(address, _)| *address).find(|address| Family::of(*address) == family)
        };
        others.filter_map(of).collect()
    }
}
