//! The log: notices, and what libraries have to say, as journal entries, text or JSON.
//!
//! All of it is rendered and written by a thread of its own, because a full pipe or a busy journal must
//! never hold up the loop. What the thread cannot keep up with is dropped, and how much is logged later.
//!
//! `tracing-journald` and the formatters of `tracing-subscriber` are not used for notices: they know five
//! levels, none of them critical, and fields that are fixed when the program is compiled.

mod diagnostics;
mod journal;
mod line;

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use ipmp_core::Notice;
use ipmp_core::notice::Level;

use crate::outbox::{Outbox, Poster};
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
    outbox: Outbox<Line>,
    poster: Poster<Line>,
    level: Level,
}

impl Log {
    /// Starts the thread, and takes in what libraries say from now on. At most once a process.
    pub fn start(format: Format, level: Level) -> io::Result<Self> {
        let mut sink = Sink::open(format);
        let outbox = Outbox::start("log", QUEUE_LINES, move |line, dropped| {
            if dropped > 0 {
                sink.write(&Line::from(Notice::LogLinesDropped { count: dropped }));
            }
            sink.write(&line);
        })?;
        let poster = outbox.poster();
        diagnostics::listen(poster.clone(), level);
        Ok(Self { outbox, poster, level })
    }

    /// Logs a notice, if it is grave enough. Never waits.
    pub fn notice(&self, notice: Notice) {
        if notice.level() <= self.level {
            self.poster.post(Line::from(notice));
        }
    }

    /// Writes what is left, within a bound.
    pub fn finish(self) {
        self.outbox.finish(PATIENCE);
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
