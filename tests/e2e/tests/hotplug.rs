//! A NIC is pulled out of the host and another put in under its name.

use ipmp_e2e::{PATIENCE, Story};
use ipmp_lab::{Result, wait_until};

ipmp_e2e::in_every_case!(
    unplugged_and_plugged,
    a_nic_that_is_missing_at_the_start_joins_when_it_appears,
    administratively_down_and_up,
    all_down_and_up_again_restores_addresses_and_routes,
);

fn unplugged_and_plugged(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let flow = site.flow(1)?;
    let mark = site.daemon.mark();
    site.network.members[0].unplug()?;
    let failed = site.wait_event(mark, "interface_failed", "eth0")?;
    assert!(failed.field("reason").is_some(), "{failed}");
    site.wait_holder(0, "eth1")?;
    assert_eq!(site.ways_out()?, ["eth1"]);

    let mark = site.daemon.mark();
    site.network.members[0].plug()?;
    site.wait_event(mark, "interface_repaired", "eth0")?;
    site.wait_holder(1, "eth0")?;
    site.wait_holder(0, "eth1")?;
    wait_until(PATIENCE, "both ways out", || Ok(site.ways_out()? == ["eth0", "eth1"]))?;
    // The kernel flushes a multipath route as a whole when one of its NICs is unplugged: a packet or two
    // find no way before it is put back.
    let report = flow.report()?;
    assert!(report.longest_gap < std::time::Duration::from_millis(500), "{report:?}");
    Ok(())
}

fn a_nic_that_is_missing_at_the_start_joins_when_it_appears(story: Story) -> Result<()> {
    let mut network = story.plan.build()?;
    network.members[0].unplug()?;
    let mut site = story.start_in(network)?;
    // Every address is served without it.
    for address in 0..story.addresses {
        site.wait_holder(address, "eth1")?;
    }
    site.wait_ways_out(&["eth1"])?;
    let flow = site.flow(0)?;
    site.network.members[0].plug()?;
    wait_until(PATIENCE, "eth0 to carry an address", || {
        let held: Result<Vec<_>> = (0..story.addresses).map(|address| site.holders(address)).collect();
        Ok(held?.concat().contains(&"eth0".to_owned()))
    })?;
    site.wait_ways_out(&["eth0", "eth1"])?;
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}

fn administratively_down_and_up(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let mark = site.daemon.mark();
    site.network.host.set_down("eth0")?;
    let failed = site.wait_event(mark, "interface_failed", "eth0")?;
    assert_eq!(failed.field("reason"), Some("the interface is administratively down"));
    site.wait_holder(0, "eth1")?;
    let mark = site.daemon.mark();
    site.network.host.set_up("eth0")?;
    site.wait_event(mark, "interface_repaired", "eth0")?;
    site.wait_holder(1, "eth0")
}

fn all_down_and_up_again_restores_addresses_and_routes(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let mark = site.daemon.mark();
    for link in ["eth0", "eth1"] {
        site.network.host.set_down(link)?;
    }
    site.daemon.wait_for(mark, "group_failed", |_| true, PATIENCE)?;
    for link in ["eth0", "eth1"] {
        site.network.host.set_up(link)?;
    }
    site.daemon.wait_for(mark, "group_recovered", |_| true, PATIENCE)?;
    wait_until(PATIENCE, "both ways out", || Ok(site.ways_out()? == ["eth0", "eth1"]))?;
    wait_until(PATIENCE, "an address on each", || {
        let mut holders = [site.holders(0)?, site.holders(1)?].concat();
        holders.sort();
        Ok(holders == ["eth0", "eth1"])
    })
}
