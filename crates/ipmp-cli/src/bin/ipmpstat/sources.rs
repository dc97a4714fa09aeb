//! What `--watch` waits for, each in a thread of its own that tells it over one channel. A source that fails says why,
//! and tries again after a second; it ends when nobody listens any more.

use std::io;
use std::path::Path;
use std::sync::mpsc::{SendError, SyncSender};
use std::thread;
use std::time::Duration;

use ipmp_cli::names::Names;
use ipmp_cli::watch::Source;
use ipmp_control::{Client, Error, Events, Probes, Snapshot};
use ratatui::crossterm::event::{self, Event};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;

/// Between two questions, and before another attempt.
const PAUSE: Duration = Duration::from_secs(1);

/// Something to be shown, or done.
pub enum Update {
    /// The state of everything.
    Status(Snapshot),
    /// Names of all addresses that were in it so far.
    Names(Names),
    /// Probes.
    Probes(Probes),
    /// Events.
    Events(Events),
    /// A source has nothing to tell for now.
    Trouble(Source, Error),
    /// A key, or another size of the screen; or there is no terminal any more.
    Input(io::Result<Event>),
    /// A signal.
    Signal(i32),
}

type Sink = SyncSender<Update>;
type Told = Result<(), SendError<Update>>;

/// Starts them all.
///
/// # Errors
///
/// A thread cannot be started, or signals not be caught.
pub fn start(runtime_dir: &Path, numeric: bool, sink: &Sink) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP])?;
    spawn("signals", sink, move |sink| signals.forever().try_for_each(|signal| sink.send(Update::Signal(signal))))?;
    spawn("keys", sink, keys)?;
    let directory = runtime_dir.to_owned();
    spawn("status", sink, move |sink| status(&directory, numeric, sink))?;
    let directory = runtime_dir.to_owned();
    spawn("probes", sink, move |sink| again(Source::Probes, sink, || probes(&directory, sink)))?;
    let directory = runtime_dir.to_owned();
    spawn("events", sink, move |sink| again(Source::Events, sink, || events(&directory, sink)))
}

fn spawn(name: &str, sink: &Sink, source: impl FnOnce(&Sink) -> Told + Send + 'static) -> io::Result<()> {
    let sink = sink.clone();
    // It ends with the program, when nobody listens.
    thread::Builder::new().name(name.to_owned()).spawn(move || drop(source(&sink))).map(drop)
}

fn keys(sink: &Sink) -> Told {
    loop {
        let input = event::read();
        let ended = input.is_err();
        sink.send(Update::Input(input))?;
        if ended {
            return Ok(());
        }
    }
}

/// Why a source tells no more.
enum End {
    /// It will again.
    Trouble(Error),
    /// Nobody listens.
    Unheard(SendError<Update>),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        End::Trouble(error)
    }
}

impl From<SendError<Update>> for End {
    fn from(error: SendError<Update>) -> Self {
        End::Unheard(error)
    }
}

/// Tells what a source has, until nobody listens.
fn again(source: Source, sink: &Sink, mut tell: impl FnMut() -> Result<(), End>) -> Told {
    loop {
        match tell() {
            Ok(()) => {}
            Err(End::Trouble(error)) => sink.send(Update::Trouble(source, error))?,
            Err(End::Unheard(error)) => return Err(error),
        }
        thread::sleep(PAUSE);
    }
}

/// The state once a second, over one connection for as long as it holds.
fn status(runtime_dir: &Path, numeric: bool, sink: &Sink) -> Told {
    let mut names = Names::default();
    again(Source::Status, sink, || {
        let mut client = Client::connect(runtime_dir)?;
        loop {
            let snapshot = client.status()?;
            let addresses: Vec<_> =
                snapshot.groups.iter().flat_map(|group| &group.addresses).map(|address| address.address).collect();
            sink.send(Update::Status(snapshot))?;
            if !numeric && names.learn(addresses) {
                sink.send(Update::Names(names.clone()))?;
            }
            thread::sleep(PAUSE);
        }
    })
}

fn probes(runtime_dir: &Path, sink: &Sink) -> Result<(), End> {
    let mut watch = Client::connect(runtime_dir)?.watch()?;
    sink.send(Update::Probes(Probes::default()))?;
    loop {
        sink.send(Update::Probes(watch.fetch()?))?;
    }
}

/// All that are kept, and those to come. Of a daemon that was started meanwhile, the numbers begin anew.
fn events(runtime_dir: &Path, sink: &Sink) -> Result<(), End> {
    let mut watch = Client::connect(runtime_dir)?.events(Some(0))?;
    loop {
        sink.send(Update::Events(watch.fetch()?))?;
    }
}
