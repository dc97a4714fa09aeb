//! A made-up minute: what the daemon would have told.

use std::time::Duration;

use ipmp_cli::watch::View;
use ipmp_control::{Event, Events, Field, Probe, ProbeKind, ProbeOutcome, Probes, Snapshot};

/// When it is drawn.
pub const NOW: Duration = Duration::from_secs(1_700_000_060);

/// Everything that `ipmpstat` is tested with.
pub fn everything() -> Snapshot {
    serde_json::from_str(include_str!("../snapshot.json")).unwrap()
}

/// A view to which a minute was told.
pub fn view(snapshot: Snapshot) -> View {
    let mut view = View::new("web1");
    for (member, base_us, jitter_us) in [("eth0", 380, 60), ("eth1", 420, 90), ("eth2", 900, 200), ("eth6", 250, 30)] {
        for second in 0..60 {
            view.probes(NOW - Duration::from_secs(59 - second), &probe(member, second, base_us, jitter_us));
        }
    }
    view.events(events());
    view.status(NOW - Duration::from_millis(1500), snapshot);
    view
}

/// One of each second: eth1 loses some for a while, and then all for a while; eth6 is probed every other second.
fn probe(member: &str, second: u64, base_us: u64, jitter_us: u64) -> Probes {
    let lost = member == "eth1" && (40..54).contains(&second);
    let some = member == "eth1" && (30..34).contains(&second);
    let rtt_us = base_us + second * second * 7919 % (2 * jitter_us + 1);
    let probe = |lost: bool| Probe {
        probe: second,
        interface: member.to_owned(),
        kind: ProbeKind::Arp,
        target: "192.0.2.1".parse().unwrap(),
        sent_us: 0,
        outcome: if lost { ProbeOutcome::Lost } else { ProbeOutcome::Acked },
        network_rtt_us: (!lost).then_some(rtt_us),
        rtt_us: (!lost).then_some(rtt_us),
        average_rtt_us: None,
        rtt_deviation_us: None,
    };
    let probes = match (member, second % 2) {
        ("eth6", 0) => vec![],
        _ if some => vec![probe(true), probe(false)],
        _ => vec![probe(lost)],
    };
    Probes { missed: 0, probes }
}

/// What happened.
pub fn events() -> Events {
    let reason = "5 consecutive probes lost to 192.0.2.1 192.0.2.9; last reply 7140 ms before, RTT 0.41 ms";
    let told = [
        (3700, "notice", "ipmpd 0.1.0 has started", None),
        (3699, "notice", "ipmpd is ready: 1 group: ipmp0 ok (eth0 eth1 eth2)", None),
        (20, "error", "IP interface failure detected on eth1 of group acctg", Some(reason)),
        (20, "notice", "Data address 192.0.2.51 moved from eth1 to eth2", None),
        (5, "notice", "The configuration was changed: 192.0.2.52 of ipmp0 is down", None),
    ];
    let event = |(number, (ago, level, message, reason)): (u64, (u64, &str, &str, Option<&str>))| Event {
        number,
        time_us: (NOW.as_secs() - ago) * 1_000_000,
        level: level.to_owned(),
        event: String::new(),
        message: message.to_owned(),
        fields: reason.map(|value| Field { name: "reason".to_owned(), value: value.to_owned() }).into_iter().collect(),
    };
    Events { missed: 0, events: (1..).zip(told).map(event).collect() }
}
