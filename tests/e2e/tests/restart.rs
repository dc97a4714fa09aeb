//! The daemon dies, stays away, comes back. The kernel carries on; what happened meanwhile is found.

use std::time::SystemTime;

use ipmp_e2e::{PATIENCE, Story};
use ipmp_lab::{Change, Monitor, Result};

ipmp_e2e::in_every_case!(
    killed_and_restarted_under_traffic_nothing_is_lost_moved_or_written,
    a_path_that_died_while_nobody_watched_is_found_within_the_detection_time,
    a_carrier_that_was_lost_while_nobody_watched_is_seen_at_once,
    a_member_that_was_failed_stays_out_of_service_until_it_is_proven,
);

fn killed_and_restarted_under_traffic_nothing_is_lost_moved_or_written(story: Story) -> Result<()> {
    let mut site = Story { addresses: 4, ..story }.begin()?;
    let holders = |site: &ipmp_e2e::Site| (0..4).map(|n| site.holders(n)).collect::<Result<Vec<_>>>();
    let before = holders(&site)?;
    let flow = site.flow(0)?;
    let mut monitor = Monitor::start(&site.network.host)?;
    for _ in 0..3 {
        site.daemon.kill()?;
        let mark = site.daemon.mark();
        site.daemon.start_ready(PATIENCE)?;
        site.wait_proven()?;
        assert_eq!(site.verdicts(mark).len(), 0, "{:?}", site.verdicts(mark));
    }
    assert!(site.daemon.stop(PATIENCE)?.success());
    assert_eq!(holders(&site)?, before);
    // Where ipmp0 is a tun, the kernel shows it without carrier while no process holds it.
    let writes = monitor.writes()?;
    let of_tun = |change: &Change| matches!(change, Change::Link { link, .. } if link.name == "ipmp0");
    let writes: Vec<_> = writes.into_iter().filter(|change| !of_tun(change)).collect();
    assert!(writes.is_empty(), "{writes:?}");
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}

fn a_path_that_died_while_nobody_watched_is_found_within_the_detection_time(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    site.daemon.kill()?;
    site.network.members[0].silence()?;
    let (mark, before) = (site.daemon.mark(), SystemTime::now());
    site.daemon.start_ready(PATIENCE)?;
    let failed = site.wait_event(mark, "interface_failed", "eth0")?;
    let took = failed.at().duration_since(before).unwrap_or_default();
    // No quiet period of 40 s for what was in service before.
    assert!(took < story.detection * 5, "{took:?}");
    site.wait_holder(0, "eth1")
}

fn a_carrier_that_was_lost_while_nobody_watched_is_seen_at_once(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    site.daemon.kill()?;
    site.network.members[0].set_carrier(false)?;
    site.daemon.start_ready(PATIENCE)?;
    site.wait_holder(0, "eth1")
}

fn a_member_that_was_failed_stays_out_of_service_until_it_is_proven(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let mark = site.daemon.mark();
    site.network.members[0].silence()?;
    site.wait_event(mark, "interface_failed", "eth0")?;
    site.wait_holder(0, "eth1")?;
    site.daemon.kill()?;
    let flow = site.flow(0)?;
    let mark = site.daemon.mark();
    site.daemon.start_ready(PATIENCE)?;
    site.wait_holder(0, "eth1")?;
    site.network.members[0].mend()?;
    site.wait_event(mark, "interface_repaired", "eth0")?;
    site.wait_holder(1, "eth0")?;
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}
