//! The network stands, and its faults are what they say.

use std::net::IpAddr;
use std::thread::sleep;
use std::time::Duration;

use ipmp_lab::{CLIENT, CLIENT6, Flow, Network, REMOTE, REMOTE6, ROUTER, Result};

const HOST: &str = "192.0.2.50";
const HOST6: &str = "2001:db8::50";

/// A network whose host has its addresses on `eth0`.
fn network() -> Result<(Network, IpAddr, IpAddr)> {
    let network = Network::new(2)?;
    let (host, host6): (IpAddr, IpAddr) = (HOST.parse().unwrap(), HOST6.parse().unwrap());
    network.host.add_address("eth0", format!("{HOST}/24").parse().unwrap())?;
    network.host.add_address("eth0", format!("{HOST6}/64").parse().unwrap())?;
    network.host.add_route("0.0.0.0/0".parse().unwrap(), Some(ROUTER.into()), "eth0")?;
    network.host.add_route("::/0".parse().unwrap(), Some(ipmp_lab::ROUTER6.into()), "eth0")?;
    Ok((network, host, host6))
}

#[test]
fn every_station_is_reached_in_both_families_and_both_ways() -> Result<()> {
    let (network, host, host6) = network()?;
    for (station, address, host_address) in [
        (&network.client, CLIENT.into(), host),
        (&network.client, CLIENT6.into(), host6),
        (&network.remote, REMOTE.into(), host),
        (&network.remote, REMOTE6.into(), host6),
    ] {
        let there = Flow::one_way((&network.host, host_address), (station, address), 1000)?;
        let back = Flow::one_way((station, address), (&network.host, host_address), 1000)?;
        let round = Flow::round_trip((station, address), (&network.host, host_address), 1000)?;
        sleep(Duration::from_millis(200));
        for (flow, what) in [(there, "there"), (back, "back"), (round, "round")] {
            let report = flow.stop()?;
            assert!(report.sent > 20, "{address} {what}: {report:?}");
            assert_eq!(report.lost, 0, "{address} {what}: {report:?}");
        }
    }
    Ok(())
}
