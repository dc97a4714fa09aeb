//! SIGHUP applies the difference, and a bad file changes nothing.

use ipmp_e2e::{PATIENCE, Story, data_address};
use ipmp_lab::{Monitor, Result, Signal};

#[test]
fn a_good_file_is_applied_in_place() -> Result<()> {
    let mut story = Story { addresses: 2, ..Story::default() };
    let mut site = story.begin()?;
    let flow = site.flow(0)?;
    let (mark, mut monitor) = (site.daemon.mark(), Monitor::start(&site.network.host)?);
    story.addresses = 3;
    site.daemon.write_config(&story.config())?;
    site.daemon.signal(Signal::SIGHUP)?;
    site.daemon.wait_for(mark, "reloaded", |_| true, PATIENCE)?;
    ipmp_lab::wait_until(PATIENCE, "the new address", || Ok(site.holders(2)?.len() == 1))?;
    // The new address is anchored and bound; nothing else was touched.
    let strays: Vec<_> = monitor
        .writes()?
        .into_iter()
        .filter(|write| !format!("{write:?}").contains(&data_address(2).to_string()))
        .collect();
    assert!(strays.is_empty(), "{strays:?}");

    story.addresses = 1;
    site.daemon.write_config(&story.config())?;
    site.daemon.signal(Signal::SIGHUP)?;
    ipmp_lab::wait_until(PATIENCE, "addresses to go", || {
        Ok(site.holders(1)?.is_empty() && site.holders(2)?.is_empty())
    })?;
    assert_eq!(site.verdicts(mark).len(), 0, "{:?}", site.verdicts(mark));
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}

#[test]
fn the_same_file_writes_nothing() -> Result<()> {
    let mut site = Story::default().begin()?;
    let (mark, mut monitor) = (site.daemon.mark(), Monitor::start(&site.network.host)?);
    for _ in 0..5 {
        let mark = site.daemon.mark();
        site.daemon.signal(Signal::SIGHUP)?;
        site.daemon.wait_for(mark, "reloaded", |_| true, PATIENCE)?;
    }
    assert_eq!(site.verdicts(mark).len(), 0);
    assert!(monitor.writes()?.is_empty(), "{:?}", monitor.writes()?);
    Ok(())
}

#[test]
fn a_bad_file_is_refused_whole() -> Result<()> {
    let story = Story::default();
    let mut site = story.begin()?;
    let (mark, mut monitor) = (site.daemon.mark(), Monitor::start(&site.network.host)?);
    site.daemon
        .write_config(&(story.config().replace("192.0.2.51/24", "192.0.2.52/24") + "\n[[group]]\nintrface = 1\n"))?;
    site.daemon.signal(Signal::SIGHUP)?;
    site.daemon.wait_for(mark, "reload_refused", |_| true, PATIENCE)?;
    assert!(monitor.writes()?.is_empty(), "{:?}", monitor.writes()?);
    assert_eq!(site.holders(1)?.len(), 1);

    let output = site.daemon.client(ipmp_e2e::binary("ipmpadm")).arg("reload").output().expect("ipmpadm runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("intrface"), "{output:?}");
    Ok(())
}

#[test]
fn an_empty_file_leaves_nothing_of_ours() -> Result<()> {
    let site = Story::default().begin()?;
    let sysctl = |name: &str| site.network.host.sysctl(&format!("net/ipv4/conf/eth0/{name}"));
    assert_eq!(sysctl("arp_ignore")?.trim(), "1");
    site.daemon.write_config("")?;
    site.daemon.signal(Signal::SIGHUP)?;
    ipmp_lab::wait_until(PATIENCE, "everything of ours to go", || {
        let host = &site.network.host;
        let addresses = host.addresses()?.iter().any(|address| address.protocol == 213);
        let routes = host.routes()?.iter().any(|route| route.protocol == 213);
        Ok(!addresses && !routes && !host.has_link("ipmp0")?)
    })?;
    ipmp_lab::wait_until(PATIENCE, "the settings of before", || Ok(sysctl("arp_ignore")?.trim() == "0"))
}
