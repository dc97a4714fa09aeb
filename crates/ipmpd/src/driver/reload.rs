//! From the wish for a new configuration to the moment when it is in force, and the start likewise.
//!
//! ```text
//!   Starting --settled--> Steady --ask--> Reading --accept--> Settling --settled--> Steady
//!                                            |
//!                                            +----refused---> Steady
//! ```
//!
//! Who asks outside of `Steady` is served by one more reload after this one: the file may have changed
//! since it was read.

use std::path::{Path, PathBuf};

use ipmp_config::{Finding, Findings, Severity};
use ipmp_core::{Config, Notice};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::log::Log;
use crate::service::Service;

/// What came of reading the files, down to the words: a thousand mistakes take a while to be worded.
pub struct Read {
    /// All findings.
    notices: Vec<Notice>,
    result: Result<Config, Refused>,
}

struct Refused {
    /// How many mistakes there are.
    summary: String,
    /// All of them, as they are shown to a person.
    shown: String,
}

/// Told the outcome; where refused, all findings as they are shown to a person.
pub type Waiter = oneshot::Sender<Result<(), String>>;

/// Start and reload.
pub struct Reload {
    file: PathBuf,
    stage: Stage,
    /// Who waits for the reload that goes on.
    waiting: Vec<Waiter>,
    /// Whether there is to be another, and who waits for that.
    again: Option<Vec<Waiter>>,
}

enum Stage {
    Starting,
    Steady,
    Reading(JoinHandle<Read>),
    Settling,
}

impl Reload {
    /// The daemon has just begun with what `file` says.
    pub fn new(file: PathBuf) -> Self {
        Self { file, stage: Stage::Starting, waiting: Vec::new(), again: None }
    }

    /// Someone wants the file to be read again.
    pub fn ask(&mut self, waiter: Option<Waiter>, service: &Service) {
        if let Stage::Steady = self.stage {
            self.waiting.extend(waiter);
            self.begin(service);
        } else {
            self.again.get_or_insert_default().extend(waiter);
        }
    }

    /// The file has been read, in a thread beside the loop. Waits for ever where none is being read; nothing
    /// is lost where the wait is given up.
    pub async fn read(&mut self) -> Read {
        match &mut self.stage {
            Stage::Reading(reading) => reading.await.expect("reading ends, and does not panic"),
            Stage::Starting | Stage::Steady | Stage::Settling => std::future::pending().await,
        }
    }

    /// Gives the new configuration, unless it is refused.
    pub fn accept(&mut self, read: Read, log: &Log, service: &Service) -> Option<Config> {
        read.notices.into_iter().for_each(|notice| log.notice(notice));
        match read.result {
            Ok(config) => {
                self.stage = Stage::Settling;
                Some(config)
            }
            Err(Refused { summary, shown }) => {
                log.notice(Notice::ReloadRefused { file: self.file(), reason: summary });
                self.end(&Err(shown), service);
                None
            }
        }
    }

    /// Everything that was asked of the kernel is done.
    pub fn settled(&mut self, log: &Log, service: &Service) {
        match self.stage {
            Stage::Starting => log.notice(Notice::Ready { status: service.status_line().to_owned() }),
            Stage::Settling => log.notice(Notice::Reloaded { file: self.file() }),
            Stage::Steady | Stage::Reading(_) => return,
        }
        self.end(&Ok(()), service);
    }

    fn begin(&mut self, service: &Service) {
        service.reloading();
        let file = self.file.clone();
        self.stage = Stage::Reading(tokio::task::spawn_blocking(move || read(&file)));
    }

    fn end(&mut self, outcome: &Result<(), String>, service: &Service) {
        self.stage = Stage::Steady;
        for waiter in self.waiting.drain(..) {
            // A client that has gone has no use for it.
            let _ = waiter.send(outcome.clone());
        }
        service.ready();
        if let Some(waiting) = self.again.take() {
            self.waiting = waiting;
            self.begin(service);
        }
    }

    fn file(&self) -> String {
        self.file.display().to_string()
    }
}

/// Reads the files, beside the loop.
fn read(file: &Path) -> Read {
    match ipmp_config::load(file) {
        Ok(loaded) => Read { notices: notices(&loaded.findings), result: Ok(loaded.config) },
        Err(findings) => {
            let refused = Refused { summary: findings.summary(), shown: findings.render() };
            Read { notices: notices(&findings), result: Err(refused) }
        }
    }
}

/// A message for each finding.
pub fn notices(findings: &Findings) -> Vec<Notice> {
    findings.iter().map(notice).collect()
}

fn notice(finding: &Finding) -> Notice {
    let text = finding.one_line();
    match finding.severity {
        Severity::Error => Notice::ConfigError { finding: text },
        Severity::Warning => Notice::ConfigWarning { finding: text },
    }
}
