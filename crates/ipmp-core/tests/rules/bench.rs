//! The bench: the engine, a kernel that does at once what it is told, and hosts that answer by a closure.
//! It knows nothing of the rules; it only remembers what the engine asked for, and when.

mod site;
mod world;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::kernel::{Fact, Kernel};
use ipmp_core::rehearsal::obey;
use ipmp_core::{
    Action, Change, Config, Engine, Event, GroupConfig, Instant, Mac, Memory, Notice, Outcome, ProbeReport, Prober,
    Refusal,
};

pub use site::*;

/// A probe that was sent.
#[derive(Clone, Debug)]
pub struct Probe {
    pub at: Instant,
    pub member: String,
    pub target: IpAddr,
    pub length: Option<u16>,
}

/// What becomes of a probe.
pub enum Fate {
    /// Answered so much later.
    After(Duration),
    /// Nobody answers.
    Never,
    /// The kernel does not send it.
    Refused,
}

/// What an answer takes on a LAN.
pub const QUICK: Fate = Fate::After(Duration::from_micros(200));

/// The bench.
pub struct Bench {
    pub engine: Engine,
    pub now: Instant,
    pub config: Config,
    pub kernel: Kernel,
    /// Who answers requests by multicast.
    pub hosts: Vec<IpAddr>,
    /// Other hosts that have addresses, and who asked for theirs, in order.
    pub rivals: BTreeMap<IpAddr, Mac>,
    pub checks: Vec<(Instant, IpAddr)>,
    fate: Box<dyn FnMut(&Probe) -> Fate>,
    coming: BTreeMap<(Instant, usize), Event>,
    numbered: usize,
    /// Events since time last passed.
    at_once: usize,
    memory: Memory,
    answers: Vec<Result<(), Refusal>>,
    pub probers: Vec<Prober>,
    pub probes: Vec<Probe>,
    pub reports: Vec<ProbeReport>,
    pub searches: Vec<(Instant, String)>,
    pub notices: Vec<Notice>,
    pub changes: Vec<Change>,
    pub largest_transaction: usize,
}

impl Bench {
    /// A host with the NICs that this group names, each with a link; nothing runs yet.
    pub fn new(group: GroupConfig) -> Self {
        let mut bench = Self {
            engine: Engine::new(Memory::default(), 1),
            now: Instant::from_nanos(1_000_000_000_000),
            config: Config { groups: vec![group.clone()], ..Config::default() },
            kernel: Kernel::default(),
            hosts: Vec::new(),
            rivals: BTreeMap::new(),
            checks: Vec::new(),
            fate: Box::new(|_| QUICK),
            coming: BTreeMap::new(),
            numbered: 0,
            at_once: 0,
            memory: Memory::default(),
            answers: Vec::new(),
            probers: Vec::new(),
            probes: Vec::new(),
            reports: Vec::new(),
            searches: Vec::new(),
            notices: Vec::new(),
            changes: Vec::new(),
            largest_transaction: 0,
        };
        group.members.iter().for_each(|member| bench.plug(member.interface.as_str()));
        bench
    }

    /// The same, with the daemon running for a while.
    pub fn running(group: GroupConfig) -> Self {
        let mut bench = Self::new(group);
        bench.start();
        bench.run(s(3));
        bench
    }

    /// Starts the daemon, or starts it again with what the last one remembered.
    pub fn start(&mut self) {
        self.engine = Engine::new(self.memory.clone(), 1);
        self.coming.clear();
        self.feed(Event::Configured(self.config.clone()));
        self.feed(Event::Kernel(Fact::Snapshot(world::snapshot(&self.kernel))));
    }

    /// Whether everything is in force.
    pub fn is_settled(&self) -> bool {
        self.engine.is_settled()
    }

    /// Another configuration comes into force.
    pub fn reload(&mut self, edit: impl FnOnce(&mut Config)) {
        edit(&mut self.config);
        self.feed(Event::Configured(self.config.clone()));
    }

    /// From now on this decides what becomes of each probe.
    pub fn fate(&mut self, fate: impl FnMut(&Probe) -> Fate + 'static) {
        self.fate = Box::new(fate);
    }

    /// Lets time pass.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.next(end) {}
    }

    /// Lets time pass until something is so; how long that took.
    pub fn until(&mut self, within: Duration, so: impl Fn(&Bench) -> bool) -> Duration {
        let (start, end) = (self.now, self.now + within);
        while !so(self) {
            assert!(self.next(end), "not within {within:?}; {:#?}", self.notices);
        }
        self.now.since(start)
    }

    /// Lets the next thing happen; false where there is none before `end`, which it then is.
    fn next(&mut self, end: Instant) -> bool {
        let (coming, due) = (self.coming.keys().next().copied(), self.engine.deadline());
        let next = [coming.map(|(at, _)| at), due].into_iter().flatten().min();
        let Some(next) = next.filter(|next| *next <= end) else {
            self.now = end;
            return false;
        };
        self.at_once = if next > self.now { 0 } else { self.at_once + 1 };
        assert!(self.at_once < 10_000, "the engine does not let time pass");
        self.now = self.now.max(next);
        // What has arrived is read before time is let pass.
        let arrived = coming.filter(|(at, _)| *at <= self.now).and_then(|key| self.coming.remove(&key));
        self.feed(arrived.unwrap_or(Event::Timeout));
        true
    }

    /// Something comes to the engine, and all that follows at once from it.
    pub fn feed(&mut self, event: Event) {
        let (mut events, mut actions) = (VecDeque::from([event]), Vec::new());
        while let Some(event) = events.pop_front() {
            self.engine.step(self.now, event, &mut actions);
            actions.drain(..).for_each(|action| self.carry_out(action, &mut events));
        }
    }

    fn carry_out(&mut self, action: Action, events: &mut VecDeque<Event>) {
        match action {
            Action::SendProbe { probe, member, target, length } => {
                self.probes.push(Probe { at: self.now, member: member.to_string(), target, length });
                let fate = (self.fate)(&self.probes[self.probes.len() - 1]);
                let refused = matches!(fate, Fate::Refused).then(|| "Network is unreachable".to_owned());
                events.push_back(Event::ProbeSent { probe, sent: refused.map_or(Ok(self.now), Err) });
                if let Fate::After(rtt) = fate {
                    self.later(rtt, Event::Reply { probe, received: self.now + rtt });
                }
            }
            Action::Discover { member, .. } => {
                self.searches.push((self.now, member.to_string()));
                for address in self.hosts.clone() {
                    self.later(ms(1), Event::Discovered { member: member.clone(), address });
                }
            }
            Action::CheckAddresses(checks) => {
                for check in checks {
                    self.checks.push((self.now, check.address));
                    if let Some(by) = self.rivals.get(&check.address).copied() {
                        self.later(ms(1), Event::AddressTaken { address: check.address, by });
                    }
                }
            }
            Action::Apply(transaction) => {
                for change in &transaction.changes {
                    events.extend(obey(&mut self.kernel, change).into_iter().map(Event::Kernel));
                }
                let outcomes = vec![Outcome::Done; transaction.changes.len()];
                events.push_back(Event::Changed { transaction: transaction.id, outcomes });
                self.largest_transaction = self.largest_transaction.max(transaction.changes.len());
                self.changes.extend(transaction.changes);
            }
            Action::AskLinks(links) => {
                let known = links.iter().filter_map(|index| self.kernel.links.get(index));
                events.extend(known.map(|link| Event::Kernel(Fact::Link(link.clone()))));
            }
            Action::Probed(report) => self.reports.push(report),
            Action::Notify(notice) => self.notices.push(notice),
            Action::Remember(memory) => self.memory = memory,
            Action::Answer { result, .. } => self.answers.push(result),
            Action::OpenProber(prober) => self.probers.push(prober),
            Action::CloseProber { .. } | Action::Announce(_) => {}
            Action::Resync => panic!("nothing is refused here, and nothing lost"),
        }
    }

    fn later(&mut self, span: Duration, event: Event) {
        self.numbered += 1;
        self.coming.insert((self.now + span, self.numbered), event);
    }
}
