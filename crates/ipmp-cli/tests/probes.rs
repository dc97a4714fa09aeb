//! `ipmpstat -p` as it is run, with a daemon that is a script.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What the first reply is.
const BEGUN: &str = "{\"parameters\":{\"missed\":0,\"probes\":[]},\"continues\":true}\0";

/// Lets `tell` answer the first call of the first client, which has to be the one that asks for probes; returns
/// the runtime directory.
fn daemon(tell: impl FnOnce(UnixStream) + Send + 'static) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(directory.path().join("ipmpd.sock")).unwrap();
    thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let mut call = Vec::new();
        BufReader::new(&client).read_until(0, &mut call).unwrap();
        let call: Value = serde_json::from_slice(&call[..call.len() - 1]).unwrap();
        assert_eq!(call, json!({ "method": "io.ipmpd.Control.Probes", "parameters": {}, "more": true }));
        tell(client);
    });
    directory
}

/// One answered, one lost.
fn reply(missed: u64) -> String {
    let answered = json!({
        "probe": 411, "interface": "eth0", "kind": "icmp", "target": "192.0.2.1", "sent_us": 372_100, "outcome": "acked",
        "network_rtt_us": 308, "rtt_us": 441, "average_rtt_us": 402, "rtt_deviation_us": 31,
    });
    let lost = json!({
        "probe": 412, "interface": "eth1", "kind": "ndp", "target": "2001:db8::9", "sent_us": -620_000, "outcome": "lost",
        "network_rtt_us": null, "rtt_us": null, "average_rtt_us": null, "rtt_deviation_us": null,
    });
    let reply = json!({ "parameters": { "missed": missed, "probes": [answered, lost] }, "continues": true });
    format!("{reply}\0")
}

fn ipmpstat(daemon: &TempDir, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipmpstat"));
    command.args(arguments.split_whitespace()).env("IPMPD_RUNTIME_DIR", daemon.path()).stdin(Stdio::null());
    command
}

/// What it has written, and the code that it has ended with.
fn text(output: &Output) -> (i32, &str, &str) {
    let text = |bytes| str::from_utf8(bytes).unwrap();
    (output.status.code().expect("an exit code"), text(&output.stdout), text(&output.stderr))
}

#[test]
fn each_shape_has_a_line_a_probe_and_the_end_of_the_daemon_is_an_error() {
    for (arguments, shown) in [
        (
            "-pn",
            "TIME      INTERFACE   PROBE  NETRTT    RTT       RTTAVG    TARGET          KIND\n\
             0.37s     eth0        411    0.31ms    0.44ms    0.40ms    192.0.2.1       icmp\n\
             -0.62s    eth1        412    --        --        --        2001:db8::9     ndp\n",
        ),
        ("-p -n -o probe,rttdev", "PROBE  RTTDEV\n411    0.03ms\n412    --\n"),
        ("-pnP -o interface,kind,probe", "eth0:icmp:411\neth1:ndp:412\n"),
        ("-pnP -o interface,target,rtt", "eth0:192.0.2.1:0.44ms\neth1:2001\\:db8\\:\\:9:\n"),
    ] {
        let daemon = daemon(|mut client| client.write_all((BEGUN.to_owned() + &reply(0)).as_bytes()).unwrap());
        let output = ipmpstat(&daemon, arguments).output().unwrap();
        assert_eq!(text(&output), (1, shown, "ipmpstat: ipmpd has hung up\n"), "{arguments}");
    }
}

#[test]
fn json_is_an_object_a_line() {
    let daemon = daemon(|mut client| client.write_all((BEGUN.to_owned() + &reply(0)).as_bytes()).unwrap());
    let output = ipmpstat(&daemon, "-p --json").output().unwrap();
    let (_, out, _) = text(&output);
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["outcome"], &lines[0]["rtt_us"]), (&json!("acked"), &json!(441)));
    assert_eq!((&lines[1]["outcome"], &lines[1]["rtt_us"]), (&json!("lost"), &Value::Null));
}

#[test]
fn what_is_missed_is_told() {
    let daemon = daemon(|mut client| client.write_all((BEGUN.to_owned() + &reply(17)).as_bytes()).unwrap());
    let output = ipmpstat(&daemon, "-pn").output().unwrap();
    let (_, _, err) = text(&output);
    assert!(err.starts_with("ipmpstat: warning: 17 probes came too fast to be shown\n"), "{err}");
}

#[test]
fn nothing_to_show_is_said_at_once() {
    let refused = "{\"error\":\"io.ipmpd.Control.NothingProbed\"}\0";
    let daemon = daemon(move |mut client| client.write_all(refused.as_bytes()).unwrap());
    let output = ipmpstat(&daemon, "-p").output().unwrap();
    let sentence = "ipmpstat: there are no probes to show: no interface has probe-based failure detection enabled\n";
    assert_eq!(text(&output), (1, "", sentence));
}

/// Runs until it is told to end, after it has written so many lines.
fn running(daemon: &TempDir, lines: usize) -> (Child, BufReader<impl Read>) {
    let mut child = ipmpstat(daemon, "-pn").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..lines {
        assert_ne!(out.read_line(&mut String::new()).unwrap(), 0);
    }
    (child, out)
}

#[test]
fn lines_come_as_they_are_told_and_an_interrupt_ends_it() {
    // Says no more, and does not hang up.
    let daemon = daemon(|mut client| {
        client.write_all((BEGUN.to_owned() + &reply(0)).as_bytes()).unwrap();
        let _ = client.read(&mut [0]);
    });
    let (child, mut out) = running(&daemon, 3);
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!((rest.as_str(), ended.stderr.as_slice()), ("", &b""[..]));
    // As the shell that runs it has to see it.
    assert_eq!(ended.status.signal(), Some(Signal::SIGINT as i32));
}

#[test]
fn a_reader_may_leave() {
    let daemon = daemon(|mut client| {
        let mut told = client.write_all(BEGUN.as_bytes());
        while told.is_ok() {
            told = client.write_all(reply(0).as_bytes());
        }
    });
    let (child, out) = running(&daemon, 10);
    drop(out);
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
}
