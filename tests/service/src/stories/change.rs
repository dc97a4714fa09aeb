//! Changes by `ipmpadm`: the daemon, an ordinary user in a sandbox, writes them down.

use ipmp_lab::{Result, wait_until};

use crate::site::{CONFIG_FILE, PATIENCE, Site, UNIT, config};

/// A change is in the file when the command returns, what else is written there stays, and the mode of the file too.
pub fn lasting(site: &mut Site) -> Result<()> {
    site.rest()?;
    let comment = "# Kept by hand: ask before you change it.\n";
    site.machine.write(CONFIG_FILE, &format!("{comment}{}", config(2)))?;
    site.machine.ok(&["chmod", "640", CONFIG_FILE])?;
    site.machine.ok(&["chown", "root:ipmpd", CONFIG_FILE])?;
    site.machine.ok(&["systemctl", "reload", UNIT])?;
    site.machine.ok(&["ipmpadm", "create-addr", "-a", "192.0.2.52/24", "ipmp0"])?;
    assert_eq!(site.holders(2)?.len(), 1, "in force when the command returns");
    let written = site.machine.ok(&["cat", CONFIG_FILE])?;
    assert!(written.starts_with(comment) && written.contains("192.0.2.52/24"), "{written}");
    assert_eq!(site.machine.ok(&["stat", "-c", "%a", CONFIG_FILE])?.trim(), "640");
    let pid = site.main_pid()?;
    site.machine.ok(&["systemctl", "restart", UNIT])?;
    site.wait_restarted(&pid)?;
    wait_until(PATIENCE, "the address after the restart", || Ok(site.holders(2)?.len() == 1))
}
