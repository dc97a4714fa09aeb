//! A NIC is pulled out of the host and another put in under its name.

use ipmp_e2e::{PATIENCE, Story};
use ipmp_lab::Result;

ipmp_e2e::in_every_case!(
    unplugged_and_plugged,
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
    ipmp_lab::wait_until(PATIENCE, "both ways out", || Ok(site.ways_out()? == ["eth0", "eth1"]))?;
    // The kernel flushes a multipath route as a whole when one of its NICs is unplugged: a packet or two
    // find no way before it is put back.
    let report = flow.report()?;
    assert!(report.longest_gap < std::time::Duration::from_millis(500), "{report:?}");
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
    ipmp_lab::wait_until(PATIENCE, "both ways out", || Ok(site.ways_out()? == ["eth0", "eth1"]))?;
    ipmp_lab::wait_until(PATIENCE, "an address on each", || {
        let mut holders = [site.holders(0)?, site.holders(1)?].concat();
        holders.sort();
        Ok(holders == ["eth0", "eth1"])
    })
}
