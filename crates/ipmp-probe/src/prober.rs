//! One member and family: its socket, and the requests that it still awaits answers to.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipmp_core::{Event, Family, IfName, Instant, ProbeId, Prober};
use nix::errno::Errno;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::clock;
use crate::data::Data;
use crate::echo;
use crate::filter;
use crate::ledger::{Answer, Ledger, OUTSTANDING_MAX, Sent};
use crate::socket::{Buffer, ProbeSocket};

/// Datagrams taken from one socket in one go: as many as can be genuine. What is beyond stays in the
/// kernel, ready for the next time: a target gone mad must keep the daemon neither from its timers nor from
/// the other sockets.
pub const DRAIN_MAX: usize = OUTSTANDING_MAX;

/// "All systems on this subnet" (RFC 1112 §4) and "all nodes, link-local" (RFC 4291 §2.7.1).
const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

pub(crate) struct OpenProber {
    /// What it was opened as.
    pub spec: Prober,
    socket: ProbeSocket,
    ledger: Ledger,
}

impl OpenProber {
    pub fn open(spec: &Prober, rng: &mut StdRng) -> io::Result<Self> {
        let identifier = rng.random();
        let socket = ProbeSocket::open(spec, &filter::echo_replies(spec.family(), identifier))?;
        Ok(Self { spec: spec.clone(), socket, ledger: Ledger::new(identifier, rng.random()) })
    }

    pub fn socket(&self) -> &ProbeSocket {
        &self.socket
    }

    pub fn is(&self, member: &IfName, family: Family) -> bool {
        self.spec.member == *member && self.spec.family() == family
    }

    /// Sends a probe of that packet length, or of the shortest.
    pub fn send(
        &mut self,
        probe: ProbeId,
        target: IpAddr,
        length: Option<u16>,
        rng: &mut StdRng,
    ) -> Result<Instant, Errno> {
        let data = Data::new(self.spec.family(), rng.random(), length);
        let at = self.request(&data, target)?;
        self.ledger.record(data, Sent::probe(probe, target, at));
        Ok(at)
    }

    /// Asks all hosts on the link.
    pub fn discover(&mut self, rng: &mut StdRng) -> Result<(), Errno> {
        let all = match self.spec.family() {
            Family::V4 => IpAddr::V4(ALL_HOSTS),
            Family::V6 => IpAddr::V6(ALL_NODES),
        };
        let data = Data::new(self.spec.family(), rng.random(), None);
        self.request(&data, all)?;
        self.ledger.record(data, Sent::discovery());
        Ok(())
    }

    /// The moment is that before the system call: on a short path the answer has been received before the
    /// call returns.
    fn request(&self, data: &Data, to: IpAddr) -> Result<Instant, Errno> {
        let data: Vec<_> = data.bytes().collect();
        let request = echo::encode(self.spec.family(), &self.ledger.request(&data));
        let at = clock::now();
        self.socket.send(&request, to)?;
        Ok(at)
    }

    /// Takes what has arrived, up to [`DRAIN_MAX`].
    pub fn drain(&mut self, buffer: &mut Buffer, out: &mut Vec<Event>) {
        let family = self.spec.family();
        for _ in 0..DRAIN_MAX {
            let datagram = match self.socket.receive(buffer) {
                Ok(datagram) => datagram,
                Err(Errno::EAGAIN) => return,
                // An interruption, or an error that waited in the socket and is gone with having been read.
                Err(_) => continue,
            };
            let member = || self.spec.member.clone();
            out.push(match self.ledger.judge(echo::decode_delivered(family, datagram.bytes), datagram.source) {
                Ok(Answer::Probe(probe, sent)) => {
                    Event::Reply { probe, received: clock::received(datagram.stamp, sent) }
                }
                Ok(Answer::Host(address)) => Event::Discovered { member: member(), address },
                Ok(Answer::OneMore) => continue,
                Err(fault) => Event::BadReply { member: member(), family, fault },
            });
        }
    }
}
