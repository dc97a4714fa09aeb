//! What the log looks like in each format.

use std::fs::{self, File};
use std::io::Read;
use std::os::linux::fs::MetadataExt;
use std::process::Stdio;

use super::support::{GOOD, Place, lines, wait_until};
use ipmp_control::Client;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// The log of a daemon that was started with these options, and ended once it was ready.
fn log(place: &Place, options: &[&str], environment: &[(&str, String)]) -> Vec<String> {
    let mut command = place.command(options);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    let mut daemon = place.spawn(command);
    let ready = wait_until(|| lines(&place.log()).iter().any(|line| line.contains("ipmpd is ready")));
    assert!(ready, "{}", fs::read_to_string(place.log()).unwrap());
    daemon.signal(Signal::SIGTERM);
    daemon.wait();
    lines(&place.log())
}

#[test]
fn text_has_time_level_event_and_sentence() {
    for options in [&["--log-format", "text"][..], &[]] {
        let place = Place::new(GOOD);
        let lines = log(&place, options, &[]);
        let stopping = lines.last().unwrap();
        let (time, rest) = stopping.split_once(' ').unwrap();
        assert!(time.ends_with('Z') && time.contains('T'), "{stopping}");
        assert_eq!(
            rest, "notice stopping: ipmpd is stopping; addresses, routes and traffic stay as they are",
            "{options:?}"
        );
    }
}

#[test]
fn json_is_an_object_a_line() {
    let place = Place::new(GOOD);
    for line in log(&place, &["--log-format", "json"], &[]) {
        let object: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["timestamp", "level", "event", "message"] {
            assert!(object[key].is_string(), "{key}: {line}");
        }
    }
}

#[test]
fn only_what_is_grave_enough_is_logged() {
    let place = Place::new(GOOD);
    let lines = log(&place, &["--log-level", "notice"], &[]);
    assert!(lines.iter().any(|line| line.contains(" notice ")), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains(" info ") && !line.contains(" debug ")), "{lines:?}");
}

#[test]
fn a_journal_that_is_not_stderr_is_not_written_to() {
    let place = Place::new(GOOD);
    let lines = log(&place, &[], &[("JOURNAL_STREAM", "1:1".into())]);
    assert!(lines.iter().any(|line| line.contains("notice ready: ")), "{lines:?}");
}

#[test]
fn a_journal_that_cannot_be_reached_is_replaced_by_text() {
    let place = Place::new(GOOD);
    let stderr = File::create(place.log()).unwrap().metadata().unwrap();
    let stream = format!("{}:{}", stderr.st_dev(), stderr.st_ino());
    let lines = log(&place, &[], &[("JOURNAL_STREAM", stream)]);
    assert!(lines[0].contains("warning diagnostic: the journal cannot be reached"), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("notice ready: ")), "{lines:?}");
}

#[test]
fn a_log_that_nobody_reads_holds_up_nothing_and_what_is_missing_is_counted() {
    let place = Place::new(GOOD);
    let mut daemon = place.command(&["--log-format", "json"]).stderr(Stdio::piped()).spawn().unwrap();
    let connected = || Client::connect(&place.runtime_dir()).is_ok_and(|mut client| client.status().is_ok());
    assert!(wait_until(connected));

    // More lines than pipe and queue hold.
    place.configure(&(0..100).map(|i| format!("nonsense-{i} = {i}\n")).collect::<String>());
    let mut client = Client::connect(&place.runtime_dir()).unwrap();
    for _ in 0..60 {
        assert!(client.reload().is_err());
    }
    assert_eq!(client.status().unwrap().groups.len(), 1, "it goes on");
    // Who follows the events is told of the last one all the same: 101 for each attempt.
    let mut events = client.events(Some(0)).unwrap();
    let mut last = 0;
    while last < 60 * 101 {
        last = events.fetch().unwrap().events.last().map_or(last, |event| event.number);
    }

    kill(Pid::from_raw(daemon.id() as i32), Signal::SIGTERM).unwrap();
    let mut log = String::new();
    daemon.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
    let logged = log.lines().count();
    let dropped = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let dropped = dropped.filter(|line| line["event"] == "log_lines_dropped");
    let dropped: u64 = dropped.map(|line| line["count"].as_str().unwrap().parse::<u64>().unwrap()).sum();
    assert!(dropped > 0, "{logged} lines, none missing");
}
