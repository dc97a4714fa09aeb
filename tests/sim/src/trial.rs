//! A schedule of probes on trial: how often it fails a member that works, and how soon it finds one that
//! does not.
//!
//! The member on trial is one of two; the other, on a path without a fault, has no test address and is probed by
//! ARP, so that it always vouches for the network and every run of losses becomes a verdict. Penalties are switched off: every failure is to count.

use std::time::Duration;

use ipmp_core::{Damping, GroupConfig, Instant, Notice, Schedule};

use crate::Deed;
use crate::network::Path;
use crate::site::Port;
use crate::stage::{Stage, group};
use crate::trace::Keep;

/// A year, as the tables count it.
pub const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// The member on trial.
const SUBJECT: Port = Port(0);

/// What was seen of a member that works.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// How long it was watched while it was in service.
    pub watched: Duration,
    /// How often it was failed.
    pub failures: u64,
    /// Probes that it sent in all that time.
    pub probes: u64,
}

impl Tally {
    /// Both together.
    pub fn and(self, other: Tally) -> Tally {
        Tally {
            watched: self.watched + other.watched,
            failures: self.failures + other.failures,
            probes: self.probes + other.probes,
        }
    }

    /// Failures a year, as counted.
    pub fn failures_a_year(&self) -> f64 {
        self.failures as f64 * (YEAR.as_secs_f64() / self.watched.as_secs_f64())
    }

    /// Probes a second.
    pub fn probes_a_second(&self) -> f64 {
        self.probes as f64 / self.watched.as_secs_f64()
    }
}

/// Watches a member on this path for a while.
pub fn watch(seed: u64, schedule: Schedule, failure_detection_time: Duration, path: Path, span: Duration) -> Tally {
    let mut stage = set(seed, schedule, failure_detection_time);
    let before = sent(&stage);
    stage.does(Deed::Path(SUBJECT, path));
    let begin = stage.now;
    stage.plays(span);
    let probes = sent(&stage) - before;
    let (mut tally, mut serves_since) = (Tally { probes, ..Tally::default() }, Some(begin));
    for (when, notice) in &stage.notices {
        match notice {
            Notice::InterfaceFailed { interface, .. } if *interface == SUBJECT.name() => {
                tally.failures += 1;
                tally.watched += serves_since.take().map_or(Duration::ZERO, |since| when.since(since));
            }
            Notice::InterfaceRepaired { interface, .. } if *interface == SUBJECT.name() => serves_since = Some(*when),
            _ => {}
        }
    }
    tally.watched += serves_since.map_or(Duration::ZERO, |since| stage.now.since(since));
    tally
}

/// Single outages of `length`, each at a random moment of a path that loses `loss` otherwise.
pub fn outages(seed: u64, schedule: Schedule, fdt: Duration, loss: f64, length: Duration, count: u32) -> u64 {
    let mut stage = set(seed, schedule, fdt);
    for _ in 0..count {
        stage.does(Deed::Path(SUBJECT, Path::lossy(loss)));
        let pause = stage.rng.span(fdt * 2, fdt * 4);
        stage.plays(pause);
        stage.does(Deed::Path(SUBJECT, Path { loss, ..Path::dead() }));
        stage.plays(length);
    }
    stage.does(Deed::Path(SUBJECT, Path::lossy(loss)));
    stage.plays(fdt * 2);
    stage.count(|notice| matches!(notice, Notice::InterfaceFailed { .. })) as u64
}

/// How long it takes until a path that dies silently, after it has lost `loss` of its probes, is found.
pub fn detection(seed: u64, schedule: Schedule, failure_detection_time: Duration, loss: f64) -> Duration {
    let mut stage = set(seed, schedule, failure_detection_time);
    stage.does(Deed::Path(SUBJECT, Path::lossy(loss)));
    let cut: Instant = loop {
        let pause = stage.rng.span(Duration::ZERO, failure_detection_time * 3);
        stage.plays(pause);
        // One that loses much may be failed already; then there is nothing to be found.
        if stage.member_status(SUBJECT).active {
            break stage.now;
        }
    };
    stage.forget();
    stage.cuts(SUBJECT);
    let failed = |notice: &Notice| matches!(notice, Notice::InterfaceFailed { .. });
    stage.until(failure_detection_time * 2, failed).since(cut)
}

/// Probes until `losses` in a row are lost, on average, where each is with probability `p`.
pub fn probes_until_run(p: f64, losses: i32) -> f64 {
    (1.0 - p.powi(losses)) / ((1.0 - p) * p.powi(losses))
}

/// What arithmetic expects where each probe is lost with probability `p`, whatever became of the others:
/// failures a year of a member that works.
///
/// Classic: a run of five among seven probes each failure detection time. The sixth leaves half to one and a
/// half intervals after the fifth, so every other time before that is judged lost, and then its answer ends the
/// run. Confirm: one of a third of those probes, and then all twenty that are to confirm it; those that leave
/// while the last one is waited for are left out, so that it is rather less.
pub fn expected_a_year(schedule: Schedule, failure_detection_time: Duration, p: f64) -> f64 {
    let slots = YEAR.as_secs_f64() / failure_detection_time.as_secs_f64() * 7.0;
    match schedule {
        Schedule::Classic => slots / probes_until_run(p, 5) * (1.0 + p) / 2.0,
        Schedule::Confirm => slots / 3.0 * p.powi(21),
    }
}

/// A pair of members that has come to rest; the one on trial is near its targets.
fn set(seed: u64, schedule: Schedule, failure_detection_time: Duration) -> Stage {
    let mut group: GroupConfig = group(1, 2, failure_detection_time);
    group.detection.schedule = schedule;
    group.detection.damping = Damping { suspend: u32::MAX, ..Damping::default() };
    group.members[1].test_addresses.clear();
    Stage::on(seed, group, Keep::Nothing, |_| {})
}

fn sent(stage: &Stage) -> u64 {
    let probing = &stage.member_status(SUBJECT).probing;
    probing.iter().map(|probing| probing.counts.sent).sum()
}
