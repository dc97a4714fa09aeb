//! `ipmpd`, the daemon: wires the decision core to the kernel, the log, its clients and the service manager.
//!
//! ```text
//!  signals   control thread   ipmp-watch   ipmp-probe   ipmp-mover   timer
//!     |            |               |            |            |         |
//!     +------------+-------- driver: one loop, one thread ---+---------+
//!                                  |
//!                       Engine::step, then its actions
//!                                  |
//!    events thread   service thread   memory file   ipmp-probe   ipmp-mover
//! ```
//!
//! The loop waits for nothing but these. Whatever may be slow has a thread of its own: the mover, the log,
//! the service manager, the clients, and the reading of the configuration.

mod args;
mod change;
mod check;
mod control;
mod demo;
mod driver;
mod hooks;
mod in_force;
mod log;
mod outbox;
mod runtime_dir;
mod service;
mod signals;
mod status_line;
mod takeover;
mod timer;

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use ipmp_config::{Documents, Findings, Loaded};
use ipmp_control::Event;
use ipmp_core::{Engine, Memory, Notice};
use ipmp_mover::Mover;
use ipmp_probe::ProbeEngine;
use ipmp_watch::Watcher;
use tokio::sync::{mpsc, watch};

use crate::args::{Args, Command};
use crate::control::{Admins, Watched};
use crate::driver::{Configure, Driver, Outside};
use crate::in_force::{InForce, Store};
use crate::log::Log;
use crate::runtime_dir::RuntimeDir;
use crate::service::Service;
use crate::signals::Signals;
use crate::timer::Timer;

/// Requests of clients that wait for the loop, which takes one a turn; the others wait in their clients.
const REQUESTS_MAX: usize = 16;

/// Only the reading of the configuration uses it; that it is a megabyte costs nothing until it is used.
const BLOCKING_STACK_BYTES: usize = 1024 * 1024;

/// Why the daemon did not start, or did not go on; or why a configuration cannot be used.
enum Failure {
    /// The mistakes in the configuration, as they are shown to a person.
    Config(String),
    /// A sentence.
    Other(String),
}

/// `EX_CONFIG` of sysexits.h, for which the service manager does not start the daemon again.
const EXIT_CONFIG: u8 = 78;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(Command::Demo) = args.command {
        return demo::run();
    }
    if args.check {
        return check(&args.config);
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Config(findings)) => {
            eprintln!("{findings}");
            ExitCode::from(EXIT_CONFIG)
        }
        Err(Failure::Other(sentence)) => {
            eprintln!("ipmpd: {sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Says whether the configuration can be used, and what is doubtful in it.
fn check(config: &Path) -> ExitCode {
    let (findings, exit) = match ipmp_config::load(config) {
        Ok(loaded) => {
            println!("{}: the configuration can be used", config.display());
            (loaded.findings, ExitCode::SUCCESS)
        }
        Err(findings) => (findings, ExitCode::FAILURE),
    };
    if !findings.is_empty() {
        eprintln!("{}", findings.render().trim_end());
    }
    exit
}

/// Runs until it is told to end.
fn run(args: &Args) -> Result<(), Failure> {
    let refused = |findings: Findings| Failure::Config(findings.render().trim_end().to_owned());
    let files = Documents::read(&args.config).map_err(refused)?;
    files.check().map_err(refused)?;
    let runtime_dir = RuntimeDir::open(&args.runtime_dir).map_err(Failure::Other)?;
    let hooks = hooks::Place::beside(&args.config, &args.runtime_dir);
    let hooks = hooks.map_err(|error| failed("find the hooks", error))?;
    let (clients, events) = mpsc::channel(control::EVENTS_MAX);
    let log = Log::start(args.log_format, args.log_level, clients, hooks);
    let log = log.map_err(|error| failed("start the log", error))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .thread_stack_size(BLOCKING_STACK_BYTES)
        .build()
        .map_err(|error| failed("start the runtime", error))?;
    runtime.block_on(async {
        let driver = start(args, files, runtime_dir, log, events)?;
        driver.run().await.map_err(|error| failed("go on", error))
    })
}

/// Brings up everything that the loop waits for.
fn start(
    args: &Args,
    files: Documents,
    runtime_dir: RuntimeDir,
    log: Log,
    events: mpsc::Receiver<Arc<Event>>,
) -> Result<Driver, Failure> {
    let signals = Signals::catch().map_err(|error| failed("catch signals", error))?;
    log.notice(Notice::Started { version: env!("CARGO_PKG_VERSION").into() });
    let memory = recall(&runtime_dir, &log);
    let (configure, loaded, admins) = configured(args, files, runtime_dir.store(), &log);
    let listener = control::bind(&runtime_dir.socket()).map_err(|error| failed("open the control socket", error))?;
    let (sender, requests) = mpsc::channel(REQUESTS_MAX);
    let (probes, source) = control::stream();
    let outside = Outside {
        prober: ProbeEngine::new().map_err(|error| failed("start the probe engine", error))?,
        watcher: Watcher::start().map_err(|error| failed("watch the kernel", error))?,
        mover: Mover::start().map_err(|error| failed("start the address mover", error))?,
        timer: Timer::new().map_err(|error| failed("make a timer", error))?,
        service: Service::find().map_err(|error| failed("reach the service manager", error))?,
        signals,
        requests,
        probes,
        runtime_dir,
        log,
    };
    let watched = Watched { probes: source, events };
    control::serve(listener, sender, watched, admins).map_err(|error| failed("serve the control socket", error))?;
    Ok(Driver::new(Engine::new(memory, rand::random()), outside, configure, loaded))
}

/// A daemon that has forgotten everything can still do its work; it must not refuse to.
fn recall(runtime_dir: &RuntimeDir, log: &Log) -> Memory {
    runtime_dir.recall().unwrap_or_else(|reason| {
        log.notice(Notice::MemoryIgnored { file: runtime_dir.memory_file().display().to_string(), reason });
        Memory::default()
    })
}

/// What is in force, what the files say and what an earlier daemon was about; and the group of the administrators,
/// whatever is in force.
fn configured(args: &Args, files: Documents, store: Store, log: &Log) -> (Configure, Loaded, Admins) {
    let ignored = |reason| {
        log.notice(Notice::MemoryIgnored { file: store.0.display().to_string(), reason });
    };
    let (in_force, unusable) = store.recall(files.clone());
    unusable.into_iter().for_each(ignored);
    let (in_force, loaded) = match in_force.load() {
        Ok(loaded) => (in_force, loaded),
        Err(findings) => {
            ignored(findings.summary());
            let in_force = InForce::files(files);
            let loaded = in_force.load().expect("the files were checked");
            (in_force, loaded)
        }
    };
    let (admins, admin_group) = watch::channel(loaded.admin_group.clone());
    (Configure::new(args.config.clone(), store, in_force, admins), loaded, Admins { group: admin_group })
}

fn failed(what: &str, error: io::Error) -> Failure {
    Failure::Other(format!("cannot {what}: {error}"))
}
