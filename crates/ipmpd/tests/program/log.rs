//! What the log looks like in each format.

use std::fs::{self, File};
use std::os::linux::fs::MetadataExt;

use super::support::{GOOD, Place, lines, wait_until};
use nix::sys::signal::Signal;
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
