//! IPv4 and IPv6 on one member: one may die alone, be missing, or find its router by itself.

use std::net::IpAddr;
use std::time::Duration;

use ipmp_e2e::{Family, PATIENCE, Site, Story};
use ipmp_lab::{Frames, Mark, Result, Way, wait_until};

ipmp_e2e::in_cases!(a_family_that_dies_on_a_member_leaves_it_and_the_other_stays: dual, dual_bare);
ipmp_e2e::in_cases!(a_member_without_ipv6_carries_none_and_that_is_told_once: dual, dual_bare);
ipmp_e2e::in_cases!(a_link_local_address_that_is_tentative_is_waited_for: ipv6_bare, dual_bare);
ipmp_e2e::in_cases!(a_router_that_advertises_itself_becomes_the_target: ipv6_bare, dual_bare);

/// Where the two data addresses of a family are.
fn homes(site: &Site, family: Family) -> Result<Vec<String>> {
    let homes = (0..2).map(|number| site.links_with(family.data_address(number)));
    Ok(homes.collect::<Result<Vec<_>>>()?.concat())
}

fn wait_homes(site: &Site, family: Family, wanted: &[&str]) -> Result<()> {
    wait_until(PATIENCE, &format!("{} data addresses on {wanted:?}", family.name()), || {
        let mut homes = homes(site, family)?;
        homes.sort();
        Ok(homes == wanted)
    })
}

fn wait_ways_out(site: &Site, family: Family, links: &[&str]) -> Result<()> {
    site.wait_ways_out_of(family, &links.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn a_family_that_dies_on_a_member_leaves_it_and_the_other_stays(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    for (family, other, frames) in
        [(Family::V6, Family::V4, &[Frames::Ipv6][..]), (Family::V4, Family::V6, &[Frames::Ipv4, Frames::Arp])]
    {
        let lose = |site: &Site, share| -> Result<()> {
            let all = Way::BOTH.into_iter().flat_map(|way| frames.iter().map(move |frames| (way, *frames)));
            all.into_iter().try_for_each(|(way, frames)| site.network.members[0].lose(way, frames, share))
        };
        let (mark, stays) = (site.daemon.mark(), homes(&site, other)?);
        lose(&site, 1.0)?;
        let failed = site.wait_event(mark, "family_failed", "eth0")?;
        assert!(failed.has("family", family.name()), "{failed}");
        wait_homes(&site, family, &["eth1", "eth1"])?;
        wait_ways_out(&site, family, &["eth1"])?;
        assert_eq!((homes(&site, other)?, site.ways_out_of(other)?.len()), (stays.clone(), 2));
        let row = site.interface("eth0");
        assert_eq!((&row["state"], &row["active"]), (&"degraded".into(), &true.into()), "{row}");
        assert_eq!(site.flow(0)?.report()?.lost, 0);

        lose(&site, 0.0)?;
        let repaired = site.wait_event(mark, "family_repaired", "eth0")?;
        assert!(repaired.has("family", family.name()), "{repaired}");
        wait_homes(&site, family, &["eth0", "eth1"])?;
        wait_ways_out(&site, family, &["eth0", "eth1"])?;
        assert_eq!((homes(&site, other)?, site.interface("eth0")["state"].clone()), (stays, "ok".into()));
        for event in ["interface_failed", "group_failed"] {
            assert!(site.daemon.events(mark, event).is_empty(), "{event}");
        }
    }
    Ok(())
}

fn a_member_without_ipv6_carries_none_and_that_is_told_once(story: Story) -> Result<()> {
    let network = story.plan.build()?;
    let disable = "net/ipv6/conf/eth0/disable_ipv6";
    network.host.set_sysctl(disable, "1")?;
    let mut site = story.start_in(network)?;
    wait_homes(&site, Family::V6, &["eth1", "eth1"])?;
    wait_homes(&site, Family::V4, &["eth0", "eth1"])?;
    site.wait_replies_of("eth1", 20)?;
    let told = site.daemon.events(Mark::START, "inhomogeneous");
    assert!(told.len() == 1 && told[0].has("interface", "eth0") && told[0].has("family", "inet6"), "{told:?}");
    assert_eq!((site.status("-g")[0]["state"].clone(), site.ways_out_of(Family::V4)?.len()), ("ok".into(), 2));

    let mark = site.daemon.mark();
    site.network.host.set_sysctl(disable, "0")?;
    site.wait_event(mark, "homogeneous", "eth0")?;
    wait_homes(&site, Family::V6, &["eth0", "eth1"])?;
    assert!(site.daemon.events(mark, "interface_failed").is_empty());
    Ok(())
}

/// Everywhere else in the laboratory addresses are usable at once.
fn a_link_local_address_that_is_tentative_is_waited_for(story: Story) -> Result<()> {
    let mut network = story.plan.build()?;
    for which in ["all", "default"] {
        network.host.set_sysctl(&format!("net/ipv6/conf/{which}/accept_dad"), "1")?;
    }
    network.members[0].unplug()?;
    network.members[0].plug()?;
    let tentative = |address: &ipmp_lab::Address| address.link == "eth0" && address.tentative;
    wait_until(PATIENCE, "an address that is tentative", || Ok(network.host.addresses()?.iter().any(tentative)))?;
    let mut site = story.begin_in(network)?;
    site.wait_replies(5)?;
    assert_eq!(site.verdicts(Mark::START).len(), 0, "{:?}", site.verdicts(Mark::START));
    assert!(site.daemon.events(Mark::START, "prober_failed").is_empty());
    Ok(())
}

fn a_router_that_advertises_itself_becomes_the_target(story: Story) -> Result<()> {
    // It answers no multicast echo, as routers do.
    let network = story.plan.build()?;
    for station in [&network.router, &network.client] {
        station.set_sysctl("net/ipv6/icmp/echo_ignore_multicast", "1")?;
    }
    let mut site = Story { targets: vec![], gateway: false, ..story }.start_in(network)?;
    site.wait_bound(2)?;
    let addresses = site.network.router.addresses()?;
    let link_local = |address: &ipmp_lab::Address| match address.address.addr() {
        IpAddr::V6(v6) => (address.link == "lan0" && v6.is_unicast_link_local()).then_some(v6.to_string()),
        IpAddr::V4(_) => None,
    };
    let router = addresses.iter().find_map(link_local).expect("it has a link-local address");
    site.network.router.advertise_router("lan0", Duration::from_secs(1800))?;
    let found = |site: &Site| {
        let rows = site.status("-t");
        let of_router = rows.as_array().into_iter().flatten().filter(|row| {
            let targets = row["targets"].as_array().into_iter().flatten();
            let mut answering = targets.filter(|target| !target["rtt_us"].is_null());
            row["mode"] == "routes" && answering.any(|target| target["address"] == router.as_str())
        });
        of_router.count()
    };
    wait_until(PATIENCE, "the router to be probed by both members", || Ok(found(&site) == 2))?;
    let mark = site.daemon.mark();
    site.network.members[0].silence()?;
    let failed = site.wait_event(mark, "interface_failed", "eth0")?;
    // In IPv4 there are only the other member's addresses, which may tell first.
    let told = failed.field("reason").is_some_and(|reason| reason.contains(&router));
    assert!(told || site.families.len() > 1, "{failed}");
    site.wait_holder(0, "eth1")
}
