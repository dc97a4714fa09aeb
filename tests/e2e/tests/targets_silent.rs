//! Nobody answers probes any more. That is no reason to cut a LAN that works.

use ipmp_e2e::{PATIENCE, Story};
use ipmp_lab::{Frames, Result, Way};

ipmp_e2e::in_every_case!(all_targets_silent_moves_and_withdraws_nothing, one_dead_target_of_two_is_not_a_dead_member,);

/// The kinds of frames that probes, and their answers, are made of.
const PROBES: [Frames; 3] = [Frames::Arp, Frames::Icmp, Frames::Icmpv6];

fn all_targets_silent_moves_and_withdraws_nothing(story: Story) -> Result<()> {
    let mut site = Story { targets: story.routers(), ..story }.begin()?;
    let flow = site.flow(0)?;
    let ways_out = site.ways_out()?;
    let mark = site.daemon.mark();
    PROBES.into_iter().try_for_each(|frames| site.network.router_port.lose(Way::Inbound, frames, 1.0))?;
    site.daemon.wait_for(mark, "group_failed", |line| line.has("group", "acctg"), PATIENCE)?;
    assert_eq!(site.status("-g")[0]["state"], "failed");
    assert_eq!((site.holders(0)?, site.holders(1)?), (vec!["eth0".into()], vec!["eth1".into()]));
    assert_eq!(site.ways_out()?, ways_out);

    site.network.router_port.mend()?;
    site.daemon.wait_for(mark, "group_recovered", |_| true, PATIENCE)?;
    site.wait_event(mark, "interface_repaired", "eth0")?;
    site.wait_event(mark, "interface_repaired", "eth1")?;
    assert_eq!(site.status("-g")[0]["state"], "ok");
    assert_eq!(site.daemon.events(mark, "group_failed").len(), 1);
    assert!(site.daemon.events(mark, "address_moved").is_empty());
    assert!(site.daemon.events(mark, "interface_failed").is_empty());
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}

fn one_dead_target_of_two_is_not_a_dead_member(story: Story) -> Result<()> {
    let targets = story.families.iter().flat_map(|family| [family.router(), family.nobody()]).collect();
    let mut site = Story { targets, ..story }.begin()?;
    let mark = ipmp_lab::Mark::START;
    for family in site.families {
        let nobody = family.nobody().to_string();
        site.daemon.wait_for(mark, "target_dead", |line| line.has("target", &nobody), PATIENCE)?;
    }
    assert!(site.daemon.events(mark, "interface_failed").is_empty());
    assert_eq!(site.status("-g")[0]["state"], "ok");
    Ok(())
}
