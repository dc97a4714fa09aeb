//! Why the show ends before its end.
//!
//! A signal only sets a flag, so that everything is taken down as it is at the end.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// How often something that is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What a shell says of a program that ended by Ctrl-C.
const EXIT_INTERRUPTED: u8 = 130;

/// Why.
#[derive(Debug)]
pub enum Stop {
    /// Ctrl-C, or another signal that asks to end.
    Interrupted,
    /// Nobody reads any more, as with `ipmpd demo | head`.
    Unread,
    /// It did not go as it should. A sentence.
    Failed(String),
}

impl Stop {
    /// Says so, and with which code to exit.
    pub fn exit(self) -> ExitCode {
        let (sentence, code) = match self {
            Self::Unread => return ExitCode::SUCCESS,
            Self::Interrupted => ("interrupted; nothing is left behind".into(), EXIT_INTERRUPTED.into()),
            Self::Failed(sentence) => (sentence, ExitCode::FAILURE),
        };
        // A closed stderr leaves nobody to be told.
        let _ = writeln!(io::stderr(), "ipmpd demo: {sentence}");
        code
    }
}

impl From<ipmp_lab::Error> for Stop {
    fn from(error: ipmp_lab::Error) -> Self {
        Self::Failed(format!("cannot {error}"))
    }
}

/// Only of writing to the standard output.
impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::Failed(format!("cannot write: {error}")),
        }
    }
}

/// Whether somebody asked to end.
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on these signals do not kill.
    pub fn catch() -> io::Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            flag::register(signal, Arc::clone(&asked))?;
        }
        Ok(Self(asked))
    }

    /// Whether one has come.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// A moment's rest between two looks at something, unless a signal has come.
    pub fn pause(&self) -> Result<(), Stop> {
        if self.is_set() {
            return Err(Stop::Interrupted);
        }
        sleep(LOOK_EVERY);
        Ok(())
    }
}
