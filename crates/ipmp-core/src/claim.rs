//! Whether a data address may be used: who brings one into a network first asks whether another host has it
//! (RFC 5227 §2.1, RFC 4862 §5.4). Nothing is asked of addresses that only move among the members.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::id::Mac;
use crate::time::Instant;

/// So often is asked (PROBE_NUM of RFC 5227),
const ASKED: u8 = 3;
/// so far apart, and so long is waited after the last time. The RFC has seconds, for a building full of hosts
/// that are switched on together; an answer on a LAN takes milliseconds.
const SPACING: Duration = Duration::from_millis(200);

/// An address that another host has is asked for again after this time.
const AGAIN: Duration = Duration::from_secs(10);

/// An address that is not ours yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim {
    /// How often it was asked for in this round.
    asked: u8,
    /// When it is asked for, or when the round is over.
    next: Instant,
    /// Who has it, as far as is known.
    by: Option<Mac>,
}

impl Claim {
    /// It is to be asked for.
    fn is_due(&self, now: Instant) -> bool {
        self.asked < ASKED && self.next <= now
    }

    /// Nobody answered.
    fn is_free(&self, now: Instant) -> bool {
        self.asked == ASKED && self.next <= now
    }
}

/// The addresses of a group that are not ours yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    open: BTreeMap<IpAddr, Claim>,
}

impl Claims {
    /// This address is to be asked for; nothing changes where it is already.
    pub(crate) fn open(&mut self, address: IpAddr, now: Instant) {
        self.open.entry(address).or_insert(Claim { asked: 0, next: now, by: None });
    }

    /// Whether of some it is not known yet whose they are.
    pub(crate) fn are_open(&self) -> bool {
        self.open.values().any(|claim| claim.by.is_none())
    }

    /// Only these are still wanted.
    pub(crate) fn retain(&mut self, wanted: impl Fn(IpAddr) -> bool) {
        self.open.retain(|address, _| wanted(*address));
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.open.contains_key(&address)
    }

    /// Who has an address that is not ours yet.
    pub(crate) fn taken_by(&self, address: IpAddr) -> Option<Mac> {
        self.open.get(&address)?.by
    }

    /// A host has it. True where that is news.
    pub(crate) fn taken(&mut self, address: IpAddr, by: Mac, now: Instant) -> bool {
        let Some(claim) = self.open.get_mut(&address) else { return false };
        let news = claim.by != Some(by);
        *claim = Claim { asked: 0, next: now + AGAIN, by: Some(by) };
        news
    }

    /// Whether some are to be asked for now.
    pub(crate) fn are_due(&self, now: Instant) -> bool {
        self.open.values().any(|claim| claim.is_due(now))
    }

    /// Those that are being asked for, or are to be now.
    pub(crate) fn asking(&self, now: Instant) -> impl Iterator<Item = IpAddr> {
        let asking = move |claim: &Claim| claim.asked > 0 || claim.next <= now;
        self.open.iter().filter(move |(_, claim)| asking(claim)).map(|(address, _)| *address)
    }

    /// Those that are due have been asked for.
    pub(crate) fn asked(&mut self, now: Instant) {
        for claim in self.open.values_mut().filter(|claim| claim.is_due(now)) {
            (claim.asked, claim.next) = (claim.asked + 1, now + SPACING);
        }
    }

    /// Takes out those for which nobody answered; each with whether somebody had it before. While the network is
    /// `dark`, that he who has one does not answer says nothing: he is asked again.
    pub(crate) fn take_free(&mut self, dark: bool, now: Instant) -> Vec<(IpAddr, bool)> {
        for claim in self.open.values_mut().filter(|claim| dark && claim.by.is_some() && claim.is_free(now)) {
            (claim.asked, claim.next) = (0, now + AGAIN);
        }
        let found = self.open.iter().filter(|(_, claim)| claim.is_free(now));
        let found: Vec<_> = found.map(|(address, claim)| (*address, claim.by.is_some())).collect();
        found.iter().for_each(|(address, _)| _ = self.open.remove(address));
        found
    }

    /// Takes out those of which it is not known yet whose they are.
    pub(crate) fn take_undecided(&mut self) -> Vec<IpAddr> {
        let undecided = self.open.iter().filter(|(_, claim)| claim.by.is_none());
        let undecided: Vec<IpAddr> = undecided.map(|(address, _)| *address).collect();
        undecided.iter().for_each(|address| _ = self.open.remove(address));
        undecided
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.open.values().map(|claim| claim.next).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BY: Mac = Mac([2, 0, 0, 0, 0, 7]);

    fn address() -> IpAddr {
        [192, 0, 2, 50].into()
    }

    /// Lets time pass until nothing is asked any more: when it was asked, and what came of it.
    fn played(claims: &mut Claims, dark: bool, until: Instant) -> (Vec<u64>, Vec<(IpAddr, bool)>) {
        let (mut asked, mut free) = (Vec::new(), Vec::new());
        while let Some(now) = claims.deadline().filter(|now| *now <= until) {
            if claims.are_due(now) {
                asked.push(now.as_nanos() / 1_000_000);
                claims.asked(now);
            }
            free.extend(claims.take_free(dark, now));
        }
        (asked, free)
    }

    #[test]
    fn it_is_asked_for_three_times_and_used_after_a_while() {
        let mut claims = Claims::default();
        claims.open(address(), Instant::default());
        let minute = Instant::default() + Duration::from_secs(60);
        assert_eq!(played(&mut claims, false, minute), (vec![0, 200, 400], vec![(address(), false)]));
    }

    #[test]
    fn a_taken_one_is_asked_for_again() {
        let mut claims = Claims::default();
        claims.open(address(), Instant::default());
        assert!(claims.taken(address(), BY, Instant::default()));
        assert!(!claims.taken(address(), BY, Instant::default()), "no news");
        let minute = Instant::default() + Duration::from_secs(60);
        assert_eq!(claims.taken_by(address()), Some(BY));
        assert_eq!(played(&mut claims, false, minute), (vec![10_000, 10_200, 10_400], vec![(address(), true)]));
    }

    #[test]
    fn silence_in_the_dark_frees_nothing() {
        let mut claims = Claims::default();
        claims.open(address(), Instant::default());
        claims.taken(address(), BY, Instant::default());
        let minute = Instant::default() + Duration::from_secs(60);
        let (asked, free) = played(&mut claims, true, minute);
        assert_eq!((asked.len(), free.len()), (15, 0));
        assert_eq!(played(&mut claims, false, minute + AGAIN).1, [(address(), true)]);
    }
}
