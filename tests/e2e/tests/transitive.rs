//! Nobody to probe but the other members.

use ipmp_e2e::{PATIENCE, Site, Story};
use ipmp_lab::{Plan, Result, wait_until};
use serde_json::Value;

// With test addresses probes are ICMP, and members do not answer those of each other.
ipmp_e2e::in_cases!(of_three_the_one_that_the_others_do_not_hear_has_failed: ipv4_bare, ipv6_bare, dual_bare);
ipmp_e2e::in_cases!(two_that_do_not_hear_each_other_are_unknown_and_nothing_moves: ipv4_bare, ipv6_bare, dual_bare);

/// A group without targets, on a LAN where nobody answers multicast echoes.
fn begin(story: Story, members: usize) -> Result<Site> {
    let plan = Plan { members, ..Plan::default() };
    let story = Story { plan, addresses: members as u8, targets: vec![], gateway: false, ..story };
    let network = story.plan.build()?;
    for station in [&network.router, &network.client] {
        station.set_sysctl("net/ipv6/icmp/echo_ignore_multicast", "1")?;
    }
    let mut site = story.start_in(network)?;
    site.wait_bound(story.addresses)?;
    site.wait_proven()?;
    assert!(rows(&site).iter().all(|row| row["mode"] == "transitive"), "{:?}", rows(&site));
    Ok(site)
}

fn rows(site: &Site) -> Vec<Value> {
    site.status("-t").as_array().cloned().unwrap_or_default()
}

fn wait_state(site: &Site, members: &[&str], state: &str) -> Result<()> {
    wait_until(PATIENCE, &format!("{members:?} to be {state}"), || {
        Ok(members.iter().all(|member| site.interface(member)["state"] == state))
    })
}

fn of_three_the_one_that_the_others_do_not_hear_has_failed(story: Story) -> Result<()> {
    let mut site = begin(story, 3)?;
    wait_state(&site, &["eth0", "eth1", "eth2"], "ok")?;
    let mark = site.daemon.mark();
    site.network.members[1].silence()?;
    site.wait_event(mark, "interface_failed", "eth1")?;
    site.wait_bound(3)?;
    wait_until(PATIENCE, "eth1 to be empty", || {
        let homes = (0..3).map(|number| site.holders(number)).collect::<Result<Vec<_>>>()?.concat();
        Ok(homes.iter().all(|home| !home.contains("eth1")))
    })?;
    site.network.members[1].mend()?;
    site.wait_event(mark, "interface_repaired", "eth1")?;
    let failed = site.daemon.events(mark, "interface_failed");
    assert!(failed.iter().all(|line| line.has("interface", "eth1")), "{failed:?}");
    assert!(site.daemon.events(mark, "group_failed").is_empty());
    Ok(())
}

fn two_that_do_not_hear_each_other_are_unknown_and_nothing_moves(story: Story) -> Result<()> {
    let mut site = begin(story, 2)?;
    wait_state(&site, &["eth0", "eth1"], "ok")?;
    let (mark, before) = (site.daemon.mark(), (site.holders(0)?, site.holders(1)?));
    site.network.members[0].silence()?;
    wait_state(&site, &["eth0", "eth1"], "unknown")?;
    assert_eq!((site.holders(0)?, site.holders(1)?), before);
    site.network.members[0].mend()?;
    wait_state(&site, &["eth0", "eth1"], "ok")?;
    assert_eq!(site.verdicts(mark).len(), 0, "{:?}", site.verdicts(mark));
    assert_eq!((site.holders(0)?, site.holders(1)?), before);
    Ok(())
}
