//! A standby carries data while another member is missing, and only then.

use ipmp_e2e::{PATIENCE, Story};
use ipmp_lab::{Plan, Result};

ipmp_e2e::in_every_case!(a_standby_steps_in_and_back, without_failback_a_repaired_member_idles);

fn a_standby_steps_in_and_back(story: Story) -> Result<()> {
    let plan = Plan { members: 3, ..Plan::default() };
    let mut site = Story { plan, standby: vec![2], ..story }.begin()?;
    assert_eq!(site.ways_out()?, ["eth0", "eth1"]);
    let mark = site.daemon.mark();
    site.network.members[0].silence()?;
    site.wait_event(mark, "standby_activated", "eth2")?;
    site.wait_holder(0, "eth2")?;
    ipmp_lab::wait_until(PATIENCE, "the standby as a way out", || Ok(site.ways_out()? == ["eth1", "eth2"]))?;
    let flow = site.flow(0)?;
    site.network.members[0].mend()?;
    site.wait_event(mark, "standby_deactivated", "eth2")?;
    site.wait_holder(0, "eth0")?;
    ipmp_lab::wait_until(PATIENCE, "the standby to idle", || Ok(site.ways_out()? == ["eth0", "eth1"]))?;
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}

fn without_failback_a_repaired_member_idles(story: Story) -> Result<()> {
    let mut site = Story { group: "failback = false\n".into(), ..story }.begin()?;
    let mark = site.daemon.mark();
    site.network.members[0].set_carrier(false)?;
    site.wait_holder(0, "eth1")?;
    site.network.members[0].set_carrier(true)?;
    site.wait_event(mark, "interface_repaired", "eth0")?;
    assert_eq!(site.holders(0)?, ["eth1"]);
    assert_eq!(site.status("-i")[0]["inactive"], true);
    site.network.members[1].silence()?;
    site.wait_holder(0, "eth0")
}
