//! One IPMP group: what happens to its members, who of them is active, and who carries which address.

mod families;
mod identity;
mod judge;
mod means;
mod observe;
mod place;
mod policy;
mod quality;
mod tempo;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::action::Action;
use crate::announce::Repeats;
use crate::claim::Claims;
use crate::config::{GroupConfig, Schedule};
use crate::event::ReplyFault;
use crate::id::{Family, IfName, ProbeId};
use crate::jitter::Jitter;
use crate::kernel::Kernel;
use crate::member::Member;
use crate::notice::Notice;
use crate::probing::{Probing, ProbingContext};
use crate::schedule::Pace;
use crate::status::{AddressStatus, Claim, GroupState, GroupStatus};
use crate::time::Instant;
use crate::verdict;

/// A group at run time.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) config: GroupConfig,
    pub(crate) members: Vec<Member>,
    /// Which member is to carry which data address.
    pub(crate) placed: BTreeMap<IpAddr, IfName>,
    /// Which member carried it last, as far as the kernel confirmed.
    pub(crate) bound: BTreeMap<IpAddr, IfName>,
    /// Data addresses that may be another host's.
    pub(crate) claims: Claims,
    /// Those of which it is known that they are not, until they are placed.
    free: BTreeSet<IpAddr>,
    /// Some member functioned since the group was made, or since the last message that none does.
    was_usable: bool,
    /// That no member functions was told.
    told_failed: bool,
    /// A configuration was taken in that the members' targets do not follow yet.
    reconfigured: bool,
    /// The failure detection time in force.
    detection_time: Duration,
    /// When it was raised last.
    raised_at: Option<Instant>,
    /// That it may not be raised further was told.
    told_limit: bool,
    /// When it was told last that the network is too lossy.
    told_false_failures: Option<Instant>,
}

/// So long an answer may wait in this host before it is read, whatever the failure detection time.
const WAITED_MIN: Duration = Duration::from_millis(20);
const WAITED_MAX: Duration = Duration::from_millis(100);

/// What a group needs of the engine.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) kernel: &'a Kernel,
    pub(crate) jitter: &'a mut Jitter,
    pub(crate) last_probe: &'a mut u64,
    pub(crate) repeats: &'a mut Repeats,
    pub(crate) actions: &'a mut Vec<Action>,
    /// Every member of every group is to be looked at, at once.
    pub(crate) ask: bool,
    /// A member's carrier came or went, and others may follow.
    pub(crate) carrier_changed: bool,
    /// Health or policy changed: placement and kernel are to be compared anew.
    pub(crate) changed: bool,
}

impl Context<'_> {
    fn notify(&mut self, notice: Notice) {
        self.actions.push(Action::Notify(notice));
    }

    fn probing(&mut self) -> ProbingContext<'_> {
        ProbingContext { now: self.now, jitter: self.jitter, last_probe: self.last_probe, actions: self.actions }
    }
}

impl Group {
    pub(crate) fn new(config: GroupConfig) -> Self {
        Self {
            detection_time: config.failure_detection_time,
            reconfigured: false,
            raised_at: None,
            told_limit: false,
            told_false_failures: None,
            config,
            members: Vec::new(),
            placed: BTreeMap::new(),
            bound: BTreeMap::new(),
            claims: Claims::default(),
            free: BTreeSet::new(),
            was_usable: false,
            told_failed: false,
        }
    }

    /// Takes in a configuration; members that stay keep all that is known of them. Returns those that left.
    pub(crate) fn configure(
        &mut self,
        config: &GroupConfig,
        offline: impl Fn(&IfName) -> bool,
        now: Instant,
    ) -> Vec<Member> {
        let mut before = std::mem::take(&mut self.members);
        for wanted in &config.members {
            let known = before.iter().position(|member| member.config.interface == wanted.interface);
            let mut member = match known {
                Some(at) => before.remove(at),
                None => Member::new(wanted.clone(), offline(&wanted.interface), now),
            };
            if member.config.standby && !wanted.standby {
                member.inactive = false;
            }
            member.config = wanted.clone();
            self.members.push(member);
        }
        let tempo = |config: &GroupConfig| (config.failure_detection_time, config.detection);
        self.reconfigured = self.config != *config;
        let same_tempo = tempo(&self.config) == tempo(config);
        self.config = config.clone();
        if !same_tempo {
            self.reset_detection_time();
        }
        let wanted = |address: IpAddr| config.addresses.iter().any(|net| net.addr() == address);
        self.placed.retain(|address, _| wanted(*address));
        self.bound.retain(|address, _| wanted(*address));
        self.claims.retain(wanted);
        self.free.retain(|address| wanted(*address));
        before
    }

    /// The data addresses.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.config.addresses.iter().map(|net| net.addr())
    }

    pub(crate) fn member(&self, name: &IfName) -> Option<&Member> {
        self.members.iter().find(|member| member.config.interface == *name)
    }

    /// The group of all interfaces that are in none: watched and reported, and nothing is moved (§9).
    pub(crate) fn is_anonymous(&self) -> bool {
        self.config.name.is_anonymous()
    }

    pub(crate) fn failed(&self) -> bool {
        !self.members.iter().any(Member::usable)
    }

    /// Lets time pass: judges what is overdue and sends what is due. Returns how many probes the daemon's
    /// own absence voided.
    pub(crate) fn tick(&mut self, woken_for: Option<Instant>, ctx: &mut Context) -> u32 {
        let (mut void, mut alarm) = (0, false);
        for i in 0..self.members.len() {
            if self.members[i].probing.iter().any(|probing| probing.is_to_be_reopened(ctx.now)) {
                self.probing_as_configured(i, ctx);
            }
            let member = &mut self.members[i];
            let functioning = member.functioning();
            for probing in &mut member.probing {
                let expired = probing.expire(&member.config.interface, woken_for, &mut ctx.probing());
                void += expired.void;
                alarm |= functioning && expired.run_began;
            }
        }
        ctx.ask |= alarm;
        self.send_probes(alarm && !self.is_anonymous(), ctx);
        self.tell_untested(ctx);
        void
    }

    /// Sends what is due. On an `alarm`, the first loss of a member, the others are asked at once, so that
    /// member and network can be told apart in time.
    fn send_probes(&mut self, alarm: bool, ctx: &mut Context) {
        let (timing, failed) = (self.timing(), self.failed());
        let some_work = self.members.iter().any(|member| verdict::works_since(member).is_some());
        for member in &mut self.members {
            let (functioning, holding) = (member.functioning(), member.holding());
            for probing in &mut member.probing {
                // A family that is dead is asked like a member that failed.
                let functioning = functioning && probing.dead_since.is_none();
                // One that holds through an outage is looked at closely once another is answered again.
                let doubted = functioning || (holding && some_work);
                probing.set_timing(timing, ctx.now);
                let pace = match timing.schedule {
                    Schedule::Classic => Pace::Even,
                    Schedule::Confirm if !doubted || probing.is_quiet(ctx.now) => Pace::Even,
                    Schedule::Confirm if probing.history.is_losing() => Pace::Confirm,
                    Schedule::Confirm if functioning => Pace::Rest,
                    Schedule::Confirm => Pace::Even,
                };
                probing.set_pace(pace, &mut ctx.probing());
                if alarm {
                    probing.hurry(ctx.now);
                }
                if failed {
                    probing.targets.search(true);
                }
                probing.fire(&member.config.interface, functioning, &mut ctx.probing());
            }
        }
    }

    /// A probe left, or not.
    pub(crate) fn probe_sent(
        &mut self,
        probe: ProbeId,
        sent: Option<Instant>,
        now: Instant,
        actions: &mut Vec<Action>,
    ) -> bool {
        let Some((member, _, probing)) = self.probing_of(probe) else { return false };
        probing.sent(member, probe, sent, now, actions);
        true
    }

    /// A probe was answered: by which interface, the round trip to the kernel, and how long the answer may
    /// wait in this host before the daemon reads it. None where it is none of this group.
    pub(crate) fn reply(
        &mut self,
        probe: ProbeId,
        received: Instant,
        now: Instant,
        actions: &mut Vec<Action>,
    ) -> Option<(IfName, Duration, Duration)> {
        let (member, functions, probing) = self.probing_of(probe)?;
        let answer = probing.reply(member, (probe, received), functions, now, actions)?;
        Some((member.clone(), answer.rtt, probing.timing.interval().clamp(WAITED_MIN, WAITED_MAX)))
    }

    /// Something came that answers no probe.
    pub(crate) fn bad_reply(&mut self, name: &IfName, family: Family, fault: ReplyFault) {
        let member = self.members.iter_mut().find(|member| member.config.interface == *name);
        let mut probing = member.into_iter().flat_map(|member| &mut member.probing);
        if let Some(probing) = probing.find(|probing| probing.family() == family) {
            probing.bad_reply(fault);
        }
    }

    /// Whose probe it is: the member, whether it functions, and its probing.
    fn probing_of(&mut self, probe: ProbeId) -> Option<(&IfName, bool, &mut Probing)> {
        self.members.iter_mut().find_map(|member| {
            let functions = member.functioning();
            let probing = member.probing.iter_mut().find(|probing| probing.history.knows(probe))?;
            Some((&member.config.interface, functions, probing))
        })
    }

    /// The members that are to carry data. Where none is in service, whatever has a link will do: a member
    /// without carrier is never used, and a dead target must not cut a working LAN.
    pub(crate) fn carriers(&self) -> Vec<&Member> {
        let in_service: Vec<&Member> = self.members.iter().filter(|member| member.in_service()).collect();
        if !in_service.is_empty() {
            return in_service;
        }
        self.members.iter().filter(|member| member.link_usable() && !member.is_out()).collect()
    }

    pub(crate) fn status(&self, kernel: &Kernel, now: Instant) -> GroupStatus {
        let usable = self.members.iter().filter(|member| member.usable()).count();
        let carriers = |address: IpAddr| {
            let carriers = self.carriers_of(Family::of(address)).into_iter();
            carriers.map(|member| member.config.interface.clone()).collect::<Vec<IfName>>()
        };
        let own = kernel.link_named(&self.config.interface);
        let address = |address: IpAddr| {
            let up = own.is_some_and(|own| kernel.has_address(own.index, address));
            let inbound = self.bound.get(&address).filter(|_| up && self.placed.contains_key(&address)).cloned();
            let outbound = if inbound.is_some() { carriers(address) } else { Vec::new() };
            let claim = match self.claims.taken_by(address) {
                Some(by) => Claim::Taken(by),
                None if self.claims.contains(address) => Claim::Checking,
                None => Claim::Ours,
            };
            AddressStatus { address, up, inbound, outbound, claim }
        };
        let probes = self.members.iter().any(|member| !member.probing.is_empty());
        GroupStatus {
            interface: self.config.interface.clone(),
            name: self.config.name.clone(),
            state: match usable {
                _ if self.is_anonymous() => GroupState::Ok,
                0 => GroupState::Failed,
                some if some == self.members.len() => GroupState::Ok,
                _ => GroupState::Degraded,
            },
            failure_detection_time: probes.then_some(self.detection_time),
            failure_detection_time_wanted: self.config.failure_detection_time,
            false_failures_per_year: self.false_failures().map(|(_, _, per_year)| per_year),
            damping: self.config.detection.damping,
            members: self.members.iter().map(|member| member.status(self.config.detection.damping, now)).collect(),
            addresses: self
                .addresses()
                .chain(self.config.down_addresses.iter().map(IpNet::addr))
                .map(address)
                .collect(),
        }
    }

    /// When something of the group is due.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        let probings = self.members.iter().flat_map(|member| &member.probing);
        let probes = probings.filter_map(|probing| probing.deadline(now));
        let held = (0..self.members.len()).filter_map(|i| {
            let failed = !self.members[i].functioning() && self.members[i].link_usable();
            self.suspended(i, now).filter(|_| failed).map(|left| now + left)
        });
        probes.chain(held).chain(self.untested_deadline()).min()
    }
}
