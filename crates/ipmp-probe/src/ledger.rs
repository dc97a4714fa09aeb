//! Which probes of a socket are outstanding, and whether an echo that came is the answer to one.

use std::collections::VecDeque;
use std::net::IpAddr;

use ipmp_core::{Instant, ProbeId};

use crate::echo::{Echo, Kind, Nonce, Undecodable};

/// Probes of one socket that an answer can still match. With the 257th the oldest is forgotten, and its
/// answer counts as unknown from then on: five times the 52 slots in which an answer may come late (IPMP
/// behaviour, §4), and 3.6 seconds at the 14 ms of a failure detection time of 100 ms.
pub const OUTSTANDING_MAX: usize = 256;

/// How many datagrams were not the answer to a probe, by the first reason that was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    /// Another socket's identifier. The kernel filters these; what is counted slipped in before the
    /// filter was in place.
    pub foreign_identifier: u64,
    /// A sequence that was not sent, or too long ago.
    pub unknown_sequence: u64,
    /// Data other than the probe's: a forgery by someone off the path.
    pub wrong_nonce: u64,
    /// Not from the address that was probed.
    pub wrong_source: u64,
    /// The probe was answered before.
    pub duplicate: u64,
    /// No echo reply, or one that breaks a rule of the protocol or carries more than was sent.
    pub malformed: u64,
    /// Ends early.
    pub truncated: u64,
}

/// Why one was not; the counters of [`Rejected`] say what each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    ForeignIdentifier,
    UnknownSequence,
    WrongNonce,
    WrongSource,
    Duplicate,
    Malformed,
    Truncated,
}

impl Rejected {
    pub(crate) fn count(&mut self, rejection: Rejection) {
        let counter = match rejection {
            Rejection::ForeignIdentifier => &mut self.foreign_identifier,
            Rejection::UnknownSequence => &mut self.unknown_sequence,
            Rejection::WrongNonce => &mut self.wrong_nonce,
            Rejection::WrongSource => &mut self.wrong_source,
            Rejection::Duplicate => &mut self.duplicate,
            Rejection::Malformed => &mut self.malformed,
            Rejection::Truncated => &mut self.truncated,
        };
        *counter = counter.saturating_add(1);
    }
}

impl From<Undecodable> for Rejection {
    fn from(undecodable: Undecodable) -> Self {
        match undecodable {
            Undecodable::Truncated => Rejection::Truncated,
            Undecodable::Malformed(_) => Rejection::Malformed,
        }
    }
}

/// A probe that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub probe: ProbeId,
    pub target: IpAddr,
    pub at: Instant,
}

struct Entry {
    sent: Sent,
    nonce: Nonce,
    answered: bool,
}

/// The probes that one socket sent last, in order and without a gap in their sequence.
pub(crate) struct Ledger {
    identifier: u16,
    next: u16,
    entries: VecDeque<Entry>,
}

impl Ledger {
    /// An empty one; `first` is the sequence of the first probe.
    pub fn new(identifier: u16, first: u16) -> Self {
        Self { identifier, next: first, entries: VecDeque::new() }
    }

    /// The next request to send. It stays the next until [`Ledger::record`].
    pub fn request(&self, nonce: Nonce) -> Echo {
        Echo { kind: Kind::Request, identifier: self.identifier, sequence: self.next, nonce }
    }

    /// That request has left.
    pub fn record(&mut self, nonce: Nonce, sent: Sent) {
        if self.entries.len() == OUTSTANDING_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { sent, nonce, answered: false });
        self.next = self.next.wrapping_add(1);
    }

    /// Which probe the echo answers, for the first time.
    pub fn answer(&mut self, echo: &Echo, source: IpAddr) -> Result<Sent, Rejection> {
        if echo.kind != Kind::Reply {
            return Err(Rejection::Malformed);
        }
        if echo.identifier != self.identifier {
            return Err(Rejection::ForeignIdentifier);
        }
        let entry = self.entry(echo.sequence).ok_or(Rejection::UnknownSequence)?;
        if echo.nonce != entry.nonce {
            return Err(Rejection::WrongNonce);
        }
        if source != entry.sent.target {
            return Err(Rejection::WrongSource);
        }
        if std::mem::replace(&mut entry.answered, true) {
            return Err(Rejection::Duplicate);
        }
        Ok(entry.sent)
    }

    fn entry(&mut self, sequence: u16) -> Option<&mut Entry> {
        let back = usize::from(self.next.wrapping_sub(sequence));
        let place = self.entries.len().checked_sub(back)?;
        self.entries.get_mut(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: Nonce = [7; 16];
    const TARGET: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn send(ledger: &mut Ledger, probe: u64) -> Echo {
        let request = ledger.request(NONCE);
        ledger.record(NONCE, Sent { probe: ProbeId(probe), target: TARGET, at: Instant::from_nanos(probe) });
        Echo { kind: Kind::Reply, ..request }
    }

    #[test]
    fn a_reply_must_be_right_in_everything() {
        let mut ledger = Ledger::new(1, 100);
        let reply = send(&mut ledger, 0);
        let cases = [
            (Echo { kind: Kind::Request, ..reply }, TARGET, Rejection::Malformed),
            (Echo { identifier: 2, ..reply }, TARGET, Rejection::ForeignIdentifier),
            (Echo { sequence: 99, ..reply }, TARGET, Rejection::UnknownSequence),
            (Echo { sequence: 101, ..reply }, TARGET, Rejection::UnknownSequence),
            (Echo { nonce: [8; 16], ..reply }, TARGET, Rejection::WrongNonce),
            (reply, IpAddr::from([192, 0, 2, 2]), Rejection::WrongSource),
        ];
        for (echo, source, rejection) in cases {
            assert_eq!(ledger.answer(&echo, source), Err(rejection), "{echo:?} from {source}");
        }
        assert_eq!(ledger.answer(&reply, TARGET).map(|sent| sent.probe), Ok(ProbeId(0)));
        assert_eq!(ledger.answer(&reply, TARGET), Err(Rejection::Duplicate));
    }

    #[test]
    fn the_oldest_is_forgotten_and_the_sequence_wraps() {
        let mut ledger = Ledger::new(1, u16::MAX - 3);
        let replies: Vec<_> = (0..1000).map(|probe| send(&mut ledger, probe)).collect();
        for (probe, reply) in replies.iter().enumerate() {
            let answer = ledger.answer(reply, TARGET).map(|sent| sent.probe);
            match probe {
                ..744 => assert_eq!(answer, Err(Rejection::UnknownSequence), "probe {probe}"),
                _ => assert_eq!(answer, Ok(ProbeId(probe as u64))),
            }
        }
    }

    #[test]
    fn a_request_that_did_not_leave_keeps_its_sequence() {
        let ledger = Ledger::new(1, 5);
        assert_eq!(ledger.request(NONCE).sequence, ledger.request(NONCE).sequence);
    }
}
