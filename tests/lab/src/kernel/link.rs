//! Links: veth pairs, bridges and their ports; up, down, renamed, counted.

use std::io;
use std::os::fd::AsRawFd;

use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::link::{
    BridgePortState, InfoBridge, InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
    LinkProtoInfoBridge,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use pnet::util::MacAddr;

use super::socket::Netlink;
use crate::Namespace;
use crate::error::{Doing, Result};

/// `IFLA_BRPORT_STATE`.
const BRIDGE_PORT_STATE: u16 = 1;

/// A link as the kernel describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Hardware address, where it has one of six bytes.
    pub mac: Option<MacAddr>,
    /// Administratively up.
    pub up: bool,
    /// Carrier (`IFF_LOWER_UP`).
    pub carrier: bool,
    /// Operational (`IFF_RUNNING`): the kernel has acted upon the carrier, and frames pass.
    pub running: bool,
    /// How often carrier was lost (`IFLA_CARRIER_DOWN_COUNT`).
    pub carrier_downs: u32,
    /// The bridge that it is a port of, by number.
    pub bridge: Option<u32>,
    /// Alias.
    pub alias: Option<String>,
    /// Packets received.
    pub received: u64,
    /// Packets sent.
    pub sent: u64,
}

impl Namespace {
    /// All links. Carriers are as they are, though the kernel may not have told of them yet, nor acted upon them
    /// (Linux data plane, finding 8); a list like this one does not hasten it.
    pub fn links(&self) -> Result<Vec<Link>> {
        self.netlink(links).doing(|| "list links")
    }

    /// The link of that name; an error where there is none.
    pub fn link(&self, name: &str) -> Result<Link> {
        self.netlink(|netlink| link(netlink, name)).doing(|| format!("find link {name}"))
    }

    /// Whether there is a link of that name.
    pub fn has_link(&self, name: &str) -> Result<bool> {
        Ok(self.links()?.iter().any(|link| link.name == name))
    }

    /// Makes the kernel act at once upon the carrier of a link: asked for one link alone, it does.
    pub(crate) fn hasten(&self, name: &str) -> Result<()> {
        self.netlink(|netlink| {
            let mut message = LinkMessage::default();
            message.header.index = link(netlink, name)?.index;
            netlink.change(RouteNetlinkMessage::GetLink(message), 0)
        })
        .doing(|| format!("ask for link {name}"))
    }

    /// Makes a pair of Ethernet links, one end here, the other in `peer`; both are down.
    pub fn add_veth(&self, name: &str, mac: MacAddr, peer: &Namespace, peer_name: &str) -> Result<()> {
        let mut other = LinkMessage::default();
        other.attributes =
            vec![LinkAttribute::IfName(peer_name.into()), LinkAttribute::NetNsFd(peer.file().as_raw_fd())];
        let mac = LinkAttribute::Address(vec![mac.0, mac.1, mac.2, mac.3, mac.4, mac.5]);
        let data = InfoData::Veth(InfoVeth::Peer(other));
        self.create(name, vec![mac], InfoKind::Veth, Some(data))
    }

    /// Makes a bridge that forwards at once: no spanning tree, no multicast snooping. It is down.
    pub fn add_bridge(&self, name: &str) -> Result<()> {
        let data = InfoData::Bridge(vec![InfoBridge::ForwardDelay(0), InfoBridge::MulticastSnooping(false)]);
        self.create(name, vec![], InfoKind::Bridge, Some(data))
    }

    /// Makes a link of a kind that needs no parameters, such as `dummy` or `ifb`.
    pub fn add_link(&self, name: &str, kind: &str) -> Result<()> {
        self.create(name, vec![], InfoKind::Other(kind.into()), None)
    }

    /// Makes a link a port of a bridge.
    pub fn attach(&self, name: &str, bridge: &str) -> Result<()> {
        let bridge = self.link(bridge)?.index;
        self.change_link(name, |message| message.attributes.push(LinkAttribute::Controller(bridge)))
    }

    /// Sets a link administratively up.
    pub fn set_up(&self, name: &str) -> Result<()> {
        self.set_flag(name, LinkFlags::Up)
    }

    /// Sets a link administratively down. The other end of a veth loses its carrier at once.
    pub fn set_down(&self, name: &str) -> Result<()> {
        self.set_flag(name, LinkFlags::empty())
    }

    /// Changes the hardware address.
    pub fn set_mac(&self, name: &str, mac: MacAddr) -> Result<()> {
        let bytes = vec![mac.0, mac.1, mac.2, mac.3, mac.4, mac.5];
        self.change_link(name, |message| message.attributes.push(LinkAttribute::Address(bytes)))
    }

    /// Changes the largest packet that a link takes.
    pub fn set_mtu(&self, name: &str, mtu: u32) -> Result<()> {
        self.change_link(name, |message| message.attributes.push(LinkAttribute::Mtu(mtu)))
    }

    /// Gives a link another name.
    pub fn rename(&self, name: &str, new_name: &str) -> Result<()> {
        self.change_link(name, |message| message.attributes.push(LinkAttribute::IfName(new_name.into())))
    }

    /// Deletes a link; of a veth pair both ends go.
    pub fn delete_link(&self, name: &str) -> Result<()> {
        self.netlink(|netlink| {
            let mut message = LinkMessage::default();
            message.header.index = link(netlink, name)?.index;
            netlink.change(RouteNetlinkMessage::DelLink(message), 0)
        })
        .doing(|| format!("delete link {name}"))
    }

    /// Lets a bridge port forward, or drop everything in both ways while both ends keep their carrier. A port that
    /// goes down and up, or is attached anew, forwards again.
    pub fn set_forwarding(&self, port: &str, forwarding: bool) -> Result<()> {
        let state = if forwarding { BridgePortState::Forwarding } else { BridgePortState::Disabled };
        let state = LinkProtoInfoBridge::Other(DefaultNla::new(BRIDGE_PORT_STATE, vec![state.into()]));
        self.netlink(|netlink| {
            let mut message = LinkMessage::default();
            // Not as a change of the link: that tells the bridge of a change, upon which it lets the port forward.
            message.header.interface_family = AddressFamily::Bridge;
            message.header.index = link(netlink, port)?.index;
            message.attributes = vec![LinkAttribute::ProtoInfoBridge(vec![state])];
            netlink.change(RouteNetlinkMessage::SetLink(message), 0)
        })
        .doing(|| format!("change bridge port {port}"))
    }

    fn create(
        &self,
        name: &str,
        mut attributes: Vec<LinkAttribute>,
        kind: InfoKind,
        data: Option<InfoData>,
    ) -> Result<()> {
        let what = kind.to_string();
        let mut info = vec![LinkInfo::Kind(kind)];
        info.extend(data.map(LinkInfo::Data));
        attributes.extend([LinkAttribute::IfName(name.into()), LinkAttribute::LinkInfo(info)]);
        let mut message = LinkMessage::default();
        message.attributes = attributes;
        self.netlink(|netlink| netlink.change(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL))
            .doing(|| format!("make {what} {name}"))
    }

    fn set_flag(&self, name: &str, flags: LinkFlags) -> Result<()> {
        self.change_link(name, |message| {
            message.header.flags = flags;
            message.header.change_mask = LinkFlags::Up;
        })
    }

    fn change_link(&self, name: &str, describe: impl FnOnce(&mut LinkMessage)) -> Result<()> {
        self.netlink(|netlink| {
            let mut message = LinkMessage::default();
            message.header.index = link(netlink, name)?.index;
            describe(&mut message);
            netlink.change(RouteNetlinkMessage::NewLink(message), 0)
        })
        .doing(|| format!("change link {name}"))
    }
}

/// All links, over a socket that is already held.
pub(super) fn links(netlink: &mut Netlink) -> io::Result<Vec<Link>> {
    let listed = netlink.dump(RouteNetlinkMessage::GetLink(LinkMessage::default()))?;
    let links = listed.into_iter().filter_map(|item| match item {
        RouteNetlinkMessage::NewLink(message) => Some(describe(message)),
        _ => None,
    });
    Ok(links.collect())
}

/// One link by name, over a socket that is already held.
pub(super) fn link(netlink: &mut Netlink, name: &str) -> io::Result<Link> {
    let found = links(netlink)?.into_iter().find(|link| link.name == name);
    found.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
}

/// The name of a link by number, or its number where it is gone.
pub(super) fn name_of(index: u32, links: &[Link]) -> String {
    links.iter().find(|link| link.index == index).map_or_else(|| format!("#{index}"), |link| link.name.clone())
}

pub(super) fn describe(message: LinkMessage) -> Link {
    let flags = message.header.flags;
    let mut link = Link {
        index: message.header.index,
        up: flags.contains(LinkFlags::Up),
        carrier: flags.contains(LinkFlags::LowerUp),
        running: flags.contains(LinkFlags::Running),
        ..Link::default()
    };
    for attribute in message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name = name,
            LinkAttribute::Address(bytes) => link.mac = <[u8; 6]>::try_from(bytes).ok().map(MacAddr::from),
            LinkAttribute::CarrierDownCount(count) => link.carrier_downs = count,
            LinkAttribute::Controller(index) => link.bridge = Some(index),
            LinkAttribute::IfAlias(alias) => link.alias = Some(alias),
            LinkAttribute::Stats64(stats) => (link.received, link.sent) = (stats.rx_packets, stats.tx_packets),
            _ => {}
        }
    }
    link
}
