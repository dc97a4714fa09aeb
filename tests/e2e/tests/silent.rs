//! A path dies and the NIC does not notice: only probes can tell.

use std::time::{Duration, SystemTime};

use ipmp_e2e::{Family, PATIENCE, Site, Story};
use ipmp_lab::{Frames, Member, Result, Way};

ipmp_e2e::in_every_case!(
    both_ways_and_repair_brings_everything_home,
    what_the_host_sends,
    what_the_host_receives,
    by_the_classic_schedule,
    within_a_tenth_of_a_second,
    the_path_behind_the_first_switch,
);

/// What a busy machine may take besides.
const BUSY: Duration = Duration::from_secs(1);

/// The path is found dead by so many losses, and within the failure detection time or a little more.
fn silenced(story: &Story, losses: u32, cut: impl Fn(&Member) -> Result<()>) -> Result<Site> {
    let mut site = story.begin()?;
    let flow = site.flow(0)?;
    let (mark, before) = (site.daemon.mark(), SystemTime::now());
    cut(&site.network.members[0])?;
    let failed = site.wait_event(mark, "interface_failed", "eth0")?;
    let reason = failed.field("reason").unwrap_or_default();
    // On a busy machine more than one may be found lost at the same time.
    let (lost, what) = reason.split_once(' ').unwrap_or_default();
    assert!(lost.parse().is_ok_and(|lost: u32| lost >= losses), "{reason}");
    // Of two families one has come to that many first.
    let named = |family: &Family| {
        let targets = format!("{} {}", family.router(), family.client());
        what.starts_with(&format!("consecutive probes lost to {targets}; last reply"))
    };
    assert!(story.families.iter().any(named), "{reason}");
    site.daemon.wait_for(mark, "address_moved", |line| line.has("to", "eth1"), PATIENCE)?;
    site.wait_holder(0, "eth1")?;
    // By either schedule an outage of half the failure detection time is not one yet.
    let took = failed.at().duration_since(before).unwrap_or_default();
    assert!(took > story.detection / 2, "a verdict after {took:?}");
    let report = flow.report_since(before)?;
    assert!(report.longest_gap < story.detection + BUSY, "{report:?}");
    assert!(site.daemon.events(mark, "group_failed").is_empty());
    Ok(site)
}

fn both_ways_and_repair_brings_everything_home(story: Story) -> Result<()> {
    let mut site = silenced(&story, 21, Member::silence)?;
    let mark = site.daemon.mark();
    let flow = site.flow(0)?;
    site.network.members[0].mend()?;
    site.wait_event(mark, "interface_repaired", "eth0")?;
    site.wait_holder(1, "eth0")?;
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}

fn what_the_host_sends(story: Story) -> Result<()> {
    silenced(&story, 21, |member| member.lose(Way::Outbound, Frames::All, 1.0)).map(drop)
}

fn what_the_host_receives(story: Story) -> Result<()> {
    silenced(&story, 21, |member| member.lose(Way::Inbound, Frames::All, 1.0)).map(drop)
}

fn by_the_classic_schedule(story: Story) -> Result<()> {
    let group = "probe-schedule = \"classic\"\n".into();
    silenced(&Story { group, ..story }, 5, Member::silence).map(drop)
}

/// Failure detection within the time of a blink.
fn within_a_tenth_of_a_second(story: Story) -> Result<()> {
    silenced(&Story { detection: Duration::from_millis(100), ..story }, 21, Member::silence).map(drop)
}

fn the_path_behind_the_first_switch(story: Story) -> Result<()> {
    // Everything but eth1 hangs on the first switch: the trunk is eth1's whole path.
    let plan = ipmp_lab::Plan { trunk: true, ..Default::default() };
    let mut site = Story { plan, ..story }.begin()?;
    let mark = site.daemon.mark();
    site.network.trunk.as_ref().expect("there is a trunk").set_forwarding(false)?;
    site.wait_event(mark, "interface_failed", "eth1")?;
    site.wait_holder(1, "eth0")
}
