//! The failure detection time that each group promises: what is configured, or what the daemon told it had
//! to raise it to. Raised without a reason, or too far, it would excuse anything; so that is judged too.

use std::collections::BTreeMap;
use std::time::Duration;

use ipmp_core::{Config, GroupConfig, GroupName, Instant, Notice};

use super::{Rule, Scene, Violation, truth};

/// How far it may be raised where nothing is configured: so many times itself.
const RAISED_MAX: u32 = 10;

/// What is made of a round trip at most: the first sample counts with half of itself as deviation, four times.
const CAUTION: u32 = 3;

/// For so long after a path was slow, what was measured of it may still be believed.
const MEMORY: Duration = Duration::from_secs(600);

/// Failure detection times in force, and before.
#[derive(Clone, Debug, Default)]
pub(super) struct Tempo {
    /// Since when which is in force, the newest last; nothing where it never was raised.
    raised: BTreeMap<GroupName, Vec<(Instant, Duration)>>,
    /// How slow each group is, and how slow it was before, until when.
    slow: BTreeMap<GroupName, Slowness>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slowness {
    now: Duration,
    before: Duration,
    until: Instant,
}

impl Slowness {
    fn becomes(&mut self, slowest: Duration, now: Instant) {
        if slowest < self.now {
            self.before = self.now.max(self.recent(now));
            self.until = now;
        }
        self.now = slowest;
    }

    /// The longest round trip that may still be believed.
    fn recent(&self, now: Instant) -> Duration {
        if now.since(self.until) < MEMORY { self.before.max(self.now) } else { self.now }
    }
}

impl Tempo {
    /// The longest time that was in force at any moment since then.
    pub(super) fn longest(&self, group: &GroupConfig, since: Instant) -> Duration {
        let known = self.raised.get(&group.name).map_or(&[][..], Vec::as_slice);
        let before = known.iter().rev().find(|(when, _)| *when <= since);
        let after = known.iter().filter(|(when, _)| *when > since);
        let in_force = before.into_iter().chain(after).map(|(_, time)| *time).max();
        in_force.unwrap_or_default().max(group.failure_detection_time)
    }

    /// The one in force.
    pub(super) fn now(&self, group: &GroupConfig) -> Duration {
        let known = self.raised.get(&group.name).and_then(|known| known.last());
        known.map_or(group.failure_detection_time, |(_, time)| *time)
    }

    /// Takes in how slow the paths are.
    pub(super) fn update(&mut self, scene: &Scene) {
        for group in &scene.daemon.config.groups {
            let host = scene.network.host_delay_max(truth::segment(group));
            let ports = group.members.iter().filter_map(|member| {
                scene.kernel.link_named(&member.interface).and_then(|link| scene.kernel.port_of(link.index))
            });
            let slowest = ports.map(|port| scene.network.round_trip_max(port) + host).max().unwrap_or_default();
            self.slow.entry(group.name.clone()).or_default().becomes(slowest, scene.now);
        }
    }

    /// The administrator is told of another failure detection time.
    pub(super) fn notified(&mut self, notice: &Notice, scene: &Scene) -> Result<(), Violation> {
        let (name, time, raised) = match notice {
            Notice::FdtRaised { group, now, .. } => (group, *now, true),
            Notice::FdtImproved { group, now, .. } => (group, *now, false),
            _ => return Ok(()),
        };
        let Some(group) = scene.daemon.config.groups.iter().find(|group| group.name == *name) else { return Ok(()) };
        let wanted = group.failure_detection_time;
        let limit = group.detection.failure_detection_time_max.unwrap_or(wanted * RAISED_MAX).max(wanted);
        let slowest = self.slow.get(name).copied().unwrap_or_default().recent(scene.now);
        let before = self.now(group);
        let wrong = match raised {
            true if time <= before => Some("is no raise".to_owned()),
            true if time > limit => Some(format!("is above the limit of {limit:?}")),
            true if slowest * CAUTION < before / 7 => Some(format!("though no round trip takes more than {slowest:?}")),
            false if time >= before || time < wanted => Some(format!("instead of {before:?} is no improvement")),
            _ => None,
        };
        if let Some(wrong) = wrong {
            let what = format!("a failure detection time of {time:?} of {name} {wrong}");
            return Err(scene.violation(Rule::VerdictsJust, what));
        }
        self.raised.entry(name.clone()).or_default().push((scene.now, time));
        Ok(())
    }

    /// The daemon has a configuration: what was raised under another one is not in force any more.
    pub(super) fn configured(&mut self, before: &Config, config: &Config, now: Instant) {
        for group in &config.groups {
            let old = before.groups.iter().find(|old| old.interface == group.interface);
            let kept = old.is_some_and(|old| {
                (old.failure_detection_time, old.detection) == (group.failure_detection_time, group.detection)
            });
            if !kept && let Some(known) = self.raised.get_mut(&group.name) {
                known.push((now, group.failure_detection_time));
            }
        }
    }

    /// The daemon is gone.
    pub(super) fn forget(&mut self) {
        self.raised.clear();
    }
}
