//! SIGHUP applies the difference, and a bad file changes nothing.

use ipmp_e2e::{PATIENCE, Story};
use ipmp_lab::{Monitor, Result, Signal, wait_until};

ipmp_e2e::in_every_case!(a_good_file_is_applied_in_place, an_empty_file_leaves_nothing_of_ours);
ipmp_e2e::in_two_cases!(the_same_file_writes_nothing, a_bad_file_is_refused_whole);

fn a_good_file_is_applied_in_place(story: Story) -> Result<()> {
    let mut story = story;
    let mut site = story.begin()?;
    let flow = site.flow(0)?;
    let (mark, mut monitor) = (site.daemon.mark(), Monitor::start(&site.network.host)?);
    story.addresses = 3;
    site.daemon.write_config(&story.config())?;
    site.daemon.signal(Signal::SIGHUP)?;
    site.daemon.wait_for(mark, "reloaded", |_| true, PATIENCE)?;
    site.wait_bound(3)?;
    // The new address is anchored and bound; nothing else was touched.
    let new: Vec<_> = site.families.iter().map(|family| family.data_address(2).to_string()).collect();
    let of_new = |write: &String| new.iter().any(|address| write.contains(address));
    let strays: Vec<_> = monitor.writes()?.iter().map(|write| format!("{write:?}")).filter(|w| !of_new(w)).collect();
    assert!(strays.is_empty(), "{strays:?}");

    story.addresses = 1;
    site.daemon.write_config(&story.config())?;
    site.daemon.signal(Signal::SIGHUP)?;
    wait_until(PATIENCE, "addresses to go", || Ok(site.holders(1)?.is_empty() && site.holders(2)?.is_empty()))?;
    assert_eq!(site.verdicts(mark).len(), 0, "{:?}", site.verdicts(mark));
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}

fn the_same_file_writes_nothing(story: Story) -> Result<()> {
    let mut site = story.begin()?;
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

fn a_bad_file_is_refused_whole(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let (mark, mut monitor) = (site.daemon.mark(), Monitor::start(&site.network.host)?);
    let other = Story { addresses: 1, ..story }.config();
    site.daemon.write_config(&(other + "\n[[group]]\nintrface = 1\n"))?;
    site.daemon.signal(Signal::SIGHUP)?;
    site.daemon.wait_for(mark, "reload_refused", |_| true, PATIENCE)?;
    assert!(monitor.writes()?.is_empty(), "{:?}", monitor.writes()?);
    site.wait_bound(2)?;

    let output = site.daemon.client(ipmp_e2e::binary("ipmpadm")).arg("reload").output().expect("ipmpadm runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("intrface"), "{output:?}");
    Ok(())
}

fn an_empty_file_leaves_nothing_of_ours(story: Story) -> Result<()> {
    let site = story.begin()?;
    let sysctl = |name: &str| site.network.host.sysctl(&format!("net/ipv4/conf/eth0/{name}"));
    assert_eq!(sysctl("arp_ignore")?.trim(), "1");
    site.daemon.write_config("")?;
    site.daemon.signal(Signal::SIGHUP)?;
    wait_until(PATIENCE, "everything of ours to go", || {
        let host = &site.network.host;
        let addresses = host.addresses()?.iter().any(|address| address.protocol == 213);
        let routes = host.routes()?.iter().any(|route| route.protocol == 213);
        Ok(!addresses && !routes && !host.has_link("ipmp0")?)
    })?;
    wait_until(PATIENCE, "the settings of before", || Ok(sysctl("arp_ignore")?.trim() == "0"))
}
