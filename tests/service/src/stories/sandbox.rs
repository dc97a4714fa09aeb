//! What the process may do, and what it may not.

use std::collections::BTreeMap;

use ipmp_lab::Result;

use crate::page;
use crate::site::{Site, UNIT};

/// CAP_NET_ADMIN (12) and CAP_NET_RAW (13), as `/proc/PID/status` shows sets (capabilities(7)).
const TWO_CAPABILITIES: &str = "0000000000003000";

pub fn verify(site: &mut Site) -> Result<()> {
    let file = site.machine.property(UNIT, "FragmentPath")?;
    let verified = site.machine.run(&["systemd-analyze", "verify", &file])?;
    assert!(verified.success(), "{verified}");
    assert_eq!(verified.text + &verified.complaints, "");
    Ok(())
}

pub fn exposure(site: &mut Site) -> Result<()> {
    let table = site.machine.ok(&["systemd-analyze", "security", "--no-pager", UNIT])?;
    let figure = table.split("Overall exposure level for ipmpd.service: ").nth(1);
    let figure: Option<f64> = figure.and_then(|rest| rest.split(' ').next()?.parse().ok());
    let figure = figure.unwrap_or_else(|| panic!("no figure in\n{table}"));
    assert!(figure <= page::exposure(), "{figure} is more than {}:\n{table}", page::exposure());
    Ok(())
}

pub fn ordinary_user(site: &mut Site) -> Result<()> {
    site.rest()?;
    let status = site.machine.read(&format!("/proc/{}/status", site.main_pid()?))?;
    let status: BTreeMap<_, _> = status.lines().filter_map(|line| line.split_once(":\t")).collect();
    let user = site.machine.ok(&["id", "--user", "ipmpd"])?;
    let group = site.machine.ok(&["id", "--group", "ipmpd"])?;
    assert_ne!(user, "0");
    assert_eq!(status["Uid"], [user.as_str(); 4].join("\t"));
    assert_eq!(status["Gid"], [group.as_str(); 4].join("\t"));
    assert_eq!(status["Groups"].trim(), group);
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(status[set], TWO_CAPABILITIES, "{set}");
    }
    assert_eq!(status["NoNewPrivs"], "1");
    assert_eq!(status["Seccomp"], "2", "system calls are filtered");
    Ok(())
}

/// It needs the kernel's tables and frames between members, and none of the files that the service does not see.
pub fn check(site: &mut Site) -> Result<()> {
    site.rest()?;
    let found = site.machine.run(&["ipmpadm", "check"])?;
    assert!(found.success() && found.text.trim_end() == "Nothing is wrong.", "{found}");
    site.network.members[0].set_carrier(false)?;
    site.wait_status("1 group: ipmp0 degraded (eth1)")?;
    let found = site.machine.run(&["ipmpadm", "check"])?;
    assert!(!found.success() && found.text.contains("eth1 is the last member"), "{found}");
    site.rest()
}

pub fn clients(site: &mut Site) -> Result<()> {
    site.rest()?;
    let as_nobody = |command: &[&str]| {
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--"];
        site.machine.run(&[&nobody, command].concat())
    };
    let groups = as_nobody(&["ipmpstat", "-g"])?;
    assert!(groups.success() && groups.text.contains("acctg"), "{groups}");
    let changes = [&["ipmpadm", "offline", "eth0"][..], &["if_mpadm", "-d", "eth0"], &["ipmpadm", "reload"]];
    for change in changes.into_iter().chain([&["ipmpadm", "check"][..]]) {
        let refused = as_nobody(change)?;
        assert!(!refused.success() && !refused.complaints.is_empty(), "{change:?}: {refused}");
    }
    site.machine.ok(&["if_mpadm", "-d", "eth0"])?;
    assert_eq!(site.placement()?, [["eth1"], ["eth1"]]);
    site.machine.ok(&["if_mpadm", "-r", "eth0"])?;
    site.rest()
}
