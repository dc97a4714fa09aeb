//! From when each packet was sent and received to what was lost, and for how long. Pure.
//!
//! The measure of an outage is the silence at the receiver, by the kernel's receive stamps: what a user notices.
//! A sender that was not run for a while makes a silence too. Such a pause is taken out of it and told apart, unless
//! packets that were lost or late stand on both sides of the pause: then the path was dead all the while.

use std::time::Duration;

/// One packet; moments in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Packet {
    pub(crate) sent: i64,
    /// The first copy's arrival.
    pub(crate) received: Option<i64>,
    pub(crate) copies: u32,
    /// The kernel refused to send it.
    pub(crate) refused: bool,
}

/// What became of the packets of a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Packets that the sender handed to the kernel, or tried to.
    pub sent: u64,
    /// Packets that arrived, each counted once.
    pub received: u64,
    /// Packets that did not arrive.
    pub lost: u64,
    /// Of the lost ones, those that the sender's kernel refused, for want of a route or a source address.
    pub refused: u64,
    /// Further copies of packets that had arrived.
    pub duplicated: u64,
    /// The longest run of lost packets.
    pub longest_run_lost: u64,
    /// The longest silence at the receiver, without pauses of the sender at its ends. One interval where nothing is
    /// wrong.
    pub longest_gap: Duration,
    /// The longest pause of the sender itself, beyond its interval: how far this measurement can be trusted.
    pub longest_stall: Duration,
    /// The one-way (of a round trip the whole) time of the packet in the middle.
    pub median_delay: Duration,
    /// The same of the slowest packet.
    pub longest_delay: Duration,
}

impl Report {
    /// The share of packets that were lost, 0 to 1.
    pub fn loss(&self) -> f64 {
        if self.sent == 0 { 0.0 } else { self.lost as f64 / self.sent as f64 }
    }

    /// Two flows as one: the sum of what is counted, the worse of the rest.
    pub fn join(self, other: Report) -> Report {
        Report {
            sent: self.sent + other.sent,
            received: self.received + other.received,
            lost: self.lost + other.lost,
            refused: self.refused + other.refused,
            duplicated: self.duplicated + other.duplicated,
            longest_run_lost: self.longest_run_lost.max(other.longest_run_lost),
            longest_gap: self.longest_gap.max(other.longest_gap),
            longest_stall: self.longest_stall.max(other.longest_stall),
            median_delay: self.median_delay.max(other.median_delay),
            longest_delay: self.longest_delay.max(other.longest_delay),
        }
    }
}

/// Judges packets in the order in which they were sent, one an `interval` of so many nanoseconds.
pub(crate) fn judge(packets: &[Packet], interval: i64) -> Report {
    let mut delays: Vec<_> = packets.iter().filter_map(|packet| Some(packet.received? - packet.sent)).collect();
    delays.sort_unstable();
    let median_delay = delays.get(delays.len() / 2).copied().unwrap_or(0);
    let received = delays.len();
    let pauses = pauses(packets, interval);
    let count = |number: usize| number as u64;
    Report {
        sent: count(packets.len()),
        received: count(received),
        lost: count(packets.len() - received),
        refused: count(packets.iter().filter(|packet| packet.refused).count()),
        duplicated: packets.iter().map(|packet| u64::from(packet.copies.saturating_sub(1))).sum(),
        longest_run_lost: longest_run_lost(packets),
        longest_gap: duration(longest_gap(packets, &pauses, median_delay, interval)),
        longest_stall: duration(pauses.iter().map(|(from, to)| to - from).max().unwrap_or(0)),
        median_delay: duration(median_delay),
        longest_delay: duration(delays.last().copied().unwrap_or(0)),
    }
}

fn duration(nanos: i64) -> Duration {
    Duration::from_nanos(nanos.max(0) as u64)
}

/// When a packet was due and none was sent.
fn pauses(packets: &[Packet], interval: i64) -> Vec<(i64, i64)> {
    let spans = packets.windows(2).map(|pair| (pair[0].sent + interval, pair[1].sent));
    spans.filter(|(due, sent)| sent - due > interval / 2).collect()
}

fn longest_run_lost(packets: &[Packet]) -> u64 {
    packets
        .iter()
        .scan(0, |run, packet| {
            *run = if packet.received.is_some() { 0 } else { *run + 1 };
            Some(*run)
        })
        .max()
        .unwrap_or(0)
}

/// The ends of the span count as arrivals, so that silence at its beginning or end is seen. What the sender did is
/// compared with what the receiver heard `delay` later.
fn longest_gap(packets: &[Packet], pauses: &[(i64, i64)], delay: i64, interval: i64) -> i64 {
    let [Some(first), Some(last)] = [packets.first(), packets.last()] else { return 0 };
    let mut heard: Vec<_> = packets.iter().filter_map(|packet| packet.received).collect();
    heard.extend([first.sent + delay, last.sent + delay]);
    heard.sort_unstable();
    let troubled = |packet: &&Packet| packet.received.is_none_or(|at| at - packet.sent > delay + interval);
    let troubled: Vec<_> = packets.iter().filter(troubled).map(|packet| packet.sent + delay).collect();
    let pauses: Vec<_> = pauses.iter().map(|(begin, end)| (begin + delay, end + delay)).collect();
    let gaps = heard.windows(2).map(|pair| (pair[1] - pair[0]) - paused(pair[0], pair[1], &troubled, &pauses));
    gaps.max().unwrap_or(0)
}

/// How much of a silence the sender's pauses explain: those before the first and after the last packet in it that
/// was lost or late.
fn paused(from: i64, to: i64, troubled: &[i64], pauses: &[(i64, i64)]) -> i64 {
    let begin = troubled.partition_point(|&at| at <= from);
    let end = troubled.partition_point(|&at| at < to).max(begin);
    let (first, last) = match &troubled[begin..end] {
        [] => (to, to),
        [only] => (*only, *only),
        [first, .., last] => (*first, *last),
    };
    let explains = |(begin, end): &&(i64, i64)| *end <= first || *begin >= last;
    pauses.iter().filter(explains).map(|(begin, end)| (*end.min(&to) - *begin.max(&from)).max(0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: i64 = 1_000_000;

    /// A packet a millisecond, each on the way for 10 us.
    fn steady(count: i64) -> Vec<Packet> {
        let packet = |sent| Packet { sent, received: Some(sent + 10_000), copies: 1, refused: false };
        (0..count).map(|number| packet(number * INTERVAL)).collect()
    }

    fn lose(packets: &mut [Packet]) {
        packets.iter_mut().for_each(|packet| (packet.received, packet.copies) = (None, 0));
    }

    #[test]
    fn a_steady_flow_has_a_gap_of_one_interval() {
        let report = judge(&steady(100), INTERVAL);
        assert_eq!((report.sent, report.received, report.lost), (100, 100, 0));
        assert_eq!(report.longest_gap, Duration::from_millis(1));
        assert_eq!(report.longest_stall, Duration::ZERO);
        assert_eq!(report.median_delay, Duration::from_micros(10));
    }

    #[test]
    fn a_gap_is_the_silence_from_the_last_arrival_to_the_next() {
        let mut packets = steady(100);
        lose(&mut packets[20..50]);
        let report = judge(&packets, INTERVAL);
        assert_eq!((report.lost, report.longest_run_lost), (30, 30));
        assert_eq!(report.longest_gap, Duration::from_millis(31));
    }

    #[test]
    fn silence_at_either_end_counts() {
        for lost in [0..40, 60..100] {
            let mut packets = steady(100);
            lose(&mut packets[lost]);
            let gap = judge(&packets, INTERVAL).longest_gap;
            assert!(gap >= Duration::from_millis(39), "{gap:?}");
        }
    }

    #[test]
    fn packets_that_were_held_back_make_a_gap_without_loss() {
        let mut packets = steady(100);
        packets[20..50].iter_mut().for_each(|packet| packet.received = Some(50 * INTERVAL));
        let report = judge(&packets, INTERVAL);
        assert_eq!((report.lost, report.longest_gap.as_millis()), (0, 30));
        assert_eq!(report.longest_delay, Duration::from_millis(30));
    }

    #[test]
    fn the_pause_of_a_sender_is_a_stall_and_no_gap() {
        let mut packets = steady(100);
        packets.drain(20..50);
        let report = judge(&packets, INTERVAL);
        assert_eq!(report.longest_stall, Duration::from_millis(30));
        assert!(report.longest_gap <= Duration::from_millis(2), "{report:?}");
    }

    #[test]
    fn a_stall_within_an_outage_belongs_to_it() {
        let mut packets = steady(100);
        lose(&mut packets[20..60]);
        packets.drain(30..40);
        let report = judge(&packets, INTERVAL);
        assert_eq!(report.longest_stall, Duration::from_millis(10));
        assert_eq!(report.longest_gap, Duration::from_millis(41));
    }

    #[test]
    fn a_stall_at_the_end_of_an_outage_does_not() {
        for stall in [20..30, 50..60] {
            let mut packets = steady(100);
            lose(&mut packets[20..60]);
            packets.drain(stall);
            let report = judge(&packets, INTERVAL);
            assert_eq!(report.longest_stall, Duration::from_millis(10));
            assert!(report.longest_gap.as_millis() == 31, "{report:?}");
        }
    }

    #[test]
    fn a_long_path_makes_no_difference() {
        let mut packets = steady(1000);
        packets.iter_mut().for_each(|packet| packet.received = Some(packet.sent + 100 * INTERVAL));
        lose(&mut packets[500..600]);
        packets.drain(300..350);
        let report = judge(&packets, INTERVAL);
        assert_eq!(report.longest_gap, Duration::from_millis(101));
        assert_eq!(report.longest_stall, Duration::from_millis(50));
    }

    #[test]
    fn nothing_sent_is_nothing_lost() {
        assert_eq!(judge(&[], INTERVAL), Report::default());
    }
}
