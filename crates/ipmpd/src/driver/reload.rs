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

use std::path::PathBuf;

use ipmp_config::{Finding, Findings, Loaded, Severity};
use ipmp_core::{Config, Notice};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};

use crate::log::Log;
use crate::service::Service;

/// What came of reading the files.
pub type Read = Result<Result<Loaded, Findings>, JoinError>;

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
    Reading(JoinHandle<Result<Loaded, Findings>>),
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
            Stage::Reading(reading) => reading.await,
            Stage::Starting | Stage::Steady | Stage::Settling => std::future::pending().await,
        }
    }

    /// Gives the new configuration, unless it is refused.
    pub fn accept(&mut self, read: Read, log: &Log, service: &Service) -> Option<Config> {
        match read {
            Ok(Ok(loaded)) => {
                log_findings(log, &loaded.findings);
                self.stage = Stage::Settling;
                Some(loaded.config)
            }
            Ok(Err(findings)) => {
                log_findings(log, &findings);
                self.refuse(&findings.summary(), &findings.render(), log, service);
                None
            }
            Err(error) => {
                let reason = format!("reading it failed: {error}");
                self.refuse(&reason, &reason, log, service);
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
        self.stage = Stage::Reading(tokio::task::spawn_blocking(move || ipmp_config::load(&file)));
    }

    fn refuse(&mut self, reason: &str, shown: &str, log: &Log, service: &Service) {
        log.notice(Notice::ReloadRefused { file: self.file(), reason: reason.to_owned() });
        self.end(&Err(shown.to_owned()), service);
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

/// Logs all findings, each on its own.
pub fn log_findings(log: &Log, findings: &Findings) {
    findings.iter().map(notice).for_each(|notice| log.notice(notice));
}

fn notice(finding: &Finding) -> Notice {
    let text = finding.one_line();
    match finding.severity {
        Severity::Error => Notice::ConfigError { finding: text },
        Severity::Warning => Notice::ConfigWarning { finding: text },
    }
}
