//! A path that works, but not well: large packets are lost on it where small ones pass, or it damages them.

use std::time::Duration;

use ipmp_e2e::{Site, Story};
use ipmp_lab::{Frames, Impairment, Plan, Result, Way, WireKind};

// Only ICMP has probes of any length, and data in them.
ipmp_e2e::in_cases!(a_member_that_loses_large_packets_is_emptied_and_carries_again_once_it_is_well: ipv4, ipv6, dual);
ipmp_e2e::in_cases!(without_drain_it_is_told_and_nothing_is_moved: ipv4, ipv6, dual);
// The kernel checks the checksum of ICMPv6 itself, and keeps damaged messages to itself: there they are lost ones.
ipmp_e2e::in_cases!(a_member_that_damages_packets_is_told: ipv4);

/// The longest packet that an interface takes; half of it is longer than other probes, and than packets of a flow.
const LENGTH_MAX: u16 = 1500;

/// A group whose members have taken large packets.
fn begin(story: Story, drain: bool) -> Result<Site> {
    let group = format!("drain = {drain}\n");
    let site = Story { detection: Duration::from_millis(200), group, ..story }.begin()?;
    lose_longer_than(&site, LENGTH_MAX)?;
    // Every tenth probe is a large one.
    site.wait_replies(12)?;
    Ok(site)
}

/// The link is stopped for a moment when it loses frames for the first time, or none any more: during a flow the
/// limit is only changed.
fn lose_longer_than(site: &Site, length: u16) -> Result<()> {
    Way::BOTH.into_iter().try_for_each(|way| site.network.members[0].lose(way, Frames::LongerThan(length), 1.0))
}

fn a_member_that_loses_large_packets_is_emptied_and_carries_again_once_it_is_well(story: Story) -> Result<()> {
    let mut site = begin(story, true)?;
    let flow = site.flow(0)?;
    let mark = site.daemon.mark();
    lose_longer_than(&site, LENGTH_MAX / 2)?;
    let degraded = site.wait_event(mark, "interface_degraded", "eth0")?;
    assert!(degraded.field("reason").is_some_and(|reason| reason.contains("1500")), "{degraded}");
    site.wait_event(mark, "interface_drained", "eth0")?;
    site.wait_holder(0, "eth1")?;
    site.wait_ways_out(&["eth1"])?;
    let row = site.interface("eth0");
    assert_eq!((&row["state"], &row["drained"]), (&"degraded".into(), &true.into()), "{row}");
    assert_eq!(flow.report()?.lost, 0, "it is emptied make before break");

    lose_longer_than(&site, LENGTH_MAX)?;
    site.wait_event(mark, "interface_improved", "eth0")?;
    site.wait_event(mark, "interface_undrained", "eth0")?;
    site.wait_ways_out(&["eth0", "eth1"])?;
    assert_eq!(site.interface("eth0")["state"], "ok");
    assert!(site.daemon.events(mark, "interface_failed").is_empty());
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}

fn without_drain_it_is_told_and_nothing_is_moved(story: Story) -> Result<()> {
    let mut site = begin(story, false)?;
    let flow = site.flow(0)?;
    let (mark, holders) = (site.daemon.mark(), site.holders(0)?);
    lose_longer_than(&site, LENGTH_MAX / 2)?;
    site.wait_event(mark, "interface_degraded", "eth0")?;
    let row = site.interface("eth0");
    assert_eq!((&row["state"], &row["active"]), (&"degraded".into(), &true.into()), "{row}");
    lose_longer_than(&site, LENGTH_MAX)?;
    site.wait_event(mark, "interface_improved", "eth0")?;
    assert_eq!(site.holders(0)?, holders);
    assert!(site.verdicts(mark).is_empty(), "{:?}", site.verdicts(mark));
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}

/// Nearly every bit of a large packet is data, and one that is flipped there is seen by the probe alone.
fn a_member_that_damages_packets_is_told(story: Story) -> Result<()> {
    let plan = Plan { wire: WireKind::Cable, seed: 7, ..Plan::default() };
    // A damaged echo is a lost one too: that is not to be the reason here.
    let group = "degraded-loss-percent = 90\n".into();
    let mut site = Story { plan, detection: Duration::from_millis(200), group, ..story }.begin()?;
    let mark = site.daemon.mark();
    let cable = site.network.members[0].cable().expect("it is a cable");
    cable.impair(Way::Inbound, Impairment { corrupt: 0.3, ..Impairment::default() })?;
    let degraded = site.wait_event(mark, "interface_degraded", "eth0")?;
    assert!(degraded.field("reason").is_some_and(|reason| reason.contains("corrupt")), "{degraded}");
    Ok(())
}
