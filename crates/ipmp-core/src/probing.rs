//! Probing of one member in one family: when, whom, and what came back (IPMP behaviour §4).
//! It knows nothing of other members; verdicts are passed in `verdict`.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::action::{Action, Prober};
use crate::history::{Answer, History};
use crate::id::{Family, IfIndex, IfName, ProbeId};
use crate::jitter::Jitter;
use crate::status::{ProbeCounts, ProbingStatus, TargetMode, TargetState, TargetStatus};
use crate::target::Targets;
use crate::time::Instant;

/// Probes that fit into the failure detection time: five that may be lost, and two (§0).
pub(crate) const PROBES_PER_DETECTION: u32 = 7;

/// How long losses do not count after a start or a link-up, for switches that first run spanning tree;
/// the first reply ends it (§5, §14 #13).
pub(crate) const QUIET_PERIOD: Duration = Duration::from_secs(40);

/// How long until a probe socket that broke is opened again.
const REOPEN_AFTER: Duration = Duration::from_secs(1);

/// Lateness below this is ordinary scheduling; the kernel's receive stamps and the draining of sockets
/// before any judgement make it harmless.
const STALL_MIN: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Socket {
    Closed,
    Open(IfIndex),
    Broken { retry_at: Instant },
}

/// One family of one member with a test address.
#[derive(Clone, Debug)]
pub(crate) struct Probing {
    /// The test address, with the prefix that tells what is on-link.
    pub(crate) test: IpNet,
    pub(crate) targets: Targets,
    pub(crate) history: History,
    interval: Duration,
    socket: Socket,
    /// Strictly periodic; the next probe leaves half to one interval after it.
    base: Instant,
    next_send: Instant,
    quiet_until: Option<Instant>,
    last_reply: Option<(Instant, Duration)>,
    counts: ProbeCounts,
}

/// What a timer did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expired {
    /// Probes that the daemon's own absence voided.
    pub(crate) void: u32,
    /// Probes declared lost.
    pub(crate) lost: usize,
}

impl Probing {
    pub(crate) fn new(test: IpNet, failure_detection_time: Duration) -> Self {
        Self {
            test,
            targets: Targets::default(),
            history: History::default(),
            interval: failure_detection_time / PROBES_PER_DETECTION,
            socket: Socket::Closed,
            base: Instant::default(),
            next_send: Instant::default(),
            quiet_until: None,
            last_reply: None,
            counts: ProbeCounts::default(),
        }
    }

    pub(crate) fn family(&self) -> Family {
        Family::of(self.test.addr())
    }

    /// Probes are being sent, or would be were there a target.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.socket, Socket::Open(_))
    }

    /// Open, and somebody to probe.
    pub(crate) fn is_capable(&self) -> bool {
        self.is_open() && !self.targets.is_empty()
    }

    /// Losses do not count yet.
    pub(crate) fn is_quiet(&self, now: Instant) -> bool {
        self.quiet_until.is_some_and(|until| until > now)
    }

    /// Round trip of the last reply, and how long ago it came.
    pub(crate) fn last_reply(&self, now: Instant) -> Option<(Duration, Duration)> {
        self.last_reply.map(|(received, rtt)| (now.since(received), rtt))
    }

    /// The failure detection time may have changed; what was measured stays.
    pub(crate) fn set_detection_time(&mut self, failure_detection_time: Duration) {
        self.interval = failure_detection_time / PROBES_PER_DETECTION;
    }

    /// Has the socket open on this interface, or closed.
    pub(crate) fn set_socket(&mut self, member: &IfName, wanted: Option<IfIndex>, ctx: &mut ProbingContext) {
        match (self.socket, wanted) {
            (Socket::Open(open), Some(index)) if open == index => {}
            (Socket::Broken { retry_at }, Some(_)) if retry_at > ctx.now => {}
            (_, Some(index)) => {
                self.socket = Socket::Open(index);
                self.restart(ctx);
                ctx.actions.push(Action::OpenProber(Prober {
                    member: member.clone(),
                    index,
                    source: self.test.addr(),
                }));
            }
            (Socket::Closed, None) => {}
            (Socket::Open(_) | Socket::Broken { .. }, None) => {
                self.socket = Socket::Closed;
                self.history.clear();
                ctx.actions.push(Action::CloseProber { member: member.clone(), family: self.family() });
            }
        }
    }

    /// The socket could not be opened, or broke.
    pub(crate) fn broke(&mut self, now: Instant) {
        self.socket = Socket::Broken { retry_at: now + REOPEN_AFTER };
    }

    /// It broke a while ago, and is worth another try.
    pub(crate) fn is_to_be_reopened(&self, now: Instant) -> bool {
        matches!(self.socket, Socket::Broken { retry_at } if retry_at <= now)
    }

    /// The path may take a while to come up: losses do not count for a time.
    pub(crate) fn arm_quiet_period(&mut self, now: Instant) {
        self.quiet_until = Some(now + QUIET_PERIOD);
    }

    /// Starts the schedule anew, at a random moment, so that members are spread.
    fn restart(&mut self, ctx: &mut ProbingContext) {
        self.history.clear();
        self.base = ctx.now;
        self.next_send = ctx.now + ctx.jitter.below(self.interval);
    }

    /// Judges what is overdue. `woken_for` is the moment for which the daemon had asked to be woken: where
    /// it lies far back, the daemon was away and what it could not watch is void, not lost.
    pub(crate) fn expire(&mut self, now: Instant, woken_for: Option<Instant>) -> Expired {
        self.quiet_until = self.quiet_until.filter(|until| *until > now);
        let late = woken_for.map_or(Duration::ZERO, |moment| now.since(moment));
        let void = if late > self.interval.max(STALL_MIN) { self.history.void() } else { 0 };
        let lost = self.history.expire(now, self.interval);
        self.counts.void += u64::from(void);
        self.counts.lost += lost as u64;
        Expired { void, lost }
    }

    /// Sends the next probe if it is time.
    pub(crate) fn fire(&mut self, member: &IfName, ctx: &mut ProbingContext) {
        if !self.is_open() || ctx.now < self.next_send {
            return;
        }
        if let Some(target) = self.targets.next(ctx.now) {
            let probe = ctx.next_probe();
            self.history.order(probe, target);
            self.counts.sent += 1;
            ctx.actions.push(Action::SendProbe { probe, member: member.clone(), target, length: None });
        }
        self.base = self.base + self.interval;
        if self.base + self.interval < ctx.now {
            // Slots were missed: go on from here rather than make up for them in a burst.
            self.base = ctx.now;
        }
        self.next_send = self.base + self.interval / 2 + ctx.jitter.below(self.interval / 2);
    }

    /// A probe left, or was refused. True where it is one of these.
    pub(crate) fn sent(&mut self, probe: ProbeId, now: Instant, sent: Option<Instant>) -> bool {
        let known = self.history.sent(probe, now, sent);
        self.counts.lost += u64::from(known && sent.is_none());
        known
    }

    /// A reply came.
    pub(crate) fn reply(&mut self, probe: ProbeId, received: Instant) -> Option<Answer> {
        let answer = self.history.reply(probe, received)?;
        self.targets.sample(answer.target, answer.rtt);
        self.counts.acked += 1;
        self.counts.lost -= u64::from(answer.was_lost && self.counts.lost > 0);
        self.quiet_until = None;
        self.last_reply = Some((received, answer.rtt));
        Some(answer)
    }

    /// When something is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.socket {
            Socket::Closed => None,
            Socket::Broken { retry_at } => Some(retry_at),
            Socket::Open(_) => {
                let send = (!self.targets.is_empty()).then_some(self.next_send);
                send.into_iter().chain(self.history.next_expiry(self.interval)).chain(self.quiet_until).min()
            }
        }
    }

    pub(crate) fn status(&self, now: Instant) -> ProbingStatus {
        let target = |target: &&crate::target::Target| TargetStatus {
            address: target.address,
            state: TargetState::Active,
            rtt: target.rtt.get(),
            loss: None,
        };
        ProbingStatus {
            family: self.family(),
            test_address: self.test.addr(),
            mode: if matches!(self.socket, Socket::Broken { .. }) { TargetMode::Disabled } else { TargetMode::Routes },
            targets: self.targets.in_firing_order(now).iter().map(target).collect(),
            run: None,
            loss: None,
            timeout: self.interval,
            last_reply: self.last_reply(now),
            counts: self.counts.clone(),
        }
    }

    /// The test address alone.
    pub(crate) fn address(&self) -> IpAddr {
        self.test.addr()
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
