//! Whether anybody else has an address, before it is used for the first time (RFC 5227 §2.1, RFC 4862 §5.4).

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipmp_core::{AddressCheck, Event, Family, IfIndex, Mac};
use pnet::packet::ethernet::EtherTypes;
use socket2::{Domain, SockFilter, Socket, Type};

use crate::arp::{self, Arp};
use crate::filter;
use crate::frame;
use crate::ndp::{self, Kind, Ndp};
use crate::readiness::Readiness;
use crate::socket::Buffer;
use crate::socket::packet::PacketSocket;

/// Where an address is asked for, in whose name, and in which family.
type Place = (IfIndex, Mac, Family);

/// The addresses that were asked for last, and who listens for answers.
#[derive(Default)]
pub(crate) struct Checks {
    listeners: BTreeMap<Place, Listener>,
}

struct Listener {
    token: u64,
    socket: PacketSocket,
    /// Sorted.
    addresses: Vec<IpAddr>,
    /// Keeps the host in the groups of these addresses (RFC 4862 §5.4.2): a switch that snoops would else not
    /// tell of another who asks for one of them.
    _groups: Option<Socket>,
}

impl Checks {
    /// Asks once for each address, and listens for answers about them, and no longer about others.
    pub fn ask(&mut self, checks: &[AddressCheck], readiness: &Readiness, next_token: &mut u64) {
        let mut places: BTreeMap<Place, Vec<IpAddr>> = BTreeMap::new();
        for AddressCheck { index, mac, address } in checks {
            places.entry((*index, *mac, Family::of(*address))).or_default().push(*address);
        }
        self.listeners.retain(|place, _| places.contains_key(place));
        for (place, mut addresses) in places {
            addresses.sort();
            // Where nobody can listen, a device that has just gone, nobody would answer either.
            let _ = self.ask_at(place, addresses, readiness, next_token);
        }
    }

    fn ask_at(
        &mut self,
        place: Place,
        addresses: Vec<IpAddr>,
        readiness: &Readiness,
        next_token: &mut u64,
    ) -> io::Result<()> {
        let (index, mac, _) = place;
        match self.listeners.get_mut(&place) {
            // The one who listens goes on without a gap, in which an answer could be lost.
            Some(listener) if listener.addresses != addresses => {
                listener.socket.filter(&about(mac, &addresses))?;
                listener._groups = join_groups(index, &addresses);
                listener.addresses = addresses;
            }
            Some(_) => {}
            None => {
                let listener = Listener::open(place, *next_token, addresses)?;
                readiness.watch(&listener.socket, listener.token)?;
                *next_token += 1;
                self.listeners.insert(place, listener);
            }
        }
        let listener = &self.listeners[&place];
        for address in &listener.addresses {
            // One that does not leave is one that is not answered; the core asks again.
            let _ = listener.socket.send(&question(mac, *address));
        }
        Ok(())
    }

    /// How many sockets there are.
    pub fn sockets(&self) -> usize {
        self.listeners.len()
    }

    /// Takes what has come to the socket of that token.
    pub fn drain(&mut self, token: u64, buffer: &mut Buffer, out: &mut Vec<Event>) {
        let Some((place, listener)) = self.listeners.iter_mut().find(|(_, listener)| listener.token == token) else {
            return;
        };
        let (_, mac, family) = *place;
        let Listener { socket, addresses, .. } = listener;
        socket.drain(buffer, |datagram| {
            let claim = claim(family, datagram.bytes, mac);
            let ours = claim.filter(|(address, _)| addresses.binary_search(address).is_ok());
            out.extend(ours.map(|(address, by)| Event::AddressTaken { address, by }));
        });
    }
}

impl Listener {
    fn open((index, mac, family): Place, token: u64, addresses: Vec<IpAddr>) -> io::Result<Self> {
        let kind = match family {
            Family::V4 => EtherTypes::Arp,
            Family::V6 => EtherTypes::Ipv6,
        };
        let socket = PacketSocket::open(index, kind, &about(mac, &addresses))?;
        Ok(Self { token, socket, _groups: join_groups(index, &addresses), addresses })
    }
}

/// A socket in the groups of the IPv6 addresses, as far as the kernel lets it be.
fn join_groups(index: IfIndex, addresses: &[IpAddr]) -> Option<Socket> {
    let mut addresses = v6(addresses).peekable();
    addresses.peek()?;
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, None).ok()?;
    for address in addresses {
        let _ = socket.join_multicast_v6(&ndp::solicited_node(address), index.0);
    }
    Some(socket)
}

fn about(mac: Mac, addresses: &[IpAddr]) -> Vec<SockFilter> {
    match addresses.first() {
        Some(IpAddr::V6(_)) => filter::ndp_about(mac, &v6(addresses).collect::<Vec<_>>()),
        _ => filter::arp_about(mac, &v4(addresses).collect::<Vec<_>>()),
    }
}

fn v4(addresses: &[IpAddr]) -> impl Iterator<Item = Ipv4Addr> {
    addresses.iter().filter_map(|address| match address {
        IpAddr::V4(address) => Some(*address),
        IpAddr::V6(_) => None,
    })
}

fn v6(addresses: &[IpAddr]) -> impl Iterator<Item = Ipv6Addr> {
    addresses.iter().filter_map(|address| match address {
        IpAddr::V6(address) => Some(*address),
        IpAddr::V4(_) => None,
    })
}

fn question(mac: Mac, address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => arp::encode(&Arp::claim(mac, frame::BROADCAST, address)).to_vec(),
        IpAddr::V6(address) => ndp::encode(&Ndp::duplicate_detection(mac, address)),
    }
}

/// Which address a frame shows to be another's than that of `mac`, or about to be, and whose.
fn claim(family: Family, bytes: &[u8], mac: Mac) -> Option<(IpAddr, Mac)> {
    let (address, by, from) = match family {
        Family::V4 => {
            let arp = arp::decode(bytes).ok()?;
            let address = if arp.is_claim() { arp.target } else { arp.sender };
            (address.into(), arp.sender_mac, arp.ends.from)
        }
        Family::V6 => {
            let ndp = ndp::decode(bytes).ok()?;
            if ndp.kind == Kind::Solicitation && !ndp.source.is_unspecified() {
                return None;
            }
            (ndp.target.into(), ndp.link.unwrap_or(ndp.ends.from), ndp.ends.from)
        }
    };
    // Switches may reflect what was sent.
    (by != mac && from != mac).then_some((address, by))
}
