//! `ipmpstat --watch`: takes in what the sources tell, and draws it: once a second, and at each key.
//!
//! Probes alone are no reason to draw: there may be many a second, and the terminal may be far away.

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ipmp_cli::watch::{Key, View, key};
use ratatui::crossterm::event::Event;
use signal_hook::consts::{SIGSTOP, SIGTSTP};
use signal_hook::low_level;

use crate::screen::Screen;
use crate::sources::{self, Update};

/// What may wait while the terminal is slow; then the sources do, and the daemon drops what it would tell.
const WAITING_MAX: usize = 16;

/// Between two drawings, where nothing asks for one.
const DRAW_EVERY: Duration = Duration::from_secs(1);

/// How it ends.
enum End {
    /// As it was asked to by a key.
    Quit,
    /// By a signal.
    Signal(i32),
}

/// Shows everything until it is told to end. A signal ends the program as it would have without a screen to give back.
///
/// # Errors
///
/// There is no terminal, or no more.
pub fn show(runtime_dir: &Path, numeric: bool) -> Result<(), String> {
    let unusable = |error: io::Error| format!("cannot use the terminal: {error}");
    let (sink, updates) = sync_channel(WAITING_MAX);
    let mut screen = Screen::take().map_err(unusable)?;
    sources::start(runtime_dir, numeric, &sink).map_err(|error| format!("cannot start: {error}"))?;
    let end = run(&mut screen, &updates).map_err(unusable)?;
    drop(screen);
    match end {
        End::Quit => Ok(()),
        End::Signal(signal) => {
            low_level::emulate_default_handler(signal).map_err(|error| format!("signal {signal}: {error}"))
        }
    }
}

fn run(screen: &mut Screen, updates: &Receiver<Update>) -> io::Result<End> {
    let clock = Clock::start();
    let mut view = View::new(host());
    let mut drawn = clock.now();
    screen.terminal.draw(|frame| view.draw(frame, drawn))?;
    loop {
        let left = (drawn + DRAW_EVERY).saturating_sub(clock.now());
        let draw = match updates.recv_timeout(left) {
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => return Ok(End::Quit),
            Ok(Update::Signal(SIGTSTP)) => pause(screen)?,
            Ok(Update::Signal(signal)) => return Ok(End::Signal(signal)),
            Ok(Update::Input(input)) => match pressed(input?) {
                Some(Key::Quit) => return Ok(End::Quit),
                Some(Key::Suspend) => pause(screen)?,
                Some(Key::Redraw) => screen.clear().map(|()| true)?,
                Some(key) => {
                    view.key(key);
                    true
                }
                // Another size, for example.
                None => true,
            },
            Ok(update) => take_in(&mut view, clock.now(), update),
        };
        if draw {
            drawn = clock.now();
            screen.terminal.draw(|frame| view.draw(frame, drawn))?;
        }
    }
}

/// Takes in what a source tells; whether that is a reason to draw.
fn take_in(view: &mut View, now: Duration, update: Update) -> bool {
    match update {
        Update::Status(snapshot) => view.status(now, snapshot),
        Update::Events(events) => view.events(events),
        Update::Names(names) => view.names(names),
        Update::Trouble(source, error) => view.trouble(source, error.to_string()),
        Update::Probes(probes) => {
            view.probes(now, &probes);
            return false;
        }
        Update::Input(_) | Update::Signal(_) => {}
    }
    true
}

fn pressed(input: Event) -> Option<Key> {
    match input {
        Event::Key(event) => key(&event),
        _ => None,
    }
}

/// Stops as a job of the shell until it is continued.
fn pause(screen: &mut Screen) -> io::Result<bool> {
    screen.paused(|| low_level::raise(SIGSTOP))?;
    Ok(true)
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// Spans since 1970 that never go back.
struct Clock {
    began: Instant,
    since_1970: Duration,
}

impl Clock {
    fn start() -> Self {
        Self { began: Instant::now(), since_1970: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() }
    }

    fn now(&self) -> Duration {
        self.since_1970 + self.began.elapsed()
    }
}
