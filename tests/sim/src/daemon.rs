//! The daemon around the core: its process, its inbox, its probe sockets and its mover.
//!
//! Plays what the driver loop promises: events one by one in the order of their arrival, all that has
//! arrived before `Timeout`, each at the moment when the process runs. It decides nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::{
    Action, AddressCheck, Change, Config, Engine, Event, Family, IfName, Instant, Memory, Outcome, ProbeId, Prober,
    Transaction,
};

use crate::rng::Rng;

/// A timer of the process rings this late at most while nothing disturbs it.
const LATENESS_MAX: Duration = Duration::from_millis(1);

/// So many answered probes are remembered, to tell duplicates; more than can be on their way.
const ANSWERED_MAX: usize = 1024;

/// What the process does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// It does not exist.
    Dead,
    /// It takes each event when it comes.
    Running,
    /// It exists, and gets no processor until then.
    Stalled {
        /// When it runs again.
        until: Instant,
        /// The whole machine is suspended: what the network delivers is lost.
        machine: bool,
    },
}

/// The process and what it holds.
#[derive(Clone)]
pub struct Daemon {
    /// How it is.
    pub process: Process,
    /// Counts the processes: what was meant for an earlier one finds nobody.
    pub life: u64,
    /// The configuration that the core has.
    pub config: Config,
    /// Open probe sockets.
    pub probers: BTreeMap<(IfName, Family), Prober>,
    /// Addresses that are asked for.
    pub checking: Vec<AddressCheck>,
    /// The mover's work.
    pub mover: Mover,
    engine: Engine,
    memory: Memory,
    inbox: VecDeque<Event>,
    /// Probes that were answered lately: what else answers them is a duplicate.
    answered: BTreeSet<ProbeId>,
    wake: Option<(Instant, Instant)>,
    rng: Rng,
}

impl Daemon {
    /// No process yet.
    pub fn new(seed: u64) -> Self {
        Self {
            process: Process::Dead,
            life: 0,
            config: Config::default(),
            probers: BTreeMap::new(),
            checking: Vec::new(),
            mover: Mover::default(),
            engine: Engine::new(Memory::default(), 0),
            memory: Memory::default(),
            inbox: VecDeque::new(),
            answered: BTreeSet::new(),
            wake: None,
            rng: Rng::stream(seed, "daemon"),
        }
    }

    /// A new process with an engine that remembers what the last one kept.
    pub fn start(&mut self) {
        self.life += 1;
        self.process = Process::Running;
        self.engine = Engine::new(self.memory.clone(), self.rng.any());
        self.wake = None;
    }

    /// `kill -9`: sockets closed, a transaction cut anywhere.
    pub fn kill(&mut self) {
        self.process = Process::Dead;
        self.probers.clear();
        self.checking.clear();
        self.inbox.clear();
        self.answered.clear();
        self.mover = Mover::default();
        self.config = Config::default();
    }

    /// The core, while there is a process.
    pub fn engine(&self) -> Option<&Engine> {
        (self.process != Process::Dead).then_some(&self.engine)
    }

    /// Keeps this for the next start.
    pub fn remember(&mut self, memory: Memory) {
        self.memory = memory;
    }

    /// Keeps an event until the process runs.
    pub fn queue(&mut self, event: Event) {
        self.inbox.push_back(event);
    }

    /// Whether this is the first answer to a probe.
    pub fn first_answer(&mut self, probe: ProbeId) -> bool {
        if self.answered.len() == ANSWERED_MAX {
            self.answered.pop_first();
        }
        self.answered.insert(probe)
    }

    /// The oldest event that waits for the process.
    pub fn waiting(&mut self) -> Option<Event> {
        self.inbox.pop_front()
    }

    /// When the process wakes by itself.
    pub fn wakes(&mut self, now: Instant) -> Option<Instant> {
        match self.process {
            Process::Dead => None,
            Process::Stalled { until, .. } => Some(until),
            Process::Running => {
                let deadline = self.engine.deadline()?;
                match self.wake {
                    Some((of, at)) if of == deadline => Some(at.max(now)),
                    _ => {
                        let at = deadline.max(now) + self.rng.span(Duration::ZERO, LATENESS_MAX);
                        self.wake = Some((deadline, at));
                        Some(at)
                    }
                }
            }
        }
    }

    /// By how much the process is late for its own deadline.
    pub fn late(&self, now: Instant) -> Option<(Instant, Duration)> {
        let deadline = self.engine.deadline()?;
        Some((deadline, now.since(deadline)))
    }

    /// Gives the core an event.
    pub fn step(&mut self, now: Instant, event: Event, actions: &mut Vec<Action>) {
        if let Event::Configured(config) = &event {
            self.config = config.clone();
        }
        self.engine.step(now, event, actions);
    }
}

/// The address mover: one transaction after the other, change after change.
#[derive(Clone, Debug, Default)]
pub struct Mover {
    waiting: VecDeque<(Instant, Transaction)>,
    done: Vec<Outcome>,
    refused: BTreeSet<IpAddr>,
}

impl Mover {
    /// Takes a transaction. Answers whether the mover was idle.
    pub fn take(&mut self, now: Instant, transaction: Transaction) -> bool {
        self.waiting.push_back((now, transaction));
        self.waiting.len() == 1
    }

    /// Whether there is nothing to do.
    pub fn idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The change to be tried next, and when its transaction was asked for.
    pub fn upcoming(&mut self) -> Option<(Instant, Change)> {
        let (asked, transaction) = self.waiting.front()?;
        while let Some(change) = transaction.changes.get(self.done.len()) {
            match change {
                Change::DeleteAddress(key) if self.refused.contains(&key.address.addr()) => {
                    self.done.push(Outcome::Skipped);
                }
                _ => return Some((*asked, change.clone())),
            }
        }
        None
    }

    /// What became of the change that was tried.
    pub fn tried(&mut self, change: &Change, outcome: Outcome) {
        if let (Change::AddAddress { key, .. }, Outcome::Refused(_)) = (change, &outcome) {
            self.refused.insert(key.address.addr());
        }
        self.done.push(outcome);
    }

    /// The answer, once the last change was tried.
    pub fn finish(&mut self) -> Option<Event> {
        let (_, transaction) = self.waiting.pop_front()?;
        self.refused.clear();
        let outcomes = std::mem::take(&mut self.done);
        assert_eq!(outcomes.len(), transaction.changes.len(), "one outcome a change");
        Some(Event::Changed { transaction: transaction.id, outcomes })
    }
}
