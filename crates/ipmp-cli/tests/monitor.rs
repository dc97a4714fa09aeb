//! `ipmpadm monitor` as it is run, with a daemon that is a script.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

/// What the first reply is to who wants only what is to come.
const BEGUN: &str = "{\"parameters\":{\"missed\":0,\"events\":[]},\"continues\":true}\0";

/// Lets `tell` answer the first call of the first client, which has to ask for events after this one; returns the runtime
/// directory.
fn daemon(after: Option<u64>, tell: impl FnOnce(UnixStream) + Send + 'static) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(directory.path().join("ipmpd.sock")).unwrap();
    thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let mut call = Vec::new();
        BufReader::new(&client).read_until(0, &mut call).unwrap();
        let call: Value = serde_json::from_slice(&call[..call.len() - 1]).unwrap();
        let parameters = json!({ "after": after });
        assert_eq!(call, json!({ "method": "io.ipmpd.Control.Events", "parameters": parameters, "more": true }));
        tell(client);
    });
    directory
}

/// Two events, of which the second has a reason, after so many that are not kept.
fn reply(missed: u64) -> String {
    let event = |number: u64, level: &str, event: &str, message: &str, fields: &[(&str, &str)]| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let time_us = 1_777_887_067_214_608 + number;
        json!({ "number": number, "time_us": time_us, "level": level, "event": event, "message": message, "fields": fields })
    };
    let up = event(8, "notice", "link_up", "The link has come up on eth0", &[("interface", "eth0")]);
    let down = "The link has gone down on eth0";
    let down = event(9, "warning", "link_down", down, &[("interface", "eth0"), ("reason", "no carrier")]);
    format!("{}\0", json!({ "parameters": { "missed": missed, "events": [up, down] }, "continues": true }))
}

fn ipmpadm(daemon: &TempDir, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipmpadm"));
    command.args(arguments.split_whitespace()).env("IPMPD_RUNTIME_DIR", daemon.path()).stdin(Stdio::null());
    command
}

/// What it has written, and the code that it has ended with.
fn text(output: &Output) -> (i32, &str, &str) {
    let text = |bytes| str::from_utf8(bytes).unwrap();
    (output.status.code().expect("an exit code"), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_line_an_event_and_the_end_of_the_daemon_is_an_error() {
    let daemon = daemon(None, |mut client| client.write_all((BEGUN.to_owned() + &reply(0)).as_bytes()).unwrap());
    let output = ipmpadm(&daemon, "monitor").output().unwrap();
    let shown = "2026-05-04T09:31:07.214616Z notice   The link has come up on eth0\n\
                 2026-05-04T09:31:07.214617Z warning  The link has gone down on eth0: no carrier\n";
    assert_eq!(text(&output), (1, shown, "ipmpadm: ipmpd has hung up\n"));
}

#[test]
fn json_is_an_object_a_line_and_what_is_not_kept_is_counted() {
    let daemon = daemon(Some(3), |mut client| client.write_all(reply(4).as_bytes()).unwrap());
    let output = ipmpadm(&daemon, "monitor --json --after 3").output().unwrap();
    let (code, out, complaints) = text(&output);
    assert_eq!(code, 1);
    assert_eq!(complaints, "ipmpadm: warning: 4 events are not kept any more\nipmpadm: ipmpd has hung up\n");
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = json!({
        "number": 9,
        "timestamp": "2026-05-04T09:31:07.214617Z",
        "level": "warning",
        "event": "link_down",
        "message": "The link has gone down on eth0",
        "interface": "eth0",
        "reason": "no carrier",
    });
    assert_eq!((lines.len(), &lines[1]), (2, &expected));
}

#[test]
fn a_reader_may_leave() {
    let daemon = daemon(None, |mut client| {
        let mut told = client.write_all(BEGUN.as_bytes());
        while told.is_ok() {
            told = client.write_all(reply(0).as_bytes());
        }
    });
    let mut child = ipmpadm(&daemon, "monitor").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    assert_ne!(out.read_line(&mut String::new()).unwrap(), 0);
    drop(out);
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_number_that_is_none_is_a_mistake_in_the_command() {
    let directory = tempfile::tempdir().unwrap();
    for after in ["-1", "x", "1.5"] {
        let output = ipmpadm(&directory, &format!("monitor --after={after}")).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output).2.contains("invalid value"), "{output:?}");
    }
}

/// A daemon that says nonsense harms nobody.
#[test]
fn what_is_no_stream_of_events_is_said_to_be_none() {
    let daemon = daemon(None, |mut client| {
        client.write_all(b"{\"parameters\":{\"missed\":0}}\0").unwrap();
        let _ = client.read(&mut [0]);
    });
    let output = ipmpadm(&daemon, "monitor").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).2.starts_with("ipmpadm: no valid answer from ipmpd"), "{output:?}");
}
