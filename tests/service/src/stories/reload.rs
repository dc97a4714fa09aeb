//! Reload: applied in place or refused whole, and `systemctl` knows which.

use ipmp_lab::{Monitor, Result, wait_until};

use crate::site::{CONFIG_FILE, PATIENCE, Site, UNIT, config};

/// Two mistakes, of which both are told, and a change that must not be made.
fn bad_config() -> String {
    config(3) + "\n[[group]]\nintrface = \"ipmp1\"\n"
}

pub fn good_file(site: &mut Site) -> Result<()> {
    site.rest()?;
    let (pid, before, flow) = (site.main_pid()?, site.placement()?, site.flow(0)?);
    let end = site.machine.journal_end()?;
    site.machine.write(CONFIG_FILE, &config(3))?;
    site.machine.ok(&["systemctl", "reload", UNIT])?;
    // At once, without waiting.
    assert_eq!(site.holders(2)?.len(), 1);
    site.wait_journal(&end, "reloaded", &["PRIORITY=5"])?;
    site.machine.write(CONFIG_FILE, &config(2))?;
    site.machine.ok(&["systemctl", "reload", UNIT])?;
    assert!(site.holders(2)?.is_empty());
    assert_eq!(site.placement()?, before);
    assert_eq!(site.main_pid()?, pid);
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}

pub fn bad_file(site: &mut Site) -> Result<()> {
    site.rest()?;
    let (pid, before, flow) = (site.main_pid()?, site.placement()?, site.flow(0)?);
    let (end, mut monitor) = (site.machine.journal_end()?, Monitor::start(&site.network.host)?);
    site.machine.write(CONFIG_FILE, &bad_config())?;
    let reloaded = site.machine.run(&["systemctl", "reload", UNIT])?;
    assert!(!reloaded.success(), "the reload succeeded");
    site.wait_journal(&end, "reload_refused", &["PRIORITY=3"])?;
    let finding = site.wait_journal(&end, "config_error", &["PRIORITY=3"])?;
    assert!(finding["MESSAGE"].to_string().contains("ipmpd.toml:"), "{finding}");
    assert_eq!(site.machine.property(UNIT, "ActiveState")?, "active");
    assert_eq!(site.main_pid()?, pid);
    assert_eq!(site.placement()?, before);
    assert!(site.holders(2)?.is_empty());
    site.wait_status("1 group: ipmp0 ok (eth0 eth1)")?;
    let writes = monitor.writes()?;
    assert!(writes.is_empty(), "{writes:?}");
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}

pub fn hangup(site: &mut Site) -> Result<()> {
    site.rest()?;
    let (pid, end, flow) = (site.main_pid()?, site.machine.journal_end()?, site.flow(0)?);
    site.machine.write(CONFIG_FILE, &config(3))?;
    site.signal("HUP")?;
    wait_until(PATIENCE, "the third address", || Ok(site.holders(2)?.len() == 1))?;
    site.machine.write(CONFIG_FILE, &bad_config().replace("192.0.2.52/24", "192.0.2.53/24"))?;
    site.signal("HUP")?;
    site.wait_journal(&end, "reload_refused", &[])?;
    assert_eq!(site.holders(2)?.len(), 1);
    wait_until(PATIENCE, "the end of the reload", || Ok(site.machine.property(UNIT, "ActiveState")? == "active"))?;
    assert_eq!(site.main_pid()?, pid);
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}
