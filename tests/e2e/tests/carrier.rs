//! A cable is pulled and plugged in again: the data address moves at once, and comes back when the path is proven.

use std::time::{Duration, SystemTime};

use ipmp_e2e::{PATIENCE, Story};
use ipmp_lab::Result;

ipmp_e2e::in_every_case!(carrier_loss_moves_the_address_and_its_return_brings_it_back);

fn carrier_loss_moves_the_address_and_its_return_brings_it_back(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    site.wait_holder(0, "eth0")?;
    site.wait_holder(1, "eth1")?;
    let flow = site.flow(0)?;

    let (mark, before) = (site.daemon.mark(), SystemTime::now());
    site.network.members[0].set_carrier(false)?;
    let failed = site.wait_event(mark, "interface_failed", "eth0")?;
    assert_eq!(failed.field("reason"), Some("no carrier"));
    site.daemon.wait_for(mark, "address_moved", |line| line.has("from", "eth0") && line.has("to", "eth1"), PATIENCE)?;
    site.wait_holder(0, "eth1")?;
    assert_eq!(site.ways_out()?, ["eth1"]);
    assert!(flow.report_since(before)?.longest_gap < Duration::from_millis(500));

    let (mark, before) = (site.daemon.mark(), SystemTime::now());
    site.network.members[0].set_carrier(true)?;
    let repaired = site.wait_event(mark, "interface_repaired", "eth0")?;
    assert!(repaired.field("reason").is_some_and(|reason| reason.starts_with("10 consecutive probes answered")));
    site.wait_holder(1, "eth0")?;
    site.wait_holder(0, "eth1")?;
    let report = flow.report_since(before)?;
    assert_eq!(report.lost, 0, "failback is make before break: {report:?}");
    Ok(())
}
