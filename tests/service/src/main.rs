//! The service test: `ipmpd` as systemd runs it, installed by the commands of `docs/systemd.md` into a machine with
//! a real systemd (a container over a Debian tree), with two NICs on a network of the lab.
//!
//! `ipmp-service TREE [WORD...]` runs the stories whose sentence has one of the words in it, or all. Root only;
//! `tests/service/run` builds the tree and calls this.

mod cgroup;
mod machine;
mod page;
mod site;
mod stories;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, exit};
use std::thread;
use std::time::Instant;

use ipmp_lab::{Error, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cgroup::Cgroup;
use crate::site::{Site, UNIT};
use crate::stories::{STORIES, Story};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(tree) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: ipmp-service TREE [WORD...]; tests/service/run builds the tree");
        return ExitCode::from(2);
    };
    match run(&tree, &arguments.collect::<Vec<_>>()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("service: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the stories, and returns how many failed.
fn run(tree: &Path, words: &[String]) -> Result<usize> {
    let chosen = |story: &&Story| words.is_empty() || words.iter().any(|word| story.sentence.contains(word));
    let stories: Vec<_> = STORIES.iter().filter(chosen).collect();
    let cgroup = Cgroup::new()?;
    end_on_signal(cgroup.clone())?;
    let start = Instant::now();
    let mut site = Site::boot(tree, cgroup)?;
    let version = site.machine.ok(&["systemctl", "--version"])?;
    let version = version.lines().next().unwrap_or_default();
    println!("service: a machine with {version} is up after {:.1} s", start.elapsed().as_secs_f64());
    stories::install(&site)?;
    let failed = stories.iter().filter(|story| !passes(&mut site, story)).count();
    println!("service: {} passed, {failed} failed", stories.len() - failed);
    Ok(failed)
}

/// Tells one story, and what came of it.
fn passes(site: &mut Site, story: &Story) -> bool {
    let start = Instant::now();
    let told = catch_unwind(AssertUnwindSafe(|| (story.tell)(site)));
    let seconds = start.elapsed().as_secs_f64();
    let why = match told {
        Ok(Ok(())) => {
            println!("ok     {seconds:5.1} s  {}", story.sentence);
            return true;
        }
        Ok(Err(error)) => error.to_string(),
        // The panic has said why.
        Err(_) => String::new(),
    };
    println!("FAILED {seconds:5.1} s  {}\n{why}", story.sentence);
    match site.machine.run(&["journalctl", "--no-pager", "--lines=60", "--output=short-precise", "--unit", UNIT]) {
        Ok(ran) => println!("The end of the unit's journal:\n{ran}"),
        Err(error) => println!("{error}"),
    }
    false
}

/// Nothing is left behind when the test is interrupted.
fn end_on_signal(cgroup: Cgroup) -> Result<()> {
    let caught = Signals::new([SIGHUP, SIGINT, SIGTERM]);
    let mut signals = caught.map_err(|error| Error::new("catch signals", error.to_string()))?;
    let end = move || {
        if let Some(signal) = signals.forever().next() {
            // What fails from now on, because its machine ends, is not worth a word.
            let _quiet = (io::stdout().lock(), io::stderr().lock());
            if let Err(error) = cgroup.destroy() {
                eprintln!("service: {error}");
            }
            exit(128 + signal);
        }
    };
    let spawned = thread::Builder::new().name("signals".into()).spawn(end);
    spawned.map(drop).map_err(|error| Error::new("start a thread", error.to_string()))
}
