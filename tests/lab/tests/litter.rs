//! A program that builds a network and is killed leaves nothing: no namespace, no link, no process.
//!
//! Runs itself a second time, as the program that is killed. That one ties a link of its network to a namespace of
//! this one: the link goes when the kernel has taken its namespace apart.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use ipmp_lab::{Daemon, MacAddr, Mark, Namespace, Plan, Result, WireKind, wait_until};
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// Tells the program that it is the one to be killed.
const VICTIM: &str = "LAB_LITTER_VICTIM";

const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<()> {
    if std::env::var_os(VICTIM).is_some() {
        return be_killed();
    }
    for wire in ["veth", "cable"] {
        leaves_nothing(wire)?;
        println!("a network of {wire}: nothing is left");
    }
    Ok(())
}

fn leaves_nothing(wire: &str) -> Result<()> {
    let anchor = Namespace::new()?;
    let program = std::env::current_exe().expect("this program has a path");
    let mut victim = anchor.command(program).env(VICTIM, wire).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut line = String::new();
    BufReader::new(victim.stdout.take().expect("it was piped")).read_line(&mut line).expect("it is readable");
    let daemon = Pid::from_raw(line.trim_end().parse().expect("the victim tells the number of its daemon"));

    let before = (anchor.has_link("tie"), kill(daemon, None));
    victim.kill().expect("it can be killed");
    victim.wait().expect("it has ended");
    assert!(before.0? && before.1.is_ok(), "there was a network and a daemon in it");
    wait_until(PATIENCE, "its namespaces to go", || Ok(!anchor.has_link("tie")?))?;
    wait_until(PATIENCE, "its daemon to die", || Ok(kill(daemon, None).is_err()))
}

fn be_killed() -> Result<()> {
    let wire = if std::env::var(VICTIM).is_ok_and(|wire| wire == "cable") { WireKind::Cable } else { WireKind::Veth };
    let network = Plan { wire, ..Plan::default() }.build()?;
    Namespace::current()?.add_veth("tie", MacAddr::new(2, 0, 0, 0, 0, 1), &network.host, "tied")?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts/daemon.sh");
    let mut daemon = Daemon::new(&network.host, script, "")?;
    daemon.start()?;
    daemon.wait_for(Mark::START, "started", |_| true, PATIENCE)?;
    // Files, unlike all else, are not the kernel's to remove.
    let directory = daemon.config_file();
    std::fs::remove_dir_all(directory.parent().expect("it is in a directory")).expect("it can be removed");
    println!("{}", daemon.pid().expect("it runs"));
    loop {
        std::thread::park();
    }
}
