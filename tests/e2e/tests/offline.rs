//! Planned maintenance: a member is emptied without losing a packet.

use ipmp_e2e::{PATIENCE, Story};
use ipmp_lab::Result;

ipmp_e2e::in_every_case!(offline_and_online_lose_nothing);

/// A member that has lost its last address takes no packet any more: everybody has to know by then.
fn offline_and_online_lose_nothing(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let flows = [site.flow(0)?, site.flow(1)?];
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
    site.wait_ways_out(&["eth0", "eth1"])?;
    for flow in flows {
        let report = flow.report()?;
        assert_eq!(report.lost, 0, "{report:?}");
    }
    Ok(())
}
