//! One member and family: its socket, and the probes that it still awaits.

use std::io;
use std::net::IpAddr;

use ipmp_core::{Event, Family, IfName, Instant, ProbeId, Prober};
use nix::errno::Errno;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::clock;
use crate::echo;
use crate::filter;
use crate::ledger::{Ledger, OUTSTANDING_MAX, Rejected, Rejection, Sent};
use crate::socket::{DATAGRAM_MAX, Datagram, ProbeSocket};

/// Datagrams taken from one socket in one go: as many as can be genuine. What is beyond stays in the
/// kernel, ready for the next time: a target gone mad must keep the daemon neither from its timers nor from
/// the other sockets.
pub const DRAIN_MAX: usize = OUTSTANDING_MAX;

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

    /// Sends a request. The moment is that before the system call: on a short path the answer has been
    /// received before the call returns.
    pub fn send(&mut self, probe: ProbeId, target: IpAddr, rng: &mut StdRng) -> Result<Instant, Errno> {
        let nonce = rng.random();
        let request = echo::encode(self.spec.family(), &self.ledger.request(nonce));
        let at = clock::now();
        self.socket.send(&request, target)?;
        self.ledger.record(nonce, Sent { probe, target, at });
        Ok(at)
    }

    /// Takes what has arrived, up to [`DRAIN_MAX`].
    pub fn drain(&mut self, rejected: &mut Rejected, out: &mut Vec<Event>) {
        let mut buffer = [0; DATAGRAM_MAX];
        for _ in 0..DRAIN_MAX {
            match self.socket.receive(&mut buffer) {
                Ok(datagram) => match judge(&mut self.ledger, self.spec.family(), &datagram) {
                    Ok(sent) => {
                        let received = clock::received(datagram.stamp, sent.at);
                        out.push(Event::Reply { probe: sent.probe, received });
                    }
                    Err(rejection) => rejected.count(rejection),
                },
                Err(Errno::EAGAIN) => return,
                // An interruption, or an error that waited in the socket and is gone with having been read.
                Err(_) => {}
            }
        }
    }
}

/// Which probe a datagram answers.
fn judge(ledger: &mut Ledger, family: Family, datagram: &Datagram<'_>) -> Result<Sent, Rejection> {
    if datagram.overlong {
        return Err(Rejection::Malformed);
    }
    ledger.answer(&echo::decode_delivered(family, datagram.bytes)?, datagram.source)
}
