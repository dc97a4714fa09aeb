//! Which probes of a kind without sequence numbers are outstanding: requests of ARP, neighbour solicitations.

use std::collections::VecDeque;
use std::net::IpAddr;

use ipmp_core::{Instant, Mac, ProbeId, ReplyFault};

use crate::ledger::OUTSTANDING_MAX;

/// Of the probes that are remembered, those to one hardware address that may stay without an answer before
/// it is taken to give none: all of its probes are broadcasts then. A router of a pair may well answer for
/// both, and the other not at all (GLBP); and a broadcast or two after an outage harm nobody.
const MUTE: usize = 3;

/// A probe that left.
#[derive(Debug)]
struct Asked {
    probe: ProbeId,
    target: IpAddr,
    at: Instant,
    /// Whom it was sent to, where not to all.
    to: Option<Mac>,
    /// Who answered.
    by: Option<Mac>,
}

/// The probes that one socket sent last, in order.
#[derive(Debug, Default)]
pub(crate) struct Book {
    probes: VecDeque<Asked>,
}

impl Book {
    /// To whom the next probe to `target` is to go, so that a link is not full of broadcasts: to the one who
    /// answered the last, or to all where nobody did, or nobody was asked. So an address that has moved to
    /// another hardware address is found by the second probe.
    pub fn hardware_address(&self, target: IpAddr) -> Option<Mac> {
        let mac = self.newest(target)?.by?;
        let to_it = self.probes.iter().filter(|asked| asked.target == target && asked.to == Some(mac));
        (to_it.filter(|asked| asked.by.is_none()).count() < MUTE).then_some(mac)
    }

    /// A probe has left, to that hardware address or to all.
    pub fn record(&mut self, probe: ProbeId, target: IpAddr, at: Instant, to: Option<Mac>) {
        if self.probes.len() == OUTSTANDING_MAX {
            self.probes.pop_front();
        }
        self.probes.push_back(Asked { probe, target, at, to, by: None });
    }

    /// The probe that an answer about `target` belongs to, and when that was sent: the newest without an
    /// answer, of those that had left when it arrived, where that is known.
    pub fn answer(
        &mut self,
        target: IpAddr,
        by: Mac,
        arrived: Option<Instant>,
    ) -> Result<(ProbeId, Instant), ReplyFault> {
        self.newest(target).ok_or(ReplyFault::OutOfWindow)?;
        let mut open = self.probes.iter_mut().rev().filter(|asked| asked.target == target && asked.by.is_none());
        let newest = open.next().ok_or(ReplyFault::Duplicate)?;
        let had_left = |asked: &Asked| arrived.is_none_or(|arrived| asked.at <= arrived);
        let answered = if had_left(newest) { newest } else { open.find(|asked| had_left(asked)).unwrap_or(newest) };
        answered.by = Some(by);
        Ok((answered.probe, answered.at))
    }

    fn newest(&self, target: IpAddr) -> Option<&Asked> {
        self.probes.iter().rev().find(|asked| asked.target == target)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const TARGET: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
    const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const MOVED: Mac = Mac([2, 0, 0, 0, 0, 2]);

    /// One that sent probe `n` at `n` milliseconds.
    fn asked(targets: &[IpAddr]) -> Book {
        let mut book = Book::default();
        for (number, target) in (0..).zip(targets) {
            ask(&mut book, number, *target);
        }
        book
    }

    /// The whole of a probe, as a prober does it; gives whom it went to.
    fn ask(book: &mut Book, number: u64, target: IpAddr) -> Option<Mac> {
        let to = book.hardware_address(target);
        book.record(ProbeId(number), target, at(number), to);
        to
    }

    fn at(milliseconds: u64) -> Instant {
        Instant::from_nanos(milliseconds * 1_000_000)
    }

    fn answered(book: &mut Book, target: IpAddr, arrived: Option<Instant>) -> Result<u64, ReplyFault> {
        book.answer(target, MAC, arrived).map(|(probe, sent)| {
            assert_eq!(sent, at(probe.0));
            probe.0
        })
    }

    #[test]
    fn an_answer_is_the_newest_unanswered_probes() {
        let mut book = asked(&[TARGET, OTHER, TARGET, OTHER]);
        assert_eq!(answered(&mut book, TARGET, None), Ok(2));
        assert_eq!(answered(&mut book, OTHER, Some(at(9))), Ok(3));
        assert_eq!(answered(&mut book, TARGET, Some(at(9))), Ok(0));
        assert_eq!(answered(&mut book, TARGET, None), Err(ReplyFault::Duplicate));
        assert_eq!(answered(&mut book, OTHER, None), Ok(1));
    }

    #[test]
    fn what_was_sent_after_it_arrived_is_not_what_it_answers() {
        let mut book = asked(&[TARGET, TARGET, TARGET]);
        assert_eq!(answered(&mut book, TARGET, Some(at(1))), Ok(1));
        assert_eq!(answered(&mut book, TARGET, Some(at(1))), Ok(0));
        // A wall clock that was set: it has to be somebody's.
        assert_eq!(answered(&mut book, TARGET, Some(at(1))), Ok(2));
    }

    #[test]
    fn who_was_never_asked_or_long_ago() {
        let mut book = asked(&[OTHER]);
        assert_eq!(answered(&mut book, TARGET, None), Err(ReplyFault::OutOfWindow));
        let mut book = asked(&[vec![TARGET], vec![OTHER; OUTSTANDING_MAX]].concat());
        assert_eq!(answered(&mut book, TARGET, None), Err(ReplyFault::OutOfWindow));
        assert_eq!(book.hardware_address(TARGET), None);
        assert_eq!(book.probes.len(), OUTSTANDING_MAX);
    }

    #[test]
    fn all_are_asked_first_and_after_silence() {
        let mut book = Book::default();
        assert_eq!(ask(&mut book, 0, TARGET), None, "nobody is known");
        assert_eq!(ask(&mut book, 1, TARGET), None, "nobody has answered yet");
        book.answer(TARGET, MAC, None).unwrap();
        assert_eq!(ask(&mut book, 2, TARGET), Some(MAC));
        assert_eq!(ask(&mut book, 3, TARGET), None, "it did not answer");
        book.answer(TARGET, MOVED, None).unwrap();
        assert_eq!(ask(&mut book, 4, TARGET), Some(MOVED), "it is there now");
        assert_eq!(ask(&mut book, 5, OTHER), None, "another target");
    }

    #[test]
    fn one_that_answers_nothing_but_broadcasts() {
        let mut book = Book::default();
        let mut unanswered = 0;
        for number in 0..OUTSTANDING_MAX as u64 {
            match ask(&mut book, number, TARGET) {
                Some(_) => unanswered += 1,
                None => drop(book.answer(TARGET, MAC, None).unwrap()),
            }
        }
        assert_eq!(unanswered, MUTE);
    }
}
