//! Planned maintenance: a member is emptied without losing a packet.

use std::process::Output;

use ipmp_e2e::{PATIENCE, Site, Story, binary};
use ipmp_lab::Result;

fn if_mpadm(site: &Site, arguments: &[&str]) -> Output {
    site.daemon.client(binary("if_mpadm")).args(arguments).output().expect("if_mpadm runs")
}

#[test]
fn offline_and_online_lose_nothing() -> Result<()> {
    let mut site = Story::default().begin()?;
    let flow = site.flow(0)?;
    let mark = site.daemon.mark();
    assert!(if_mpadm(&site, &["-d", "eth0"]).status.success());
    // When the command returns it has taken effect.
    assert_eq!(site.holders(0)?, ["eth1"]);
    assert_eq!(site.ways_out()?, ["eth1"]);
    let again = if_mpadm(&site, &["-d", "eth0"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("already offline"), "{again:?}");
    let last = if_mpadm(&site, &["-d", "eth1"]);
    assert!(String::from_utf8_lossy(&last.stderr).contains("no other functioning interfaces"), "{last:?}");

    // A restart does not forget it.
    site.daemon.kill()?;
    site.daemon.start_ready(PATIENCE)?;
    assert_eq!(site.status("-i")[0]["state"], "offline");
    assert_eq!(site.holders(0)?, ["eth1"]);

    assert!(if_mpadm(&site, &["-r", "eth0"]).status.success());
    site.wait_event(mark, "interface_repaired", "eth0")?;
    site.wait_holder(1, "eth0")?;
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}
