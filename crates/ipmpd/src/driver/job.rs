//! What is done beside the loop: files are read, edited and written, and the kernel is looked at. Everything is decided
//! and on disk before the loop hears of it, so that a daemon that is killed finds either the old or the new.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ipmp_config::{Documents, Finding, Findings, Loaded, Severity};
use ipmp_control::{Change, Refusal};
use ipmp_core::{Config, Notice};
use ipmp_probe::clock;

use crate::change;
use crate::in_force::{InForce, Pending, Store};

/// What is to be done.
pub enum Job {
    /// Read the files of this main file again.
    Reload(PathBuf),
    /// Change the configuration.
    Change(Change),
    /// Keep the change that waits to be confirmed.
    Confirm,
    /// Take it back.
    Revert,
}

/// What was done.
pub struct Work {
    /// What is to be logged.
    pub notices: Vec<Notice>,
    /// What came of it, or why nothing was changed.
    pub result: Result<Done, Refusal>,
}

/// What came of it.
pub enum Done {
    /// It could be done, and was not: that was only asked for.
    Planned { config: Box<Config>, warnings: Vec<String> },
    /// The files say it.
    Kept { in_force: Box<InForce>, loaded: Box<Loaded>, warnings: Vec<String>, what: String },
}

/// Does it.
pub fn carry_out(job: Job, now: &InForce, store: &Store) -> Work {
    match job {
        Job::Reload(main) => reload(&main, now, store),
        Job::Change(asked) => plain(self::change(&asked, now, store)),
        Job::Confirm => confirm(now, store),
        Job::Revert => revert(now, store),
    }
}

fn plain(result: Result<Done, String>) -> Work {
    Work { notices: Vec::new(), result: result.map_err(|reason| Refusal::ChangeRefused { reason }) }
}

fn reload(main: &Path, now: &InForce, store: &Store) -> Work {
    if let Err(reason) = nothing_pending(now) {
        return plain(Err(reason));
    }
    let loaded = Documents::read(main).and_then(|files| {
        let in_force = now.reloaded(files);
        in_force.load().map(|loaded| (in_force, loaded))
    });
    match loaded {
        Ok((in_force, loaded)) => {
            let notices = notices(&loaded.findings);
            match store.keep(&in_force) {
                Ok(()) => Work { notices, result: Ok(kept(in_force, loaded, Vec::new(), String::new())) },
                Err(error) => plain(Err(not_kept(store, &error))),
            }
        }
        Err(findings) => {
            let (file, reason) = (main.display().to_string(), findings.summary());
            let mut notices = notices(&findings);
            notices.push(Notice::ReloadRefused { file, reason });
            Work { notices, result: Err(Refusal::ReloadRefused { findings: findings.render() }) }
        }
    }
}

fn change(asked: &Change, now: &InForce, store: &Store) -> Result<Done, String> {
    nothing_pending(now)?;
    if let Some(file) = now.files.changed_on_disk() {
        let file = file.display();
        return Err(format!("{file} was changed since ipmpd read it: have it read by `ipmpadm reload` first"));
    }
    let change::Planned { mut in_force, warnings } = change::plan(asked, now)?;
    let loaded = in_force.load().map_err(|findings| findings.summary())?;
    if asked.dry_run {
        return Ok(Done::Planned { config: Box::new(loaded.config), warnings });
    }
    let what = change::describe(&asked.edits);
    if let Some(millis) = asked.confirm_ms {
        let before = Box::new(InForce { handover: in_force.handover.inverse(), ..now.clone() });
        let deadline = clock::now() + Duration::from_millis(millis);
        in_force.pending = Some(Pending { what: what.clone(), deadline, before });
    }
    write(&in_force, now, store)?;
    Ok(kept(in_force, loaded, warnings, what))
}

fn confirm(now: &InForce, store: &Store) -> Work {
    let Some(pending) = &now.pending else { return nothing_to_confirm() };
    let in_force = InForce { pending: None, ..now.clone() };
    plain(match store.keep(&in_force) {
        Ok(()) => loaded(in_force, pending.what.clone()),
        Err(error) => Err(not_kept(store, &error)),
    })
}

/// Also where the files cannot be written: then the host is as it was before, and they are not.
fn revert(now: &InForce, store: &Store) -> Work {
    let Some(pending) = &now.pending else { return nothing_to_confirm() };
    let in_force = (*pending.before).clone();
    put_back(&in_force, now, store);
    plain(loaded(in_force, pending.what.clone()))
}

/// Has the files say again what they said before.
pub fn put_back(before: &InForce, after: &InForce, store: &Store) {
    if let Err(reason) = store.keep(before).map_err(|error| not_kept(store, &error)) {
        tracing::error!("What is reverted would be in force again after a restart: {reason}");
    }
    if let Err(reason) = before.files.write_over(&after.files) {
        tracing::error!("What is reverted stands in the files still: {reason}");
    }
}

fn loaded(in_force: InForce, what: String) -> Result<Done, String> {
    let loaded = in_force.load().map_err(|findings| findings.summary())?;
    Ok(kept(in_force, loaded, Vec::new(), what))
}

fn nothing_to_confirm() -> Work {
    Work { notices: Vec::new(), result: Err(Refusal::NothingPending) }
}

/// What is to be gone on with first, then the files: where these are not written, the next daemon sees that they are not
/// those that it goes with, and lets it be.
fn write(in_force: &InForce, now: &InForce, store: &Store) -> Result<(), String> {
    store.keep(in_force).map_err(|error| not_kept(store, &error))?;
    in_force.files.write_over(&now.files).inspect_err(|_| {
        // As it was; and if that fails too, it is of no use to the next daemon.
        let _ = store.keep(now);
    })
}

fn kept(in_force: InForce, loaded: Loaded, warnings: Vec<String>, what: String) -> Done {
    Done::Kept { in_force: Box::new(in_force), loaded: Box::new(loaded), warnings, what }
}

fn nothing_pending(now: &InForce) -> Result<(), String> {
    match &now.pending {
        None => Ok(()),
        Some(pending) => Err(format!(
            "an earlier change ({}) waits to be confirmed: `ipmpadm confirm` or `ipmpadm revert` first",
            pending.what
        )),
    }
}

fn not_kept(store: &Store, error: &std::io::Error) -> String {
    format!("cannot write {}: {error}", store.0.display())
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
