//! Addresses, each with the name of its link.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::link::{self, name_of};
use crate::Namespace;
use crate::error::{Doing, Result};

/// An address on a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The name of the link.
    pub link: String,
    /// The local address and its prefix length.
    pub address: IpNet,
    /// `RT_SCOPE_*`: 0 global, 253 link, 254 host.
    pub scope: u8,
    /// Who made it (`IFA_PROTO`), 0 where nobody says so.
    pub protocol: u8,
    /// Still in duplicate address detection (IPv6).
    pub tentative: bool,
}

impl Namespace {
    /// All addresses of both families.
    pub fn addresses(&self) -> Result<Vec<Address>> {
        self.netlink(|netlink| {
            let links = link::links(netlink)?;
            let listed = netlink.dump(RouteNetlinkMessage::GetAddress(AddressMessage::default()))?;
            let addresses = listed.into_iter().filter_map(|item| match item {
                RouteNetlinkMessage::NewAddress(message) => describe(name_of(message.header.index, &links), message),
                _ => None,
            });
            Ok(addresses.collect())
        })
        .doing(|| "list addresses")
    }

    /// The names of the links that carry this address, whatever its prefix length.
    pub fn links_with(&self, address: IpAddr) -> Result<Vec<String>> {
        let addresses = self.addresses()?.into_iter().filter(|found| found.address.addr() == address);
        Ok(addresses.map(|found| found.link).collect())
    }

    /// Adds an address, of global scope and without duplicate address detection.
    pub fn add_address(&self, link: &str, address: IpNet) -> Result<()> {
        self.change_address(link, address, |mut message| {
            message.header.flags = AddressHeaderFlags::Nodad;
            (RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)
        })
        .doing(|| format!("add {address} to {link}"))
    }

    /// Deletes an address, whoever made it.
    pub fn delete_address(&self, link: &str, address: IpNet) -> Result<()> {
        self.change_address(link, address, |message| (RouteNetlinkMessage::DelAddress(message), 0))
            .doing(|| format!("delete {address} from {link}"))
    }

    fn change_address(
        &self,
        name: &str,
        address: IpNet,
        request: impl FnOnce(AddressMessage) -> (RouteNetlinkMessage, u16),
    ) -> std::io::Result<()> {
        self.netlink(|netlink| {
            let mut message = AddressMessage::default();
            message.header.family = family(address.addr());
            message.header.prefix_len = address.prefix_len();
            message.header.scope = AddressScope::Universe;
            message.header.index = link::link(netlink, name)?.index;
            message.attributes =
                vec![AddressAttribute::Local(address.addr()), AddressAttribute::Address(address.addr())];
            let (request, flags) = request(message);
            netlink.change(request, flags)
        })
    }
}

pub(super) fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

/// IPv4 gives the local address apart from the peer's; IPv6 gives only `IFA_ADDRESS`.
pub(super) fn describe(link: String, message: AddressMessage) -> Option<Address> {
    let (mut local, mut address, mut protocol) = (None, None, 0u8);
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(found) => local = Some(*found),
            AddressAttribute::Address(found) => address = Some(*found),
            AddressAttribute::Protocol(found) => protocol = (*found).into(),
            _ => {}
        }
    }
    Some(Address {
        link,
        address: IpNet::new(local.or(address)?, message.header.prefix_len).ok()?,
        scope: message.header.scope.into(),
        protocol,
        tentative: message.header.flags.contains(AddressHeaderFlags::Tentative),
    })
}
