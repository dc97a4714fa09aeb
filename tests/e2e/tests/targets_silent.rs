//! Nobody answers probes any more. That is no reason to cut a LAN that works.

use std::net::Ipv4Addr;

use ipmp_e2e::{PATIENCE, Story};
use ipmp_lab::{Frames, ROUTER, Result, Way};

#[test]
fn all_targets_silent_moves_and_withdraws_nothing() -> Result<()> {
    let mut site = Story { targets: vec![ROUTER], ..Story::default() }.begin()?;
    let flow = site.flow(0)?;
    let ways_out = site.ways_out()?;
    let mark = site.daemon.mark();
    site.network.router_port.lose(Way::Inbound, Frames::Icmp, 1.0)?;
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

#[test]
fn one_dead_target_of_two_is_not_a_dead_member() -> Result<()> {
    let nobody = Ipv4Addr::new(192, 0, 2, 99);
    let mut site = Story { targets: vec![ROUTER, nobody], ..Story::default() }.begin()?;
    let mark = ipmp_lab::Mark::START;
    site.daemon.wait_for(mark, "target_dead", |line| line.has("target", "192.0.2.99"), PATIENCE)?;
    assert!(site.daemon.events(mark, "interface_failed").is_empty());
    assert_eq!(site.status("-g")[0]["state"], "ok");
    Ok(())
}
