//! The log: notices, and what libraries have to say, as journal entries, text or JSON; and where the events come from
//! that clients follow and hooks are run on.
//!
//! ```text
//!   notice --queue--> events thread --queue--> log thread: write
//!                          |
//!                          +--> clients, hooks: every notice, numbered, whatever is logged
//! ```
//!
//! All of it is rendered and written by threads of its own, because a full pipe or a busy journal must never hold up
//! the loop; the first of them waits for nobody, so that it does not hold up the events either. What the log cannot
//! keep up with is dropped, and how much is logged later.
//!
//! `tracing-journald` and the formatters of `tracing-subscriber` are not used for notices: they know five
//! levels, none of them critical, and fields that are fixed when the program is compiled.

mod diagnostics;
mod journal;
mod line;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use ipmp_control::Event;
use ipmp_core::Notice;
use ipmp_core::notice::Level;
use tokio::sync::mpsc;

use crate::hooks::{self, Hooks};
use crate::outbox::{Outbox, Poster, Queue};
use journal::Journal;
use line::Line;

/// A thousand addresses that move at once are a thousand lines; beyond this they are counted only.
const QUEUE_LINES: usize = 4096;

/// How long the end of the daemon waits for the last lines.
const PATIENCE: Duration = Duration::from_secs(1);

// How log lines are written. No documentation: it would be shown as help, a paragraph for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Auto,
    Text,
    Json,
    Journald,
}

/// The log. Dropping it without [`Log::finish`] may lose the last lines.
pub struct Log {
    events: Outbox<Line>,
    writer: Outbox<Line>,
    hooks: Hooks,
    poster: Poster<Line>,
}

impl Log {
    /// Starts the threads, and takes in what libraries say from now on. At most once a process. Events go to `clients`
    /// as far as those keep up, and to the hooks; what is logged is at least as grave as `level`.
    pub fn start(
        format: Format,
        level: Level,
        clients: mpsc::Sender<Arc<Event>>,
        hooks: hooks::Place,
    ) -> io::Result<Self> {
        let mut sink = Sink::open(format);
        let writer = Outbox::start("log", QUEUE_LINES, move |line, dropped| {
            if dropped > 0 {
                sink.write(&Line::from(Notice::LogLinesDropped { count: dropped }));
            }
            sink.write(&line);
        })?;
        let queue = Queue::new(QUEUE_LINES);
        let (poster, teller, lines) = (queue.poster(), queue.poster(), writer.poster());
        let hooks = Hooks::start(hooks, move |notice| teller.post(Line::from(notice)))?;
        let caller = hooks.caller();
        let mut number = 0;
        let events = queue.start("events", move |line: Line, dropped| {
            // Most of them would have been events.
            number += dropped;
            if let Some(event) = line.to_event(number + 1) {
                number += 1;
                let event = Arc::new(event);
                caller.call(&event);
                // What clients cannot take is missed by its number.
                let _ = clients.try_send(event);
            }
            if line.level() <= level {
                lines.post(line);
            }
        })?;
        diagnostics::listen(poster.clone(), level);
        Ok(Self { events, writer, hooks, poster })
    }

    /// Tells of a notice, and logs it if it is grave enough. Never waits.
    pub fn notice(&self, notice: Notice) {
        self.poster.post(Line::from(notice));
    }

    /// Writes what is left, and runs the hooks that are left, within a bound.
    pub fn finish(self) {
        self.events.finish(PATIENCE);
        self.hooks.finish();
        self.writer.finish(PATIENCE);
    }
}

enum Sink {
    Text,
    Json,
    Journal(Journal),
}

impl Sink {
    fn open(format: Format) -> Self {
        match format {
            Format::Text => Sink::Text,
            Format::Json => Sink::Json,
            Format::Auto if !journal::is_stderr() => Sink::Text,
            Format::Auto | Format::Journald => match Journal::open(journal::SOCKET) {
                Ok(journal) => Sink::Journal(journal),
                Err(error) => {
                    let mut text = Sink::Text;
                    let what = format!("the journal cannot be reached, logging as text: {error}");
                    text.write(&Line::diagnostic(SystemTime::now(), Level::Warning, what, Vec::new()));
                    text
                }
            },
        }
    }

    fn write(&mut self, line: &Line) {
        let text = match self {
            Sink::Text => line.text(),
            Sink::Json => line.json(),
            Sink::Journal(journal) => match journal.send(line) {
                Ok(()) => return,
                Err(_) => line.text(),
            },
        };
        // A closed stderr leaves nobody to be told.
        let _ = io::stderr().write_all(text.as_bytes());
    }
}
