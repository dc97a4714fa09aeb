//! `RTM_NEWLINK` and `RTM_DELLINK` (rtnetlink(7), `struct ifinfomsg` in `linux/rtnetlink.h`).
//!
//! Not every message of these kinds is about the interface: a bridge tells of its ports in them
//! (`AF_BRIDGE`, where a `DELLINK` says that the interface left the bridge), IPv6 of its settings
//! (`AF_INET6`), and a wireless driver of a scan (`IFLA_WIRELESS`, without carrier or settings).

use ipmp_core::kernel::{Inet6, Link, Tunables};
use ipmp_core::{IfIndex, Mac};

use super::{index, kind, number};
use crate::wire::{attributes, text, word};

/// Length of `struct ifinfomsg`.
const HEADER_LEN: usize = 16;
/// Where `struct ifinfomsg` has the index and the flags.
const INDEX_AT: usize = 4;
const FLAGS_AT: usize = 8;

const IFF_UP: u32 = libc::IFF_UP as u32;
const IFF_LOWER_UP: u32 = 1 << 16;
const IFF_MULTICAST: u32 = libc::IFF_MULTICAST as u32;
/// Loopback, point-to-point, or without ARP: there are no neighbours, or none that can be told from another.
const IFF_ALONE: u32 = (libc::IFF_LOOPBACK | libc::IFF_POINTOPOINT | libc::IFF_NOARP) as u32;

/// Inside `AF_INET` of `IFLA_AF_SPEC` (`linux/if_link.h`).
pub(crate) const IFLA_INET_CONF: u16 = 1;
/// Inside `AF_INET6` of it.
const IFLA_INET6_CONF: u16 = 2;

/// `DEVCONF_*` of `linux/ipv6.h`.
const DEVCONF_FORWARDING: usize = 0;
const DEVCONF_DISABLE_IPV6: usize = 26;

/// `IPV4_DEVCONF_*` of `linux/ip.h`, numbers of the per-interface settings.
pub(crate) mod devconf {
    pub(crate) const RP_FILTER: u16 = 8;
    pub(crate) const ARP_ANNOUNCE: u16 = 18;
    pub(crate) const ARP_IGNORE: u16 = 19;
    pub(crate) const IGNORE_ROUTES_WITH_LINKDOWN: u16 = 29;
}

/// The interface as an `RTM_NEWLINK` shows it.
pub(super) fn present(payload: &[u8]) -> Option<Link> {
    let (index, flags) = header(payload)?;
    let all = payload.get(HEADER_LEN..)?;
    let mut link = Link {
        index,
        name: text(find(all, libc::IFLA_IFNAME)?)?.parse().ok()?,
        mac: None,
        up: flags & IFF_UP != 0,
        carrier: flags & IFF_LOWER_UP != 0,
        carrier_downs: 0,
        mtu: 0,
        multi_access: flags & (IFF_MULTICAST | IFF_ALONE) == IFF_MULTICAST && !is_port(all),
        alias: None,
        tunables: None,
        inet6: None,
    };
    for attribute in attributes(all) {
        let (kind, value) = attribute?;
        match kind {
            libc::IFLA_ADDRESS => link.mac = value.try_into().ok().map(Mac),
            libc::IFLA_CARRIER => link.carrier = *value.first()? != 0,
            libc::IFLA_CARRIER_DOWN_COUNT => link.carrier_downs = number(value)?,
            libc::IFLA_MTU => link.mtu = number(value)?,
            libc::IFLA_IFALIAS => link.alias = text(value).filter(|alias| !alias.is_empty()),
            libc::IFLA_AF_SPEC => (link.tunables, link.inet6) = (tunables(value), inet6(value)),
            libc::IFLA_WIRELESS => return None,
            _ => {}
        }
    }
    Some(link)
}

/// The interface that an `RTM_DELLINK` says is gone.
pub(super) fn gone(payload: &[u8]) -> Option<IfIndex> {
    header(payload).map(|(index, _)| index)
}

/// The interface that an `NLMSG_ERROR` says is not there: the kernel quotes the `RTM_GETLINK`.
pub(super) fn refused(payload: &[u8]) -> Option<IfIndex> {
    let code = word(payload, 0)? as i32;
    let mut quoted = crate::wire::messages(payload.get(4..)?);
    let request = quoted.next().filter(|request| request.kind == kind::GET_LINK)?;
    if code == -libc::ENODEV { gone(request.payload) } else { None }
}

/// Index and flags of a message that is about the interface itself.
fn header(payload: &[u8]) -> Option<(IfIndex, u32)> {
    let itself = i32::from(*payload.first()?) == libc::AF_UNSPEC;
    let (number, flags) = (word(payload, INDEX_AT)?, word(payload, FLAGS_AT)?);
    itself.then_some((index(number)?, flags))
}

/// Whether the interface has a master that takes its packets. The one kind that leaves an interface its
/// addresses is a VRF.
fn is_port(all: &[u8]) -> bool {
    let master = find(all, libc::IFLA_MASTER).and_then(number).unwrap_or(0);
    let kind = find(all, libc::IFLA_LINKINFO).and_then(|info| find(info, libc::IFLA_INFO_SLAVE_KIND));
    master != 0 && kind.and_then(text).is_none_or(|kind| kind != "vrf")
}

/// `IFLA_AF_SPEC` → `AF_INET` → `IFLA_INET_CONF`: an array of words, the setting numbered n at n - 1.
fn tunables(af_spec: &[u8]) -> Option<Tunables> {
    let inet = find(af_spec, libc::AF_INET as u16)?;
    let conf = find(inet, IFLA_INET_CONF)?;
    let setting = |number: u16| word(conf, (usize::from(number) - 1) * 4);
    Some(Tunables {
        arp_ignore: setting(devconf::ARP_IGNORE)?,
        arp_announce: setting(devconf::ARP_ANNOUNCE)?,
        rp_filter: setting(devconf::RP_FILTER)?,
        ignore_routes_with_linkdown: setting(devconf::IGNORE_ROUTES_WITH_LINKDOWN)?,
    })
}

/// `IFLA_AF_SPEC` → `AF_INET6` → `IFLA_INET6_CONF`: an array of words, the setting numbered n at n. It is not there
/// where the kernel has no IPv6, nor where the MTU is too small for it (RFC 8200 §5).
fn inet6(af_spec: &[u8]) -> Option<Inet6> {
    let conf = find(find(af_spec, libc::AF_INET6 as u16)?, IFLA_INET6_CONF)?;
    let setting = |number: usize| word(conf, number * 4);
    let disabled = setting(DEVCONF_DISABLE_IPV6)? != 0;
    let forwarding = setting(DEVCONF_FORWARDING)? != 0;
    (!disabled).then_some(Inet6 { forwarding })
}

fn find(value: &[u8], wanted: u16) -> Option<&[u8]> {
    attributes(value).flatten().find(|(kind, _)| *kind == wanted).map(|(_, value)| value)
}
