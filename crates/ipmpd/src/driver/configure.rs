//! From the wish for another configuration to the moment when it is in force, and the start likewise. One wish after the
//! other: that is what makes it safe for two administrators to change things at once.
//!
//! ```text
//!   Starting --settled--> Steady --begin--> Working --accept--> Settling --settled--> Steady
//!                                              |                   |
//!                                              |                refused by the kernel, or too late
//!                                              |                   v
//!                                              |                Undoing --settled--> Steady
//!                                              +----refused---------------------> Steady
//! ```

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use ipmp_control::{Change, Changed, Refusal};
use ipmp_core::{Config, IfName, Instant, Notice};
use ipnet::IpNet;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::job::{self, Done, Job, Work};
use crate::in_force::{InForce, Pending, Store};
use crate::log::Log;
use crate::service::Service;

/// How long a change may take to be in force before it is undone, and the undoing before nobody waits for it any more.
const SETTLE_WITHIN: Duration = Duration::from_secs(20);

/// Told the outcome of a reload; where refused, all findings as they are shown to a person.
pub type Reloaded = oneshot::Sender<Result<(), String>>;

/// Told the outcome of a change.
pub type Waiter = oneshot::Sender<Result<Changed, Refusal>>;

/// Somebody's wish.
pub enum Wish {
    /// The files are to be read again, for all of these.
    Reload(Vec<Reloaded>),
    /// The configuration is to be changed.
    Change(Box<Change>, Waiter),
    /// A change is to be kept.
    Confirm(Waiter),
    /// A change is to be taken back; because it was not confirmed in time where nobody asked.
    Revert(Option<Waiter>),
}

/// Start, reloads and changes.
pub struct Configure {
    main: PathBuf,
    store: Store,
    in_force: InForce,
    /// The group whose members may change things, for the control server.
    admins: watch::Sender<Option<String>>,
    stage: Stage,
    wishes: VecDeque<Wish>,
}

enum Stage {
    Starting,
    Steady,
    Working(Wish, JoinHandle<Work>),
    Settling(Wish, Settling),
    Undoing(Wish, Settling),
}

/// What goes on until the kernel has it.
struct Settling {
    /// What was in force before.
    before: InForce,
    /// What was changed, for people.
    what: String,
    warnings: Vec<String>,
    /// Why it does not come into force.
    refused: Vec<String>,
    until: Instant,
}

/// What the engine is to do about a wish.
pub enum Verdict {
    /// Take in this configuration.
    Configure(Box<Config>),
    /// Tell what it would do with it, to him who asks.
    Rehearse(Box<Config>, Changed, Waiter),
}

impl Configure {
    /// The daemon has just begun with this.
    pub fn new(main: PathBuf, store: Store, in_force: InForce, admins: watch::Sender<Option<String>>) -> Self {
        Self { main, store, in_force, admins, stage: Stage::Starting, wishes: VecDeque::new() }
    }

    /// Somebody wants something. Reloads that wait are one.
    pub fn wish(&mut self, wish: Wish, service: &Service) {
        match (self.wishes.back_mut(), wish) {
            (Some(Wish::Reload(waiting)), Wish::Reload(more)) => waiting.extend(more),
            (_, wish) => self.wishes.push_back(wish),
        }
        self.begin(service);
    }

    /// When a change that waits to be confirmed is taken back, or one that does not come into force.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Settling(_, settling) | Stage::Undoing(_, settling) => Some(settling.until),
            Stage::Starting | Stage::Steady => self.in_force.pending.as_ref().map(|pending| pending.deadline),
            Stage::Working(..) => None,
        }
    }

    /// Waits until the thread beside the loop is done. Waits for ever where it has nothing to do; nothing is lost where
    /// the wait is given up.
    pub async fn work(&mut self) -> Work {
        match &mut self.stage {
            Stage::Working(_, work) => work.await.expect("the work ends, and does not panic"),
            Stage::Starting | Stage::Steady | Stage::Settling(..) | Stage::Undoing(..) => std::future::pending().await,
        }
    }

    /// Every address that is configured now, and whether it is down.
    pub fn addresses(&self) -> Vec<(IfName, IpNet, bool)> {
        self.in_force.running.addresses()
    }

    /// Takes in what the thread did.
    pub fn accept(&mut self, work: Work, now: Instant, log: &Log, service: &Service) -> Option<Verdict> {
        work.notices.into_iter().for_each(|notice| log.notice(notice));
        let Stage::Working(wish, _) = std::mem::replace(&mut self.stage, Stage::Steady) else {
            unreachable!("nothing else works there");
        };
        match work.result {
            Err(reason) => {
                self.refuse(wish, reason, log, service);
                None
            }
            Ok(Done::Planned { config, warnings }) => {
                let verdict = match wish {
                    Wish::Change(_, waiter) => {
                        Some(Verdict::Rehearse(config, Changed { changes: Vec::new(), warnings }, waiter))
                    }
                    Wish::Reload(_) | Wish::Confirm(_) | Wish::Revert(_) => None,
                };
                self.begin(service);
                verdict
            }
            Ok(Done::Kept { in_force, loaded, warnings, what }) => {
                self.admins.send_replace(loaded.admin_group);
                let before = std::mem::replace(&mut self.in_force, *in_force);
                let until = now + SETTLE_WITHIN;
                self.stage = Stage::Settling(wish, Settling { before, what, warnings, refused: Vec::new(), until });
                Some(Verdict::Configure(Box::new(loaded.config)))
            }
        }
    }

    /// The kernel refused something, or somebody else has an address.
    pub fn note(&mut self, notice: &Notice) {
        let Stage::Settling(_, settling) = &mut self.stage else { return };
        match notice {
            Notice::ChangeRefused { what, reason, .. } => settling.refused.push(format!("{what}: {reason}")),
            Notice::AddressConflict { address, by, .. } => {
                let warning = format!("{address} is another host's ({by}), and is not used until that has given it up");
                settling.warnings.push(warning);
            }
            _ => {}
        }
    }

    /// Looks whether something has come to an end: everything that was asked of the kernel is `settled`, or it takes too
    /// long, or it was refused. Gives the configuration that is to be in force again.
    pub fn look(&mut self, settled: bool, now: Instant, log: &Log, service: &Service) -> Option<Box<Config>> {
        let overdue = self.in_force.pending.as_ref().is_some_and(|pending| pending.deadline <= now);
        match &mut self.stage {
            Stage::Starting if settled || overdue => {
                log.notice(Notice::Ready { status: service.status_line().to_owned() });
                self.stage = Stage::Steady;
                service.ready();
                self.settled();
                self.begin(service);
            }
            Stage::Settling(Wish::Change(..), settling) if !settling.refused.is_empty() || settling.until <= now => {
                return self.undo();
            }
            Stage::Settling(_, settling) | Stage::Undoing(_, settling) if settled || settling.until <= now => {
                self.end(log, service);
            }
            Stage::Steady if overdue => self.wish(Wish::Revert(None), service),
            Stage::Starting | Stage::Steady | Stage::Working(..) | Stage::Settling(..) | Stage::Undoing(..) => {}
        }
        None
    }

    /// Begins with the next wish, where nothing else goes on.
    fn begin(&mut self, service: &Service) {
        if !matches!(self.stage, Stage::Steady) {
            return;
        }
        let Some(wish) = self.wishes.pop_front() else { return };
        let job = match &wish {
            Wish::Reload(_) => {
                service.reloading();
                Job::Reload(self.main.clone())
            }
            Wish::Change(change, _) => Job::Change((**change).clone()),
            Wish::Confirm(_) => Job::Confirm,
            Wish::Revert(_) => Job::Revert,
        };
        let (in_force, store) = (self.in_force.clone(), self.store.clone());
        let work = tokio::task::spawn_blocking(move || job::carry_out(job, &in_force, &store));
        self.stage = Stage::Working(wish, work);
    }

    /// Nothing was changed.
    fn refuse(&mut self, wish: Wish, reason: Refusal, log: &Log, service: &Service) {
        self.stage = Stage::Steady;
        // A client that has gone has no use for an answer.
        match wish {
            Wish::Reload(waiting) => {
                let findings = match reason {
                    Refusal::ReloadRefused { findings } => findings,
                    other => {
                        let (file, reason) = (self.file(), other.to_string());
                        log.notice(Notice::ReloadRefused { file, reason: reason.clone() });
                        reason
                    }
                };
                waiting.into_iter().for_each(|waiter| drop(waiter.send(Err(findings.clone()))));
                service.ready();
            }
            Wish::Change(_, waiter) | Wish::Confirm(waiter) | Wish::Revert(Some(waiter)) => {
                drop(waiter.send(Err(reason)));
            }
            Wish::Revert(None) => {}
        }
        self.begin(service);
    }

    /// It did not come into force: back to what was before, files first.
    fn undo(&mut self) -> Option<Box<Config>> {
        let Stage::Settling(wish, mut settling) = std::mem::replace(&mut self.stage, Stage::Steady) else {
            return None;
        };
        let mut before = settling.before.clone();
        before.handover = self.in_force.handover.inverse();
        if settling.refused.is_empty() {
            settling.refused.push(format!("it was not in force within {} s", SETTLE_WITHIN.as_secs()));
        }
        settling.until = settling.until + SETTLE_WITHIN;
        let config = before.load().ok().map(|loaded| {
            self.admins.send_replace(loaded.admin_group);
            Box::new(loaded.config)
        });
        let (store, after) = (self.store.clone(), std::mem::replace(&mut self.in_force, before.clone()));
        tokio::task::spawn_blocking(move || job::put_back(&before, &after, &store));
        self.stage = Stage::Undoing(wish, settling);
        config
    }

    /// What was begun is in force, or undone.
    fn end(&mut self, log: &Log, service: &Service) {
        let (wish, settling, undone) = match std::mem::replace(&mut self.stage, Stage::Steady) {
            Stage::Settling(wish, settling) => (wish, settling, false),
            Stage::Undoing(wish, settling) => (wish, settling, true),
            Stage::Starting | Stage::Steady | Stage::Working(..) => unreachable!("nothing settles there"),
        };
        self.settled();
        let Settling { what, warnings, refused, before, .. } = settling;
        let changed = Changed { changes: Vec::new(), warnings };
        // A client that has gone has no use for an answer.
        match wish {
            Wish::Reload(waiting) => {
                log.notice(Notice::Reloaded { file: self.file() });
                waiting.into_iter().for_each(|waiter| drop(waiter.send(Ok(()))));
                service.ready();
            }
            Wish::Change(_, waiter) if undone => {
                let reason = refused.join("; ");
                log.notice(Notice::ChangeUndone { what, reason: reason.clone() });
                drop(waiter.send(Err(Refusal::ChangeUndone { reason })));
            }
            Wish::Change(_, waiter) => {
                log.notice(Notice::ConfigurationChanged { what });
                drop(waiter.send(Ok(changed)));
            }
            Wish::Confirm(waiter) => drop(waiter.send(Ok(changed))),
            Wish::Revert(waiter) => {
                let reason = match &waiter {
                    Some(_) => "as an administrator asked",
                    None => "it was not confirmed in time",
                };
                let what = before.pending.map_or(what, |pending: Pending| pending.what);
                log.notice(Notice::ChangeReverted { what, reason: reason.into() });
                if let Some(waiter) = waiter {
                    drop(waiter.send(Ok(changed)));
                }
            }
        }
        self.begin(service);
    }

    /// Everything has changed hands.
    fn settled(&mut self) {
        if self.in_force.handover != ipmp_core::Handover::default() {
            self.in_force.handover = ipmp_core::Handover::default();
            let (store, in_force) = (self.store.clone(), self.in_force.clone());
            // What is kept too long finds nothing left to do.
            tokio::task::spawn_blocking(move || store.keep(&in_force));
        }
    }

    fn file(&self) -> String {
        self.main.display().to_string()
    }
}
