//! The network stands: everyone reaches everyone, and what is listed is what was made.

mod common;

use std::net::IpAddr;
use std::thread::sleep;
use std::time::Duration;

use common::{HOST, HOST6, network};
use ipmp_lab::{
    CLIENT, CLIENT6, Flow, MacAddr, Namespace, Plan, REMOTE, REMOTE6, ROUTER, Result, WireKind, wait_until,
};

#[test]
fn every_station_is_reached_in_both_families_and_both_ways() -> Result<()> {
    let network = network(WireKind::Veth)?;
    for (station, address, host) in [
        (&network.client, CLIENT.into(), HOST),
        (&network.client, CLIENT6.into(), HOST6),
        (&network.remote, REMOTE.into(), HOST),
        (&network.remote, REMOTE6.into(), HOST6),
    ] {
        let flows = [
            Flow::one_way((&network.host, host), (station, address), 1000)?,
            Flow::one_way((station, address), (&network.host, host), 1000)?,
            Flow::round_trip((station, address), (&network.host, host), 1000)?,
        ];
        sleep(Duration::from_millis(100));
        for flow in flows {
            let report = flow.stop()?;
            assert!(report.sent > 10, "{address}: {report:?}");
            assert_eq!(report.lost, 0, "{address}: {report:?}");
        }
    }
    Ok(())
}

#[test]
fn a_station_that_is_added_is_one_more_on_the_lan() -> Result<()> {
    let network = network(WireKind::Veth)?;
    let (station, port) = network.add_station(1)?;
    station.add_address("eth0", "192.0.2.8/24".parse().unwrap())?;
    let address: IpAddr = "192.0.2.8".parse().unwrap();
    let flow = Flow::round_trip((&network.client, CLIENT.into()), (&station, address), 1000)?;
    wait_until(Duration::from_secs(5), "packets to arrive", || Ok(flow.report()?.received > 10))?;
    drop(flow);
    assert_eq!(network.client.neighbour(address)?, station.link("eth0")?.mac);
    port.set_up(false)?;
    wait_until(Duration::from_secs(5), "it to lose its carrier", || Ok(!station.link("eth0")?.carrier))
}

#[test]
fn a_router_that_advertises_itself_becomes_the_default_router_of_who_listens() -> Result<()> {
    let network = Plan::default().build()?;
    let by_advertisement = || -> Result<Vec<String>> {
        let routes = network.host.routes()?.into_iter();
        let default = routes.filter(|route| route.to.prefix_len() == 0 && route.to.addr().is_ipv6());
        Ok(default.flat_map(|route| route.legs).map(|leg| leg.link).collect())
    };
    assert!(by_advertisement()?.is_empty());
    network.router.advertise_router("lan0", Duration::from_secs(1800))?;
    wait_until(Duration::from_secs(5), "a default route by each NIC", || Ok(by_advertisement()?.len() == 2))?;
    network.router.advertise_router("lan0", Duration::ZERO)?;
    wait_until(Duration::from_secs(5), "the routes to go", || Ok(by_advertisement()?.is_empty()))
}

#[test]
fn members_on_two_switches_are_joined_by_the_trunk_alone() -> Result<()> {
    let network = Plan { trunk: true, ..Plan::default() }.build()?;
    network.host.add_address("eth0", "192.0.2.50/24".parse().unwrap())?;
    network.host.add_address("eth1", "198.51.100.50/24".parse().unwrap())?;
    network.client.add_address("eth0", "198.51.100.8/24".parse().unwrap())?;
    network.host.set_sysctl("net/ipv4/conf/all/arp_ignore", "1")?;
    let passes = |host: &str, client: &str| {
        let (host, client): (IpAddr, IpAddr) = (host.parse().unwrap(), client.parse().unwrap());
        let flow = Flow::one_way((&network.client, client), (&network.host, host), 1000)?;
        sleep(Duration::from_millis(50));
        Ok::<_, ipmp_lab::Error>(flow.stop()?.received > 0)
    };
    let (near, far) = (["192.0.2.50", "192.0.2.7"], ["198.51.100.50", "198.51.100.8"]);
    assert!(passes(near[0], near[1])? && passes(far[0], far[1])?);
    let trunk = network.trunk.as_ref().expect("a trunk was asked for");
    trunk.set_forwarding(false)?;
    assert!(passes(near[0], near[1])? && !passes(far[0], far[1])?);
    trunk.mend()?;
    wait_until(Duration::from_secs(5), "the trunk to pass", || passes(far[0], far[1]))
}

#[test]
fn links_addresses_routes_and_neighbours_are_listed_as_they_were_made() -> Result<()> {
    let network = network(WireKind::Veth)?;
    let host = &network.host;

    let eth1 = host.link("eth1")?;
    assert!(eth1.up && eth1.carrier);
    assert_eq!(eth1.mac, Some(network.members[1].mac()));
    host.set_mac("eth1", MacAddr::new(2, 0, 0, 9, 9, 9))?;
    host.rename("eth1", "spare")?;
    assert_eq!(host.link("spare")?.mac, Some(MacAddr::new(2, 0, 0, 9, 9, 9)));
    assert!(!host.has_link("eth1")?);
    assert!(host.link("eth1").unwrap_err().to_string().contains("eth1"));

    assert_eq!(host.links_with(HOST)?, ["eth0"]);
    host.delete_address("eth0", "192.0.2.50/24".parse().unwrap())?;
    assert!(host.links_with(HOST)?.is_empty());
    host.add_address("eth0", "192.0.2.50/24".parse().unwrap())?;

    // The route went with the address that its gateway was reached by.
    let default =
        |family: &str| host.routes().map(|routes| routes.into_iter().find(|route| route.to.to_string() == family));
    assert_eq!(default("0.0.0.0/0")?, None);
    host.add_route("0.0.0.0/0".parse().unwrap(), Some(ROUTER.into()), "eth0")?;
    let route = default("0.0.0.0/0")?.expect("it was added");
    assert_eq!((route.legs[0].link.as_str(), route.legs[0].via), ("eth0", Some(ROUTER.into())));
    host.delete_route(&route)?;
    assert_eq!(default("0.0.0.0/0")?, None);
    let route = default("::/0")?.expect("it was made with the network");
    host.delete_route(&route)?;
    assert_eq!(default("::/0")?, None);

    let flow = Flow::round_trip((&network.client, CLIENT.into()), (host, HOST), 1000)?;
    sleep(Duration::from_millis(20));
    assert_eq!(flow.stop()?.lost, 0);
    assert_eq!(network.client.neighbour(HOST)?, Some(network.members[0].mac()));
    network.client.flush_neighbours("eth0")?;
    assert_eq!(network.client.neighbour(HOST)?, None);
    Ok(())
}

#[test]
fn what_the_kernel_refuses_is_told_in_its_words() -> Result<()> {
    let namespace = Namespace::new()?;
    namespace.add_bridge("br0")?;
    let error = namespace.add_bridge("br0").unwrap_err().to_string();
    assert!(error.starts_with("make bridge br0: ") && error.contains("exists"), "{error}");
    Ok(())
}

#[test]
fn a_namespace_has_settings_and_processes_of_its_own() -> Result<()> {
    let (one, other) = (Namespace::new()?, Namespace::new()?);
    one.set_sysctl("net/ipv4/ip_forward", "1")?;
    assert_eq!((one.sysctl("net/ipv4/ip_forward")?, other.sysctl("net/ipv4/ip_forward")?), ("1".into(), "0".into()));
    let inside = |namespace: &Namespace| namespace.run(|| std::fs::read_link("/proc/thread-self/ns/net").unwrap());
    let output = one.command("readlink").arg("/proc/self/ns/net").output().expect("readlink runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), inside(&one)?.to_string_lossy());
    assert_ne!(inside(&one)?, inside(&other)?);
    Ok(())
}
