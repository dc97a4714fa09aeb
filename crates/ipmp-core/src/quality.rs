//! How well a member works in one family, short of failing: share of losses, large probes, corrupted replies.
//! Round trips that have shifted are in `shift`, for each target.

use std::collections::VecDeque;
use std::net::IpAddr;

use crate::history::{Answer, Kind, Loss};
use crate::id::ProbeId;
use crate::notice::Grey;

/// So many ordinary probes tell the share of losses,
const WINDOW: usize = 100;
/// and with so many there is something to tell.
const WINDOW_MIN: usize = 50;

/// Every so many slots a large probe goes,
const LARGE_EVERY: u32 = 11;
/// more often to see whether a loss was chance,
const LARGE_SOON: u32 = 7;
/// and seldom where none was ever answered: the targets take no packets of that length. None of these numbers
/// has a divisor in common with a number of targets, so that each target gets large ones.
const LARGE_SELDOM: u32 = 101;

/// Large probes in a row that tell.
const LARGE_RUN: u32 = 3;

/// So many lost ones in a row are the way of the targets now: that they were answered once tells no more.
const LARGE_FORGET: u32 = 50;

/// Corrupted replies within a window that tell.
const CORRUPT_MIN: usize = 3;

/// What the recent probes showed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quality {
    /// The recent ordinary probes, their targets, and whether each was lost.
    recent: VecDeque<(ProbeId, IpAddr, bool)>,
    lost: usize,
    /// Slots since a large probe was sent.
    slots: u32,
    large_lost: u32,
    large_answered: u32,
    large_pass: bool,
    /// Those of another member are answered.
    large_pass_elsewhere: bool,
    /// Ordinary probes judged so far, and at which of them a corrupted reply came.
    judged: u64,
    corrupt: VecDeque<u64>,
}

impl Quality {
    /// Whether the probe of this slot is to be a large one.
    pub(crate) fn large_is_due(&mut self) -> bool {
        self.slots += 1;
        let every = match (self.large_pass || self.large_pass_elsewhere, self.large_lost) {
            (true, 1..) => LARGE_SOON,
            (false, LARGE_RUN..) => LARGE_SELDOM,
            (true, 0) | (false, ..LARGE_RUN) => LARGE_EVERY,
        };
        let due = self.slots >= every;
        if due {
            self.slots = 0;
        }
        due
    }

    pub(crate) fn lost(&mut self, loss: &Loss) {
        match loss.kind {
            Kind::Ordinary => self.push(loss.probe, loss.target, true),
            Kind::Large => {
                (self.large_lost, self.large_answered) = (self.large_lost.saturating_add(1), 0);
                self.large_pass &= self.large_lost < LARGE_FORGET;
            }
            Kind::Extra => {}
        }
    }

    pub(crate) fn answered(&mut self, probe: ProbeId, answer: &Answer) {
        match answer.kind {
            Kind::Ordinary => match self.recent.iter_mut().rev().find(|(known, ..)| *known == probe) {
                Some((.., lost)) => self.lost -= usize::from(std::mem::take(lost)),
                None => self.push(probe, answer.target, false),
            },
            Kind::Large => {
                self.large_answered += 1;
                self.large_pass = true;
                if self.large_lost < LARGE_RUN || self.large_answered >= LARGE_RUN {
                    self.large_lost = 0;
                }
            }
            Kind::Extra => {}
        }
    }

    /// The member failed, with everybody or alone: what was wrong is accounted for.
    pub(crate) fn forget_losses(&mut self) {
        (self.lost, self.large_lost) = (0, 0);
        self.recent.clear();
        self.corrupt.clear();
    }

    /// The target is dead: what was lost to it says nothing of the member.
    pub(crate) fn forget_losses_to(&mut self, target: IpAddr) {
        self.recent.retain(|(_, to, lost)| !(*lost && *to == target));
        self.lost = self.recent.iter().filter(|(.., lost)| *lost).count();
    }

    /// Large probes have another length now.
    pub(crate) fn forget_large(&mut self) {
        (self.large_lost, self.large_answered, self.large_pass) = (0, 0, false);
    }

    /// A reply came that is not what was sent.
    pub(crate) fn corrupt(&mut self) {
        if self.corrupt.len() == CORRUPT_MIN * 2 {
            self.corrupt.pop_front();
        }
        self.corrupt.push_back(self.judged);
    }

    /// Share of the recent ordinary probes that were lost.
    pub(crate) fn loss(&self) -> Option<f64> {
        (self.recent.len() >= WINDOW_MIN).then(|| self.lost as f64 / self.recent.len() as f64)
    }

    /// No sign of trouble beyond the share of losses.
    pub(crate) fn is_spotless(&self) -> bool {
        self.large_lost == 0 && self.corrupted(true).is_none()
    }

    /// Whether large probes were answered of late.
    pub(crate) fn large_pass(&self) -> bool {
        self.large_pass
    }

    /// Whether more probes are lost than may be: half of that is enough for a member to stay degraded.
    pub(crate) fn lossy(&self, percent_max: u8, already: bool) -> Option<Grey> {
        let percent = self.loss()? * 100.0;
        let limit = f64::from(percent_max) / if already { 2.0 } else { 1.0 };
        (percent >= limit).then_some(Grey::Loss { percent: percent.round() as u8 })
    }

    /// Whether large probes of another member are answered.
    pub(crate) fn expect_large(&mut self, pass_elsewhere: bool) {
        self.large_pass_elsewhere = pass_elsewhere;
    }

    /// Whether large probes are lost, of this length. It says nothing unless they pass elsewhere, or did here.
    pub(crate) fn large_are_lost(&self, length: u16) -> Option<Grey> {
        let expected = self.large_pass || self.large_pass_elsewhere;
        (self.large_lost >= LARGE_RUN && expected).then_some(Grey::Large { length })
    }

    /// Whether many corrupted replies came of late.
    pub(crate) fn corrupted(&self, already: bool) -> Option<Grey> {
        let recent = self.corrupt.iter().filter(|&&at| at + WINDOW as u64 > self.judged).count();
        (recent >= if already { 1 } else { CORRUPT_MIN }).then_some(Grey::Corrupt { replies: recent as u32 })
    }

    fn push(&mut self, probe: ProbeId, target: IpAddr, lost: bool) {
        if self.recent.len() == WINDOW {
            let oldest = self.recent.pop_front();
            self.lost -= usize::from(oldest.is_some_and(|(.., lost)| lost));
        }
        self.recent.push_back((probe, target, lost));
        self.lost += usize::from(lost);
        self.judged += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::time::Instant;

    const TARGET: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn lose(quality: &mut Quality, probe: u64, kind: Kind) {
        quality.lost(&Loss { probe: ProbeId(probe), target: TARGET, kind, sent: Instant::default() });
    }

    fn answer(quality: &mut Quality, probe: u64, kind: Kind) {
        let (sent, rtt) = (Instant::default(), Duration::ZERO);
        let answer = Answer { target: TARGET, kind, sent, rtt, newest: true, was_lost: false };
        quality.answered(ProbeId(probe), &answer);
    }

    #[test]
    fn the_share_of_losses_is_of_ordinary_probes_and_late_answers_redeem() {
        let mut quality = Quality::default();
        for probe in 0..60 {
            if probe % 4 == 0 {
                lose(&mut quality, probe, Kind::Ordinary)
            } else {
                answer(&mut quality, probe, Kind::Ordinary)
            }
            lose(&mut quality, 1000 + probe, Kind::Extra);
        }
        assert_eq!(quality.loss(), Some(0.25));
        (0..12).step_by(4).for_each(|probe| answer(&mut quality, probe, Kind::Ordinary));
        assert_eq!(quality.loss(), Some(0.2));
        assert_eq!(quality.lossy(10, false), Some(Grey::Loss { percent: 20 }));
        assert_eq!((quality.lossy(30, false), quality.lossy(30, true).is_some()), (None, true));
    }

    #[test]
    fn large_probes_are_lost_where_they_passed_or_pass_elsewhere() {
        let mut quality = Quality::default();
        (0..3).for_each(|probe| lose(&mut quality, probe, Kind::Large));
        assert_eq!(quality.large_are_lost(1500), None);
        quality.expect_large(true);
        assert_eq!(quality.large_are_lost(1500), Some(Grey::Large { length: 1500 }));
        quality.expect_large(false);
        (3..5).for_each(|probe| answer(&mut quality, probe, Kind::Large));
        assert!(quality.large_are_lost(1500).is_some(), "two are too few to be well again");
        answer(&mut quality, 5, Kind::Large);
        assert_eq!(quality.large_are_lost(1500), None);
    }

    #[test]
    fn large_ones_go_more_often_while_they_are_lost_and_seldom_where_none_passes() {
        let mut quality = Quality::default();
        let due = |quality: &mut Quality| (0..7 * 11 * 101).filter(|_| quality.large_is_due()).count();
        assert_eq!(due(&mut quality), 7 * 101);
        (0..3).for_each(|probe| lose(&mut quality, probe, Kind::Large));
        assert_eq!(due(&mut quality), 7 * 11);
        answer(&mut quality, 3, Kind::Large);
        assert_eq!(due(&mut quality), 11 * 101);
        (4..7).for_each(|probe| answer(&mut quality, probe, Kind::Large));
        assert_eq!(due(&mut quality), 7 * 101);
    }

    #[test]
    fn corrupted_replies_are_forgotten_after_a_window() {
        let mut quality = Quality::default();
        (0..3).for_each(|_| quality.corrupt());
        assert_eq!(quality.corrupted(false), Some(Grey::Corrupt { replies: 3 }));
        (0..100).for_each(|probe| answer(&mut quality, probe, Kind::Ordinary));
        assert_eq!(quality.corrupted(true), None);
    }
}
