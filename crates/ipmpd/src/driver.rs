//! The loop: waits, hands what happened to the engine, and carries out what the engine asks for.
//!
//! The rule of every turn, whatever woke it:
//!
//! 1. Take `now`.
//! 2. Feed the replies that have arrived, with the kernel's stamps; then what the kernel told.
//! 3. Only then feed what woke the loop, and the timeout if it is due.
//!
//! So nothing is judged before what had arrived by `now` is known, however late the loop is. Nothing in a
//! turn waits, and the work of a turn is bounded: a flood of notifications, or of clients, delays a probe
//! by one turn at most.

mod actions;
mod configure;
mod job;

use std::collections::{HashMap, VecDeque};
use std::io;

use ipmp_config::Loaded;
use ipmp_control::Changed;
use ipmp_core::event::Outcome;
use ipmp_core::kernel::Fact;
use ipmp_core::rehearsal::{Rehearsal, Supposition};
use ipmp_core::{Engine, Event, Instant, Notice, Refusal, RequestId, TransactionId};
use ipmp_mover::Mover;
use ipmp_probe::{ProbeEngine, clock};
use ipmp_watch::Watcher;
use tokio::sync::{mpsc, oneshot};

use crate::control::{Feed, Request};
use crate::log::Log;
use crate::runtime_dir::RuntimeDir;
use crate::service::Service;
use crate::signals::{Asked, Signals};
use crate::status_line::status_line;
use crate::timer::Timer;
pub use configure::{Configure, Reloaded, Waiter};
use configure::{Verdict, Wish};
use job::Work;

/// Facts fed in one turn: well below a millisecond of work. More wait for the next turn.
const FACTS_PER_TURN: usize = 256;

/// Everything around the engine.
pub struct Outside {
    /// Probe sockets.
    pub prober: ProbeEngine,
    /// What the kernel tells.
    pub watcher: Watcher,
    /// Changes to the kernel.
    pub mover: Mover,
    /// The one timer.
    pub timer: Timer,
    /// The service manager.
    pub service: Service,
    /// Signals.
    pub signals: Signals,
    /// What clients want.
    pub requests: mpsc::Receiver<Request>,
    /// Shows them what becomes of probes.
    pub probes: Feed,
    /// The lock, and the memory.
    pub runtime_dir: RuntimeDir,
    /// The log.
    pub log: Log,
}

/// The engine and its surroundings.
pub struct Driver {
    engine: Engine,
    outside: Outside,
    configure: Configure,
    /// What the kernel and the mover told and the engine does not know yet, in order.
    backlog: VecDeque<Event>,
    /// Who waits for the answer to a command.
    asked: HashMap<RequestId, oneshot::Sender<Result<(), Refusal>>>,
    requests_made: u64,
    /// Transactions that the mover has not answered.
    in_flight: usize,
    /// Whether a snapshot has been fed.
    seen: bool,
    /// Whether the status line may have changed.
    stale: bool,
}

/// What ended the wait.
enum Wake {
    /// The timer, replies, facts, or a backlog: all of them are looked at in every turn.
    Turn,
    Changed(TransactionId, Vec<Outcome>),
    Request(Request),
    Signal(Asked),
    Work(Work),
}

impl Driver {
    /// A driver whose engine is given `loaded` in its first turn, which is what `configure` says is in force.
    pub fn new(engine: Engine, outside: Outside, configure: Configure, loaded: Loaded) -> Self {
        job::notices(&loaded.findings).into_iter().for_each(|notice| outside.log.notice(notice));
        let mut driver = Self {
            engine,
            outside,
            configure,
            backlog: VecDeque::new(),
            asked: HashMap::new(),
            requests_made: 0,
            in_flight: 0,
            seen: false,
            stale: true,
        };
        driver.backlog.push_back(Event::Configured(loaded.config));
        driver
    }

    /// Turns until a signal asks for the end. The kernel is left as it is.
    pub async fn run(mut self) -> io::Result<()> {
        loop {
            let wake = self.wake().await?;
            let now = clock::now();
            self.take_in(now);
            match wake {
                Wake::Turn => {}
                Wake::Changed(transaction, outcomes) => self.changed(transaction, outcomes),
                Wake::Request(request) => self.request(now, request),
                Wake::Signal(Asked::Reload) => self.wish(Wish::Reload(Vec::new())),
                Wake::Signal(Asked::Stop) => break,
                Wake::Work(work) => self.worked(now, work),
            }
            if self.engine.deadline().is_some_and(|deadline| deadline <= now) {
                self.feed(now, Event::Timeout);
            }
            self.outside.service.turned(now);
            self.report(now);
        }
        self.stop();
        Ok(())
    }

    async fn wake(&mut self) -> io::Result<Wake> {
        let Outside { prober, watcher, mover, timer, service, signals, requests, .. } = &mut self.outside;
        let deadlines = [self.engine.deadline(), service.deadline(), self.configure.deadline()];
        timer.set(deadlines.into_iter().flatten().min())?;
        // In random order, so that none of these starves another.
        Ok(tokio::select! {
            expired = timer.expired() => { expired?; Wake::Turn }
            () = prober.readable() => Wake::Turn,
            () = watcher.readable() => Wake::Turn,
            () = tokio::task::yield_now(), if !self.backlog.is_empty() => Wake::Turn,
            (transaction, outcomes) = mover.done() => Wake::Changed(transaction, outcomes),
            Some(request) = requests.recv() => Wake::Request(request),
            asked = signals.next() => Wake::Signal(asked),
            work = self.configure.work() => Wake::Work(work),
        })
    }

    /// Feeds what has arrived: all replies, and as many facts as a turn may take.
    fn take_in(&mut self, now: Instant) {
        let mut events = Vec::new();
        self.outside.prober.drain(&mut events);
        for reply in events.drain(..) {
            self.feed(now, reply);
        }
        // What does not fit here waits in the kernel, which tells where it has lost something.
        if self.backlog.len() < FACTS_PER_TURN {
            self.outside.watcher.drain(&mut events);
            self.backlog.extend(events);
        }
        for _ in 0..FACTS_PER_TURN {
            match self.backlog.pop_front() {
                Some(event) => self.feed(now, event),
                None => break,
            }
        }
    }

    /// The mover is done with a transaction. The kernel told of its changes before, so those facts are put
    /// before it in the queue.
    fn changed(&mut self, transaction: TransactionId, outcomes: Vec<Outcome>) {
        let mut facts = Vec::new();
        self.outside.watcher.drain(&mut facts);
        self.backlog.extend(facts);
        self.backlog.push_back(Event::Changed { transaction, outcomes });
    }

    fn request(&mut self, now: Instant, request: Request) {
        match request {
            // A client that has gone has no use for an answer.
            Request::Status(answer) => drop(answer.send((self.engine.status(now), now))),
            Request::Command(command, answer) => {
                let request = RequestId(self.requests_made);
                self.requests_made += 1;
                self.asked.insert(request, answer);
                self.feed(now, Event::Command { request, command });
            }
            Request::Reload(answer) => self.wish(Wish::Reload(vec![answer])),
            Request::Change(change, answer) => self.wish(Wish::Change(change, answer)),
            Request::Confirm(answer) => self.wish(Wish::Confirm(answer)),
            Request::Revert(answer) => self.wish(Wish::Revert(Some(answer))),
            Request::Addresses(answer) => drop(answer.send(self.configure.addresses())),
            Request::WhatIf(failed, answer) => self.rehearse(Supposition::Failed(failed), now, move |rehearsal| {
                drop(answer.send((rehearsal, now)));
            }),
        }
    }

    /// Plays something through on a copy, beside the loop: with thousands of addresses that takes a while. A client that
    /// has gone has no use for an answer.
    fn rehearse(&self, supposition: Supposition, now: Instant, answer: impl FnOnce(Rehearsal) + Send + 'static) {
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || answer(engine.rehearse(supposition, now)));
    }

    fn wish(&mut self, wish: Wish) {
        self.configure.wish(wish, &self.outside.service);
    }

    /// The thread beside the loop is done with a wish.
    fn worked(&mut self, now: Instant, work: Work) {
        match self.configure.accept(work, now, &self.outside.log, &self.outside.service) {
            Some(Verdict::Configure(config)) => self.feed(now, Event::Configured(*config)),
            Some(Verdict::Rehearse(config, changed, answer)) => {
                self.rehearse(Supposition::Configured(config), now, move |Rehearsal { changes, .. }| {
                    drop(answer.send(Ok(Changed { changes, ..changed })));
                });
            }
            None => {}
        }
    }

    /// Hands an event to the engine, and everything that comes of it at once.
    fn feed(&mut self, now: Instant, event: Event) {
        let mut events = VecDeque::from([event]);
        let mut actions = Vec::new();
        while let Some(event) = events.pop_front() {
            self.note(&event);
            self.engine.step(now, event, &mut actions);
            for action in actions.drain(..) {
                events.extend(self.carry_out(action));
            }
        }
    }

    /// What the driver itself must know of an event.
    fn note(&mut self, event: &Event) {
        match event {
            Event::Kernel(Fact::Snapshot(_)) => self.seen = true,
            Event::Overrun => self.outside.log.notice(Notice::Overrun),
            Event::Changed { .. } => {
                self.in_flight -= 1;
                self.stale = true;
            }
            Event::Configured(_) => self.stale = true,
            Event::Timeout
            | Event::Kernel(_)
            | Event::ProberFailed { .. }
            | Event::ProbeSent { .. }
            | Event::Reply { .. }
            | Event::BadReply { .. }
            | Event::Discovered { .. }
            | Event::AddressTaken { .. }
            | Event::Command { .. } => {}
        }
    }

    /// Tells those who wait for it that everything is in force, and the service manager what has changed.
    fn report(&mut self, now: Instant) {
        let settled = self.seen && self.in_flight == 0 && self.backlog.is_empty() && self.engine.is_settled();
        if self.stale {
            self.stale = false;
            self.outside.service.status(status_line(&self.engine.status(now)));
        }
        if let Some(config) = self.configure.look(settled, now, &self.outside.log, &self.outside.service) {
            self.feed(now, Event::Configured(*config));
        }
    }

    fn stop(self) {
        let Outside { service, log, .. } = self.outside;
        service.stopping();
        log.notice(Notice::Stopping);
        log.finish();
        service.finish();
    }
}
