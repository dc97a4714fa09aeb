//! What listens hears what there is to hear, and nothing where there is nothing.

mod common;

use std::net::IpAddr;
use std::thread::sleep;
use std::time::Duration;

use common::{HOST, HOST6, client, host, network};
use ipmp_lab::{
    CLIENT, CLIENT6, Change, ClaimKind, Flow, Monitor, Namespace, Result, Sniffer, Stream, WireKind, wait_until,
};

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn a_sniffer_hears_who_asks_and_who_answers_in_both_families() -> Result<()> {
    let network = network(WireKind::Veth)?;
    let cases: [(IpAddr, IpAddr, ClaimKind, ClaimKind); 2] = [
        (HOST, CLIENT.into(), ClaimKind::ArpRequest, ClaimKind::ArpReply),
        (HOST6, CLIENT6.into(), ClaimKind::Solicitation, ClaimKind::Advertisement { overrides: true }),
    ];
    for (host, client, question, answer) in cases {
        network.client.flush_neighbours("eth0")?;
        let sniffer = Sniffer::start(&network.client, "eth0")?;
        let flow = Flow::one_way((&network.client, client), (&network.host, host), 1000)?;
        wait_until(PATIENCE, "a packet", || Ok(flow.report()?.received > 0))?;
        let claims = sniffer.claims()?;
        let asked = claims.iter().find(|claim| claim.sent && claim.kind == question && claim.target == host);
        let asked = asked.unwrap_or_else(|| panic!("no question in {claims:?}"));
        assert!(!asked.is_announcement());
        let answered = claims.iter().find(|claim| !claim.sent && claim.kind == answer && claim.address == host);
        let answered = answered.unwrap_or_else(|| panic!("no answer in {claims:?}"));
        let nic = network.members[0].mac();
        assert_eq!((answered.mac, answered.source), (Some(nic), nic));
        assert!(answered.at >= asked.at);
    }
    Ok(())
}

#[test]
fn a_monitor_tells_what_changed_and_is_silent_where_nothing_does() -> Result<()> {
    let namespace = Namespace::new()?;
    namespace.add_bridge("br0")?;
    namespace.set_up("br0")?;
    let mut monitor = Monitor::start(&namespace)?;
    sleep(Duration::from_millis(50));
    assert_eq!(monitor.writes()?, []);

    namespace.add_address("br0", "192.0.2.50/24".parse().unwrap())?;
    let changes = monitor.writes()?;
    let added = |change: &Change| matches!(change, Change::Address { gone: false, address } if address.link == "br0" && address.address.addr() == HOST);
    assert!(changes.iter().any(added), "{changes:?}");
    assert!(changes.iter().any(|change| matches!(change, Change::Route { gone: false, .. })), "{changes:?}");

    namespace.delete_link("br0")?;
    let changes = monitor.writes()?;
    let gone = |change: &Change| matches!(change, Change::Link { gone: true, link } if link.name == "br0");
    assert!(changes.iter().any(gone), "{changes:?}");
    Ok(())
}

#[test]
fn a_stream_survives_a_cut_and_tells_how_long_it_was() -> Result<()> {
    let network = network(WireKind::Veth)?;
    let mut stream = Stream::start(client(&network), host(&network))?;
    wait_until(PATIENCE, "100 kB", || Ok(stream.report().bytes > 100_000))?;
    stream.forget_silence();
    network.members[0].silence()?;
    let before = stream.report().bytes;
    sleep(Duration::from_millis(300));
    network.members[0].mend()?;
    wait_until(PATIENCE, "the stream to go on", || Ok(stream.report().bytes > before + 100_000))?;
    let report = stream.report();
    assert!(report.longest_silence >= Duration::from_millis(290), "{report:?}");
    assert_eq!((report.damaged, report.broken), (false, None));
    Ok(())
}

#[test]
fn a_stream_that_is_broken_says_so() -> Result<()> {
    let network = network(WireKind::Veth)?;
    // Gives up after two retransmissions.
    network.client.set_sysctl("net/ipv4/tcp_retries2", "2")?;
    let mut stream = Stream::start(client(&network), host(&network))?;
    wait_until(PATIENCE, "10 kB", || Ok(stream.report().bytes > 10_000))?;
    network.members[0].silence()?;
    wait_until(Duration::from_secs(30), "the stream to break", || Ok(stream.report().broken.is_some()))
}
