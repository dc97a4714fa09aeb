//! Members join, leave, and change groups while traffic flows.

use std::time::Duration;

use ipmp_e2e::{PATIENCE, Story};
use ipmp_lab::{Plan, Result, wait_until};

ipmp_e2e::in_two_cases!(joining_leaving_and_changing_groups_loses_nothing);

/// A second group on the same wire, in another subnet.
const SECOND: &str = r#"
[[group]]
interface = "ipmp1"
addresses = ["203.0.113.50/24"]
targets = ["203.0.113.7"]
targets-exclusive = true
failure-detection-time = "300ms"

[[group.member]]
interface = "eth1"
test-addresses = ["203.0.113.11/24"]
"#;

fn joining_leaving_and_changing_groups_loses_nothing(story: Story) -> Result<()> {
    let plan = Plan { members: 3, ..Plan::default() };
    let mut story = Story { plan, detection: Duration::from_millis(300), addresses: 3, outside: vec![2], ..story };
    let network = story.plan.build()?;
    // An interface that is in no group would answer for the addresses of all others, and take packets from a member.
    network.host.set_sysctl("net/ipv4/conf/all/arp_ignore", "1")?;
    network.client.add_address("eth0", "203.0.113.7/24".parse().expect("a prefix"))?;
    let mut site = story.begin_in(network)?;
    site.wait_ways_out(&["eth0", "eth1"])?;
    let flows = [site.flow(0)?, site.flow(1)?];

    // A third joins, and earns its place first.
    let mark = site.daemon.mark();
    story.outside = vec![];
    site.reload(&story.config())?;
    site.wait_event(mark, "interface_repaired", "eth2")?;
    site.wait_ways_out(&["eth0", "eth1", "eth2"])?;

    // The second leaves.
    story.outside = vec![1];
    site.reload(&story.config())?;
    site.wait_ways_out(&["eth0", "eth2"])?;
    wait_until(PATIENCE, "eth1 to have nothing of ours", || {
        Ok(!site.network.host.addresses()?.iter().any(|address| address.link == "eth1" && address.protocol == 213))
    })?;
    assert_eq!(site.interface("eth1"), serde_json::Value::Null);

    // It joins a group of its own, and comes back.
    site.reload(&(story.config() + SECOND))?;
    let second = "203.0.113.50".parse().expect("an address");
    let holders = |site: &ipmp_e2e::Site| site.network.host.links_with(second);
    wait_until(PATIENCE, "the second group's address", || Ok(holders(&site)?.contains(&"eth1".into())))?;
    assert_eq!(site.interface("eth1")["group"], "ipmp1");
    story.outside = vec![];
    site.reload(&story.config())?;
    site.wait_ways_out(&["eth0", "eth1", "eth2"])?;
    assert!(holders(&site)?.is_empty());
    assert!(!site.network.host.has_link("ipmp1")?);

    // Straight from one group to the other.
    story.outside = vec![1];
    site.reload(&(story.config() + SECOND))?;
    wait_until(PATIENCE, "the second group's address", || Ok(holders(&site)?.contains(&"eth1".into())))?;
    site.wait_ways_out(&["eth0", "eth2"])?;

    assert!(site.daemon.events(mark, "interface_failed").is_empty());
    assert!(site.daemon.events(mark, "group_failed").is_empty());
    for flow in flows {
        let report = flow.report()?;
        assert_eq!(report.lost, 0, "{report:?}");
    }
    Ok(())
}
