//! Hooks: executables in `hooks.d` beside the configuration that are run on events.
//!
//! ```text
//!   log --queue--> thread: find, then run one after the other --notices--> log
//! ```
//!
//! They have a thread of their own and a bounded queue: however long they take, nothing waits for them, neither a
//! failover nor the log. Each event is taken in turn, and on each every hook in the order of names. None is run on what
//! is told of hooks, which would never end.

mod find;
mod run;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, PipeWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipmp_control::Event;
use ipmp_core::Notice;

use self::find::find;
use self::run::{GRACE, Runner, TIME_LIMIT};
use crate::outbox::{Outbox, Poster};

/// Events that wait for the hooks.
const QUEUE_MAX: usize = 1024;

/// The directory, beside the configuration file.
const DIRECTORY: &str = "hooks.d";

/// Where hooks are, and where they find the daemon.
#[derive(Clone, Debug)]
pub struct Place {
    directory: PathBuf,
    runtime_dir: PathBuf,
}

impl Place {
    /// Those of the daemon with this configuration file.
    pub fn beside(config: &Path, runtime_dir: &Path) -> io::Result<Self> {
        // A hook is run in another directory than the daemon.
        let config = std::path::absolute(config)?;
        Ok(Self { directory: config.with_file_name(DIRECTORY), runtime_dir: std::path::absolute(runtime_dir)? })
    }
}

/// The thread that runs them.
pub struct Hooks {
    outbox: Outbox<Arc<Event>>,
    poster: Poster<Arc<Event>>,
    /// The hooks' thread sees it hung up.
    running: PipeWriter,
    grace: Duration,
}

impl Hooks {
    /// Starts the thread. What is to be told of hooks it gives to `tell`, which must not wait.
    pub fn start(place: Place, tell: impl Fn(Notice) + Send + 'static) -> io::Result<Self> {
        Self::start_with(TIME_LIMIT, GRACE, place, tell)
    }

    fn start_with(
        limit: Duration,
        grace: Duration,
        place: Place,
        tell: impl Fn(Notice) + Send + 'static,
    ) -> io::Result<Self> {
        let (daemon, running) = io::pipe()?;
        let runner = Runner { daemon, limit, grace, end: None };
        let mut keeper = Keeper { place, refused: BTreeMap::new(), runner, tell };
        let outbox = Outbox::start("hooks", QUEUE_MAX, move |event: Arc<Event>, dropped| keeper.run(&event, dropped))?;
        let poster = outbox.poster();
        Ok(Self { outbox, poster, running, grace })
    }

    /// A way to hand over events.
    pub fn caller(&self) -> Caller {
        Caller(self.poster.clone())
    }

    /// Runs what it can on the events so far within a second, and kills what is left, for which there is another.
    pub fn finish(self) {
        drop(self.running);
        self.outbox.finish(2 * self.grace);
    }
}

/// Hands over events.
pub struct Caller(Poster<Arc<Event>>);

impl Caller {
    /// Has the hooks run on this event. Never waits.
    pub fn call(&self, event: &Arc<Event>) {
        if !event.event.starts_with("hook") {
            self.0.post(event.clone());
        }
    }
}

/// What the thread knows.
struct Keeper<T> {
    place: Place,
    /// Those of which it has been told that they are not run, and why.
    refused: BTreeMap<PathBuf, String>,
    runner: Runner,
    tell: T,
}

impl<T: Fn(Notice)> Keeper<T> {
    /// Runs all hooks on an event, after so many that were dropped.
    fn run(&mut self, event: &Event, dropped: u64) {
        if self.runner.is_over() {
            return;
        }
        if dropped > 0 {
            (self.tell)(Notice::HooksLate { count: dropped });
        }
        let found = find(&self.place.directory);
        for (path, reason) in &found.refused {
            if self.refused.get(path) != Some(reason) {
                (self.tell)(Notice::HookRefused { hook: path.display().to_string(), reason: reason.clone() });
            }
        }
        self.refused = found.refused;
        for hook in &found.hooks {
            if let Err(reason) = self.runner.run(hook, event, &self.place.runtime_dir) {
                let (hook, on) = (hook.display().to_string(), event.event.clone());
                (self.tell)(Notice::HookFailed { hook, on, reason });
            }
        }
    }
}
