//! What a process says: the lines on its standard error, and its messages to the service manager, in the order in
//! which they came.

use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, ChildStderr, Command};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::error::{Doing, Error, Result};
use crate::worker::Worker;

/// The longest message to a service manager that is looked at.
const NOTIFICATION_MAX: usize = 4096;

/// A line of the log, or a message to the service manager.
#[derive(Clone, Debug)]
pub struct LogLine {
    at: SystemTime,
    said: Said,
}

#[derive(Clone, Debug)]
enum Said {
    Json(Value),
    Text(String),
    Notification(String),
}

/// A place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(usize);

impl Mark {
    /// Before everything.
    pub const START: Mark = Mark(0);
}

impl LogLine {
    /// When the process said it, by its own stamp where it gives one, else when it was read.
    pub fn at(&self) -> SystemTime {
        self.at
    }

    /// The name of the event.
    pub fn event(&self) -> Option<&str> {
        self.field("event")
    }

    /// A field, where it is text.
    pub fn field(&self, name: &str) -> Option<&str> {
        match &self.said {
            Said::Json(object) => object.get(name)?.as_str(),
            Said::Text(_) | Said::Notification(_) => None,
        }
    }

    /// Whether a field has this value.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.field(name) == Some(value)
    }

    /// The message, where it was one to the service manager: lines of `NAME=VALUE`.
    pub fn notification(&self) -> Option<&str> {
        match &self.said {
            Said::Notification(message) => Some(message),
            Said::Json(_) | Said::Text(_) => None,
        }
    }

    fn read(line: &str) -> Self {
        let said = match serde_json::from_str(line) {
            Ok(object @ Value::Object(_)) => Said::Json(object),
            _ => Said::Text(line.to_owned()),
        };
        let mut line = LogLine { at: SystemTime::now(), said };
        let stamp = line.field("timestamp").and_then(|stamp| humantime::parse_rfc3339(stamp).ok());
        line.at = stamp.unwrap_or(line.at);
        line
    }

    fn notified(message: &[u8]) -> Self {
        LogLine { at: SystemTime::now(), said: Said::Notification(String::from_utf8_lossy(message).into_owned()) }
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.said {
            Said::Json(object) => object.fmt(f),
            Said::Text(text) => text.fmt(f),
            Said::Notification(message) => write!(f, "(to the service manager) {}", message.replace('\n', " ")),
        }
    }
}

/// What several processes, one after the other, have said.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Vec<LogLine>,
    said: Receiver<LogLine>,
    saying: Sender<LogLine>,
    reader: Option<JoinHandle<()>>,
    _notifications: Worker,
}

impl Log {
    /// Takes messages to the service manager from this socket.
    pub(crate) fn new(socket: UnixDatagram) -> Result<Self> {
        let (saying, said) = channel();
        let saying_too = saying.clone();
        let notifications = Worker::spawn("notifications", move |bell| {
            let mut buffer = [0; NOTIFICATION_MAX];
            while bell.wait(&socket).unwrap_or(false) {
                if let Ok(length) = socket.recv(&mut buffer) {
                    // Nobody reads the log any more when this fails.
                    let _ = saying_too.send(LogLine::notified(&buffer[..length]));
                }
            }
        })?;
        Ok(Log { lines: Vec::new(), said, saying, reader: None, _notifications: notifications })
    }

    /// Starts a process from the thread that will read what it says: a process that dies with the thread that
    /// started it lives as long as somebody listens.
    pub(crate) fn spawn(&mut self, mut command: Command) -> Result<Child> {
        let saying = self.saying.clone();
        let (started, starting) = channel::<io::Result<Child>>();
        let reader = move || match command.spawn() {
            Ok(mut child) => {
                let stderr = child.stderr.take();
                // The owner waits for it below.
                let _ = started.send(Ok(child));
                read_lines(stderr, &saying);
            }
            Err(error) => drop(started.send(Err(error))),
        };
        self.reader = Some(thread::Builder::new().name("log".into()).spawn(reader).doing(|| "start a thread")?);
        let ended = |_| Error::new("start the daemon", "the thread that starts it has ended");
        starting.recv().map_err(ended)?.doing(|| "start the daemon")
    }

    /// Everything that a process said which has ended.
    pub(crate) fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            // A panic of the thread has been printed.
            let _ = reader.join();
        }
    }

    pub(crate) fn lines(&mut self) -> &[LogLine] {
        self.since(Mark::START)
    }

    pub(crate) fn since(&mut self, mark: Mark) -> &[LogLine] {
        self.lines.extend(self.said.try_iter());
        self.lines.get(mark.0..).unwrap_or_default()
    }

    pub(crate) fn mark(&mut self) -> Mark {
        Mark(self.lines().len())
    }

    /// Until something is said, or the time is up.
    pub(crate) fn wait(&mut self, patience: Duration) {
        self.lines.extend(self.said.recv_timeout(patience));
    }
}

fn read_lines(stderr: Option<ChildStderr>, saying: &Sender<LogLine>) {
    for line in stderr.into_iter().flat_map(|stderr| BufReader::new(stderr).split(b'\n')) {
        let Ok(line) = line else { return };
        // Nobody reads the log any more when this fails; the process must not stall for that.
        let _ = saying.send(LogLine::read(&String::from_utf8_lossy(&line)));
    }
}
