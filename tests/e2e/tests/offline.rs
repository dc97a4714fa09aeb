//! Planned maintenance: a member is emptied without losing a packet.

use ipmp_e2e::{PATIENCE, Story};
use ipmp_lab::Result;

#[test]
fn offline_and_online_lose_nothing() -> Result<()> {
    let mut site = Story::default().begin()?;
    let flow = site.flow(0)?;
    let mark = site.daemon.mark();
    assert_eq!(site.if_mpadm(&["-d", "eth0"]), Ok(()));
    // When the command returns it has taken effect.
    assert_eq!(site.holders(0)?, ["eth1"]);
    assert_eq!(site.ways_out()?, ["eth1"]);
    let again = site.if_mpadm(&["-d", "eth0"]).unwrap_err();
    assert!(again.contains("already offline"), "{again}");
    let last = site.if_mpadm(&["-d", "eth1"]).unwrap_err();
    assert!(last.contains("no other functioning interfaces"), "{last}");

    // A restart does not forget it.
    site.daemon.kill()?;
    site.daemon.start_ready(PATIENCE)?;
    assert_eq!(site.interface("eth0")["state"], "offline");
    assert_eq!(site.holders(0)?, ["eth1"]);

    assert_eq!(site.if_mpadm(&["-r", "eth0"]), Ok(()));
    site.wait_event(mark, "interface_repaired", "eth0")?;
    site.wait_holder(1, "eth0")?;
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}

/// A member that has lost its last address takes no packet any more: everybody has to know by then.
#[test]
fn without_test_addresses_too() -> Result<()> {
    let site = Story { test_addresses: false, targets: vec![], ..Story::default() }.begin()?;
    let flows = [site.flow(0)?, site.flow(1)?];
    assert_eq!(site.if_mpadm(&["-d", "eth0"]), Ok(()));
    assert_eq!((site.holders(0)?, site.ways_out()?), (vec!["eth1".into()], vec!["eth1".into()]));
    assert_eq!(site.if_mpadm(&["-r", "eth0"]), Ok(()));
    site.wait_ways_out(&["eth0", "eth1"])?;
    for flow in flows {
        assert_eq!(flow.stop()?.lost, 0);
    }
    Ok(())
}
