//! Routers that are sparing with answers, that move, and that answer for others.

use std::time::Duration;

use ipmp_e2e::{Family, PATIENCE, Site, Story};
use ipmp_lab::{MacAddr, Mark, Namespace, Result, wait_until};
use serde_json::Value;

// Without test addresses nothing depends on ICMP; with them it is what is probed with.
ipmp_e2e::in_cases!(who_drops_icmp_is_a_target_all_the_same: ipv4_bare, ipv6_bare, dual_bare);
ipmp_e2e::in_cases!(where_arp_is_wanted_a_test_address_changes_nothing: ipv4, ipv6, dual);
ipmp_e2e::in_every_case!(
    where_icmp_is_wanted_who_drops_it_fails_the_group_and_moves_nothing,
    who_answers_some_echoes_is_a_target_all_the_same,
    an_address_that_moves_to_another_router_is_no_failure,
);
ipmp_e2e::in_cases!(what_a_proxy_proves: ipv4, ipv4_bare, ipv6, ipv6_bare);

/// Has a station answer no echo requests, or all again.
fn ignore_echoes(station: &Namespace, ignore: bool) -> Result<()> {
    let value = if ignore { "1" } else { "0" };
    station.set_sysctl("net/ipv4/icmp_echo_ignore_all", value)?;
    station.set_sysctl("net/ipv6/icmp/echo_ignore_all", value)
}

/// A group whose targets are its routers.
fn with_routers(story: Story, group: &str) -> Story {
    Story { targets: story.routers(), group: group.into(), detection: Duration::from_millis(500), ..story }
}

/// What each member is probed with, by family.
fn kinds(site: &Site) -> Vec<Value> {
    site.status("-t").as_array().into_iter().flatten().map(|row| row["kind"].clone()).collect()
}

fn dropping_icmp(story: &Story) -> Result<()> {
    let mut site = story.begin()?;
    assert!(kinds(&site).iter().all(|kind| *kind == "arp" || *kind == "ndp"), "{:?}", kinds(&site));
    let mark = site.daemon.mark();
    ignore_echoes(&site.network.router, true)?;
    site.wait_replies(20)?;
    assert_eq!(site.verdicts(mark).len(), 0, "{:?}", site.verdicts(mark));
    assert_eq!(site.status("-g")[0]["state"], "ok");
    site.network.members[0].silence()?;
    site.wait_event(mark, "interface_failed", "eth0")?;
    site.wait_holder(0, "eth1")?;
    assert!(site.daemon.events(mark, "group_failed").is_empty());
    Ok(())
}

fn who_drops_icmp_is_a_target_all_the_same(story: Story) -> Result<()> {
    dropping_icmp(&with_routers(story, ""))
}

fn where_arp_is_wanted_a_test_address_changes_nothing(story: Story) -> Result<()> {
    dropping_icmp(&with_routers(story, "probe = \"arp\"\n"))
}

fn where_icmp_is_wanted_who_drops_it_fails_the_group_and_moves_nothing(story: Story) -> Result<()> {
    let mut site = with_routers(story, "probe = \"icmp\"\n").begin()?;
    assert!(kinds(&site).iter().all(|kind| *kind == "icmp"), "{:?}", kinds(&site));
    let mark = site.daemon.mark();
    let before = (site.holders(0)?, site.holders(1)?, site.ways_out()?);
    ignore_echoes(&site.network.router, true)?;
    site.daemon.wait_for(mark, "group_failed", |_| true, PATIENCE)?;
    assert_eq!((site.holders(0)?, site.holders(1)?, site.ways_out()?), before);
    ignore_echoes(&site.network.router, false)?;
    site.daemon.wait_for(mark, "group_recovered", |_| true, PATIENCE)?;
    wait_until(PATIENCE, "the group to be well", || Ok(site.status("-g")[0]["state"] == "ok"))?;
    assert!(site.daemon.events(mark, "address_moved").is_empty());
    Ok(())
}

/// A router that gives every host two echo replies a second, and no more.
fn who_answers_some_echoes_is_a_target_all_the_same(story: Story) -> Result<()> {
    let story = Story { detection: Duration::from_secs(1), ..with_routers(story, "") };
    let mut site = story.begin()?;
    let router = &site.network.router;
    router.set_sysctl("net/ipv4/icmp_ratemask", "1")?;
    router.set_sysctl("net/ipv4/icmp_ratelimit", "500")?;
    router.set_sysctl("net/ipv6/icmp/ratemask", "0-255")?;
    router.set_sysctl("net/ipv6/icmp/ratelimit", "500")?;
    let mark = site.daemon.mark();
    site.wait_replies(30)?;
    assert_eq!(site.verdicts(mark).len(), 0, "{:?}", site.verdicts(mark));
    Ok(())
}

/// As where VRRP is without virtual hardware addresses. The new router announces itself as such routers do.
fn an_address_that_moves_to_another_router_is_no_failure(story: Story) -> Result<()> {
    let mut site = with_routers(story, "").begin()?;
    let (backup, _port) = site.network.add_station(1)?;
    backup.set_sysctl("net/ipv4/conf/eth0/arp_notify", "1")?;
    backup.set_sysctl("net/ipv6/conf/eth0/ndisc_notify", "1")?;
    let mark = site.daemon.mark();
    for family in site.families {
        let address = family.with_prefix(family.router());
        site.network.router.delete_address("lan0", address)?;
        backup.add_address("eth0", address)?;
    }
    // What it says then is told to everybody.
    backup.set_mac("eth0", MacAddr::new(0, 0, 0x5e, 0, 1, 1))?;
    site.wait_replies(20)?;
    assert_eq!(site.verdicts(mark).len(), 0, "{:?}", site.verdicts(mark));
    assert_eq!(site.status("-g")[0]["state"], "ok");
    site.network.members[0].silence()?;
    site.wait_event(mark, "interface_failed", "eth0")?;
    site.wait_holder(0, "eth1")
}

/// The router answers for a target that is behind it. Echo requests do not go further than the link, so that nobody
/// takes the way to the router for more than it is. A solicitation ends at the proxy, whether the target lives or not;
/// an ARP request without a sender is none that a proxy of this kind answers.
fn what_a_proxy_proves(story: Story) -> Result<()> {
    let (family, bare) = (story.families[0], !story.test_addresses);
    let behind = family.nobody();
    let network = story.plan.build()?;
    network.remote.add_address("eth0", behind.into())?;
    network.router.add_route(behind.into(), None, "wan0")?;
    match family {
        Family::V4 => network.router.set_sysctl("net/ipv4/conf/lan0/proxy_arp", "1")?,
        Family::V6 => {
            network.router.set_sysctl("net/ipv6/conf/lan0/proxy_ndp", "1")?;
            network.router.set_sysctl("net/ipv6/neigh/lan0/proxy_delay", "0")?;
            network.router.add_proxy("lan0", behind)?;
        }
    }
    // A quiet period keeps verdicts back until there was a first reply.
    let mut site = Story { targets: vec![behind], ..story }.start_in(network)?;
    match (family, bare) {
        (_, false) => {
            let row = |site: &Site| site.status("-t")[0].clone();
            wait_until(PATIENCE, "probes to be lost", || Ok(row(&site)["lost"].as_u64() > Some(30)))?;
            assert_eq!(row(&site)["acked"], 0);
            let member = site.interface("eth0");
            assert_eq!((&member["state"], &member["waits_for"]["kind"]), (&"ok".into(), &"quiet_period".into()));
        }
        (Family::V4, true) => {
            let unknown = |member| site.interface(member)["state"] == "unknown";
            wait_until(PATIENCE, "nothing to be known", || Ok(unknown("eth0") && unknown("eth1")))?;
        }
        (Family::V6, true) => {
            site.wait_proven()?;
            site.network.remote.set_down("eth0")?;
            site.wait_replies(20)?;
            assert_eq!(site.status("-g")[0]["state"], "ok");
        }
    }
    assert_eq!(site.verdicts(Mark::START).len(), 0, "{:?}", site.verdicts(Mark::START));
    site.wait_bound(2)?;
    assert_eq!((site.holders(0)?, site.holders(1)?), (vec!["eth0".into()], vec!["eth1".into()]));
    site.wait_ways_out(&["eth0", "eth1"])
}
