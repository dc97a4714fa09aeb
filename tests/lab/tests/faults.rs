//! Each fault does what it says and nothing else, and ends when it is mended.

mod common;

use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use common::{HOST, HOST6, client, host, network};
use ipmp_lab::{CLIENT, CLIENT6, Flow, Frames, Network, Report, Result, Way, WireKind, wait_until};

/// Both ways at once: to the host, and from it.
struct Both {
    inbound: Flow,
    outbound: Flow,
}

impl Both {
    fn start(network: &Network) -> Result<Self> {
        let inbound = Flow::one_way(client(network), host(network), 1000)?;
        let outbound = Flow::one_way(host(network), client(network), 1000)?;
        wait_until(Duration::from_secs(5), "both directions to flow", || {
            Ok(inbound.report()?.received > 0 && outbound.report()?.received > 0)
        })?;
        Ok(Both { inbound, outbound })
    }

    /// Over the next 150 ms.
    fn watch(&self) -> Result<[Report; 2]> {
        let since = SystemTime::now();
        sleep(Duration::from_millis(150));
        let until = SystemTime::now();
        Ok([self.inbound.report_between(since, until)?, self.outbound.report_between(since, until)?])
    }

    /// Whether inbound and outbound packets pass, all of them or none.
    fn passes(&self) -> Result<[bool; 2]> {
        let reports = self.watch()?;
        for report in &reports {
            assert!(report.sent > 10 && (report.lost == 0 || report.received == 0), "{report:?}");
        }
        Ok(reports.map(|report| report.lost == 0))
    }
}

#[test]
fn a_silent_port_passes_nothing_and_keeps_its_carrier() -> Result<()> {
    for wire in [WireKind::Veth, WireKind::Cable] {
        let network = network(wire)?;
        let flows = Both::start(&network)?;
        assert_eq!(flows.passes()?, [true, true]);
        network.members[0].silence()?;
        assert_eq!(flows.passes()?, [false, false]);
        assert!(network.host.link("eth0")?.carrier);
        network.members[0].mend()?;
        assert_eq!(flows.passes()?, [true, true]);
    }
    Ok(())
}

#[test]
fn a_cut_of_one_way_leaves_the_other() -> Result<()> {
    for wire in [WireKind::Veth, WireKind::Cable] {
        let network = network(wire)?;
        let member = &network.members[0];
        let flows = Both::start(&network)?;
        // With addresses resolved for good, ARP cannot carry the fault into the other direction.
        for (way, passes) in [(Way::Inbound, [false, true]), (Way::Outbound, [true, false])] {
            member.lose(way, Frames::All, 1.0)?;
            assert_eq!(flows.passes()?, passes, "{wire:?} {way:?}");
            member.lose(way, Frames::All, 0.0)?;
            assert_eq!(flows.passes()?, [true, true], "{wire:?} {way:?} mended");
        }
        assert!(network.host.link("eth0")?.carrier);
    }
    Ok(())
}

#[test]
fn a_filter_meets_only_its_frames() -> Result<()> {
    let network = network(WireKind::Veth)?;
    let member = &network.members[0];
    let flows = Both::start(&network)?;
    for frames in [Frames::Arp, Frames::Icmp, Frames::Icmpv6] {
        Way::BOTH.into_iter().try_for_each(|way| member.lose(way, frames, 1.0))?;
        assert_eq!(flows.passes()?, [true, true], "{frames:?}");
    }
    // Without ARP no neighbour is found any more.
    network.client.flush_neighbours("eth0")?;
    assert!(!flows.passes()?[0]);
    member.mend()?;
    member.lose(Way::Inbound, Frames::Udp, 1.0)?;
    wait_until(Duration::from_secs(5), "ARP to work again", || Ok(network.client.neighbour(HOST)?.is_some()))?;
    assert_eq!(flows.passes()?, [false, true]);
    Ok(())
}

#[test]
fn a_family_is_lost_and_the_other_passes() -> Result<()> {
    let network = network(WireKind::Veth)?;
    let stations = [(HOST, CLIENT.into()), (HOST6, CLIENT6.into())];
    let flows = stations.map(|(host, from)| Flow::round_trip((&network.client, from), (&network.host, host), 1000));
    let [v4, v6] = flows;
    let flows = [v4?, v6?];
    for (frames, passes) in [(Frames::Ipv4, [false, true]), (Frames::Ipv6, [true, false])] {
        for flow in &flows {
            wait_until(Duration::from_secs(5), "packets to arrive", || Ok(flow.report()?.received > 0))?;
        }
        network.members[0].lose(Way::Outbound, frames, 1.0)?;
        let since = SystemTime::now();
        sleep(Duration::from_millis(150));
        for (flow, passes) in flows.iter().zip(passes) {
            let report = flow.report_since(since)?;
            assert!(report.sent > 10 && (report.lost == 0) == passes, "{frames:?}: {report:?}");
        }
        network.members[0].lose(Way::Outbound, frames, 0.0)?;
    }
    Ok(())
}

#[test]
fn long_packets_are_lost_and_short_ones_pass() -> Result<()> {
    /// Of a flow's packet: its payload, and the headers of UDP and IPv4.
    const LENGTH: u16 = 64 + 8 + 20;
    let network = network(WireKind::Veth)?;
    let flows = Both::start(&network)?;
    for (way, longest, passes) in [
        (Way::Inbound, LENGTH, [true, true]),
        (Way::Inbound, LENGTH - 1, [false, true]),
        (Way::Outbound, LENGTH, [true, true]),
        (Way::Outbound, LENGTH - 1, [true, false]),
    ] {
        network.members[0].lose(way, Frames::LongerThan(longest), 1.0)?;
        assert_eq!(flows.passes()?, passes, "{way:?} {longest}");
        network.members[0].lose(way, Frames::LongerThan(longest), 0.0)?;
    }
    Ok(())
}

/// Loss of a share `p` of `n` packets has a deviation of sqrt(n p (1 - p)); beyond six of them lie two in 10^9.
fn assert_share(report: &Report, share: f64) {
    let deviation = (share * (1.0 - share) / report.sent as f64).sqrt();
    let off = (report.loss() - share).abs();
    assert!(off < 6.0 * deviation, "{share} was asked for, {} seen of {}", report.loss(), report.sent);
}

#[test]
fn random_loss_is_of_the_share_that_was_asked_for() -> Result<()> {
    let network = network(WireKind::Veth)?;
    let flow = Flow::one_way(client(&network), host(&network), 10_000)?;
    // A first question for the hardware address that is lost is asked again only a second later.
    wait_until(Duration::from_secs(5), "packets to arrive", || Ok(flow.report()?.received > 0))?;
    for share in [0.05, 0.2, 0.7] {
        network.members[0].lose(Way::Inbound, Frames::Udp, share)?;
        let since = SystemTime::now();
        sleep(Duration::from_millis(500));
        let report = flow.report_since(since)?;
        assert!(report.sent > 500, "{report:?}");
        assert_share(&report, share);
    }
    Ok(())
}

#[test]
fn a_pulled_cable_takes_the_carrier_at_once() -> Result<()> {
    for wire in [WireKind::Veth, WireKind::Cable] {
        let network = network(wire)?;
        let member = &network.members[0];
        let flows = Both::start(&network)?;
        let before = network.host.link("eth0")?.carrier_downs;
        for carrier in [false, true] {
            let start = Instant::now();
            member.set_carrier(carrier)?;
            wait_until(Duration::from_secs(1), "the carrier to change", || {
                Ok(network.host.link("eth0")?.carrier == carrier)
            })?;
            eprintln!("{wire:?}: carrier {carrier} after {:?}", start.elapsed());
            if !carrier {
                assert_eq!(flows.passes()?, [false, false]);
            }
        }
        wait_until(Duration::from_secs(5), "traffic to return", || {
            Ok(flows.watch()?.iter().all(|report| report.lost == 0))
        })?;
        assert_eq!(network.host.link("eth0")?.carrier_downs, before + 1);
    }
    Ok(())
}

#[test]
fn a_nic_that_is_unplugged_comes_back_as_another_of_the_same_name() -> Result<()> {
    for wire in [WireKind::Veth, WireKind::Cable] {
        let mut network = network(wire)?;
        let before = network.host.link("eth0")?;
        network.members[0].unplug()?;
        assert!(!network.host.has_link("eth0")?);
        assert!(!network.switch.has_link("p0")?);
        network.members[0].plug()?;
        let after = network.host.link("eth0")?;
        assert!(after.index != before.index && after.mac != before.mac);
        assert_eq!(after.mac, Some(network.members[0].mac()));
        network.host.add_address("eth0", "192.0.2.50/24".parse().unwrap())?;
        assert_eq!(Both::start(&network)?.passes()?, [true, true]);
    }
    Ok(())
}

#[test]
fn a_nic_that_is_deleted_under_its_cable_can_be_replaced() -> Result<()> {
    let mut network = network(WireKind::Cable)?;
    network.host.delete_link("eth0")?;
    network.members[0].unplug()?;
    network.members[0].plug()?;
    assert!(network.host.link("eth0")?.up);
    Ok(())
}

#[test]
fn the_meter_finds_a_cut_as_long_as_it_was() -> Result<()> {
    let network = network(WireKind::Veth)?;
    let flows = Both::start(&network)?;
    for millis in [20, 100, 400] {
        let since = SystemTime::now();
        sleep(Duration::from_millis(50));
        let cut = Instant::now();
        network.members[0].silence()?;
        let cut_whole = Instant::now();
        sleep(Duration::from_millis(millis));
        let mending = Instant::now();
        network.members[0].mend()?;
        let mended = Instant::now();
        sleep(Duration::from_millis(50));
        let (least, most) = (mending - cut_whole, mended - cut);
        for flow in [&flows.inbound, &flows.outbound] {
            let report = flow.report_since(since)?;
            // A packet every millisecond: it may be two late at either end. What the sender missed at the ends is not
            // in the gap.
            let slack = Duration::from_millis(4);
            let gap = report.longest_gap;
            assert!(gap <= most + slack, "cut for {most:?}: {report:?}");
            assert!(gap + report.longest_stall * 2 + slack >= least, "cut for {least:?}: {report:?}");
        }
    }
    Ok(())
}
