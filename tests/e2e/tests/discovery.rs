//! No router, and no explicit target: hosts of the link are found by multicast, and probed.

use std::net::IpAddr;
use std::time::Duration;

use ipmp_e2e::{Family, PATIENCE, Site, Story};
use ipmp_lab::{Network, Plan, Result, wait_until};
use serde_json::Value;

ipmp_e2e::in_every_case!(
    a_host_that_answers_is_probed_by_every_member_and_a_dead_path_to_it_is_found,
    a_router_that_comes_takes_the_place_of_the_hosts,
    where_nobody_answers_a_member_is_unknown_and_used,
);

/// A group that has to look for targets.
fn without_targets(story: Story) -> Story {
    Story { targets: vec![], gateway: false, detection: Duration::from_millis(500), ..story }
}

/// The network, in which the client answers multicast echoes or not. The router does not.
fn network(story: &Story, client_answers: bool) -> Result<Network> {
    let network = story.plan.build()?;
    let ignore = |answers| if answers { "0" } else { "1" };
    for (station, answers) in [(&network.client, client_answers), (&network.router, false)] {
        station.set_sysctl("net/ipv4/icmp_echo_ignore_broadcasts", ignore(answers))?;
        station.set_sysctl("net/ipv6/icmp/echo_ignore_multicast", ignore(answers))?;
    }
    Ok(network)
}

/// The client, as it shows itself to who asks: it answers a link-local address from its own.
fn client(story: &Story, network: &Network, family: Family) -> Result<IpAddr> {
    if story.test_addresses || family == Family::V4 {
        return Ok(family.client());
    }
    let link_local = |address: &IpAddr| matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    let mut addresses = network.client.addresses()?.into_iter().map(|address| address.address.addr());
    Ok(addresses.find(link_local).expect("it has a link-local address"))
}

/// The targets of a member in a family, and how they were found.
fn targets(site: &Site, member: &str, family: Family) -> (Value, Vec<Value>) {
    let rows = site.status("-t");
    let mut rows = rows.as_array().into_iter().flatten();
    let row = rows.find(|row| row["interface"] == member && row["family"] == family.name()).cloned();
    let row = row.unwrap_or_default();
    let targets = row["targets"].as_array().cloned().unwrap_or_default();
    (row["mode"].clone(), targets.iter().map(|target| target["address"].clone()).collect())
}

fn a_host_that_answers_is_probed_by_every_member_and_a_dead_path_to_it_is_found(story: Story) -> Result<()> {
    let network = network(&story, true)?;
    let mut site = without_targets(story.clone()).begin_in(network)?;
    let mut clients = Vec::new();
    for family in site.families {
        let client = client(&story, &site.network, *family)?.to_string();
        for member in ["eth0", "eth1"] {
            wait_until(PATIENCE, &format!("{member} to find {client} alone"), || {
                Ok(targets(&site, member, *family) == ("multicast".into(), vec![client.as_str().into()]))
            })?;
        }
        clients.push(client);
    }
    site.wait_proven()?;
    let mark = site.daemon.mark();
    site.network.members[0].silence()?;
    let failed = site.wait_event(mark, "interface_failed", "eth0")?;
    let reason = failed.field("reason").unwrap_or_default();
    assert!(clients.iter().any(|client| reason.contains(client)), "{failed}");
    site.wait_holder(0, "eth1")?;
    assert!(site.daemon.events(mark, "group_failed").is_empty());

    site.network.members[0].mend()?;
    site.wait_event(mark, "interface_repaired", "eth0")?;
    site.wait_holder(1, "eth0")
}

fn a_router_that_comes_takes_the_place_of_the_hosts(story: Story) -> Result<()> {
    let network = network(&story, true)?;
    let story = without_targets(story);
    let mut site = story.begin_in(network)?;
    let story = Story { gateway: true, ..story };
    site.reload(&story.config())?;
    for family in site.families {
        let router = ("routes".into(), vec![family.router().to_string().into()]);
        wait_until(PATIENCE, "the router as the only target", || {
            Ok(["eth0", "eth1"].iter().all(|member| targets(&site, member, *family) == router))
        })?;
    }
    Ok(())
}

/// Nor is there another member to be probed instead.
fn where_nobody_answers_a_member_is_unknown_and_used(story: Story) -> Result<()> {
    let story = without_targets(Story { plan: Plan { members: 1, ..story.plan }, ..story });
    let site = story.start_in(network(&story, false)?)?;
    site.wait_bound(2)?;
    for family in site.families {
        assert_eq!(targets(&site, "eth0", *family), ("multicast".into(), vec![]));
    }
    assert_eq!(site.interface("eth0")["state"], "unknown");
    assert_eq!(site.flow(0)?.report()?.lost, 0);
    Ok(())
}
