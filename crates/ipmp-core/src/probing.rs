//! Probing of one member in one family: when, whom, and what came back (IPMP behaviour §4).
//! It knows nothing of other members; verdicts are passed in `verdict`.

mod status;

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::action::{Action, Means, ProbeOutcome, Prober};
use crate::event::ReplyFault;
use crate::history::{Answer, HISTORY_MAX, History, Kind, Loss};
use crate::id::{Family, IfIndex, IfName, ProbeId, is_link_local};
use crate::jitter::Jitter;
use crate::quality::Quality;
use crate::schedule::{Pace, Timing};
use crate::status::ProbeCounts;
use crate::target::{Origin, Targets};
use crate::time::Instant;

/// How long losses do not count after a start or a link-up, for switches that first run spanning tree;
/// the first reply ends it (§5, §14 #13).
pub(crate) const QUIET_PERIOD: Duration = Duration::from_secs(40);

/// How long until a probe socket that broke is opened again, at first and at most.
const REOPEN_AFTER: Duration = Duration::from_secs(1);
const REOPEN_AFTER_MAX: Duration = Duration::from_secs(60);

/// Requests by multicast are this far apart at least: on many links nobody answers.
const DISCOVER_EVERY: Duration = Duration::from_secs(1);
/// And this far where other members stand in for them.
const DISCOVER_EVERY_TRANSITIVE: Duration = Duration::from_secs(10);

/// Lateness below this is ordinary scheduling; the kernel's receive stamps and the draining of sockets
/// before any judgement make it harmless.
const STALL_MIN: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Socket {
    Closed,
    Open(IfIndex, Means),
    Broken { retry_at: Instant },
}

/// One family of one member.
#[derive(Clone, Debug)]
pub(crate) struct Probing {
    family: Family,
    /// The test address that is configured, with the prefix that tells what is on-link.
    pub(crate) test: Option<IpNet>,
    /// The prefixes whose addresses are on the link.
    pub(crate) on_link: Vec<IpNet>,
    /// From where hosts can be looked for by multicast, where not from the address that probes are sent from.
    pub(crate) searches_from: Option<IpAddr>,
    /// It does not work while the other family does, and another member can serve it; since when.
    pub(crate) dead_since: Option<Instant>,
    pub(crate) targets: Targets,
    pub(crate) history: History,
    pub(crate) quality: Quality,
    pub(crate) timing: Timing,
    /// Another interface that has the test address too: nothing is probed.
    pub(crate) twin: Option<IfIndex>,
    /// Length of a large probe; none where there are none.
    large: Option<u16>,
    socket: Socket,
    pace: Pace,
    /// Strictly periodic; the next probe leaves a random moment after it.
    slot: Instant,
    next_send: Instant,
    last_sent: Instant,
    quiet_until: Option<Instant>,
    last_reply: Option<(Instant, Duration)>,
    counts: ProbeCounts,
    /// Something was lost since it was last asked whether a target is dead.
    has_lost: bool,
    /// A refused probe began a run of losses.
    run_began: bool,
    /// How long a socket that broke is left alone; longer each time, until there is a reply.
    reopen_after: Duration,
    /// Requests by multicast are not sent before.
    discover_not_before: Instant,
}

/// What a timer did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expired {
    /// Probes that the daemon's own absence voided.
    pub(crate) void: u32,
    /// Whether a run of losses has just begun.
    pub(crate) run_began: bool,
}

impl Probing {
    pub(crate) fn new(family: Family, test: Option<IpNet>, timing: Timing) -> Self {
        Self {
            family,
            test,
            on_link: Vec::new(),
            searches_from: None,
            dead_since: None,
            targets: Targets::default(),
            history: History::default(),
            quality: Quality::default(),
            timing,
            twin: None,
            large: None,
            socket: Socket::Closed,
            pace: Pace::Even,
            slot: Instant::default(),
            next_send: Instant::default(),
            last_sent: Instant::default(),
            quiet_until: None,
            last_reply: None,
            counts: ProbeCounts::default(),
            has_lost: false,
            run_began: false,
            reopen_after: REOPEN_AFTER,
            discover_not_before: Instant::default(),
        }
    }

    pub(crate) fn family(&self) -> Family {
        self.family
    }

    /// How probes are sent now; none while they are not.
    pub(crate) fn means(&self) -> Option<Means> {
        match self.socket {
            Socket::Open(_, means) => Some(means),
            Socket::Closed | Socket::Broken { .. } => None,
        }
    }

    /// The address that probes are sent from; ARP needs none.
    fn source(&self) -> Option<IpAddr> {
        match self.means() {
            Some(Means::Icmp(source)) => Some(source),
            Some(Means::Ndp(_, source)) => Some(source.into()),
            Some(Means::Arp(_)) | None => None,
        }
    }

    /// Whether an address can be probed as one on the link.
    pub(crate) fn reaches(&self, address: IpAddr) -> bool {
        Family::of(address) == self.family
            && (is_link_local(address) || self.on_link.iter().any(|net| net.contains(&address)))
    }

    /// Nobody but other members of the group is probed.
    pub(crate) fn is_transitive(&self) -> bool {
        self.targets.origin() == Origin::Members
    }

    /// Whether losses here, while nobody is answered, mean that the network has failed. Not where only other members
    /// are probed: two that do not hear each other do not tell which of them it is. Nor where ARP or neighbour
    /// solicitations never were answered, by whichever member asked: not every device heeds those without a
    /// sender, and nobody asked for them.
    pub(crate) fn accuses_network(&self, family_was_answered: bool) -> bool {
        let by_icmp = matches!(self.means(), Some(Means::Icmp(_)));
        !self.is_transitive() && (by_icmp || family_was_answered || self.was_answered())
    }

    /// A probe was answered, ever.
    pub(crate) fn was_answered(&self) -> bool {
        self.last_reply.is_some()
    }

    /// The present run of losses is as long as fails a member.
    pub(crate) fn has_failing_run(&self) -> bool {
        self.history.losses().is_some_and(|run| run.count >= self.timing.losses_to_fail())
    }

    /// Probes are being sent, or would be were there a target.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.socket, Socket::Open(..))
    }

    /// Open, and somebody to probe.
    pub(crate) fn is_capable(&self) -> bool {
        self.is_open() && !self.targets.is_empty()
    }

    /// Losses do not count yet.
    pub(crate) fn is_quiet(&self, now: Instant) -> bool {
        self.quiet_until.is_some_and(|until| until > now)
    }

    /// For how long losses do not count.
    pub(crate) fn quiet_for(&self, now: Instant) -> Option<Duration> {
        self.quiet_until.filter(|until| *until > now).map(|until| until.since(now))
    }

    /// How long ago the last reply came, and its round trip.
    pub(crate) fn last_reply(&self, now: Instant) -> Option<(Duration, Duration)> {
        self.last_reply.map(|(received, rtt)| (now.since(received), rtt))
    }

    /// How long a probe may be unanswered.
    pub(crate) fn timeout(&self, now: Instant) -> Duration {
        self.timing.timeout(self.targets.crtt(now))
    }

    /// Has the socket open on this interface, by these means, or closed.
    pub(crate) fn set_socket(&mut self, member: &IfName, wanted: Option<(IfIndex, Means)>, ctx: &mut ProbingContext) {
        match (self.socket, wanted) {
            (Socket::Open(index, means), Some(wanted)) if (index, means) == wanted => {}
            (Socket::Broken { retry_at }, Some(_)) if retry_at > ctx.now => {}
            (_, Some((index, means))) => {
                self.socket = Socket::Open(index, means);
                self.restart(ctx);
                ctx.actions.push(Action::OpenProber(Prober { member: member.clone(), index, means }));
            }
            (Socket::Closed, None) => {}
            (Socket::Open(..) | Socket::Broken { .. }, None) => {
                self.socket = Socket::Closed;
                self.history.clear();
                ctx.actions.push(Action::CloseProber { member: member.clone(), family: self.family() });
            }
        }
    }

    /// The socket could not be opened, or broke. True where that is news.
    pub(crate) fn broke(&mut self, now: Instant) -> bool {
        if !self.is_open() {
            return false;
        }
        self.socket = Socket::Broken { retry_at: now + self.reopen_after };
        let first = self.reopen_after == REOPEN_AFTER;
        self.reopen_after = (self.reopen_after * 2).min(REOPEN_AFTER_MAX);
        first
    }

    /// It broke a while ago, and is worth another try.
    pub(crate) fn is_to_be_reopened(&self, now: Instant) -> bool {
        matches!(self.socket, Socket::Broken { retry_at } if retry_at <= now)
    }

    /// Length of a large probe, where there are any.
    pub(crate) fn large(&self) -> Option<u16> {
        self.large
    }

    /// Large probes are to be this long from now on. Only ICMP has any.
    pub(crate) fn set_large(&mut self, length: Option<u16>) {
        let length = length.filter(|_| matches!(self.means(), Some(Means::Icmp(_))));
        if std::mem::replace(&mut self.large, length) != length {
            self.quality.forget_large();
        }
    }

    /// The member failed: what was measured is void (§4).
    pub(crate) fn forget_measurements(&mut self) {
        self.targets.reset_rtt();
        self.quality.forget_losses();
    }

    /// The path may take a while to come up: losses do not count for a time.
    pub(crate) fn arm_quiet_period(&mut self, now: Instant) {
        self.quiet_until = Some(now + QUIET_PERIOD);
    }

    /// Starts the schedule anew, at a random moment, so that members are spread.
    fn restart(&mut self, ctx: &mut ProbingContext) {
        self.history.clear();
        self.slot = ctx.now + ctx.jitter.below(self.timing.interval());
        self.next_send = self.slot;
    }

    /// Judges what is overdue. `woken_for` is the moment for which the daemon had asked to be woken: where
    /// it lies far back, the daemon was away and what it could not watch is void, not lost.
    pub(crate) fn expire(&mut self, member: &IfName, woken_for: Option<Instant>, ctx: &mut ProbingContext) -> Expired {
        self.quiet_until = self.quiet_until.filter(|until| *until > ctx.now);
        let late = woken_for.map_or(Duration::ZERO, |moment| ctx.now.since(moment));
        let void = if late > self.timing.interval().max(STALL_MIN) { self.history.void() } else { 0 };
        self.counts.void += u64::from(void);
        let was_losing = self.history.is_losing();
        let lost = self.history.expire(ctx.now, self.timeout(ctx.now));
        lost.iter().for_each(|loss| self.lost(member, loss, ctx.actions));
        let run_began = std::mem::take(&mut self.run_began) || (!was_losing && self.history.is_losing());
        Expired { void, run_began }
    }

    fn lost(&mut self, member: &IfName, loss: &Loss, actions: &mut Vec<Action>) {
        self.has_lost = true;
        self.counts.lost += 1;
        self.counts.large_lost += u64::from(loss.kind == Kind::Large);
        self.quality.lost(loss);
        actions.push(self.report(member, loss.probe, loss.target, loss.sent, ProbeOutcome::Lost));
    }

    /// Targets that lost so many in a row, while others answered less than that ago; asked after a loss, once.
    pub(crate) fn dead_targets(&mut self, losses: usize, now: Instant) -> Vec<IpAddr> {
        if !std::mem::take(&mut self.has_lost) || self.history.losses().is_some_and(|run| run.count >= losses) {
            return Vec::new();
        }
        let history = &self.history;
        let active: Vec<IpAddr> = self.targets.in_firing_order(now).iter().map(|target| target.address).collect();
        let dead: Vec<IpAddr> = active.into_iter().filter(|target| history.losses_to(*target) >= losses).collect();
        let dead: Vec<IpAddr> = dead.into_iter().filter(|target| self.targets.mark_dead(*target, now)).collect();
        dead.iter().for_each(|target| self.quality.forget_losses_to(*target));
        dead
    }

    /// Has the next probe leave at once, unless one has just left: another member was not answered.
    pub(crate) fn hurry(&mut self, now: Instant) {
        if self.pace == Pace::Rest && self.last_sent + self.timeout(now) <= now {
            (self.slot, self.next_send) = (now, now);
        }
    }

    /// The schedule may be another now: what is due by it is not late because it was not due by the former.
    pub(crate) fn set_timing(&mut self, timing: Timing, now: Instant) {
        if std::mem::replace(&mut self.timing, timing) != timing && !self.history.is_empty() {
            let next = self.last_sent + timing.period(self.pace, self.timeout(now));
            (self.slot, self.next_send) = (self.slot.min(next), self.next_send.min(next));
        }
    }

    /// Probes are to be sent at this pace from now on. What was sent last counts: no gap gets longer.
    pub(crate) fn set_pace(&mut self, pace: Pace, ctx: &mut ProbingContext) {
        if std::mem::replace(&mut self.pace, pace) == pace || self.history.is_empty() {
            return;
        }
        self.slot = match pace {
            Pace::Confirm => ctx.now,
            Pace::Rest | Pace::Even => self.last_sent + self.timing.period(pace, self.timeout(ctx.now)),
        };
        self.next_send = self.slot + ctx.jitter.below(self.timing.spread(pace));
    }

    /// From which address hosts are looked for with the next slot, if they are.
    fn searches(&self) -> Option<IpAddr> {
        self.source().or(self.searches_from).filter(|_| self.targets.wants_more_hosts())
    }

    /// Sends the next probe if it is time. Replies to large ones repair nothing: they are for members that
    /// `function`.
    pub(crate) fn fire(&mut self, member: &IfName, functions: bool, ctx: &mut ProbingContext) {
        if !self.is_open() || ctx.now < self.next_send {
            return;
        }
        if self.targets.is_empty() && self.searches().is_none() {
            (self.slot, self.next_send) = (ctx.now, ctx.now);
            return;
        }
        let may_discover = self.pace != Pace::Confirm && ctx.now >= self.discover_not_before;
        if let Some(source) = self.searches().filter(|_| may_discover) {
            self.discover_not_before =
                ctx.now + if self.is_transitive() { DISCOVER_EVERY_TRANSITIVE } else { DISCOVER_EVERY };
            self.targets.search(false);
            ctx.actions.push(Action::Discover { member: member.clone(), source });
        }
        if let Some(target) = self.targets.next(ctx.now) {
            // A run of losses has one large probe at most, lest small packets that pass are not heard of.
            let may_be_large = self.large.is_some() && !self.history.is_losing();
            let kind = match self.pace {
                Pace::Confirm => Kind::Extra,
                Pace::Rest | Pace::Even if !functions || self.is_quiet(ctx.now) => Kind::Extra,
                Pace::Rest | Pace::Even if may_be_large && self.quality.large_is_due() => Kind::Large,
                Pace::Rest | Pace::Even => Kind::Ordinary,
            };
            let (probe, length) = (ctx.next_probe(), self.large.filter(|_| kind == Kind::Large));
            self.history.order(probe, target, kind);
            self.counts.sent += 1;
            self.counts.large_sent += u64::from(kind == Kind::Large);
            ctx.actions.push(Action::SendProbe { probe, member: member.clone(), target, length });
        }
        self.last_sent = ctx.now;
        let period = self.timing.period(self.pace, self.timeout(ctx.now));
        self.slot = self.slot + period;
        if self.slot + period < ctx.now {
            // Slots were missed: go on from here rather than make up for them in a burst.
            self.counts.missed += (ctx.now.since(self.slot).as_nanos() / period.as_nanos().max(1)) as u64;
            self.slot = ctx.now + period;
        }
        self.next_send = self.slot + ctx.jitter.below(self.timing.spread(self.pace));
    }

    /// A probe left, or was refused.
    pub(crate) fn sent(
        &mut self,
        member: &IfName,
        probe: ProbeId,
        sent: Option<Instant>,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        match sent {
            Some(sent) => self.history.sent(probe, sent),
            None => {
                let was_losing = self.history.is_losing();
                if let Some(loss) = self.history.refused(probe, now) {
                    self.lost(member, &loss, actions);
                    if !was_losing && self.pace == Pace::Rest {
                        (self.run_began, self.slot, self.next_send) = (true, now, now);
                    }
                }
            }
        }
    }

    /// A reply came. Only a member that `functions` has its round trips measured (§4), and of others those that
    /// are too long.
    pub(crate) fn reply(
        &mut self,
        member: &IfName,
        (probe, received): (ProbeId, Instant),
        functions: bool,
        now: Instant,
        actions: &mut Vec<Action>,
    ) -> Option<Answer> {
        let answer = self.history.reply(probe, received)?;
        let interval = self.timing.interval();
        let believable = answer.newest && answer.kind != Kind::Large && answer.rtt <= interval * HISTORY_MAX as u32;
        if let Some(target) = self.targets.get_mut(answer.target) {
            target.answered();
            if believable && (functions || answer.was_lost) {
                target.rtt.sample(answer.rtt, interval);
            }
            if believable && functions {
                target.shift.sample(answer.rtt);
            }
        }
        if !self.was_answered() {
            // What was lost before says who is there, and not how good the path is.
            self.quality.forget_losses();
        }
        self.quality.answered(probe, &answer);
        self.counts.acked += 1;
        if answer.was_lost {
            self.counts.late += 1;
            self.counts.lost -= 1;
            self.counts.large_lost -= u64::from(answer.kind == Kind::Large);
        }
        self.quiet_until = None;
        self.reopen_after = REOPEN_AFTER;
        self.last_reply = Some((received, answer.rtt));
        let outcome = ProbeOutcome::Acked { network: answer.rtt, total: now.since(answer.sent) };
        actions.push(self.report(member, probe, answer.target, answer.sent, outcome));
        Some(answer)
    }

    /// The target that lost most in a row, if one did.
    pub(crate) fn worst_target(&self) -> Option<IpAddr> {
        let losses = self.targets.addresses().map(|target| (self.history.losses_to(target), target));
        losses.max().filter(|(lost, _)| *lost > 0).map(|(_, target)| target)
    }

    /// Nothing about it is as it should not be, as far as that shows before it is judged.
    pub(crate) fn is_spotless(&self, now: Instant) -> bool {
        self.quality.is_spotless() && !self.targets.may_shift(now)
    }

    /// Something came that is no answer.
    pub(crate) fn bad_reply(&mut self, fault: ReplyFault) {
        *self.counts.bad.entry(fault).or_default() += 1;
        if fault == ReplyFault::Corrupt {
            self.quality.corrupt();
        }
    }

    /// When something is due.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        match self.socket {
            Socket::Closed => None,
            Socket::Broken { retry_at } => Some(retry_at),
            Socket::Open(..) => {
                let sends = !self.targets.is_empty() || self.searches().is_some();
                let send = sends.then_some(self.next_send);
                send.into_iter().chain(self.history.next_expiry(self.timeout(now))).chain(self.quiet_until).min()
            }
        }
    }
}

/// What probing needs of the engine.
pub(crate) struct ProbingContext<'a> {
    pub(crate) now: Instant,
    pub(crate) jitter: &'a mut Jitter,
    pub(crate) last_probe: &'a mut u64,
    pub(crate) actions: &'a mut Vec<Action>,
}

impl ProbingContext<'_> {
    fn next_probe(&mut self) -> ProbeId {
        *self.last_probe += 1;
        ProbeId(*self.last_probe)
    }
}
