//! What the kernel tells, as facts. Pure: bytes in, facts out.
//!
//! Only the attributes that matter are looked at, so that a kernel which is newer than this program, or a
//! driver with attributes of its own, cannot make a message undecodable. A message that makes no sense is
//! passed over.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipmp_core::IfIndex;
use ipmp_core::kernel::{Fact, Scope};
use ipnet::IpNet;

use crate::wire::{Message, messages, word};

pub(crate) mod address;
mod link;
mod route;

pub(crate) use link::{IFLA_INET_CONF, devconf};

/// `RTM_*` of `linux/rtnetlink.h`.
pub(crate) mod kind {
    pub(crate) const ERROR: u16 = libc::NLMSG_ERROR as u16;
    pub(crate) const DONE: u16 = libc::NLMSG_DONE as u16;
    pub(crate) const NEW_LINK: u16 = libc::RTM_NEWLINK;
    pub(crate) const DEL_LINK: u16 = libc::RTM_DELLINK;
    pub(crate) const GET_LINK: u16 = libc::RTM_GETLINK;
    pub(crate) const NEW_ADDRESS: u16 = libc::RTM_NEWADDR;
    pub(crate) const DEL_ADDRESS: u16 = libc::RTM_DELADDR;
    pub(crate) const NEW_ROUTE: u16 = libc::RTM_NEWROUTE;
    pub(crate) const DEL_ROUTE: u16 = libc::RTM_DELROUTE;
}

/// What is to be known of a datagram besides its facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// Somebody else may have changed an IPv6 route of ours in a way that the message does not tell, and so it
    /// made no fact: only a dump does.
    pub doubtful: bool,
}

/// Adds what a datagram of an rtnetlink socket tells. `RTM_GETLINK` that was refused because there is no
/// such interface tells that it is gone.
pub fn decode(datagram: &[u8], facts: &mut Vec<Fact>) -> Decoded {
    let mut decoded = Decoded::default();
    for message in messages(datagram) {
        decoded.doubtful |= decode_message(&message, facts).unwrap_or_default().doubtful;
    }
    decoded
}

/// `None` where the message makes no sense or tells nothing that matters here.
pub(crate) fn decode_message(message: &Message<'_>, facts: &mut Vec<Fact>) -> Option<Decoded> {
    let payload = message.payload;
    match message.kind {
        kind::NEW_LINK => facts.push(Fact::Link(link::present(payload)?)),
        kind::DEL_LINK => facts.push(Fact::LinkGone(link::gone(payload)?)),
        kind::ERROR => facts.push(Fact::LinkGone(link::refused(payload)?)),
        kind::NEW_ADDRESS => {
            let (key, info) = address::decode(payload)?;
            facts.push(Fact::Address(key, info));
        }
        kind::DEL_ADDRESS => facts.push(Fact::AddressGone(address::decode(payload)?.0)),
        kind::NEW_ROUTE => return route::present(message, facts),
        kind::DEL_ROUTE => return route::gone(message, facts),
        _ => return None,
    }
    Some(Decoded::default())
}

/// `RT_SCOPE_LINK`
const SCOPE_LINK: u8 = 253;

fn scope(number: u8) -> Scope {
    match number {
        0 => Scope::Global,
        SCOPE_LINK => Scope::Link,
        other => Scope::Other(other),
    }
}

fn index(number: u32) -> Option<IfIndex> {
    (number != 0).then_some(IfIndex(number))
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
        _ => None,
    }
}

/// An address of that family with that prefix length, if there can be such a thing.
fn net(family: u8, address: IpAddr, prefix_len: u8) -> Option<IpNet> {
    let same = match address {
        IpAddr::V4(_) => i32::from(family) == libc::AF_INET,
        IpAddr::V6(_) => i32::from(family) == libc::AF_INET6,
    };
    same.then(|| IpNet::new(address, prefix_len).ok()).flatten()
}

fn number(value: &[u8]) -> Option<u32> {
    word(value, 0)
}
