//! Addresses and routes of others as they can be made again: from the message by which the kernel told of them, or from
//! what they are to be.

use std::net::IpAddr;

use ipmp_core::kernel::{AddressKey, Leg, RouteKey};
use ipmp_core::{Foreign, ForeignKey, IfIndex};
use ipnet::IpNet;

use crate::decode::address;
use crate::request;
use crate::wire::{attributes, put_attribute, word};

/// Length of `struct rtmsg`.
const ROUTE_HEADER_LEN: usize = 12;
/// Where `struct rtmsg` has its flags, and the one of them that may stand in a request (`linux/rtnetlink.h`): the others
/// tell what became of the route.
const ROUTE_FLAGS_AT: usize = 8;
const RTNH_F_ONLINK: u32 = 4;

/// The metric of an IPv6 route that names none (`IP6_RT_PRIO_USER` of `net/ip6_fib.h`).
const IPV6_METRIC: u32 = 1024;

/// An address as `ip address add` makes it.
pub fn foreign_address(index: IfIndex, address: IpNet) -> Foreign {
    let key = AddressKey { index, address };
    Foreign { key: ForeignKey::Address(key), message: request::payload(request::plain_address(&key)) }
}

/// A route as `ip route add TO via VIA dev INDEX` makes it.
pub fn foreign_route(to: IpNet, via: IpAddr, index: IfIndex) -> Foreign {
    let metric = if to.addr().is_ipv4() { 0 } else { IPV6_METRIC };
    let key = RouteKey { to, metric, ours: false };
    let leg = Leg { index, via: Some(via) };
    let message = request::payload(request::plain_route(&key, &leg));
    Foreign { key: ForeignKey::Route(key, vec![leg]), message }
}

/// The payload of the request that makes it. An IPv6 address comes without duplicate address detection, which would
/// leave the host without it for a second.
pub(crate) fn as_request(foreign: &Foreign) -> Vec<u8> {
    let mut payload = foreign.message.clone();
    match &foreign.key {
        ForeignKey::Address(key) if key.address.addr().is_ipv6() => {
            let behind = payload.get(address::HEADER_LEN..).unwrap_or_default();
            let flags = attributes(behind).flatten().find(|(kind, _)| *kind == address::IFA_FLAGS);
            let flags = flags.and_then(|(_, value)| word(value, 0)).unwrap_or(0) | libc::IFA_F_NODAD;
            put_attribute(&mut payload, address::IFA_FLAGS, flags.to_ne_bytes());
        }
        ForeignKey::Address(_) => {}
        ForeignKey::Route(..) if payload.len() >= ROUTE_HEADER_LEN => {
            let word = &mut payload[ROUTE_FLAGS_AT..ROUTE_HEADER_LEN];
            let flags = u32::from_ne_bytes((&*word).try_into().expect("four bytes")) & RTNH_F_ONLINK;
            word.copy_from_slice(&flags.to_ne_bytes());
        }
        ForeignKey::Route(..) => {}
    }
    payload
}
