//! Start: as far as `systemctl start`, and not further than a good configuration lets it.

use ipmp_lab::Result;

use crate::site::{CONFIG_FILE, PATIENCE, Site, UNIT, config, data_address};
use crate::stories::documented;

pub fn bad_file(site: &mut Site) -> Result<()> {
    let machine = &site.machine;
    machine.ok(&["systemctl", "stop", UNIT])?;
    let restarts = machine.property(UNIT, "NRestarts")?;
    let end = machine.journal_end()?;
    machine.write(CONFIG_FILE, &config(2).replace("failure-detection-time", "failure-detektion-time"))?;
    let started = machine.run(&["systemctl", "start", UNIT])?;
    assert!(!started.success(), "the start succeeded");
    assert_eq!(machine.property(UNIT, "ActiveState")?, "failed");
    assert_eq!(machine.property(UNIT, "ExecMainStatus")?, "78", "EX_CONFIG of sysexits.h");
    assert_eq!(machine.property(UNIT, "NRestarts")?, restarts, "what is in the file does not mend itself");
    let said: Vec<_> =
        machine.journal(&end, &["SYSLOG_IDENTIFIER=ipmpd"])?.iter().map(|e| e["MESSAGE"].to_string()).collect();
    let said = said.join("\n");
    assert!(said.contains("failure-detektion-time") && said.contains("ipmpd.toml:6:1"), "{said}");
    machine.ok(&["systemctl", "reset-failed", UNIT]).map(drop)
}

pub fn ready(site: &mut Site) -> Result<()> {
    let machine = &site.machine;
    machine.ok(&["systemctl", "stop", UNIT])?;
    machine.write(CONFIG_FILE, &config(2))?;
    documented(site, "Start")?;
    // At once, without waiting.
    for number in 0..2 {
        assert_eq!(site.holders(number)?.len(), 1, "{} is on one member", data_address(number));
    }
    assert_eq!(machine.property(UNIT, "ActiveState")?, "active");
    let groups = machine.ok(&["ipmpstat", "-g", "-P", "-o", "GROUPNAME,STATE"])?;
    assert_eq!(groups, "acctg:ok");
    let order = machine.property(UNIT, "Before")?;
    assert!(order.split(' ').any(|unit| unit == "network.target"), "{order}");
    site.rest()
}

pub fn status_line(site: &mut Site) -> Result<()> {
    site.rest()?;
    let shown = site.machine.ok(&["systemctl", "status", "--no-pager", UNIT])?;
    assert!(shown.contains("Status: \"1 group: ipmp0 ok (eth0 eth1)\""), "{shown}");
    site.network.members[0].set_carrier(false)?;
    site.wait_status("1 group: ipmp0 degraded (eth1)")?;
    site.network.members[0].set_carrier(true)?;
    site.wait_status("1 group: ipmp0 ok (eth0 eth1)")?;
    // The same by the daemon's own tool.
    ipmp_lab::wait_until(PATIENCE, "both members in use", || {
        Ok(site.machine.ok(&["ipmpstat", "-g", "-P", "-o", "STATE,INTERFACES"])? == "ok:eth0 eth1")
    })
}
