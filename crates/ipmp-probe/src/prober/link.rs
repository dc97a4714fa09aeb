//! ARP requests or neighbour solicitations of a member that has no address to spend, and the answers that are
//! awaited.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd};

use ipmp_core::{Event, Family, IfIndex, IfName, Instant, Mac, ProbeId, ReplyFault};
use nix::errno::Errno;
use pnet::packet::ethernet::EtherTypes;

use crate::arp::{self, Arp, Operation};
use crate::asked::Book;
use crate::clock;
use crate::filter;
use crate::frame;
use crate::ndp::{self, Kind, Ndp};
use crate::socket::Buffer;
use crate::socket::packet::PacketSocket;

/// In whose name is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// By ARP, with no address.
    Arp(Mac),
    /// By neighbour solicitations from the link-local address.
    Ndp(Mac, Ipv6Addr),
}

pub(crate) struct LinkProber {
    member: IfName,
    asker: Asker,
    socket: PacketSocket,
    book: Book,
}

impl LinkProber {
    pub fn open(member: &IfName, index: IfIndex, asker: Asker) -> io::Result<Self> {
        let (kind, filter) = match asker {
            Asker::Arp(mac) => (EtherTypes::Arp, filter::arp_replies(mac)),
            Asker::Ndp(mac, source) => (EtherTypes::Ipv6, filter::advertisements(mac, source)),
        };
        let socket = PacketSocket::open_on(member, index, kind, &filter)?;
        Ok(Self { member: member.clone(), asker, socket, book: Book::default() })
    }

    /// Sends a probe.
    pub fn send(&mut self, probe: ProbeId, target: IpAddr) -> Result<Instant, Errno> {
        let to = self.book.hardware_address(target);
        let frame = self.asker.request(to, target).ok_or(Errno::EAFNOSUPPORT)?;
        let at = clock::now();
        self.socket.send(&frame)?;
        self.book.record(probe, target, at, to);
        Ok(at)
    }

    /// Takes what has arrived.
    pub fn drain(&mut self, buffer: &mut Buffer, out: &mut Vec<Event>) {
        let Self { member, asker, socket, book } = self;
        socket.drain(buffer, |datagram| {
            let arrived = clock::arrived(datagram.stamp);
            let judged = asker.answer(datagram.bytes).and_then(|(target, by)| book.answer(target, by, arrived));
            out.push(match judged {
                Ok((probe, sent)) => Event::Reply { probe, received: clock::received(datagram.stamp, sent) },
                // The kernel asks for the same targets in the same name, and hears the same answers.
                Err(ReplyFault::Duplicate | ReplyFault::OutOfWindow) if asker.family() == Family::V6 => return,
                Err(fault) => Event::BadReply { member: member.clone(), family: asker.family(), fault },
            });
        });
    }
}

impl AsFd for LinkProber {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Asker {
    fn family(&self) -> Family {
        match self {
            Asker::Arp(_) => Family::V4,
            Asker::Ndp(..) => Family::V6,
        }
    }

    /// The frame that asks for `target`, at one hardware address or of all.
    fn request(&self, to: Option<Mac>, target: IpAddr) -> Option<Vec<u8>> {
        match (*self, target) {
            (Asker::Arp(mac), IpAddr::V4(target)) => {
                Some(arp::encode(&Arp::question(mac, to.unwrap_or(frame::BROADCAST), target)).to_vec())
            }
            (Asker::Ndp(mac, source), IpAddr::V6(target)) => {
                Some(ndp::encode(&Ndp::solicitation(mac, source, to, target)))
            }
            _ => None,
        }
    }

    /// About which address a frame answers us, and where that is.
    fn answer(&self, frame: &[u8]) -> Result<(IpAddr, Mac), ReplyFault> {
        match *self {
            Asker::Arp(mac) => {
                let arp = arp::decode(frame).map_err(|_| ReplyFault::Malformed)?;
                let to_us = arp.operation == Operation::Reply
                    && (arp.ends.to, arp.target_mac, arp.target) == (mac, mac, Ipv4Addr::UNSPECIFIED);
                genuine(to_us, mac, arp.sender.into(), arp.sender_mac)
            }
            Asker::Ndp(mac, source) => {
                let ndp = ndp::decode(frame).map_err(|_| ReplyFault::Malformed)?;
                let to_us = ndp.kind == Kind::Advertisement { solicited: true }
                    && (ndp.ends.to, ndp.destination) == (mac, source);
                genuine(to_us, mac, ndp.target.into(), ndp.link.unwrap_or(ndp.ends.from))
            }
        }
    }
}

/// An answer comes to us, from somebody, and from another than ourselves.
fn genuine(to_us: bool, mac: Mac, target: IpAddr, by: Mac) -> Result<(IpAddr, Mac), ReplyFault> {
    if to_us && by != mac && frame::is_somebody(by) { Ok((target, by)) } else { Err(ReplyFault::Fake) }
}
