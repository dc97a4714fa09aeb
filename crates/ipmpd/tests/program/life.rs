//! The life of a daemon: start, second start, reload, end, and what it tells the service manager.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::Instant;

use super::support::{BAD, GOOD, PATIENCE, Place};
use ipmp_control::{Client, Error, Refusal};
use nix::sys::signal::Signal;

#[test]
fn it_ends_with_success_when_told_to() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let place = Place::new(GOOD);
        let mut daemon = place.start();
        daemon.signal(signal);
        assert_eq!(daemon.wait().code(), Some(0));
        assert_eq!(daemon.events("stopping").len(), 1, "the last line is not lost");
        assert!(!ipmp_control::socket_path(&place.runtime_dir()).exists());
    }
}

#[test]
fn a_second_one_is_refused_and_the_first_runs_on() {
    let place = Place::new(GOOD);
    let mut first = place.start();
    let second = place.command(&[]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let sentence = String::from_utf8(second.stderr).unwrap();
    assert!(sentence.contains("another ipmpd is running with the runtime directory"), "{sentence}");
    assert!(first.runs());
    assert!(Client::connect(&place.runtime_dir()).unwrap().status().is_ok(), "its socket is untouched");
}

#[test]
fn one_that_was_killed_leaves_nothing_in_the_way_of_the_next() {
    let place = Place::new(GOOD);
    let mut first = place.start();
    first.signal(Signal::SIGKILL);
    first.wait();
    fs::remove_file(place.log()).unwrap();
    place.start();
}

#[test]
fn a_memory_that_is_garbage_is_logged_and_ignored() {
    let place = Place::new(GOOD);
    fs::create_dir_all(place.runtime_dir()).unwrap();
    fs::write(place.runtime_dir().join("memory.json"), b"{\"tunables\": \xff").unwrap();
    let daemon = place.start();
    let ignored = daemon.wait_for("memory_ignored");
    assert_eq!(ignored["level"], "warning");
    assert!(ignored["file"].as_str().unwrap().ends_with("memory.json"), "{ignored}");
}

#[test]
fn a_reload_takes_a_good_file_and_refuses_a_bad_one_whole() {
    let place = Place::new(GOOD);
    let mut daemon = place.start();

    place.configure(BAD);
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for("reload_refused");
    let errors = daemon.events("config_error");
    assert!(errors.len() >= 3, "every mistake: {errors:?}");
    assert!(daemon.runs());
    assert_eq!(group_names(&place), ["ipmp0"]);

    place.configure(&GOOD.replace("ipmp0", "ipmp7"));
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for("reloaded");
    assert_eq!(group_names(&place), ["ipmp7"]);
}

#[test]
fn a_client_that_asks_for_a_reload_learns_the_outcome() {
    let place = Place::new(GOOD);
    let _daemon = place.start();
    let mut client = Client::connect(&place.runtime_dir()).unwrap();

    place.configure(&GOOD.replace("ipmp0", "ipmp7"));
    client.reload().unwrap();
    assert_eq!(group_names(&place), ["ipmp7"], "in force when the answer comes");

    place.configure(BAD);
    match client.reload() {
        Err(Error::Refused(Refusal::ReloadRefused { findings })) => assert!(findings.contains("speed"), "{findings}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_service_manager_is_told_what_it_needs_to_know() {
    let place = Place::new(GOOD);
    let manager = UnixDatagram::bind(place.config().with_file_name("notify")).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = place.command(&["--log-format", "json"]);
    command.env("NOTIFY_SOCKET", place.config().with_file_name("notify")).env("WATCHDOG_USEC", "200000");
    let daemon = place.spawn(command);

    let until = |wanted: &str| {
        let mut told = String::new();
        // The watchdog's messages never end.
        let deadline = Instant::now() + PATIENCE;
        while !told.contains(wanted) {
            assert!(Instant::now() < deadline, "no {wanted}: {told}");
            let mut buffer = [0; 4096];
            let length = manager.recv(&mut buffer).unwrap_or_else(|error| panic!("no {wanted}: {error}; {told}"));
            told.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        }
        told
    };
    let start = until("READY=1");
    assert!(start.contains("STATUS=1 group: ipmp0 failed\n"), "{start}");
    // An idle loop turns for the watchdog's sake.
    (0..3).for_each(|_| drop(until("WATCHDOG=1")));
    daemon.signal(Signal::SIGHUP);
    assert!(until("RELOADING=1").contains("MONOTONIC_USEC="));
    until("READY=1");
    place.configure(BAD);
    daemon.signal(Signal::SIGHUP);
    until("RELOADING=1");
    until("READY=1");
    daemon.signal(Signal::SIGTERM);
    until("STOPPING=1");
}

fn group_names(place: &Place) -> Vec<String> {
    let status = Client::connect(&place.runtime_dir()).unwrap().status().unwrap();
    status.groups.into_iter().map(|group| group.name).collect()
}
