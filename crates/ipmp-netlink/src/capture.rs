//! What others have made, at one moment, with all that belongs to it.

use ipmp_core::kernel::{AddressKey, Fact, Link, Route, Scope};
use ipmp_core::{Foreign, ForeignKey};

use crate::client::DEADLINE;
use crate::decode::{address, decode_message, kind};
use crate::error::Error;
use crate::query::Query;
use crate::request;
use crate::wire::{Message, attributes, word};

/// Where `struct rtmsg` has the protocol.
const ROUTE_PROTOCOL_AT: usize = 5;

/// Links, and the addresses and routes of others.
#[derive(Clone, Debug, Default)]
pub struct Captured {
    /// All links.
    pub links: Vec<Link>,
    /// Addresses that do not carry our protocol number.
    pub addresses: Vec<CapturedAddress>,
    /// Unicast routes of the main table that do not.
    pub routes: Vec<CapturedRoute>,
}

/// An address of others.
#[derive(Clone, Debug)]
pub struct CapturedAddress {
    /// Where, and which.
    pub key: AddressKey,
    /// How far it reaches.
    pub scope: Scope,
    /// It stays for good: no lifetime was given with it (`IFA_F_PERMANENT`).
    pub permanent: bool,
    /// To be taken over and given back.
    pub foreign: Foreign,
}

/// A route of others.
#[derive(Clone, Debug)]
pub struct CapturedRoute {
    /// Which.
    pub route: Route,
    /// Who made it (`rtm_protocol`, rtnetlink(7)).
    pub protocol: u8,
    /// To be taken over and given back.
    pub foreign: Foreign,
}

enum Item {
    Link(Link),
    Address(CapturedAddress),
    Route(CapturedRoute),
}

/// What others have in the network namespace of the calling thread. Waits: for a thread that nothing urgent waits for.
pub fn capture() -> Result<Captured, Error> {
    let mut query = Query::open("look at the interfaces, addresses and routes", DEADLINE)?;
    let mut captured = Captured::default();
    for table in [request::all_links(), request::all_addresses(), request::all_routes()] {
        for item in query.dump_as(table, take)? {
            match item {
                Item::Link(link) => captured.links.push(link),
                Item::Address(address) => captured.addresses.push(address),
                Item::Route(route) => captured.routes.push(route),
            }
        }
    }
    Ok(captured)
}

fn take(message: &Message<'_>, items: &mut Vec<Item>) {
    let mut facts = Vec::new();
    _ = decode_message(message, &mut facts);
    let payload = message.payload;
    for fact in facts {
        match fact {
            Fact::Link(link) => items.push(Item::Link(link)),
            Fact::Address(key, info) if !info.ours => {
                let permanent = is_permanent(payload);
                let foreign = Foreign { key: ForeignKey::Address(key), message: payload.to_vec() };
                let address = CapturedAddress { key, scope: info.scope, permanent, foreign };
                items.push(Item::Address(address));
            }
            Fact::Route(route) | Fact::LegAdded(route) if !route.key.ours && message.kind == kind::NEW_ROUTE => {
                let protocol = payload.get(ROUTE_PROTOCOL_AT).copied().unwrap_or(0);
                let key = ForeignKey::Route(route.key, route.legs.clone());
                items.push(Item::Route(CapturedRoute {
                    route,
                    protocol,
                    foreign: Foreign { key, message: payload.to_vec() },
                }));
            }
            _ => {}
        }
    }
}

/// Whether an address stays for good.
fn is_permanent(payload: &[u8]) -> bool {
    let behind = payload.get(address::HEADER_LEN..).unwrap_or_default();
    let flags = attributes(behind).flatten().find(|(kind, _)| *kind == address::IFA_FLAGS);
    // The header holds the first eight of them.
    let flags = flags.and_then(|(_, value)| word(value, 0)).or(payload.get(2).copied().map(u32::from));
    flags.is_some_and(|flags| flags & libc::IFA_F_PERMANENT != 0)
}
