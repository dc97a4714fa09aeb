//! What a station believes about its neighbours: the ARP and neighbour discovery caches.

use std::net::IpAddr;

use netlink_packet_core::NLM_F_CREATE;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use pnet::util::MacAddr;

use super::address::family;
use super::link::{self, name_of};
use crate::Namespace;
use crate::error::{Doing, Result};

/// An entry of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The name of the link.
    pub link: String,
    /// Whose hardware address it is.
    pub address: IpAddr,
    /// The hardware address, where it is known.
    pub mac: Option<MacAddr>,
    /// Set by hand, not learnt.
    pub permanent: bool,
    index: u32,
}

impl Namespace {
    /// The whole cache, both families, without entries that failed or need no resolution.
    pub fn neighbours(&self) -> Result<Vec<Neighbour>> {
        self.netlink(|netlink| {
            let links = link::links(netlink)?;
            let listed = netlink.dump(RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default()))?;
            let neighbours = listed.into_iter().filter_map(|item| match item {
                RouteNetlinkMessage::NewNeighbour(message) => {
                    describe(name_of(message.header.ifindex, &links), message)
                }
                _ => None,
            });
            Ok(neighbours.collect())
        })
        .doing(|| "list neighbours")
    }

    /// The hardware address that this station believes `address` to have.
    pub fn neighbour(&self, address: IpAddr) -> Result<Option<MacAddr>> {
        let neighbours = self.neighbours()?;
        Ok(neighbours.into_iter().find(|neighbour| neighbour.address == address).and_then(|found| found.mac))
    }

    /// Forgets everything that was learnt on a link.
    pub fn flush_neighbours(&self, link: &str) -> Result<()> {
        let known = self.neighbours()?;
        let learnt = known.into_iter().filter(|neighbour| neighbour.link == link && !neighbour.permanent);
        learnt.into_iter().try_for_each(|neighbour| self.forget(&neighbour))
    }

    /// Has this station answer for an IPv6 address of others that ask on this link. (IPv4 has a setting for all.)
    pub fn add_proxy(&self, link: &str, address: IpAddr) -> Result<()> {
        self.netlink(|netlink| {
            let mut message = NeighbourMessage::default();
            message.header.family = family(address);
            message.header.ifindex = link::link(netlink, link)?.index;
            message.header.flags = NeighbourFlags::Proxy;
            message.attributes = vec![NeighbourAttribute::Destination(address.into())];
            netlink.change(RouteNetlinkMessage::NewNeighbour(message), NLM_F_CREATE)
        })
        .doing(|| format!("answer for {address} on {link}"))
    }

    /// An entry that went by itself meanwhile is forgotten too.
    fn forget(&self, neighbour: &Neighbour) -> Result<()> {
        let mut message = NeighbourMessage::default();
        message.header.family = family(neighbour.address);
        message.header.ifindex = neighbour.index;
        message.attributes = vec![NeighbourAttribute::Destination(neighbour.address.into())];
        let deleted = self.netlink(|netlink| netlink.change(RouteNetlinkMessage::DelNeighbour(message), 0));
        match deleted {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            deleted => deleted.doing(|| format!("forget neighbour {}", neighbour.address)),
        }
    }
}

pub(super) fn describe(link: String, message: NeighbourMessage) -> Option<Neighbour> {
    if matches!(message.header.state, NeighbourState::Noarp | NeighbourState::Failed | NeighbourState::None) {
        return None;
    }
    let (mut address, mut mac) = (None, None);
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(v4)) => address = Some(IpAddr::V4(*v4)),
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6)) => address = Some(IpAddr::V6(*v6)),
            NeighbourAttribute::LinkLayerAddress(bytes) => {
                mac = <[u8; 6]>::try_from(bytes.as_slice()).ok().map(MacAddr::from);
            }
            _ => {}
        }
    }
    Some(Neighbour {
        link,
        address: address?,
        mac,
        permanent: message.header.state == NeighbourState::Permanent,
        index: message.header.ifindex,
    })
}
