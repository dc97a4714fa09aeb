//! Each impairment of a cable is of the size that was asked for, and the carrier of a TAP is told as late as that of
//! a real NIC.

mod common;

use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use common::{client, host, network};
use ipmp_lab::{Change, End, Flow, Impairment, Monitor, Network, Report, Result, Way, WireKind, wait_until};

/// What a flow to the host suffers within half a second.
fn suffer(network: &Network, impairment: Impairment) -> Result<Report> {
    let cable = network.members[0].cable().expect("the wire is a cable");
    eprintln!("seed {} {impairment:?}", cable.seed());
    let flow = Flow::one_way(client(network), host(network), 5000)?;
    wait_until(Duration::from_secs(10), "a packet", || Ok(flow.report()?.received > 0))?;
    cable.impair(Way::Inbound, impairment)?;
    let since = SystemTime::now();
    sleep(Duration::from_millis(500));
    let report = flow.report_since(since)?;
    assert!(report.sent > 200, "{report:?}");
    cable.mend()?;
    Ok(report)
}

/// Of `n` packets, a share `p` has a deviation of sqrt(n p (1 - p)); beyond six of them lie two in 10^9.
fn assert_share(seen: u64, of: u64, share: f64) {
    let deviation = (share * (1.0 - share) / of as f64).sqrt();
    let seen = seen as f64 / of as f64;
    assert!((seen - share).abs() < 6.0 * deviation, "{share} was asked for, {seen} seen of {of}");
}

#[test]
fn shares_are_as_asked_for() -> Result<()> {
    let network = network(WireKind::Cable)?;
    let report = suffer(&network, Impairment { loss: 0.2, ..Impairment::default() })?;
    assert_share(report.lost, report.sent, 0.2);
    let report = suffer(&network, Impairment { duplicate: 0.1, ..Impairment::default() })?;
    assert_share(report.duplicated, report.sent, 0.1);
    // A flipped bit in the padding of a short frame, or in the Ethernet source, is no harm.
    let report = suffer(&network, Impairment { corrupt: 0.3, ..Impairment::default() })?;
    assert!((0.2..0.36).contains(&report.loss()), "{report:?}");
    Ok(())
}

#[test]
fn bursts_lose_runs_of_packets() -> Result<()> {
    let network = network(WireKind::Cable)?;
    let report = suffer(&network, Impairment { burst: Some((0.01, 0.1)), ..Impairment::default() })?;
    // One in eleven, ten at a time. Alone, no ten would follow each other.
    assert!((0.03..0.2).contains(&report.loss()), "{report:?}");
    assert!(report.longest_run_lost >= 10, "{report:?}");
    Ok(())
}

#[test]
fn a_delay_delays_and_what_is_reordered_overtakes() -> Result<()> {
    let network = network(WireKind::Cable)?;
    let delay = Duration::from_millis(40);
    let report = suffer(&network, Impairment { delay, ..Impairment::default() })?;
    assert_eq!(report.lost, 0);
    assert!(report.median_delay >= delay && report.median_delay < delay + delay / 2, "{report:?}");
    let jitter = Duration::from_millis(30);
    let report = suffer(&network, Impairment { delay, jitter, ..Impairment::default() })?;
    assert!(report.longest_delay >= delay + jitter / 2, "{report:?}");
    let report = suffer(&network, Impairment { delay, reorder: 0.7, ..Impairment::default() })?;
    assert!(report.median_delay < delay / 2 && report.longest_delay >= delay, "{report:?}");
    Ok(())
}

#[test]
fn nothing_passes_without_carrier_at_either_end() -> Result<()> {
    let network = network(WireKind::Cable)?;
    let cable = network.members[0].cable().expect("the wire is a cable");
    let flow = Flow::round_trip(client(&network), host(&network), 1000)?;
    let passes = |flow: &Flow| {
        let since = SystemTime::now();
        sleep(Duration::from_millis(50));
        Ok::<_, ipmp_lab::Error>(flow.report_since(since)?.received > 0)
    };
    for end in [End::A, End::B] {
        wait_until(Duration::from_secs(10), "the flow", || passes(&flow))?;
        cable.set_carrier(end, false)?;
        assert!(!passes(&flow)?, "{end:?}");
        cable.set_carrier(end, true)?;
    }
    Ok(())
}

/// The kernel holds carrier events of devices like these back, one batch a second for all of the system. Other tests
/// have such events too and may hasten one of ours, but not one after the other.
#[test]
fn the_second_of_two_carrier_losses_is_told_late_and_seen_at_once_by_who_looks() -> Result<()> {
    let network = network(WireKind::Cable)?;
    let mut late = Vec::new();
    for _ in 0..10 {
        let mut monitor = Monitor::start(&network.host)?;
        let mut told = |name: &str, since: Instant| {
            wait_until(Duration::from_secs(5), "the carrier loss to be told", || {
                let lost =
                    |change: &Change| matches!(change, Change::Link { link, .. } if link.name == name && !link.carrier);
                Ok(monitor.changes()?.iter().any(lost))
            })?;
            Ok::<_, ipmp_lab::Error>(since.elapsed())
        };
        network.members[0].set_carrier(false)?;
        told("eth0", Instant::now())?;
        network.members[1].set_carrier(false)?;
        late.push(told("eth1", Instant::now())?);
        network.members.iter().try_for_each(|member| member.set_carrier(true))?;
        wait_until(Duration::from_secs(5), "carriers", || Ok(network.host.links()?.iter().all(|link| link.running)))?;
        if late.last() > Some(&Duration::from_millis(200)) {
            break;
        }
    }
    eprintln!("told after {late:?}");
    assert!(late.last() > Some(&Duration::from_millis(200)), "{late:?}");

    network.members[0].set_carrier(false)?;
    network.members[1].set_carrier(false)?;
    assert!(!network.host.link("eth1")?.carrier);
    Ok(())
}
