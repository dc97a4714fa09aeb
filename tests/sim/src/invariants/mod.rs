//! What must hold at all times, judged from outside: by the true state of kernel and network, by what
//! the daemon was told, and by what it did. The daemon's own opinion is asked only where it is the subject.
//!
//! Tolerances are spans after which something must have happened, counted from the last moment at which
//! the world gave a reason for delay: see `truth`.

mod claims;
mod empty;
mod families;
mod handover;
mod home;
mod means;
mod order;
mod outage;
mod ownership;
mod patience;
mod penalty;
mod reach;
mod stand_in;
mod standby;
mod steady;
mod tempo;
mod told;
mod truth;
mod verdict;

use std::fmt;
use std::time::Duration;

use ipmp_core::kernel::{AddressKey, Fact, RouteKey};
use ipmp_core::{AddressCheck, Change, Command, Config, Event, Family, IfName, Instant, Notice, ProbeId, Transaction};

use crate::daemon::{Daemon, Process};
use crate::kernel::Kernel;
use crate::network::Network;
use crate::world::Weather;

use patience::Subject;

pub use empty::holds_nothing;
pub use home::{at_home, homecoming};
pub(crate) use truth::segment;

/// A move is over within this, once it is decided: two transactions of the kernel in fair weather.
pub const MOVE: Duration = Duration::from_millis(500);

/// What the daemon does not do for this long after it learned of a link is not late.
pub const LINK_NOTICE: Duration = Duration::from_millis(1_200);

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// 1
    Reachable,
    /// 2
    NeverOnNone,
    /// 3
    ForeignUntouched,
    /// 4
    OutageMovesNothing,
    /// 5
    Steady,
    /// 6
    VerdictsJust,
    /// 7
    StandbysIdle,
    /// 8
    NothingLeft,
    /// Of the second phase.
    Home,
    /// Of dual stack.
    FamiliesApart,
    /// Of addresses that are new.
    NoConflict,
    /// Of members that have only each other.
    StandInsTellNothing,
    /// Of many addresses.
    QuickFirst,
}

impl Rule {
    /// The rule in a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Rule::Reachable => {
                "No data address is unbound, and none nor a way out is with a member that is dead, for longer than \
                 detection and move take, while its group has a usable member"
            }
            Rule::NeverOnNone => "During a hand-over an address is on two members for a moment, never on none",
            Rule::ForeignUntouched => "Nothing that the daemon did not create is removed or changed",
            Rule::OutageMovesNothing => "An outage of the whole network moves nothing",
            Rule::Steady => "A steady world causes no change, and changes are bounded whatever the network does",
            Rule::VerdictsJust => {
                "No failure is declared before five losses, nor later than the failure detection time allows"
            }
            Rule::StandbysIdle => {
                "Standbys carry data only while an active member is missing, and one member is active whenever one functions"
            }
            Rule::NothingLeft => "After a reload to an empty configuration the kernel holds nothing of ours",
            Rule::FamiliesApart => "A family that is dead on a member moves its own addresses and none of the other's",
            Rule::NoConflict => {
                "An address that enters the network is asked for first, and not used while another host is known to have it; \
                 one that is in use is never asked for"
            }
            Rule::StandInsTellNothing => "Of two members that can probe only each other, none is failed for it",
            Rule::QuickFirst => "Changes of IPv4 wait for no more than one bounded transaction of IPv6",
            Rule::Home => "Once all faults are over, everything comes home within its time and stays there",
        }
    }
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// When.
    pub at: Instant,
    /// How.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.as_nanos() as f64 / 1e9;
        write!(f, "at {at:.6} s: {}\n  broken rule: {}", self.what, self.rule.sentence())
    }
}

/// What the checkers see.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// When.
    pub now: Instant,
    /// The daemon, for its configuration and, where its opinion is the subject, its status.
    pub daemon: &'a Daemon,
    /// The true kernel.
    pub kernel: &'a Kernel,
    /// The true network.
    pub network: &'a Network,
}

impl Scene<'_> {
    pub(crate) fn violation(&self, rule: Rule, what: String) -> Violation {
        Violation { rule, at: self.now, what }
    }
}

/// By when something must be over, and what is to be said if it is not.
struct Limit {
    rule: Rule,
    by: Instant,
    what: String,
}

/// All checkers.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    truth: truth::Truth,
    ownership: ownership::Ownership,
    handovers: handover::Handovers,
    outages: outage::Outages,
    families: families::Families,
    claims: claims::Claims,
    steadiness: steady::Steadiness,
    verdicts: verdict::Verdicts,
    seen: Option<(u64, u64, u64)>,
    revision: u64,
    due: Option<Instant>,
    slow: bool,
    /// How many limits were looked at close to their end: a checker that is never near judges nothing.
    pub near: u64,
}

impl Checks {
    /// When to look again even if nothing changes.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Looks if anything changed since the last look.
    pub fn observe(&mut self, scene: &Scene) -> Result<(), Violation> {
        let seen = Some((scene.kernel.generation, scene.network.generation, self.revision));
        if self.seen == seen {
            return Ok(());
        }
        self.seen = seen;
        self.truth.update(scene);
        self.ownership.update(scene);
        self.handovers.update(scene);
        self.outages.update(scene, &self.truth);
        self.families.update(scene, &self.truth);
        self.claims.update(scene);
        if !self.truth.all_good(scene) {
            self.steadiness.unrest(scene.now);
        }
        self.look(scene)
    }

    /// Compares everything that must be over by now with the clock.
    pub fn look(&mut self, scene: &Scene) -> Result<(), Violation> {
        self.due = None;
        if scene.daemon.process == Process::Dead || self.slow {
            return Ok(());
        }
        let mut limits = reach::limits(scene, &self.truth, &self.claims);
        limits.extend(self.handovers.limits(scene, &self.truth));
        limits.extend(standby::limits(scene, &self.truth));
        limits.extend(verdict::limits(scene, &self.truth));
        for limit in limits {
            if scene.now > limit.by {
                return Err(scene.violation(limit.rule, limit.what));
            }
            self.near += 1;
            let moment_after = limit.by + Duration::from_nanos(1);
            self.due = Some(self.due.map_or(moment_after, |due| due.min(moment_after)));
        }
        Ok(())
    }

    /// The world gives a reason for delay until then.
    pub fn disturbed(&mut self, until: Instant) {
        self.truth.calm_since = self.truth.calm_since.max(until);
        self.steadiness.unrest(until);
        self.outages.spoil();
        self.families.spoil();
        self.revision += 1;
    }

    /// What the daemon learned of the paths may be void until then: it may have to learn it again.
    pub fn refreshed(&mut self, until: Instant) {
        self.truth.fresh_since = self.truth.fresh_since.max(until);
        self.revision += 1;
    }

    /// The parts around the kernel behave like this from now on.
    pub fn weather(&mut self, weather: Weather, now: Instant) {
        let slow = weather.slowness > Duration::ZERO;
        if self.slow != slow {
            self.slow = slow;
            self.disturbed(now + Duration::from_secs(5));
        }
        self.truth.probes_refused = weather.refuses_probes > 0.0;
        self.revision += 1;
    }

    /// Somebody did something that is no business of the daemon's, or began or ended a fault.
    pub fn deed(&mut self, now: Instant) {
        self.steadiness.unrest(now);
        self.revision += 1;
    }

    /// Somebody changes the kernel behind the daemon's back.
    pub fn foreign_hand(&mut self, now: Instant) {
        self.disturbed(now);
        self.handovers.foreign_hand(now);
        self.steadiness.allow_upheaval(now);
    }

    /// Somebody takes an address of ours away.
    pub fn address_taken(&mut self, key: AddressKey, now: Instant) {
        self.foreign_hand(now);
        let until = self.steadiness.undone(Subject::Address(key), now);
        self.disturbed(until);
    }

    /// Somebody takes a route of ours away.
    pub fn route_taken(&mut self, key: RouteKey, now: Instant) {
        self.foreign_hand(now);
        let until = self.steadiness.undone(Subject::Route(key), now);
        self.disturbed(until);
    }

    /// Somebody touches the test address of a member: its probing starts anew.
    pub fn probing_disturbed(&mut self, member: &IfName, now: Instant) {
        self.truth.discovered(member, now, true);
    }

    /// A daemon starts.
    pub fn started(&mut self, scene: &Scene) {
        self.disturbed(scene.now);
        self.refreshed(scene.now);
    }

    /// The daemon is killed.
    pub fn killed(&mut self, now: Instant) {
        self.verdicts = verdict::Verdicts::default();
        self.truth.forget(now);
        self.outages.spoil();
        self.families.spoil();
        self.claims.forget();
        self.revision += 1;
    }

    /// The daemon has a configuration.
    pub fn configured(&mut self, before: &Config, scene: &Scene) {
        let longest = before.groups.iter().map(|group| truth::interval(group) * 2).max().unwrap_or_default();
        self.disturbed(scene.now);
        self.refreshed(scene.now + longest);
        self.truth.configured(before, scene);
        self.ownership.update(scene);
        self.handovers.configured(scene);
        self.claims.configured(scene);
        self.verdicts.configured(scene.now);
        self.steadiness.allow_upheaval(scene.now);
    }

    /// The daemon is about to be given an event, and is that late for its deadline.
    pub fn before_step(&mut self, late: Option<(Instant, Duration)>) {
        if let Some((deadline, late)) = late {
            self.verdicts.late(deadline, late);
        }
    }

    /// The daemon is told something.
    pub fn told(&mut self, event: &Event, scene: &Scene) {
        self.truth.told(event, &scene.daemon.config, scene.now);
        match event {
            Event::Reply { probe, .. } => {
                if let Some((member, family)) = self.verdicts.answered(*probe) {
                    self.truth.heard(&member, family, scene.now);
                }
            }
            Event::Command { command, .. } => {
                self.truth.asked(command);
                self.disturbed(scene.now);
            }
            Event::AddressTaken { address, by } => self.claims.taken(*address, *by, scene),
            Event::Kernel(Fact::Link(link)) => self.verdicts.link(link),
            Event::Kernel(Fact::LinkGone(index)) => self.verdicts.link_gone(*index),
            Event::Kernel(Fact::Snapshot(snapshot)) => self.verdicts.links(&snapshot.links),
            _ => {}
        }
    }

    /// The daemon sends a probe, perhaps a `large` one; `refused` where the kernel did not let it.
    pub fn probed(
        &mut self,
        member: &IfName,
        family: Family,
        (probe, sent): (ProbeId, Instant),
        large: bool,
        refused: bool,
        config: &Config,
    ) {
        let group = config.groups.iter().find(|group| group.members.iter().any(|m| m.interface == *member));
        // Members of no group are watched as the system is.
        let promise = group.map_or((config.failure_detection_time, config.detection.schedule), |group| {
            (group.failure_detection_time, group.detection.schedule)
        });
        self.verdicts.probed((member, family), probe, sent, promise, large, refused);
    }

    /// A probe socket is opened: what was sent before is forgotten.
    pub fn prober_opened(&mut self, member: &IfName, family: Family, now: Instant) {
        self.verdicts.forget_family(member, family);
        self.truth.discovered(member, now, false);
    }

    /// Addresses are about to be asked for.
    pub fn before_checks(&mut self, scene: &Scene, list: &[AddressCheck]) -> Result<(), Violation> {
        self.claims.before_checks(scene, list)
    }

    /// A transaction is asked for.
    pub fn before_transaction(&self, scene: &Scene, transaction: &Transaction) -> Result<(), Violation> {
        order::before_transaction(scene, transaction)
    }

    /// The administrator is told something.
    pub fn notified(&mut self, notice: &Notice, scene: &Scene) -> Result<(), Violation> {
        self.verdicts.notified(notice, scene)?;
        stand_in::notified(notice, scene)?;
        self.truth.tempo.notified(notice, scene)?;
        steady::notified(&mut self.truth, notice, scene)
    }

    /// A command was answered.
    pub fn answered(&mut self, command: &Command, done: bool, now: Instant) {
        self.disturbed(now);
        self.truth.answered(command, done, now);
        self.steadiness.allow_upheaval(now);
    }

    /// A change is about to be tried; its transaction was asked for at `asked`.
    pub fn before_change(&mut self, scene: &Scene, change: &Change, asked: Instant) -> Result<(), Violation> {
        self.ownership.before_change(scene, change)?;
        self.handovers.before_change(scene, &self.truth, change, asked)?;
        // What is brought into the network is no move.
        if self.claims.enters(change) {
            self.outages.spoil();
        }
        self.outages.before_change(scene, change)?;
        self.families.before_change(scene, change)?;
        self.claims.before_change(scene, change, asked)?;
        self.steadiness.before_change(scene, change)
    }

    /// A change was refused, or its acknowledgement lost until `when`.
    pub fn refused(&mut self, change: &Change, when: Instant, kernel: &Kernel) {
        let until = self.steadiness.refused(change, when);
        self.truth.refused(change, until, kernel);
        self.disturbed(until);
    }

    /// The daemon's buffer overran: it has to look at everything again.
    pub fn overrun(&mut self, now: Instant) {
        let dumped = now + Duration::from_millis(1_500);
        let until = self.steadiness.overrun(dumped);
        self.disturbed(until);
    }
}
