//! A member that fails again and again is kept out until it has been quiet for a while.

use std::time::Duration;

use ipmp_e2e::{PATIENCE, Site, Story};
use ipmp_lab::{Mark, Member, Result, wait_until};

ipmp_e2e::in_two_cases!(a_cable_that_is_pulled_again_and_again, a_path_that_dies_again_and_again);

/// Three failures in quick succession are too many, and are forgiven after some seconds.
const DAMPING: &str = "damping = { half-life = \"3s\", suspend = 2000, reuse = 1000 }\n";

/// More than are needed, however slow the machine.
const FAULTS_MAX: usize = 8;

/// Breaks and mends a member until the daemon says `told` instead of repairing it; then it is left in peace, and must
/// be repaired when its penalty has fallen below the limit.
fn flap(story: Story, break_it: impl Fn(&Member) -> Result<()>, told: &str) -> Result<()> {
    let mut site = Story { detection: Duration::from_millis(200), group: DAMPING.into(), ..story }.begin()?;
    let begin = site.daemon.mark();
    let (mut mark, mut failed) = (begin, None);
    for _ in 0..FAULTS_MAX {
        mark = site.daemon.mark();
        break_it(&site.network.members[0])?;
        failed = Some(site.wait_event(mark, "interface_failed", "eth0")?);
        site.network.members[0].mend()?;
        if held(&mut site, mark, told)? {
            break;
        }
    }
    assert_eq!(site.daemon.events(begin, told).len(), 1, "{told}");
    let row = site.interface("eth0");
    assert_eq!((&row["state"], &row["active"]), (&"failed".into(), &false.into()), "{row}");
    assert!(row["penalty"].as_u64().is_some_and(|penalty| penalty > 1000), "{row}");
    site.wait_holder(0, "eth1")?;

    let repaired = site.wait_event(mark, "interface_repaired", "eth0")?;
    let peace = failed.and_then(|failed| repaired.at().duration_since(failed.at()).ok());
    assert!(peace > Some(Duration::from_millis(2900)), "from 2000 to 1000 it takes 3 s: {peace:?}");
    let penalty = site.interface("eth0")["penalty"].as_u64();
    assert!(penalty.is_some_and(|penalty| penalty <= 1000), "{penalty:?}");
    site.wait_holder(1, "eth0")?;
    assert_eq!(site.daemon.events(begin, told).len(), 1, "it is told once");
    Ok(())
}

/// Waits until the member is repaired, or the daemon says why it will not be.
fn held(site: &mut Site, since: Mark, told: &str) -> Result<bool> {
    wait_until(PATIENCE, &format!("a repair, or {told}"), || {
        let repaired = site.daemon.events(since, "interface_repaired");
        Ok(!repaired.is_empty() || !site.daemon.events(since, told).is_empty())
    })?;
    Ok(!site.daemon.events(since, told).is_empty())
}

fn a_cable_that_is_pulled_again_and_again(story: Story) -> Result<()> {
    flap(story, |member| member.set_carrier(false), "link_flapping")
}

fn a_path_that_dies_again_and_again(story: Story) -> Result<()> {
    flap(story, Member::silence, "repair_suspended")
}
