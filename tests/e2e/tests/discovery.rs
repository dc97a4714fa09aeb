//! No router, and no explicit target: hosts of the link are found by multicast, and probed.

use std::time::Duration;

use ipmp_e2e::{PATIENCE, Site, Story};
use ipmp_lab::{Result, wait_until};
use serde_json::Value;

ipmp_e2e::in_every_case!(
    a_host_that_answers_is_probed_by_every_member_and_a_dead_path_to_it_is_found,
    a_router_that_comes_takes_the_place_of_the_hosts,
    where_nobody_answers_a_member_is_unknown_and_used,
);

fn begin(story: &Story) -> Result<Site> {
    let story = Story { targets: vec![], gateway: false, detection: Duration::from_millis(500), ..story.clone() };
    let network = story.plan.build()?;
    // The router does not answer such questions, as no Linux host does unless it is told to.
    network.client.set_sysctl("net/ipv4/icmp_echo_ignore_broadcasts", "0")?;
    story.begin_in(network)
}

/// The targets of a member, and how they were found.
fn targets(site: &Site, member: &str) -> (Value, Vec<Value>) {
    let rows = site.status("-t");
    let row = rows.as_array().and_then(|rows| rows.iter().find(|row| row["interface"] == member)).cloned();
    let row = row.unwrap_or_default();
    let targets = row["targets"].as_array().cloned().unwrap_or_default();
    (row["mode"].clone(), targets.iter().map(|target| target["address"].clone()).collect())
}

fn a_host_that_answers_is_probed_by_every_member_and_a_dead_path_to_it_is_found(story: Story) -> Result<()> {
    let mut site = begin(&story)?;
    for member in ["eth0", "eth1"] {
        assert_eq!(targets(&site, member), ("multicast".into(), vec!["192.0.2.7".into()]), "{member}");
    }
    let mark = site.daemon.mark();
    site.network.members[0].silence()?;
    let failed = site.wait_event(mark, "interface_failed", "eth0")?;
    assert!(failed.field("reason").is_some_and(|reason| reason.contains("192.0.2.7")), "{failed}");
    site.wait_holder(0, "eth1")?;
    assert!(site.daemon.events(mark, "group_failed").is_empty());

    site.network.members[0].mend()?;
    site.wait_event(mark, "interface_repaired", "eth0")?;
    site.wait_holder(1, "eth0")
}

fn a_router_that_comes_takes_the_place_of_the_hosts(story: Story) -> Result<()> {
    let mut site = begin(&story)?;
    let story = Story { targets: vec![], detection: Duration::from_millis(500), ..story };
    site.reload(&story.config())?;
    wait_until(PATIENCE, "the router as the only target", || {
        Ok(["eth0", "eth1"].iter().all(|member| targets(&site, member) == ("routes".into(), vec!["192.0.2.1".into()])))
    })
}

fn where_nobody_answers_a_member_is_unknown_and_used(story: Story) -> Result<()> {
    let story = Story { targets: vec![], gateway: false, ..story };
    let network = story.plan.build()?;
    let site = story.start_in(network)?;
    assert_eq!(targets(&site, "eth0"), ("multicast".into(), vec![]));
    assert_eq!(site.interface("eth0")["state"], "unknown");
    assert_eq!(site.flow(0)?.report()?.lost, 0);
    Ok(())
}
