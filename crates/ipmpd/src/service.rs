//! What the service manager is told (sd_notify(3)), where there is one. A thread tells it, because the
//! manager may be busy for seconds; the loop never waits for it.

use std::io;
use std::time::Duration;

use ipmp_core::Instant;
use sd_notify::NotifyState;

use crate::outbox::{Outbox, Poster};

/// Messages are small and rare; a manager that is this far behind has worse to care about.
const QUEUE_MESSAGES: usize = 64;

/// How long the end of the daemon waits for the last message.
const PATIENCE: Duration = Duration::from_secs(1);

/// The service manager, or nobody.
pub struct Service {
    manager: Option<(Outbox<Message>, Poster<Message>)>,
    watchdog: Option<Watchdog>,
    status: String,
}

enum Message {
    Ready,
    Reloading,
    Stopping,
    Status(String),
    Watchdog,
}

/// Half of the time after which the manager takes the daemon for dead.
struct Watchdog {
    interval: Duration,
    next: Instant,
}

impl Service {
    /// Finds the service manager through its environment variables.
    pub fn find() -> io::Result<Self> {
        let manager = match std::env::var_os("NOTIFY_SOCKET") {
            Some(_) => {
                let outbox = Outbox::start("service", QUEUE_MESSAGES, |message, _| tell(message))?;
                let poster = outbox.poster();
                Some((outbox, poster))
            }
            None => None,
        };
        let watchdog = sd_notify::watchdog_enabled()
            .filter(|_| manager.is_some())
            .map(|limit| Watchdog { interval: limit / 2, next: Instant::default() });
        Ok(Self { manager, watchdog, status: String::new() })
    }

    /// Start or reload is complete.
    pub fn ready(&self) {
        self.post(Message::Ready);
    }

    /// A reload has begun; `ready` ends it, whatever came of it.
    pub fn reloading(&self) {
        self.post(Message::Reloading);
    }

    /// The daemon ends.
    pub fn stopping(&self) {
        self.post(Message::Stopping);
    }

    /// One line for `systemctl status`; told where it changes.
    pub fn status(&mut self, line: String) {
        if line != self.status {
            self.status.clone_from(&line);
            self.post(Message::Status(line));
        }
    }

    /// What `status` was last given.
    pub fn status_line(&self) -> &str {
        &self.status
    }

    /// To be called by the loop in each of its turns: that is what the watchdog watches.
    pub fn turned(&mut self, now: Instant) {
        if let Some(watchdog) = &mut self.watchdog
            && now >= watchdog.next
        {
            watchdog.next = now + watchdog.interval;
            self.post(Message::Watchdog);
        }
    }

    /// When the loop must turn again for the watchdog's sake.
    pub fn deadline(&self) -> Option<Instant> {
        self.watchdog.as_ref().map(|watchdog| watchdog.next)
    }

    /// Tells what is left, within a bound.
    pub fn finish(self) {
        if let Some((outbox, _)) = self.manager {
            outbox.finish(PATIENCE);
        }
    }

    fn post(&self, message: Message) {
        if let Some((_, poster)) = &self.manager {
            poster.post(message);
        }
    }
}

fn tell(message: Message) {
    let told = match &message {
        Message::Ready => sd_notify::notify(&[NotifyState::Ready]),
        // The stamp is what newer managers (Type=notify-reload) need; older ones ignore it.
        Message::Reloading => {
            NotifyState::monotonic_usec_now().and_then(|stamp| sd_notify::notify(&[NotifyState::Reloading, stamp]))
        }
        Message::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
        Message::Status(line) => sd_notify::notify(&[NotifyState::Status(line)]),
        Message::Watchdog => sd_notify::notify(&[NotifyState::Watchdog]),
    };
    if let Err(error) = told {
        tracing::debug!("the service manager cannot be told: {error}");
    }
}
