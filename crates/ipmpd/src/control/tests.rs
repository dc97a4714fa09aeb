//! The server on a real socket, with a main loop that answers from a script.

mod admins;
mod events;
mod probes;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ipmp_control::Event;
use ipmp_core::notice::{Grey, Reason};
use ipmp_core::status::{
    AddressStatus, Claim, FamilyHealth, GroupState, GroupStatus, MemberState, MemberStatus, ProbeCounts, ProbeState,
    ProbingStatus, Run, TargetMode, TargetState, TargetStatus, Waiting,
};
use ipmp_core::{Command, Family, Instant, Mac, ProbeKind, Refusal, ReplyFault, Status};
use nix::errno::Errno;
use nix::libc;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot, watch};

use super::{Admins, CLIENTS_MAX, EVENTS_MAX, Feed, Request, Watched, bind, serve, stream};

/// Longer than any answer takes on a busy machine; only a failing test waits for so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// When everything is asked.
const NOW: Instant = Instant::from_nanos(60_000_000_000);

/// Whom the member probes.
const TARGET: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// `nobody`.
const STRANGER: u32 = 65534;

/// A daemon that is nothing but the server, and a main loop that gives each request to a closure.
struct Daemon {
    directory: TempDir,
    /// With which the main loop tells of probes.
    feed: Feed,
    /// With which the log tells of events.
    log: mpsc::Sender<Arc<Event>>,
    /// Which group may change things.
    admins: watch::Sender<Option<String>>,
    stop: Option<oneshot::Sender<()>>,
    main_loop: Option<JoinHandle<()>>,
}

impl Daemon {
    fn start(mut answer: impl FnMut(Request) + Send + 'static) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let socket = directory.path().join("ipmpd.sock");
        let (ready, is_ready) = std::sync::mpsc::channel();
        let (stop, mut stopped) = oneshot::channel();
        let (log, events) = mpsc::channel(EVENTS_MAX);
        let (admins, group) = watch::channel(None);
        let main_loop = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (requests, mut received) = mpsc::channel(1);
                let (feed, probes) = stream();
                serve(bind(&socket).unwrap(), requests, Watched { probes, events }, Admins { group }).unwrap();
                ready.send(feed).unwrap();
                loop {
                    tokio::select! {
                        Some(request) = received.recv() => answer(request),
                        _ = &mut stopped => return,
                    }
                }
            });
        });
        let feed = is_ready.recv().unwrap();
        Self { directory, feed, log, admins, stop: Some(stop), main_loop: Some(main_loop) }
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("ipmpd.sock")
    }

    fn client(&self) -> Client {
        Client::connect(&self.socket())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.main_loop.take().unwrap().join();
        assert!(ended.is_ok() || thread::panicking(), "the main loop panicked");
    }
}

/// A client in another language: a socket, JSON and a NUL.
struct Client(UnixStream);

impl Client {
    fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// The next reply, or none where the server has hung up.
    fn receive(&mut self) -> Option<Value> {
        let mut reply = Vec::new();
        let mut byte = [0];
        loop {
            match self.0.read(&mut byte) {
                Ok(0) => return None,
                Ok(_) if byte == [0] => return Some(serde_json::from_slice(&reply).unwrap()),
                Ok(_) => reply.push(byte[0]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no answer: {error}"),
            }
        }
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.send(format!("{}\0", json!({ "method": method, "parameters": parameters })).as_bytes());
        self.receive().expect("an answer")
    }
}

/// Runs `work` in a thread of user `uid`, as whom the kernel then names it to the server. `None` where the
/// user namespace knows no such user, so that no client of another user can exist.
fn as_user<T: Send + 'static>(uid: u32, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let run = move || {
        // SAFETY: takes three numbers. By way of libc it would change all threads of the process.
        let changed = unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) };
        match Errno::result(changed) {
            Ok(_) => Some(work()),
            Err(Errno::EINVAL) => None,
            Err(error) => panic!("this test changes its user, as root may: {error}"),
        }
    };
    thread::spawn(run).join().unwrap()
}

fn one_group() -> Status {
    let group = GroupStatus {
        interface: "ipmp0".parse().unwrap(),
        name: "acctg".parse().unwrap(),
        state: GroupState::Degraded,
        failure_detection_time: Some(Duration::from_millis(1500)),
        failure_detection_time_wanted: Duration::from_secs(1),
        false_failures_per_year: Some(0.25),
        damping: Default::default(),
        members: vec![one_degraded_member()],
        addresses: vec![
            one_address("192.0.2.50", Claim::Ours),
            one_address("192.0.2.51", Claim::Checking),
            one_address("2001:db8::50", Claim::Taken(Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]))),
        ],
    };
    Status { groups: vec![group] }
}

/// On `eth0` where it may be used.
fn one_address(address: &str, claim: Claim) -> AddressStatus {
    let used = claim == Claim::Ours;
    let member = || used.then(|| "eth0".parse().unwrap());
    let address = address.parse().unwrap();
    AddressStatus { address, up: used, inbound: member(), outbound: member().into_iter().collect(), claim }
}

/// In which no two numbers of a kind are the same.
fn one_degraded_member() -> MemberStatus {
    MemberStatus {
        interface: "eth0".parse().unwrap(),
        active: true,
        inactive: false,
        standby: false,
        link_up: true,
        hwaddr_duplicate: false,
        drained: true,
        probe: ProbeState::Ok,
        state: MemberState::Degraded,
        since: NOW - Duration::from_secs(3),
        reason: Reason::Grey(Grey::Loss { percent: 12 }),
        penalty: 713,
        waits_for: Some(Waiting::Losses { have: 2, need: 21 }),
        probing: vec![ProbingStatus {
            family: Family::V4,
            kind: ProbeKind::Icmp,
            health: FamilyHealth::Ok,
            test_address: Some("192.0.2.10".parse().unwrap()),
            mode: TargetMode::Multicast,
            targets: vec![TargetStatus {
                address: TARGET,
                state: TargetState::Slow,
                rtt: Some((Duration::from_micros(400), Duration::from_micros(30))),
                loss: Some(0.5),
            }],
            run: Some(Run::Losses(2)),
            loss: Some(0.125),
            timeout: Duration::from_micros(47_619),
            last_reply: Some((Duration::from_millis(250), Duration::from_micros(410))),
            counts: ProbeCounts {
                sent: 100,
                acked: 80,
                lost: 15,
                void: 5,
                late: 1,
                missed: 2,
                large_sent: 7,
                large_lost: 3,
                bad: [(ReplyFault::Fake, 9), (ReplyFault::Corrupt, 4)].into(),
            },
        }],
    }
}

/// What is told of one of its families.
fn one_probing(family: Family, kind: ProbeKind, mode: TargetMode, health: FamilyHealth) -> ProbingStatus {
    let test_address = None;
    ProbingStatus { family, kind, health, mode, test_address, ..one_degraded_member().probing.remove(0) }
}

/// Knows one member, `eth0`, that can go offline once, and a configuration that is good once.
fn one_member() -> impl FnMut(Request) + Send + 'static {
    let mut offline = false;
    let mut good = true;
    move |request| match request {
        Request::Status(answer) => answer.send((one_group(), NOW)).unwrap(),
        Request::Command(command, answer) => {
            let result = match command {
                Command::Offline(name) if name.as_str() == "eth1" => Err(Refusal::MinimumRedundancy(name)),
                Command::Offline(name) | Command::Online(name) if name.as_str() != "eth0" => {
                    Err(Refusal::UnknownInterface(name))
                }
                Command::Offline(name) if offline => Err(Refusal::AlreadyOffline(name)),
                Command::Online(name) if !offline => Err(Refusal::NotOffline(name)),
                Command::Offline(_) | Command::Online(_) => {
                    offline = !offline;
                    Ok(())
                }
            };
            answer.send(result).unwrap();
        }
        Request::Reload(answer) => {
            let result = if good { Ok(()) } else { Err("ipmpd.toml:1:1: no".to_owned()) };
            good = false;
            answer.send(result).unwrap();
        }
        Request::Change(change, answer) => {
            let changes = change.edits.iter().map(|edit| edit.interface.clone()).collect();
            answer.send(Ok(ipmp_control::Changed { changes, warnings: Vec::new() })).unwrap();
        }
        Request::Confirm(answer) | Request::Revert(answer) => {
            answer.send(Err(ipmp_control::Refusal::NothingPending)).unwrap();
        }
        Request::Addresses(answer) => {
            answer.send(vec![("eth0".parse().unwrap(), "192.0.2.10/24".parse().unwrap(), true)]).unwrap();
        }
        Request::WhatIf(_, answer) => {
            let engine = ipmp_core::Engine::new(Default::default(), 1);
            let supposition = ipmp_core::rehearsal::Supposition::Failed(Vec::new());
            answer.send((engine.rehearse(supposition, NOW), NOW)).unwrap();
        }
    }
}

#[test]
fn tells_what_it_is() {
    let daemon = Daemon::start(one_member());
    let mut client = daemon.client();

    let info = client.call("org.varlink.service.GetInfo", json!({}));
    assert_eq!(info["parameters"]["product"], "ipmpd");
    assert_eq!(info["parameters"]["interfaces"], json!(["io.ipmpd.Control", "org.varlink.service"]));

    let describe = "org.varlink.service.GetInterfaceDescription";
    let described = client.call(describe, json!({ "interface": ipmp_control::INTERFACE }));
    assert_eq!(described["parameters"]["description"], ipmp_control::DESCRIPTION);
    let page = include_str!("../../../../docs/control.md");
    assert!(page.contains(ipmp_control::DESCRIPTION), "docs/control.md shows another interface");
    let own = client.call(describe, json!({ "interface": "org.varlink.service" }));
    assert!(own["parameters"]["description"].as_str().unwrap().contains("method GetInfo()"), "{own}");

    let unknown = client.call(describe, json!({ "interface": "a.b" }));
    assert_eq!(unknown["error"], "org.varlink.service.InterfaceNotFound");
}

#[test]
fn status_is_the_core_s() {
    let daemon = Daemon::start(one_member());
    let expected: Value = serde_json::from_str(include_str!("tests/status.json")).unwrap();
    assert_eq!(daemon.client().call("io.ipmpd.Control.Status", json!({}))["parameters"]["groups"], expected);
    // Parameters that are none may be left out.
    let mut client = daemon.client();
    client.send(b"{\"method\":\"io.ipmpd.Control.Status\"}\0");
    assert_eq!(client.receive().unwrap()["parameters"]["groups"], expected);
}

#[test]
fn each_family_is_told_of_by_its_own_words() {
    let daemon = Daemon::start(|request| {
        let Request::Status(answer) = request else { unreachable!("nobody asks") };
        let mut status = one_group();
        let member = &mut status.groups[0].members[0];
        member.reason = Reason::Grey(Grey::Family(Family::V6));
        member.probing = vec![
            one_probing(Family::V4, ProbeKind::Arp, TargetMode::Routes, FamilyHealth::Ok),
            one_probing(Family::V6, ProbeKind::Ndp, TargetMode::Disabled, FamilyHealth::Failed),
            one_probing(Family::V6, ProbeKind::Transitive, TargetMode::Transitive, FamilyHealth::Unknown),
        ];
        answer.send((status, NOW)).unwrap();
    });
    let status = daemon.client().call("io.ipmpd.Control.Status", json!({}));
    let member = &status["parameters"]["groups"][0]["members"][0];
    assert_eq!(member["reason"], json!({ "kind": "family", "text": "inet6 does not work", "family": "inet6" }));
    let words = ["family", "kind", "mode", "health", "test_address"];
    let told = |n: usize| words.map(|word| member["probing"][n][word].clone());
    assert_eq!(told(0), [json!("inet"), json!("arp"), json!("routes"), json!("ok"), Value::Null]);
    assert_eq!(told(1), [json!("inet6"), json!("ndp"), json!("disabled"), json!("failed"), Value::Null]);
    assert_eq!(told(2), [json!("inet6"), json!("transitive"), json!("transitive"), json!("unknown"), Value::Null]);
}

#[test]
fn every_refusal_is_an_error_with_its_field() {
    let daemon = Daemon::start(one_member());
    let mut client = daemon.client();
    let mut change = |method: &str, interface: &str| {
        let reply = client.call(&format!("io.ipmpd.Control.{method}"), json!({ "interface": interface }));
        (reply["error"].as_str().unwrap_or("none").to_owned(), reply["parameters"]["interface"].clone())
    };
    let refused = |error: &str, interface: &str| (format!("io.ipmpd.Control.{error}"), json!(interface));
    let done = ("none".to_owned(), Value::Null);

    assert_eq!(change("Online", "eth0"), refused("NotOffline", "eth0"));
    assert_eq!(change("Offline", "eth0"), done);
    assert_eq!(change("Offline", "eth0"), refused("AlreadyOffline", "eth0"));
    assert_eq!(change("Online", "eth0"), done);
    assert_eq!(change("Offline", "eth1"), refused("MinimumRedundancy", "eth1"));
    assert_eq!(change("Offline", "eth7"), refused("UnknownInterface", "eth7"));
    assert_eq!(change("Offline", "no name"), refused("UnknownInterface", "no name"));

    let reload = client.call("io.ipmpd.Control.Reload", json!({}));
    assert!(reload.get("error").is_none(), "{reload}");
    let reload = client.call("io.ipmpd.Control.Reload", json!({}));
    assert_eq!(reload["error"], "io.ipmpd.Control.ReloadRefused");
    assert_eq!(reload["parameters"]["findings"], "ipmpd.toml:1:1: no");
}

#[test]
fn strangers_may_look_but_not_touch() {
    let daemon = Daemon::start(one_member());
    let socket = daemon.socket();
    let replies = as_user(STRANGER, move || {
        let mut client = Client::connect(&socket);
        let interface = json!({ "interface": "eth0" });
        [
            client.call("io.ipmpd.Control.Offline", interface.clone()),
            client.call("io.ipmpd.Control.Online", interface),
            client.call("io.ipmpd.Control.Reload", json!({})),
            client.call("io.ipmpd.Control.Check", json!({})),
            client.call("io.ipmpd.Control.Status", json!({})),
        ]
    });
    if let Some([changes @ .., status]) = replies {
        assert!(changes.iter().all(|reply| reply["error"] == "io.ipmpd.Control.PermissionDenied"), "{changes:?}");
        assert_eq!(status["parameters"]["groups"][0]["name"], "acctg");
    }
    // None of it was done.
    let reply = daemon.client().call("io.ipmpd.Control.Online", json!({ "interface": "eth0" }));
    assert_eq!(reply["error"], "io.ipmpd.Control.NotOffline");
}

#[test]
fn a_daemon_that_stops_says_so() {
    let daemon = Daemon::start(drop);
    let reply = daemon.client().call("io.ipmpd.Control.Status", json!({}));
    assert_eq!(reply["error"], "io.ipmpd.Control.Stopping");
}

#[test]
fn a_socket_left_behind_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("ipmpd.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(UnixStream::connect(&socket).is_err(), "nobody listens");

    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let _listener = runtime.block_on(async { bind(&socket) }).unwrap();
    UnixStream::connect(&socket).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&socket).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o666, "anyone may ask");
}

#[test]
fn the_longest_idle_client_makes_room() {
    let daemon = Daemon::start(one_member());
    let mut clients: Vec<Client> = (0..CLIENTS_MAX).map(|_| daemon.client()).collect();
    for client in &mut clients {
        client.call("io.ipmpd.Control.Status", json!({}));
    }
    // The first is not the longest idle any more.
    clients[0].call("io.ipmpd.Control.Status", json!({}));
    clients.push(daemon.client());
    clients.last_mut().unwrap().call("io.ipmpd.Control.Status", json!({}));

    assert_eq!(clients.remove(1).receive(), None, "the second was evicted");
    for client in &mut clients {
        client.call("io.ipmpd.Control.Status", json!({}));
    }
}

#[test]
fn no_user_keeps_out_another() {
    // Answers nothing but introspection: who calls `Status` is in the middle of a call for ever.
    let mut kept = Vec::new();
    let daemon = Daemon::start(move |request| kept.push(request));
    let call = b"{\"method\":\"io.ipmpd.Control.Status\"}\0";

    let mut mine = daemon.client();
    mine.call("org.varlink.service.GetInfo", json!({}));
    let socket = daemon.socket();
    let flood = as_user(STRANGER, move || {
        let connect = |_| {
            let mut client = Client::connect(&socket);
            client.send(call);
            client
        };
        (0..2 * CLIENTS_MAX).map(connect).collect::<Vec<_>>()
    });
    mine.call("org.varlink.service.GetInfo", json!({}));
    daemon.client().call("org.varlink.service.GetInfo", json!({}));
    drop(flood);
}

#[test]
fn who_breaks_the_protocol_is_cut_off_alone() {
    let daemon = Daemon::start(one_member());
    let mut bystander = daemon.client();
    let deep = "[".repeat(10_000) + "\0";
    let long = format!("{{\"method\":\"{}\"}}\0", "x".repeat(20_000));
    let endless = "x".repeat(1_000_000);
    let cases: [&[u8]; 8] = [
        b"\0",
        b"\0\0\0\0",
        b"hello\0",
        b"{\"method\":7}\0",
        b"\xff\xfe\0",
        deep.as_bytes(),
        long.as_bytes(),
        endless.as_bytes(),
    ];
    for case in cases {
        let mut client = daemon.client();
        // The server may hang up before it has all.
        let _ = client.0.write_all(case);
        assert_eq!(client.receive(), None, "{}", case[..case.len().min(40)].escape_ascii());
    }
    bystander.call("io.ipmpd.Control.Status", json!({}));
}

#[test]
fn what_is_not_understood_is_an_error() {
    let daemon = Daemon::start(one_member());
    let mut client = daemon.client();
    for parameters in [json!({}), json!({ "interface": 7 }), json!({ "interfaces": "eth0" }), json!(null), json!([])] {
        let reply = client.call("io.ipmpd.Control.Offline", parameters);
        assert_eq!(reply["error"], "org.varlink.service.InvalidParameter");
        assert_eq!(reply["parameters"]["parameter"], "interface");
    }
    let reply = client.call("io.ipmpd.Control.Explode", json!({ "when": "now" }));
    assert_eq!(reply["error"], "org.varlink.service.MethodNotFound");
    assert_eq!(reply["parameters"]["method"], "io.ipmpd.Control.Explode");
    client.send(b"{\"method\":\"io.ipmpd.Control.Status\",\"upgrade\":true}\0");
    assert_eq!(client.receive().unwrap()["parameters"]["parameter"], "upgrade");
    // Fields that a newer client knows do no harm.
    let reply = client.call("io.ipmpd.Control.Offline", json!({ "interface": "eth0", "softly": true }));
    assert!(reply.get("error").is_none(), "{reply}");
}

#[test]
fn calls_may_be_sent_ahead() {
    let daemon = Daemon::start(one_member());
    let mut client = daemon.client();
    client.send(&b"{\"method\":\"io.ipmpd.Control.Status\"}\0".repeat(100));
    for _ in 0..100 {
        assert_eq!(client.receive().unwrap()["parameters"]["groups"][0]["name"], "acctg");
    }
    // Nothing is said to a call that wants no reply.
    client.send(b"{\"method\":\"io.ipmpd.Control.Status\",\"oneway\":true}\0");
    let info = client.call("org.varlink.service.GetInfo", json!({}));
    assert_eq!(info["parameters"]["vendor"], "ipmpd");
}

#[test]
fn the_shipped_client_understands_the_server() {
    let daemon = Daemon::start(one_member());
    let mut client = ipmp_control::Client::connect(daemon.directory.path()).unwrap();
    assert_eq!(client.status().unwrap().groups[0].failure_detection_time_ms, Some(1500));
    client.offline("eth0").unwrap();
    let again = client.offline("eth0").unwrap_err();
    assert_eq!(again.to_string(), "eth0 is already offline");
    client.online("eth0").unwrap();
    client.reload().unwrap();
    let refused = client.reload().unwrap_err().to_string();
    assert!(refused.ends_with("ipmpd.toml:1:1: no"), "{refused}");
}
