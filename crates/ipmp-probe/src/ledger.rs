//! Which requests of a socket are outstanding, and what an echo that came is to them.

use std::collections::VecDeque;
use std::net::IpAddr;

use ipmp_core::{Instant, ProbeId, ReplyFault};

use crate::data::Data;
use crate::echo::{Echo, Kind, Undecodable};

/// Requests of one socket that an answer can still match. With the 257th the oldest is forgotten, and its
/// answer counts as unknown from then on: five times the 52 slots in which an answer may come late (IPMP
/// behaviour, §4), and six failure detection times where they follow each other most closely, while a loss is
/// confirmed.
pub const OUTSTANDING_MAX: usize = 256;

/// Hosts that one request to all may find: five are probed, and of the others none is missed.
pub const HOSTS_MAX: usize = 64;

/// A request that left.
#[derive(Debug)]
pub(crate) enum Sent {
    /// To one target.
    Probe { probe: ProbeId, target: IpAddr, at: Instant, answered: bool },
    /// To all hosts on the link, with those that have answered.
    Discovery { hosts: Vec<IpAddr> },
}

impl Sent {
    pub fn probe(probe: ProbeId, target: IpAddr, at: Instant) -> Self {
        Sent::Probe { probe, target, at, answered: false }
    }

    pub fn discovery() -> Self {
        Sent::Discovery { hosts: Vec::new() }
    }
}

/// What a right answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A probe was answered that left at that moment.
    Probe(ProbeId, Instant),
    /// A host is there.
    Host(IpAddr),
    /// One host more than a request may find.
    OneMore,
}

/// The requests that one socket sent last, in order and without a gap in their sequence.
pub(crate) struct Ledger {
    identifier: u16,
    next: u16,
    entries: VecDeque<(Data, Sent)>,
}

impl Ledger {
    /// An empty one; `first` is the sequence of the first request.
    pub fn new(identifier: u16, first: u16) -> Self {
        Self { identifier, next: first, entries: VecDeque::new() }
    }

    /// The next request to send. It stays the next until [`Ledger::record`].
    pub fn request<'a>(&self, data: &'a [u8]) -> Echo<'a> {
        Echo { kind: Kind::Request, identifier: self.identifier, sequence: self.next, data }
    }

    /// That request has left.
    pub fn record(&mut self, data: Data, sent: Sent) {
        if self.entries.len() == OUTSTANDING_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back((data, sent));
        self.next = self.next.wrapping_add(1);
    }

    /// What a datagram from `source` tells, if it is a right answer, and the first.
    pub fn judge(&mut self, datagram: Result<Echo<'_>, Undecodable<'_>>, source: IpAddr) -> Result<Answer, ReplyFault> {
        let (echo, undamaged) = match datagram {
            Ok(echo) => (echo, true),
            Err(Undecodable::Damaged(echo)) => (echo, false),
            Err(_) => return Err(ReplyFault::Malformed),
        };
        // Another identifier slipped in before the kernel's filter was in place.
        if echo.kind != Kind::Reply || echo.identifier != self.identifier {
            return Err(ReplyFault::Malformed);
        }
        let unknown = if undamaged { ReplyFault::OutOfWindow } else { ReplyFault::Malformed };
        let (data, sent) = self.entry(echo.sequence).ok_or(unknown)?;
        sent.answer(source, undamaged && data.is(echo.data))
    }

    fn entry(&mut self, sequence: u16) -> Option<&mut (Data, Sent)> {
        let back = usize::from(self.next.wrapping_sub(sequence));
        let place = self.entries.len().checked_sub(back)?;
        self.entries.get_mut(place)
    }
}

impl Sent {
    /// An answer to this request came. Wrong data prove damage only where they come from a host that has
    /// certainly been asked: anyone may have made them up.
    fn answer(&mut self, source: IpAddr, data_right: bool) -> Result<Answer, ReplyFault> {
        match self {
            Sent::Probe { target, .. } if *target != source => Err(ReplyFault::Fake),
            Sent::Probe { .. } if !data_right => Err(ReplyFault::Corrupt),
            Sent::Probe { answered, .. } if *answered => Err(ReplyFault::Duplicate),
            Sent::Probe { probe, at, answered, .. } => {
                *answered = true;
                Ok(Answer::Probe(*probe, *at))
            }
            Sent::Discovery { .. } if !data_right || source.is_unspecified() => Err(ReplyFault::Fake),
            Sent::Discovery { hosts } if hosts.contains(&source) => Err(ReplyFault::Duplicate),
            Sent::Discovery { hosts } if hosts.len() == HOSTS_MAX => Ok(Answer::OneMore),
            Sent::Discovery { hosts } => {
                hosts.push(source);
                Ok(Answer::Host(source))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use ipmp_core::Family;

    use super::*;

    const TARGET: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
    const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    const RIGHT: [u8; 16] = [7; 16];
    const AT: Instant = Instant::from_nanos(5);

    fn data() -> Data {
        Data::new(Family::V4, RIGHT, None)
    }

    /// One that sent a probe with sequence 100, and asked all hosts with 101.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::new(1, 100);
        ledger.record(data(), Sent::probe(ProbeId(9), TARGET, AT));
        ledger.record(data(), Sent::discovery());
        ledger
    }

    const TO_PROBE: Echo<'static> = Echo { kind: Kind::Reply, identifier: 1, sequence: 100, data: &RIGHT };
    const TO_ALL: Echo<'static> = Echo { sequence: 101, ..TO_PROBE };

    #[test]
    fn each_fault_is_told_from_the_others() {
        use ReplyFault::{Corrupt, Fake, Malformed, OutOfWindow};
        let damaged = |echo| Err(Undecodable::Damaged(echo));
        let wrong: &[u8] = &[8; 16];
        let cases = [
            ("not an echo", Err(Undecodable::Malformed("not an echo")), TARGET, Malformed),
            ("truncated", Err(Undecodable::Truncated), TARGET, Malformed),
            ("a request", Ok(Echo { kind: Kind::Request, ..TO_PROBE }), TARGET, Malformed),
            ("for another socket", Ok(Echo { identifier: 2, ..TO_PROBE }), TARGET, Malformed),
            ("before the first", Ok(Echo { sequence: 99, ..TO_PROBE }), TARGET, OutOfWindow),
            ("not sent yet", Ok(Echo { sequence: 102, ..TO_PROBE }), TARGET, OutOfWindow),
            ("damaged, perhaps in the sequence", damaged(Echo { sequence: 102, ..TO_PROBE }), TARGET, Malformed),
            ("from another", Ok(TO_PROBE), OTHER, Fake),
            ("wrong data from another", Ok(Echo { data: wrong, ..TO_PROBE }), OTHER, Fake),
            ("damaged, from another", damaged(TO_PROBE), OTHER, Fake),
            ("wrong data", Ok(Echo { data: wrong, ..TO_PROBE }), TARGET, Corrupt),
            ("data cut short", Ok(Echo { data: &RIGHT[..15], ..TO_PROBE }), TARGET, Corrupt),
            ("no data", Ok(Echo { data: &[], ..TO_PROBE }), TARGET, Corrupt),
            ("more data", Ok(Echo { data: &[7; 17], ..TO_PROBE }), TARGET, Corrupt),
            ("damaged", damaged(TO_PROBE), TARGET, Corrupt),
            ("to all, wrong data", Ok(Echo { data: wrong, ..TO_ALL }), TARGET, Fake),
            ("to all, damaged", damaged(TO_ALL), TARGET, Fake),
            ("to all, from nobody", Ok(TO_ALL), NOBODY, Fake),
        ];
        for (case, datagram, source, fault) in cases {
            assert_eq!(ledger().judge(datagram, source), Err(fault), "{case}");
        }
    }

    #[test]
    fn a_probe_is_answered_once_whatever_came_before() {
        let mut ledger = ledger();
        assert_eq!(ledger.judge(Ok(TO_PROBE), OTHER), Err(ReplyFault::Fake));
        assert_eq!(ledger.judge(Err(Undecodable::Damaged(TO_PROBE)), TARGET), Err(ReplyFault::Corrupt));
        assert_eq!(ledger.judge(Ok(TO_PROBE), TARGET), Ok(Answer::Probe(ProbeId(9), AT)));
        assert_eq!(ledger.judge(Ok(TO_PROBE), TARGET), Err(ReplyFault::Duplicate));
        assert_eq!(ledger.judge(Err(Undecodable::Damaged(TO_PROBE)), TARGET), Err(ReplyFault::Corrupt));
    }

    #[test]
    fn a_host_is_found_once_by_each_request() {
        let mut ledger = ledger();
        ledger.record(data(), Sent::discovery());
        for sequence in [101, 102] {
            for host in [TARGET, OTHER] {
                let echo = Echo { sequence, ..TO_ALL };
                assert_eq!(ledger.judge(Ok(echo), host), Ok(Answer::Host(host)));
                assert_eq!(ledger.judge(Ok(echo), host), Err(ReplyFault::Duplicate));
            }
        }
    }

    #[test]
    fn a_request_finds_no_more_hosts_than_it_may() {
        let mut ledger = ledger();
        for host in 0..1000 {
            let host = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0001 + host));
            let found = ledger.judge(Ok(TO_ALL), host);
            match &ledger.entries[1].1 {
                Sent::Discovery { hosts } if hosts.contains(&host) => assert_eq!(found, Ok(Answer::Host(host))),
                Sent::Discovery { hosts } => assert_eq!((found, hosts.len()), (Ok(Answer::OneMore), HOSTS_MAX)),
                Sent::Probe { .. } => unreachable!("it went to all"),
            }
        }
    }

    #[test]
    fn the_oldest_is_forgotten_and_the_sequence_wraps() {
        let mut ledger = Ledger::new(1, u16::MAX - 3);
        let send = |number| {
            let sequence = ledger.request(&RIGHT).sequence;
            ledger.record(data(), Sent::probe(ProbeId(number), TARGET, AT));
            Echo { sequence, ..TO_PROBE }
        };
        let replies: Vec<_> = (0..1000).map(send).collect();
        for (probe, reply) in (0..).zip(replies) {
            let answer = ledger.judge(Ok(reply), TARGET);
            match probe {
                ..744 => assert_eq!(answer, Err(ReplyFault::OutOfWindow), "probe {probe}"),
                _ => assert_eq!(answer, Ok(Answer::Probe(ProbeId(probe), AT))),
            }
        }
    }

    #[test]
    fn a_request_that_did_not_leave_keeps_its_sequence() {
        let ledger = Ledger::new(1, 5);
        assert_eq!(ledger.request(&RIGHT), ledger.request(&RIGHT));
    }
}
