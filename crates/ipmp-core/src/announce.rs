//! When to repeat announcements: five in all in IPv4, three in IPv6 (RFC 4861 §7.2.6), two seconds apart, paced when
//! there are many (IPMP behaviour §7). The first leaves with the move itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::time::Instant;

/// Announcements after the first one.
fn repeats(address: IpAddr) -> u8 {
    if address.is_ipv4() { 4 } else { 2 }
}

/// Between two announcements of an address; well beyond the second for which peers may lock an entry.
const SPACING: Duration = Duration::from_secs(2);

/// Most announcements in one batch, and the pause after it: switches throttle floods of broadcasts.
const BATCH: usize = 32;
const PAUSE: Duration = Duration::from_millis(10);

/// What is still to be repeated.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repeats {
    due: BTreeSet<(Instant, IpAddr)>,
    left: BTreeMap<IpAddr, (Instant, u8)>,
    not_before: Instant,
}

impl Repeats {
    /// The address was announced just now.
    pub(crate) fn announced(&mut self, address: IpAddr, now: Instant) {
        self.schedule(address, now + SPACING, repeats(address));
    }

    /// The address is to be announced at once, and repeatedly.
    pub(crate) fn start(&mut self, address: IpAddr, now: Instant) {
        self.schedule(address, now, repeats(address) + 1);
    }

    /// The address is gone.
    pub(crate) fn stop(&mut self, address: IpAddr) {
        if let Some((when, _)) = self.left.remove(&address) {
            self.due.remove(&(when, address));
        }
    }

    /// The addresses to be announced now, at most a batch.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<IpAddr> {
        let mut batch = Vec::new();
        if now < self.not_before {
            return batch;
        }
        while batch.len() < BATCH
            && let Some(&(when, address)) = self.due.first()
            && when <= now
        {
            let (_, left) = self.left[&address];
            self.stop(address);
            if left > 1 {
                self.schedule(address, now + SPACING, left - 1);
            }
            batch.push(address);
        }
        if batch.len() == BATCH {
            self.not_before = now + PAUSE;
        }
        batch
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due.first().map(|(when, _)| (*when).max(self.not_before))
    }

    fn schedule(&mut self, address: IpAddr, when: Instant, left: u8) {
        self.stop(address);
        self.due.insert((when, address));
        self.left.insert(address, (when, left));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(0xc000_0200 + n).into()
    }

    fn played(repeats: &mut Repeats) -> Vec<(u64, usize)> {
        let mut log = Vec::new();
        while let Some(when) = repeats.deadline() {
            log.push((when.as_nanos() / 1_000_000, repeats.take_due(when).len()));
        }
        log
    }

    #[test]
    fn four_more_two_seconds_apart() {
        let mut repeats = Repeats::default();
        repeats.announced(address(1), Instant::default());
        assert_eq!(played(&mut repeats), [(2000, 1), (4000, 1), (6000, 1), (8000, 1)]);
        repeats.start(address(1), Instant::default());
        repeats.start(address(1), Instant::default());
        assert_eq!(played(&mut repeats).len(), 5);
        repeats.announced("2001:db8::50".parse().unwrap(), Instant::default());
        assert_eq!(played(&mut repeats), [(2000, 1), (4000, 1)]);
    }

    #[test]
    fn thousands_are_paced() {
        let mut repeats = Repeats::default();
        (0..1000).for_each(|n| repeats.announced(address(n), Instant::default()));
        let log = played(&mut repeats);
        assert_eq!(log.iter().map(|(_, count)| count).sum::<usize>(), 4000);
        assert!(log.iter().all(|(_, count)| *count <= BATCH));
        assert!(log.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 10));
    }

    #[test]
    fn what_is_gone_is_not_announced() {
        let mut repeats = Repeats::default();
        repeats.start(address(1), Instant::default());
        repeats.stop(address(1));
        assert_eq!(repeats.deadline(), None);
    }
}
