//! The stream of probes, as clients see it.

use std::os::fd::AsFd;

use ipmp_core::{ProbeId, ProbeKind, ProbeOutcome, ProbeReport};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::time::{ClockId, clock_gettime};

use super::*;

const WATCH: &[u8] = b"{\"method\":\"io.ipmpd.Control.Probes\",\"more\":true}\0";

/// Reports of a second; "thousands".
const RATE: u64 = 10_000;

/// What the main loop may spend on one report, on a busy machine and without optimisation. It spends a
/// hundredth of it.
const COST_MAX: Duration = Duration::from_micros(100);

fn report(number: u64, outcome: ProbeOutcome) -> ProbeReport {
    ProbeReport {
        probe: ProbeId(number),
        member: "eth0".parse().unwrap(),
        kind: ProbeKind::Icmp,
        target: TARGET,
        sent: NOW + Duration::from_micros(number),
        outcome,
        rtt: Some((Duration::from_micros(400), Duration::from_micros(30))),
    }
}

impl Client {
    /// Begins to watch; what is reported after this is told or counted.
    fn watch(&mut self) {
        self.send(WATCH);
        let begun = self.receive().expect("an answer");
        assert_eq!(begun, json!({ "parameters": { "missed": 0, "probes": [] }, "continues": true }));
    }

    pub(super) fn is_hung_up(&self) -> bool {
        let mut polled = [PollFd::new(self.0.as_fd(), PollFlags::empty())];
        poll(&mut polled, PollTimeout::ZERO).unwrap();
        polled[0].revents().unwrap().contains(PollFlags::POLLHUP)
    }
}

#[test]
fn each_probe_is_told_to_each_who_watches() {
    let mut daemon = Daemon::start(one_member());
    let mut clients = [daemon.client(), daemon.client(), daemon.client()];
    clients.iter_mut().for_each(Client::watch);

    let (network, total) = (Duration::from_micros(308), Duration::from_micros(441));
    daemon.feed.show(report(7, ProbeOutcome::Acked { network, total }));
    let mut early = report(8, ProbeOutcome::Lost);
    early.sent = NOW - Duration::from_millis(20);
    early.rtt = None;
    early.kind = ProbeKind::Transitive;
    daemon.feed.show(early);
    let expected = [
        json!({
            "probe": 7,
            "interface": "eth0",
            "kind": "icmp",
            "target": "192.0.2.1",
            "sent_us": 7,
            "outcome": "acked",
            "network_rtt_us": 308,
            "rtt_us": 441,
            "average_rtt_us": 400,
            "rtt_deviation_us": 30,
        }),
        json!({
            "probe": 8,
            "interface": "eth0",
            "kind": "transitive",
            "target": "192.0.2.1",
            "sent_us": -20000,
            "outcome": "lost",
            "network_rtt_us": null,
            "rtt_us": null,
            "average_rtt_us": null,
            "rtt_deviation_us": null,
        }),
    ];
    for client in &mut clients {
        let mut told = Vec::new();
        while told.len() < expected.len() {
            let reply = client.receive().expect("the stream goes on");
            assert_eq!((&reply["continues"], &reply["parameters"]["missed"]), (&json!(true), &json!(0)));
            told.extend(reply["parameters"]["probes"].as_array().unwrap().clone());
        }
        assert_eq!(told, expected);
    }
}

#[test]
fn who_leaves_is_no_longer_told() {
    let daemon = Daemon::start(one_member());
    assert!(!daemon.feed.is_watched());
    let mut client = daemon.client();
    client.watch();
    assert!(daemon.feed.is_watched());
    drop(client);
    wait_until("nobody watches", || !daemon.feed.is_watched());

    // Nor is one who says anything more.
    let mut client = daemon.client();
    client.watch();
    client.send(WATCH);
    assert_eq!(client.receive(), None);
    wait_until("nobody watches", || !daemon.feed.is_watched());
}

#[test]
fn a_stream_has_to_be_asked_for_as_one() {
    let daemon = Daemon::start(one_member());
    let mut client = daemon.client();
    assert_eq!(client.call("io.ipmpd.Control.Probes", json!({}))["error"], "org.varlink.service.ExpectedMore");
    // It may go on with something else, and then watch.
    client.call("io.ipmpd.Control.Status", json!({}));
    client.watch();
}

#[test]
fn nothing_to_watch_is_an_error() {
    let daemon = Daemon::start(|request| match request {
        Request::Status(answer) => drop(answer.send((Status::default(), NOW))),
        _ => unreachable!("nobody asks"),
    });
    let mut client = daemon.client();
    client.send(WATCH);
    assert_eq!(client.receive().unwrap()["error"], "io.ipmpd.Control.NothingProbed");
    assert!(!daemon.feed.is_watched());
    let shipped = ipmp_control::Client::connect(daemon.directory.path()).unwrap();
    let refused = shipped.watch().unwrap_err().to_string();
    assert_eq!(refused, "there are no probes to show: no interface has probe-based failure detection enabled");
}

#[test]
fn strangers_may_watch() {
    let mut daemon = Daemon::start(one_member());
    let socket = daemon.socket();
    let watching = as_user(STRANGER, move || {
        let mut client = Client::connect(&socket);
        client.watch();
        client
    });
    if let Some(mut client) = watching {
        daemon.feed.show(report(1, ProbeOutcome::Lost));
        assert_eq!(client.receive().unwrap()["parameters"]["probes"][0]["probe"], 1);
    }
}

#[test]
fn the_shipped_client_follows() {
    let mut daemon = Daemon::start(one_member());
    let mut watch = ipmp_control::Client::connect(daemon.directory.path()).unwrap().watch().unwrap();
    daemon.feed.show(report(1, ProbeOutcome::Lost));
    assert_eq!(watch.fetch().unwrap().probes[0].probe, 1);
    drop(daemon);
    assert_eq!(watch.fetch().unwrap_err().to_string(), "ipmpd has hung up");
}

/// Thousands of reports a second, some clients that watch and never read, one that reads, one that asks.
#[test]
fn a_flood_delays_nobody_and_who_stalls_is_cut_off_alone() {
    let mut daemon = Daemon::start(one_member());
    let mut stalled: Vec<Client> = (0..8).map(|_| daemon.client()).collect();
    stalled.iter_mut().for_each(Client::watch);
    let mut reader = daemon.client();
    reader.watch();
    let reading = thread::spawn(move || {
        let mut counted = 0;
        while let Some(reply) = reader.receive() {
            let probes = reply["parameters"]["probes"].as_array().unwrap();
            counted += reply["parameters"]["missed"].as_u64().unwrap() + probes.len() as u64;
            assert_eq!(probes.last().unwrap()["probe"], counted - 1, "each is told or counted");
        }
        counted
    });

    let mut bystander = daemon.client();
    let (mut shown, mut spent) = (0, Duration::ZERO);
    wait_until("those who stall are cut off", || {
        let before = cpu_time();
        for _ in 0..RATE / 100 {
            daemon.feed.show(report(shown, ProbeOutcome::Lost));
            shown += 1;
        }
        spent += cpu_time() - before;
        bystander.call("io.ipmpd.Control.Status", json!({}));
        stalled.iter().all(Client::is_hung_up)
    });
    let cost = spent / u32::try_from(shown).unwrap();
    assert!(cost < COST_MAX, "a report takes {cost:?}");
    drop(daemon);
    let counted = reading.join().unwrap();
    assert!(counted > RATE, "{counted} of {shown}");
}

/// What this thread has used of the processor: however busy the machine is with others.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

/// Looks a hundred times a second.
pub(super) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !done() {
        assert!(std::time::Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}
