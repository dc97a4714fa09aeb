//! The world: a queue of time and event, and the loop that lets them happen.
//!
//! Everything that takes time is a `Happening` in the queue; everything that decides is elsewhere: the
//! core decides what the daemon does, `operator` which faults come, `invariants` what must not be.

mod actions;

pub use actions::DUPLICATES_SOUGHT;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::kernel::{AddressKey, Fact};
use ipmp_core::{
    Action, Command, Config, Event, IfName, Instant, Mac, Notice, ProbeId, Refusal, RequestId, Transaction,
};

use crate::daemon::{Daemon, Process};
use crate::invariants::{Checks, Scene, Violation};
use crate::kernel::Kernel;
use crate::network::Network;
use crate::rng::Rng;
use crate::site::{self, Port};
use crate::trace::{Keep, Trace};

/// So many steps without a moment passing mean that the core asks to be woken for ever.
const STEPS_WITHOUT_TIME_MAX: u32 = 10_000;

/// How the parts between the daemon and the kernel behave at present.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weather {
    /// Chance that a change is refused for no reason.
    pub refuses: f64,
    /// Chance that a change is carried out and its acknowledgement lost.
    pub loses_acks: f64,
    /// Chance that notifications overrun the daemon's buffer.
    pub forgets: f64,
    /// Chance that the kernel refuses to send a probe.
    pub refuses_probes: f64,
    /// What every change takes on top of the usual.
    pub slowness: Duration,
}

impl Weather {
    /// Everything works.
    pub const FAIR: Weather =
        Weather { refuses: 0.0, loses_acks: 0.0, forgets: 0.0, refuses_probes: 0.0, slowness: Duration::ZERO };
}

/// Something that is going to happen.
#[derive(Clone, Debug)]
pub enum Happening {
    /// An event reaches the process of that life.
    Arrival(u64, Event),
    /// The mover of that life gets to its next change.
    Mover(u64),
    /// An answer reaches the NIC of a port.
    Answer {
        /// Of which process the probe was.
        life: u64,
        /// Which.
        probe: ProbeId,
        /// Whose prober it was sent from.
        member: IfName,
        /// Where it comes in.
        port: Port,
        /// From whom.
        target: IpAddr,
        /// With other data than was sent.
        corrupt: bool,
    },
    /// A host's answer to a multicast request reaches the NIC of a port.
    Presence {
        /// Of which process the request was.
        life: u64,
        /// Whose prober it was sent from.
        member: IfName,
        /// Where it comes in.
        port: Port,
        /// The host.
        address: IpAddr,
    },
    /// What somebody says of an address that he has comes to the NIC of a port.
    Claim {
        /// Which process asked.
        life: u64,
        /// The address.
        address: IpAddr,
        /// Where it comes in.
        port: Port,
        /// By whom.
        by: Mac,
    },
    /// The kernel has found no duplicate of an address.
    Proven(AddressKey),
    /// The kernel's link watch runs.
    LinkWatch,
    /// The dump that was asked for is complete.
    Dump(u64),
    /// The operator's next deed.
    Deed(crate::operator::Deed),
}

/// Changes or swallows an event.
pub type MeddleWithEvent = Box<dyn FnMut(Instant, Event) -> Option<Event>>;

/// Changes what was asked for.
pub type MeddleWithActions = Box<dyn FnMut(Instant, &mut Vec<Action>)>;

/// What a test puts between the core and the world, to see a checker trip.
#[derive(Default)]
pub struct Meddler {
    /// Changes or swallows what the core is told.
    pub event: Option<MeddleWithEvent>,
    /// Changes what the core asks for.
    pub actions: Option<MeddleWithActions>,
}

/// All of it.
pub struct World {
    /// The present.
    pub now: Instant,
    /// The kernel.
    pub kernel: Kernel,
    /// The network.
    pub network: Network,
    /// The daemon.
    pub daemon: Daemon,
    /// Between them.
    pub weather: Weather,
    /// What must hold.
    pub checks: Checks,
    /// What happened.
    pub trace: Trace,
    /// Everything that the administrator was told.
    pub notices: Vec<(Instant, Notice)>,
    /// Everything that the kernel was asked to change.
    pub transactions: Vec<(Instant, Transaction)>,
    /// Answers to commands.
    pub answers: BTreeMap<RequestId, Result<(), Refusal>>,
    /// What interferes.
    pub meddler: Meddler,
    /// The configuration on disk: what a start or a reload reads.
    pub file: Config,
    /// Chance for faults.
    pub rng: Rng,
    queue: BTreeMap<(Instant, u64), Happening>,
    queued: u64,
    told: Instant,
    actions: Vec<Action>,
    commands: BTreeMap<RequestId, Command>,
    chance: Rng,
    steps_without_time: u32,
}

impl World {
    /// A host with all its NICs up and cabled, a network without a fault, and no daemon yet.
    pub fn new(seed: u64, keep: Keep) -> Self {
        let mut world = Self {
            now: Instant::from_nanos(1_000_000_000),
            kernel: Kernel::default(),
            network: Network::new(seed),
            daemon: Daemon::new(seed),
            weather: Weather::FAIR,
            checks: Checks::default(),
            trace: Trace::new(keep),
            notices: Vec::new(),
            transactions: Vec::new(),
            answers: BTreeMap::new(),
            meddler: Meddler::default(),
            file: Config::default(),
            rng: Rng::stream(seed, "operator"),
            queue: BTreeMap::new(),
            queued: 0,
            told: Instant::default(),
            actions: Vec::new(),
            commands: BTreeMap::new(),
            chance: Rng::stream(seed, "world"),
            steps_without_time: 0,
        };
        for port in (0..site::PORTS).map(Port) {
            world.kernel.set_cable(port, true, world.now);
            world.kernel.plug(port, port.name());
            let index = world.kernel.index_of(port).expect("plugged just now");
            world.kernel.set_up(index, true);
        }
        for key in world.kernel.unproven() {
            world.kernel.proven(key);
        }
        world.kernel.facts.clear();
        world
    }

    /// The same world once more, to go on differently from here; without what a test put into it.
    pub fn fork(&self) -> Self {
        Self {
            kernel: self.kernel.clone(),
            network: self.network.clone(),
            daemon: self.daemon.clone(),
            checks: self.checks.clone(),
            trace: self.trace.clone(),
            notices: self.notices.clone(),
            transactions: self.transactions.clone(),
            answers: self.answers.clone(),
            meddler: Meddler::default(),
            file: self.file.clone(),
            rng: self.rng.clone(),
            queue: self.queue.clone(),
            actions: Vec::new(),
            commands: self.commands.clone(),
            chance: self.chance.clone(),
            ..*self
        }
    }

    /// Starts the daemon on the configuration in the file.
    pub fn start(&mut self) {
        self.note(format_args!("! the daemon starts"));
        self.daemon.start();
        self.told = self.now;
        let scene = scene(&self.daemon, &self.kernel, &self.network, self.now);
        self.checks.started(&scene);
        self.arrive(Event::Configured(self.file.clone()), Duration::from_millis(1));
        self.queue_at(self.now + Duration::from_millis(3), Happening::Dump(self.daemon.life));
    }

    /// Kills the daemon.
    pub fn kill(&mut self) {
        self.note(format_args!("! the daemon is killed"));
        self.daemon.kill();
        self.checks.killed(self.now);
    }

    /// Gives the process no processor for a while; `machine` where the whole machine stops.
    pub fn stall(&mut self, span: Duration, machine: bool) {
        if self.daemon.process != Process::Dead {
            self.note(format_args!("! the {} stalls for {span:?}", if machine { "machine" } else { "daemon" }));
            self.daemon.process = Process::Stalled { until: self.now + span, machine };
            self.checks.disturbed(self.now + span);
            self.checks.refreshed(self.now + span);
        }
    }

    /// Has the daemon read its file again.
    pub fn reload(&mut self, config: Config) {
        self.file = config.clone();
        if self.daemon.process != Process::Dead {
            self.arrive(Event::Configured(config), Duration::from_millis(1));
        }
    }

    /// Sends the daemon a command; the answer will be found in `answers`.
    pub fn command(&mut self, command: Command) -> RequestId {
        let request = RequestId(self.commands.len() as u64);
        self.commands.insert(request, command.clone());
        self.arrive(Event::Command { request, command }, Duration::from_micros(100));
        request
    }

    /// Lets something happen later.
    pub fn queue_at(&mut self, when: Instant, what: Happening) {
        self.queued += 1;
        self.queue.insert((when.max(self.now), self.queued), what);
    }

    /// Lets time pass.
    pub fn run_for(&mut self, span: Duration) -> Result<(), Violation> {
        self.run_until(self.now + span)
    }

    /// Lets time pass until then.
    pub fn run_until(&mut self, end: Instant) -> Result<(), Violation> {
        self.carry_facts();
        loop {
            let queued = self.queue.first_key_value().map(|((when, _), _)| *when);
            let wakes = self.daemon.wakes(self.now);
            // What arrives at the moment of waking has arrived before it.
            let next = queued.into_iter().chain(wakes).min().unwrap_or(end).min(end);
            self.look_until(next)?;
            if next > self.now {
                self.steps_without_time = 0;
            }
            self.steps_without_time += 1;
            assert!(
                self.steps_without_time < STEPS_WITHOUT_TIME_MAX,
                "the core asks to be woken without end, deadline {:?}",
                self.daemon.engine().and_then(|engine| engine.deadline())
            );
            self.now = next;
            if queued.is_some_and(|when| when <= next) {
                let (_, happening) = self.queue.pop_first().expect("it was looked at just now");
                self.happen(happening)?;
            } else if wakes.is_some_and(|when| when <= next) {
                self.wake()?;
            } else {
                return Ok(());
            }
            self.carry_facts();
        }
    }

    /// Lets time pass until something holds; false if it did not within `limit`.
    pub fn run_while(&mut self, limit: Duration, mut goes_on: impl FnMut(&Self) -> bool) -> Result<bool, Violation> {
        let end = self.now + limit;
        while goes_on(self) {
            if self.now >= end {
                return Ok(false);
            }
            self.run_for(Duration::from_millis(1))?;
        }
        Ok(true)
    }

    /// Notes something in the trace.
    pub fn note(&mut self, what: std::fmt::Arguments<'_>) {
        self.trace.note(self.now, false, what);
    }

    /// What the checks see.
    pub fn scene(&self) -> Scene<'_> {
        scene(&self.daemon, &self.kernel, &self.network, self.now)
    }

    /// Has the checkers look at the state that lasted until `next`.
    fn look_until(&mut self, next: Instant) -> Result<(), Violation> {
        while let Some(due) = self.checks.due().filter(|due| *due < next) {
            let at = due.max(self.now);
            self.checks.look(&scene(&self.daemon, &self.kernel, &self.network, at))?;
            if at == next {
                break;
            }
        }
        Ok(())
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Violation> {
        match happening {
            Happening::Arrival(life, event) if life == self.daemon.life => self.arrived(event)?,
            Happening::Mover(life) if life == self.daemon.life => self.move_on()?,
            Happening::Answer { life, probe, member, port, target, corrupt } if life == self.daemon.life => {
                self.answer(probe, member, port, target, corrupt)?;
            }
            Happening::Presence { life, member, port, address } if life == self.daemon.life => {
                self.presence(member, port, address)?;
            }
            Happening::Claim { life, address, port, by } if life == self.daemon.life => {
                self.claimed(address, port, by)?;
            }
            Happening::Dump(life) if life == self.daemon.life => {
                let snapshot = self.kernel.snapshot();
                self.tell(Event::Kernel(Fact::Snapshot(snapshot)));
            }
            Happening::Arrival(..)
            | Happening::Mover(_)
            | Happening::Answer { .. }
            | Happening::Presence { .. }
            | Happening::Claim { .. }
            | Happening::Dump(_) => {}
            Happening::Proven(key) => self.kernel.proven(key),
            Happening::LinkWatch => self.kernel.watch_links(self.now),
            Happening::Deed(deed) => self.perform(deed)?,
        }
        self.check()
    }

    /// The checkers look, if there is anything new to see.
    pub(crate) fn check(&mut self) -> Result<(), Violation> {
        self.checks.observe(&scene(&self.daemon, &self.kernel, &self.network, self.now))
    }

    /// The process runs by itself: its timer rang, or its stall is over.
    fn wake(&mut self) -> Result<(), Violation> {
        if let Process::Stalled { .. } = self.daemon.process {
            self.note(format_args!("! the stall is over"));
            self.daemon.process = Process::Running;
            while let Some(event) = self.daemon.waiting() {
                self.step(event)?;
            }
        }
        let due = self.daemon.engine().and_then(|engine| engine.deadline());
        if due.is_some_and(|due| due <= self.now) {
            self.step(Event::Timeout)?;
        }
        self.check()
    }

    fn arrived(&mut self, event: Event) -> Result<(), Violation> {
        match self.daemon.process {
            Process::Dead => Ok(()),
            Process::Running => self.step(event),
            Process::Stalled { .. } => {
                self.daemon.queue(event);
                Ok(())
            }
        }
    }

    /// Gives the core an event, and does what it asks for.
    fn step(&mut self, event: Event) -> Result<(), Violation> {
        self.checks.before_step(self.daemon.late(self.now));
        self.checks.told(&event, &scene(&self.daemon, &self.kernel, &self.network, self.now));
        let event = match &mut self.meddler.event {
            Some(meddle) => meddle(self.now, event),
            None => Some(event),
        };
        let Some(event) = event else { return Ok(()) };
        self.note_event(&event);
        let config_before = matches!(event, Event::Configured(_)).then(|| self.daemon.config.clone());
        let mut actions = std::mem::take(&mut self.actions);
        self.daemon.step(self.now, event, &mut actions);
        if let Some(before) = config_before {
            self.checks.configured(&before, &scene(&self.daemon, &self.kernel, &self.network, self.now));
        }
        if let Some(meddle) = &mut self.meddler.actions {
            meddle(self.now, &mut actions);
        }
        for action in actions.drain(..) {
            self.dispatch(action)?;
        }
        self.actions = actions;
        Ok(())
    }

    /// What is told often and seldom means anything is not noted in full.
    fn note_event(&mut self, event: &Event) {
        match event {
            Event::Timeout => {}
            Event::Kernel(Fact::Snapshot(snapshot)) => {
                let count = (snapshot.links.len(), snapshot.addresses.len(), snapshot.routes.len());
                self.note(format_args!("> snapshot of {count:?} links, addresses and routes"));
            }
            _ => {
                let probe = matches!(event, Event::Reply { .. } | Event::ProbeSent { sent: Ok(_), .. });
                let told_again = matches!(event, Event::Kernel(Fact::Link(_)));
                self.trace.note(self.now, probe || told_again, format_args!("> {event:?}"));
            }
        }
    }
}

fn scene<'a>(daemon: &'a Daemon, kernel: &'a Kernel, network: &'a Network, now: Instant) -> Scene<'a> {
    Scene { now, daemon, kernel, network }
}
