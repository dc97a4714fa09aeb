//! The daemon goes, in several ways, and comes back; the kernel carries on meanwhile.

use ipmp_core::kernel::PROTOCOL;
use ipmp_lab::{Change, Monitor, Result};

use crate::site::{CONFIG_FILE, Site, UNIT};
use crate::stories::documented;

/// Where the daemon keeps what must outlive it.
const MEMORY: &str = "/run/ipmpd/memory.json";

pub fn killed(site: &mut Site) -> Result<()> {
    undisturbed(site, |site| {
        for _ in 0..3 {
            let pid = site.main_pid()?;
            site.signal("KILL")?;
            site.wait_restarted(&pid)?;
        }
        Ok(())
    })
}

pub fn watchdog(site: &mut Site) -> Result<()> {
    undisturbed(site, |site| {
        let (pid, end) = (site.main_pid()?, site.machine.journal_end()?);
        site.signal("STOP")?;
        site.wait_restarted(&pid)?;
        let said = site.machine.journal(&end, &[&format!("UNIT={UNIT}")])?;
        let watchdog = said.iter().any(|entry| entry["MESSAGE"].to_string().contains("Watchdog timeout"));
        assert!(watchdog, "systemd says {said:#?}");
        Ok(())
    })
}

pub fn stop_and_start(site: &mut Site) -> Result<()> {
    undisturbed(site, |site| {
        let (end, before) = (site.machine.journal_end()?, site.placement()?);
        site.machine.ok(&["systemctl", "stop", UNIT])?;
        assert_eq!(site.machine.property(UNIT, "Result")?, "success");
        assert_eq!(site.main_pid()?, "0");
        assert_eq!(site.placement()?, before);
        site.wait_journal(&end, "stopping", &[])?;
        site.machine.ok(&["systemctl", "start", UNIT])?;
        site.machine.ok(&["systemctl", "restart", UNIT]).map(drop)
    })
}

/// Whatever `happens` to the daemon: not a packet is lost, no address moves, nothing is written to the kernel, and
/// the group works afterwards.
fn undisturbed(site: &Site, happens: impl FnOnce(&Site) -> Result<()>) -> Result<()> {
    site.rest()?;
    let before = site.placement()?;
    let (flow, other_flow) = (site.flow(0)?, site.flow(1)?);
    let mut monitor = Monitor::start(&site.network.host)?;
    happens(site)?;
    site.wait_proven()?;
    site.wait_status("1 group: ipmp0 ok (eth0 eth1)")?;
    assert_eq!(site.placement()?, before);
    // The carrier of a tun comes and goes with the process that holds it.
    let own_carrier = |change: &Change| matches!(change, Change::Link { link, .. } if link.name == "ipmp0");
    let writes: Vec<_> = monitor.writes()?.into_iter().filter(|change| !own_carrier(change)).collect();
    assert!(writes.is_empty(), "{writes:?}");
    for flow in [flow, other_flow] {
        let report = flow.report()?;
        assert_eq!(report.lost, 0, "{report:?}");
    }
    Ok(())
}

pub fn memory(site: &mut Site) -> Result<()> {
    site.rest()?;
    let remembered = site.machine.read(MEMORY)?;
    assert!(remembered.contains("eth0") && remembered.contains("eth1"), "{remembered}");
    let pid = site.main_pid()?;
    site.signal("KILL")?;
    site.wait_restarted(&pid)?;
    assert_eq!(site.machine.read(MEMORY)?, remembered);
    site.machine.ok(&["systemctl", "stop", UNIT])?;
    assert_eq!(site.machine.read(MEMORY)?, remembered);
    site.machine.ok(&["systemctl", "start", UNIT])?;
    assert_eq!(site.machine.read(MEMORY)?, remembered);
    let owner = site.machine.ok(&["stat", "--format=%U:%G %a", "/run/ipmpd", MEMORY])?;
    assert_eq!(owner, "ipmpd:ipmpd 755\nipmpd:ipmpd 600");
    Ok(())
}

pub fn removed(site: &mut Site) -> Result<()> {
    site.rest()?;
    documented(site, "Take it out of service")?;
    let host = &site.network.host;
    let ours = |address: &ipmp_lab::Address| address.protocol == PROTOCOL;
    assert!(!host.addresses()?.iter().any(ours));
    assert!(!host.routes()?.iter().any(|route| route.protocol == PROTOCOL));
    assert!(!host.has_link("ipmp0")?);
    // What it was before the daemon was first started, several processes ago.
    assert_eq!(host.sysctl("net/ipv4/conf/eth0/arp_ignore")?, "2");
    assert_eq!(site.machine.property(UNIT, "ActiveState")?, "inactive");
    assert_eq!(site.machine.property(UNIT, "UnitFileState")?, "disabled");
    assert!(site.machine.read(CONFIG_FILE)?.is_empty());
    Ok(())
}
