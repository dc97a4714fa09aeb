//! The programs as they are run: what they print, where, and the codes that they end with. The daemon is a
//! script that speaks what `docs/control.md` promises, in plain JSON.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

/// Answers each call by `answer`, for as long as the test runs; returns its runtime directory.
fn daemon(answer: fn(method: &str, parameters: &Value) -> Value) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(directory.path().join("ipmpd.sock")).unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            serve(client.unwrap(), answer);
        }
    });
    directory
}

fn serve(mut client: UnixStream, answer: fn(&str, &Value) -> Value) {
    let mut call = Vec::new();
    let mut byte = [0];
    while client.read(&mut byte).unwrap() == 1 {
        if byte != [0] {
            call.push(byte[0]);
            continue;
        }
        let heard: Value = serde_json::from_slice(&call).unwrap();
        call.clear();
        let said = answer(heard["method"].as_str().unwrap(), &heard["parameters"]);
        client.write_all(format!("{said}\0").as_bytes()).unwrap();
    }
}

/// Has two groups, and lets `eth0` alone go offline and back.
fn obliging(method: &str, parameters: &Value) -> Value {
    match method {
        "io.ipmpd.Control.Status" => {
            let snapshot: Value = serde_json::from_str(include_str!("snapshot.json")).unwrap();
            json!({ "parameters": snapshot })
        }
        "io.ipmpd.Control.Offline" | "io.ipmpd.Control.Online" if parameters["interface"] != "eth0" => {
            json!({ "error": "io.ipmpd.Control.UnknownInterface", "parameters": parameters })
        }
        _ => json!({}),
    }
}

/// Refuses everything.
fn strict(method: &str, parameters: &Value) -> Value {
    match method {
        "io.ipmpd.Control.Offline" => {
            json!({ "error": "io.ipmpd.Control.MinimumRedundancy", "parameters": parameters })
        }
        "io.ipmpd.Control.Reload" => json!({
            "error": "io.ipmpd.Control.ReloadRefused",
            "parameters": { "findings": "error: unknown key `gruop`\n --> ipmpd.toml:1:3\n" },
        }),
        "io.ipmpd.Control.Status" => json!({ "error": "io.ipmpd.Control.Unheard", "parameters": {} }),
        _ => json!({ "error": "io.ipmpd.Control.PermissionDenied" }),
    }
}

/// Runs a program; what it left: exit code, standard output, standard error.
fn run(program: &str, runtime_dir: &Path, arguments: &str) -> (i32, String, String) {
    let output = Command::new(program)
        .args(arguments.split_whitespace())
        .env("IPMPD_RUNTIME_DIR", runtime_dir)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

const IPMPSTAT: &str = env!("CARGO_BIN_EXE_ipmpstat");
const IPMPADM: &str = env!("CARGO_BIN_EXE_ipmpadm");
const IF_MPADM: &str = env!("CARGO_BIN_EXE_if_mpadm");

#[test]
fn ipmpstat_shows_each_output() {
    let daemon = daemon(obliging);
    for (arguments, begins) in [
        // All of it, since one is another host's.
        (
            "-an",
            "ADDRESS                   STATE  GROUP       INBOUND     OUTBOUND               CLAIM     TAKENBY\n192",
        ),
        ("-g", "GROUP       GROUPNAME   STATE     FDT       INTERFACES\nipmp0       acctg       degraded  10.00s"),
        ("-i", "INTERFACE   ACTIVE  GROUP       FLAGS     LINK      PROBE     STATE\neth0        yes"),
        ("-n -t", "INTERFACE   MODE      TESTADDR            TARGETS\neth0        routes    192.0.2.10"),
        ("-g -o group,state", "GROUP       STATE\nipmp0       degraded\nipmp1       failed\n"),
        ("-gP -o group,state,interfaces", "ipmp0:degraded:eth0 eth2 eth6 eth7 (eth3 eth4) [eth1]\n"),
        ("-anP -o address,inbound", "192.0.2.50:eth0\n"),
        ("-g --json", "[\n  {\n    \"group\": \"ipmp0\""),
    ] {
        let (code, out, err) = run(IPMPSTAT, daemon.path(), arguments);
        assert_eq!((code, err.as_str()), (0, ""), "{arguments}");
        assert!(out.starts_with(begins), "{arguments}: {out}");
    }
}

#[test]
fn addresses_that_are_all_ours_have_the_columns_of_solaris() {
    let daemon = daemon(|method, parameters| {
        let mut reply = obliging(method, parameters);
        for group in reply["parameters"]["groups"].as_array_mut().unwrap() {
            group["addresses"].as_array_mut().unwrap().retain(|address| address["claim"] == "ours");
        }
        reply
    });
    let (_, out, _) = run(IPMPSTAT, daemon.path(), "-an");
    assert!(out.starts_with("ADDRESS                   STATE  GROUP       INBOUND     OUTBOUND\n192.0.2.50"), "{out}");
    let (_, out, _) = run(IPMPSTAT, daemon.path(), "-an -o address,claim");
    assert!(out.starts_with("ADDRESS                   CLAIM\n192.0.2.50                ours\n"), "{out}");
}

#[test]
fn ipmpstat_json_is_json() {
    let daemon = daemon(obliging);
    for (mode, count) in [("-a", 6), ("-g", 2), ("-i", 10), ("-t", 13)] {
        let (_, out, _) = run(IPMPSTAT, daemon.path(), &format!("{mode} --json"));
        assert_eq!(serde_json::from_str::<Vec<Value>>(&out).unwrap().len(), count, "{mode}");
    }
}

#[test]
fn names_are_looked_up_unless_numbers_are_wanted() {
    let daemon = daemon(obliging);
    // Nobody has names for documentation addresses; without any the output is the same, and comes soon.
    let (_, numbers, _) = run(IPMPSTAT, daemon.path(), "-t -n");
    let (code, names, _) = run(IPMPSTAT, daemon.path(), "-t");
    assert_eq!((code, names.lines().count()), (0, numbers.lines().count()));
}

#[test]
fn ipmpstat_says_what_is_wrong_with_its_arguments() {
    let daemon = daemon(obliging);
    for (arguments, sentence) in [
        ("-a -g", "ipmpstat: only one output format may be specified\n"),
        ("-gg", "ipmpstat: the argument '-g' cannot be used multiple times\n"),
        ("-n", "ipmpstat: one of -a, -g, -i, -p, -t and --watch must be given\n"),
        ("-p -g", "ipmpstat: only one output format may be specified\n"),
        ("-gP", "ipmpstat: parsable output (-P) needs -o with the names of fields\n"),
        ("-gP -o all", "ipmpstat: parsable output (-P) needs -o with the names of fields\n"),
        ("-gP -o group,colour", "ipmpstat: unknown output field \"colour\"\n"),
        ("-g -o colour", "ipmpstat: no valid output fields\n"),
        ("-g -x", "ipmpstat: unexpected argument '-x' found\n"),
        ("-g ipmp0", "ipmpstat: unexpected argument 'ipmp0' found\n"),
        ("-g --watch", "ipmpstat: the argument '-g' cannot be used with '--watch'\n"),
        ("-g --json -o group", "ipmpstat: the argument '--json' cannot be used with '-o <FIELD[,…]>'\n"),
    ] {
        let (code, out, err) = run(IPMPSTAT, daemon.path(), arguments);
        assert_eq!((code, out.as_str()), (1, ""), "{arguments}: {err}");
        assert!(err.starts_with(sentence), "{arguments}: {err}");
    }
    let (code, _, err) = run(IPMPSTAT, daemon.path(), "--watch");
    assert_eq!((code, err.as_str()), (1, "ipmpstat: cannot use the terminal: standard output is none\n"));
    let (code, out, err) = run(IPMPSTAT, daemon.path(), "-g -o group,colour");
    assert_eq!(code, 0);
    assert_eq!(out, "GROUP\nipmp0\nipmp1\n");
    assert_eq!(err, "ipmpstat: warning: ignoring unknown output field \"colour\"\n");
}

#[test]
fn changes_are_silent_when_done() {
    let daemon = daemon(obliging);
    for (program, arguments) in
        [(IPMPADM, "offline eth0"), (IPMPADM, "online eth0"), (IF_MPADM, "-d eth0"), (IF_MPADM, "-r eth0")]
    {
        assert_eq!(run(program, daemon.path(), arguments), (0, String::new(), String::new()), "{arguments}");
    }
    let (code, out, _) = run(IPMPADM, daemon.path(), "reload");
    assert_eq!((code, out.as_str()), (0, "The configuration is read and in force.\n"));
}

#[test]
fn a_member_is_explained() {
    let daemon = daemon(obliging);
    let (code, out, err) = run(IPMPADM, daemon.path(), "explain eth1");
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("eth1 in group acctg (ipmp0): failed for 1m1s\n  why:          5 consecutive"), "{out}");
    let (_, out, _) = run(IPMPADM, daemon.path(), "explain eth1 --json");
    let explained: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&explained["group"], &explained["waits_for"]["have"]), (&json!("ipmp0"), &json!(3)));
}

#[test]
fn refusals_are_sentences() {
    let obliging = daemon(obliging);
    let strict = daemon(strict);
    let not_a_member = "eth9 is not a physical interface or is not in an IPMP group\n";
    let denied =
        "permission denied: only root, the daemon's user and members of the configured admin-group may do this\n";
    let redundancy = "eth0 cannot be taken offline: there are no other functioning interfaces in its group\n";
    let reload = "the new configuration is refused, the old one stays in force:\n\
                  error: unknown key `gruop`\n --> ipmpd.toml:1:3\n";
    for (program, daemon, arguments, sentence) in [
        (IPMPADM, &obliging, "offline eth9", format!("ipmpadm: {not_a_member}")),
        (IPMPADM, &obliging, "explain eth9", format!("ipmpadm: {not_a_member}")),
        (IF_MPADM, &obliging, "-d eth9", format!("if_mpadm: fatal: {not_a_member}")),
        (IPMPADM, &strict, "offline eth0", format!("ipmpadm: {redundancy}")),
        (IF_MPADM, &strict, "-d eth0", format!("if_mpadm: fatal: {redundancy}")),
        (IPMPADM, &strict, "online eth0", format!("ipmpadm: {denied}")),
        (IF_MPADM, &strict, "-r eth0", format!("if_mpadm: fatal: {denied}")),
        (IPMPADM, &strict, "reload", format!("ipmpadm: {reload}")),
    ] {
        assert_eq!(run(program, daemon.path(), arguments), (1, String::new(), sentence), "{arguments}");
    }
    // A daemon that is newer than its client.
    let (code, _, err) = run(IPMPSTAT, strict.path(), "-g");
    assert_eq!(
        (code, err.as_str()),
        (1, "ipmpstat: no valid answer from ipmpd: Unknown error reply: io.ipmpd.Control.Unheard\n")
    );
}

#[test]
fn usage_errors_end_with_one() {
    let directory = tempfile::tempdir().unwrap();
    for (program, arguments) in [
        (IF_MPADM, ""),
        (IF_MPADM, "-d"),
        (IF_MPADM, "-d eth0 -r eth0"),
        (IF_MPADM, "-x eth0"),
        (IPMPADM, ""),
        (IPMPADM, "explode"),
        (IPMPADM, "offline"),
    ] {
        let (code, out, err) = run(program, directory.path(), arguments);
        assert_eq!((code, out.as_str()), (1, ""), "{arguments}");
        assert!(err.contains("Usage: ") || err.contains("--help"), "{arguments}: {err}");
    }
}

#[test]
fn without_a_daemon_all_say_so() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("ipmpd.sock");
    let sentence = |reason| format!("cannot contact ipmpd -- is IPMP in use? ({}: {reason})\n", socket.display());
    let absent = sentence("No such file or directory (os error 2)");
    assert_eq!(run(IPMPSTAT, directory.path(), "-g"), (1, String::new(), format!("ipmpstat: {absent}")));
    assert_eq!(run(IPMPADM, directory.path(), "reload"), (1, String::new(), format!("ipmpadm: {absent}")));
    assert_eq!(run(IF_MPADM, directory.path(), "-d e"), (1, String::new(), format!("if_mpadm: fatal: {absent}")));

    drop(UnixListener::bind(&socket).unwrap());
    let dead = sentence("Connection refused (os error 111)");
    assert_eq!(run(IPMPSTAT, directory.path(), "-g"), (1, String::new(), format!("ipmpstat: {dead}")));
}

#[test]
fn a_daemon_that_hangs_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    // The kernel connects, and nobody ever answers.
    let _listener = UnixListener::bind(directory.path().join("ipmpd.sock")).unwrap();
    let silent = "ipmpstat: ipmpd did not answer within 5 s\n";
    assert_eq!(run(IPMPSTAT, directory.path(), "-g"), (1, String::new(), silent.to_owned()));
}

#[test]
fn help_fits_a_screen() {
    // A verb a line, of which there are many.
    for (program, lines) in [(IPMPSTAT, 24), (IPMPADM, 32), (IF_MPADM, 24)] {
        let (code, out, err) = run(program, Path::new("/"), "--help");
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.lines().count() < lines, "{out}");
        assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    }
}

#[test]
fn a_reader_may_leave() {
    let daemon = daemon(obliging);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output =
        Command::new(IPMPSTAT).args(["-t", "-n", "--runtime-dir"]).arg(daemon.path()).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_full_disk_is_an_error() {
    let daemon = daemon(obliging);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output =
        Command::new(IPMPSTAT).args(["-t", "-n", "--runtime-dir"]).arg(daemon.path()).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("ipmpstat: cannot write: No space left"));
}
