//! Echo requests from an address of the member, and the answers that are awaited.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd};

use ipmp_core::{Event, Family, IfIndex, IfName, Instant, ProbeId, ReplyFault};
use nix::errno::Errno;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::clock;
use crate::data::Data;
use crate::echo;
use crate::filter;
use crate::ledger::{Answer, Ledger, Sent};
use crate::socket::raw::RawSocket;
use crate::socket::{Buffer, Datagram};

/// "All systems on this subnet" (RFC 1112 §4) and "all nodes, link-local" (RFC 4291 §2.7.1).
const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

pub(crate) struct IcmpProber {
    member: IfName,
    pub source: IpAddr,
    socket: RawSocket,
    ledger: Ledger,
}

impl IcmpProber {
    pub fn open(member: &IfName, index: IfIndex, source: IpAddr, rng: &mut StdRng) -> io::Result<Self> {
        let identifier = rng.random();
        let filter = filter::echo_replies(Family::of(source), identifier);
        let socket = RawSocket::open(member, index, source, &filter)?;
        Ok(Self { member: member.clone(), source, socket, ledger: Ledger::new(identifier, rng.random()) })
    }

    /// Sends a probe of that packet length, or of the shortest.
    pub fn send(
        &mut self,
        probe: ProbeId,
        target: IpAddr,
        length: Option<u16>,
        rng: &mut StdRng,
    ) -> Result<Instant, Errno> {
        let data = Data::new(self.family(), rng.random(), length);
        let at = self.request(&data, target)?;
        self.ledger.record(data, Sent::probe(probe, target, at));
        Ok(at)
    }

    /// Asks all hosts on the link.
    pub fn discover(&mut self, rng: &mut StdRng) -> Result<(), Errno> {
        let all = match self.family() {
            Family::V4 => IpAddr::V4(ALL_HOSTS),
            Family::V6 => IpAddr::V6(ALL_NODES),
        };
        let data = Data::new(self.family(), rng.random(), None);
        self.request(&data, all)?;
        self.ledger.record(data, Sent::discovery());
        Ok(())
    }

    /// The moment is that before the system call: on a short path the answer has been received before the
    /// call returns.
    fn request(&self, data: &Data, to: IpAddr) -> Result<Instant, Errno> {
        let data: Vec<_> = data.bytes().collect();
        let request = echo::encode(self.family(), &self.ledger.request(&data));
        let at = clock::now();
        self.socket.send(&request, to)?;
        Ok(at)
    }

    /// Takes what has arrived.
    pub fn drain(&mut self, buffer: &mut Buffer, out: &mut Vec<Event>) {
        let family = self.family();
        let Self { member, socket, ledger, .. } = self;
        socket.drain(buffer, |datagram| {
            let event = match judge(ledger, family, &datagram) {
                Ok(Answer::Probe(probe, sent)) => {
                    Event::Reply { probe, received: clock::received(datagram.stamp, sent) }
                }
                Ok(Answer::Host(address)) => Event::Discovered { member: member.clone(), address },
                Ok(Answer::OneMore) => return,
                Err(fault) => Event::BadReply { member: member.clone(), family, fault },
            };
            out.push(event);
        });
    }

    fn family(&self) -> Family {
        Family::of(self.source)
    }
}

fn judge(ledger: &mut Ledger, family: Family, datagram: &Datagram<'_>) -> Result<Answer, ReplyFault> {
    let source = datagram.source.ok_or(ReplyFault::Malformed)?;
    ledger.judge(echo::decode_delivered(family, datagram.bytes), source)
}

impl AsFd for IcmpProber {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
