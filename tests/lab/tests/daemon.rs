//! The harness around the daemon, tried on a small script that speaks as the daemon does.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use ipmp_lab::{Burners, Daemon, Mark, Namespace, Result, Signal, wait_until};
use nix::sys::signal::kill;
use nix::unistd::Pid;

const PATIENCE: Duration = Duration::from_secs(10);

/// The script. Written beforehand, because a file that is being written when another test forks is "busy" for a while.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts/daemon.sh");

#[test]
fn a_daemon_is_started_watched_signalled_and_stopped() -> Result<()> {
    let mut daemon = Daemon::new(&Namespace::new()?, SCRIPT, "one")?.argument("--log-level").argument("debug");
    assert!(!daemon.is_running()?);
    daemon.start()?;
    assert!(daemon.start().is_err());
    let started = daemon.wait_for(Mark::START, "started", |_| true, PATIENCE)?;
    let expected = format!(
        "--config {} --runtime-dir {} --log-format json --log-level debug",
        daemon.config_file().display(),
        daemon.runtime_dir().display()
    );
    assert!(started.has("interface", &expected), "{started}");
    assert_eq!(humantime::format_rfc3339_micros(started.at()).to_string(), "2026-01-02T03:04:05.678901Z");
    assert!(daemon.log()[0].event().is_none());

    daemon.write_config("two")?;
    let mark = daemon.mark();
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_for(mark, "reloaded", |line| line.has("interface", "two"), PATIENCE)?;
    assert!(daemon.events(mark, "started").is_empty());

    assert_eq!(daemon.stop(PATIENCE)?.code(), Some(3));
    assert_eq!(daemon.events(mark, "stopping").len(), 1);
    Ok(())
}

#[test]
fn what_a_daemon_left_behind_is_there_after_a_kill() -> Result<()> {
    let mut daemon = Daemon::new(&Namespace::new()?, SCRIPT, "")?;
    for _ in 0..2 {
        let mark = daemon.mark();
        daemon.start()?;
        daemon.wait_for(mark, "started", |_| true, PATIENCE)?;
        let marker = daemon.runtime_dir().join("marker");
        wait_until(PATIENCE, "the marker", || Ok(marker.exists()))?;
        daemon.kill()?;
        assert!(marker.exists() && !daemon.is_running()?);
    }
    let directory = daemon.runtime_dir();
    drop(daemon);
    assert!(!directory.exists());
    Ok(())
}

#[test]
fn waiting_for_what_does_not_come_tells_what_came_instead() -> Result<()> {
    let mut daemon = Daemon::new(&Namespace::new()?, SCRIPT, "")?;
    daemon.start()?;
    daemon.wait_for(Mark::START, "started", |_| true, PATIENCE)?;
    let error = daemon.wait_for(Mark::START, "repaired", |_| true, Duration::from_millis(50)).unwrap_err();
    assert!(error.to_string().contains("started"), "{error}");
    daemon.kill()?;
    let start = Instant::now();
    let error = daemon.wait_for(Mark::START, "repaired", |_| true, Duration::from_secs(1000)).unwrap_err();
    assert!(error.to_string().contains("it does not run") && start.elapsed() < PATIENCE, "{error}");
    Ok(())
}

#[test]
fn what_a_daemon_tells_the_service_manager_is_heard() -> Result<()> {
    let mut daemon = Daemon::new(&Namespace::new()?, SCRIPT, "")?;
    daemon.start()?;
    wait_until(PATIENCE, "the script to start", || Ok(!daemon.log().is_empty()))?;
    let socket = daemon.log()[0].to_string();
    assert!(daemon.wait_notified(Mark::START, "READY=1", Duration::from_millis(50)).is_err());
    UnixDatagram::unbound().unwrap().send_to(b"STATUS=well\nREADY=1", socket).unwrap();
    daemon.wait_notified(Mark::START, "READY=1", PATIENCE)?;
    daemon.wait_notified(Mark::START, "STATUS=well", PATIENCE)
}

#[test]
fn a_client_runs_beside_its_daemon() -> Result<()> {
    let namespace = Namespace::new()?;
    namespace.add_bridge("mark0")?;
    let daemon = Daemon::new(&namespace, "/bin/false", "")?;
    let script = "echo $IPMPD_RUNTIME_DIR; cat /proc/net/dev";
    let output = daemon.client("/bin/sh").args(["-c", script]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(&*daemon.runtime_dir().to_string_lossy()) && said.contains("mark0"), "{said}");
    Ok(())
}

#[test]
fn a_daemon_is_gone_with_its_harness() -> Result<()> {
    let mut daemon = Daemon::new(&Namespace::new()?, SCRIPT, "")?;
    daemon.start()?;
    let pid = Pid::from_raw(daemon.pid().unwrap() as i32);
    assert!(kill(pid, None).is_ok());
    drop(daemon);
    assert!(kill(pid, None).is_err());
    Ok(())
}

#[test]
fn burners_take_the_cpu_until_they_are_dropped() -> Result<()> {
    let spent = || nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from).unwrap();
    let burners = Burners::per_cpu(2)?;
    let (start, before) = (Instant::now(), spent());
    wait_until(PATIENCE, "the CPU to burn", || Ok(spent() - before > Duration::from_millis(200)))?;
    eprintln!("200 ms burnt in {:?}", start.elapsed());
    drop(burners);
    Ok(())
}
