//! The watcher itself: owned by one loop, driven by `readable` and `drain`.

use std::io;
use std::sync::mpsc::SyncSender;

use ipmp_core::kernel::{Fact, Snapshot};
use ipmp_core::{Event, IfIndex};
use ipmp_netlink::{Error, Monitor};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::ask;
use crate::dump::{self, Dumper};
use crate::resync::{Ask, Resync};

/// Watches one network namespace.
pub struct Watcher {
    monitor: AsyncFd<Monitor>,
    questions: SyncSender<IfIndex>,
    dumper: Dumper,
    resync: Resync,
    /// A dump that `readable` saw, for `drain`.
    dumped: Option<Result<Snapshot, Error>>,
    /// Kept for its memory.
    facts: Vec<Fact>,
}

impl Watcher {
    /// Watches the network namespace of the calling thread, and asks for the first snapshot. To be called
    /// within a Tokio runtime.
    pub fn start() -> io::Result<Watcher> {
        Self::with_monitor(Monitor::open()?)
    }

    /// As `start`, with a monitor that was opened before.
    pub fn with_monitor(monitor: Monitor) -> io::Result<Watcher> {
        let questions = ask::start(monitor.asker()?)?;
        // SAFETY: a monitor keeps one socket open, under one number, for as long as it lives, and the
        // `AsyncFd` owns it from here.
        let monitor = unsafe { AsyncFd::register_with_interest(monitor, Interest::READABLE) }?;
        let mut watcher = Watcher {
            monitor,
            questions,
            dumper: dump::start()?,
            resync: Resync::default(),
            dumped: None,
            facts: Vec::new(),
        };
        watcher.resync();
        Ok(watcher)
    }

    /// Waits until there is something to drain. May be cancelled at any time.
    pub async fn readable(&mut self) {
        if self.dumped.is_some() {
            return;
        }
        tokio::select! {
            // An error means that the runtime is going away.
            ready = self.monitor.readable() => drop(ready),
            Some(dumped) = self.dumper.results.recv() => self.dumped = Some(dumped),
        }
    }

    /// Adds all that has happened, and never waits. Every change that was complete before this call is in it.
    pub fn drain(&mut self, events: &mut Vec<Event>) {
        self.drain_monitor(events);
        // After the monitor: an overrun that it tells of spoils the snapshot.
        if let Some(dumped) = self.dumped.take().or_else(|| self.dumper.results.try_recv().ok()) {
            let (snapshot, ask) = self.resync.finished(dumped.ok());
            events.extend(snapshot.map(|snapshot| Event::Kernel(Fact::Snapshot(snapshot))));
            self.dump(ask);
        }
    }

    /// Asks the kernel for these links; the answers come as events. Never waits.
    pub fn ask(&self, links: &[IfIndex]) {
        for index in links {
            // Full: see `QUESTIONS_MAX`.
            _ = self.questions.try_send(*index);
        }
    }

    /// Asks for everything; the answer comes as a snapshot. Never waits; while a dump is under way, one more
    /// is made after it, however often this is called.
    pub fn resync(&mut self) {
        let ask = self.resync.wanted();
        self.dump(ask);
    }

    fn drain_monitor(&mut self, events: &mut Vec<Event>) {
        let facts = &mut self.facts;
        let mut drained = None;
        // Whether Tokio knows already that there is something to read or not: read. If it knew, it is told
        // that nothing is left.
        _ = self.monitor.try_io_mut(Interest::READABLE, |monitor| {
            drained = Some(monitor.drain(facts));
            Err::<(), _>(io::ErrorKind::WouldBlock.into())
        });
        let drained = drained.unwrap_or_else(|| self.monitor.get_mut().drain(facts));
        self.resync.note(facts);
        events.extend(self.facts.drain(..).map(Event::Kernel));
        if drained.overrun {
            events.push(Event::Overrun);
            let ask = self.resync.overrun();
            self.dump(ask);
        }
        if drained.doubtful {
            self.resync();
        }
    }

    fn dump(&mut self, ask: Option<Ask>) {
        if let Some(Ask(delay)) = ask {
            // There is room: `Resync` asks for one dump at a time. The thread is there as long as we are.
            _ = self.dumper.requests.try_send(delay);
        }
    }
}
