//! The kernel tells of a second lost carrier up to a second late. Two NICs on a dying switch are the normal case.
//! Only TAP devices show it; a veth's carrier is always told at once.

use std::time::{Duration, SystemTime};

use ipmp_e2e::Story;
use ipmp_lab::{Plan, Result, WireKind};

ipmp_e2e::in_every_case!(two_members_that_lose_carrier_within_a_second_are_both_known_at_once);

fn two_members_that_lose_carrier_within_a_second_are_both_known_at_once(story: Story) -> Result<()> {
    let plan = Plan { members: 3, wire: WireKind::Cable, ..Plan::default() };
    // A long detection time: probes are not to tell before the carrier does.
    let mut site = Story { plan, addresses: 3, detection: Duration::from_secs(10), ..story }.begin()?;
    let mut parts = Vec::new();
    for pause in [0, 50, 300] {
        let mark = site.daemon.mark();
        site.network.members[0].set_carrier(false)?;
        std::thread::sleep(Duration::from_millis(pause));
        let lost = SystemTime::now();
        site.network.members[1].set_carrier(false)?;
        // The first may itself be told late: whatever link changed on this machine before, the kernel counts it.
        let known = lost.max(site.wait_event(mark, "link_down", "eth0")?.at());
        let told = site.wait_event(mark, "link_down", "eth1")?.at().duration_since(known).unwrap_or_default();
        // Unasked, the kernel would tell a whole second minus the pause later.
        parts.push(told.as_millis() * 100 / u128::from(1000 - pause));
        (0..3).try_for_each(|n| site.wait_holder(n, "eth2"))?;
        for member in &site.network.members[..2] {
            member.set_carrier(true)?;
        }
        site.wait_event(mark, "link_up", "eth0")?;
        site.wait_event(mark, "link_up", "eth1")?;
    }
    // The machine may stop for a moment, but not in two rounds of three.
    parts.sort_unstable();
    assert!(parts[1] < 25, "percent of the kernel's delay: {parts:?}");
    Ok(())
}
