//! What an administrator finds in the journal.

use ipmp_lab::Result;
use serde_json::Value;

use crate::machine::Cursor;
use crate::site::{Site, UNIT, message};

pub fn pulled_cable(site: &mut Site) -> Result<()> {
    site.rest()?;
    let end = site.machine.journal_end()?;
    site.network.members[0].set_carrier(false)?;
    find(site, &end, "link_down", &[("INTERFACE", "eth0"), ("GROUP", "acctg")])?;
    find(site, &end, "interface_failed", &[("INTERFACE", "eth0"), ("GROUP", "acctg"), ("REASON", "no carrier")])?;
    find(site, &end, "address_moved", &[("GROUP", "acctg"), ("FROM", "eth0"), ("TO", "eth1")])?;
    // As one looks for what needs attention.
    let errors = site.machine.ok(&["journalctl", "--no-pager", "--output=cat", "--unit", UNIT, "--priority=err"])?;
    assert!(errors.contains("IP interface failure detected on eth0 of group acctg: no carrier"), "{errors}");
    let end = site.machine.journal_end()?;
    site.network.members[0].set_carrier(true)?;
    find(site, &end, "link_up", &[("INTERFACE", "eth0"), ("GROUP", "acctg")])?;
    find(site, &end, "interface_repaired", &[("INTERFACE", "eth0"), ("GROUP", "acctg")])
}

/// Looks for a message by its id and fields, and at everything else that it should carry.
fn find(site: &Site, after: &Cursor, event: &str, fields: &[(&str, &str)]) -> Result<()> {
    let wanted = message(event);
    let fits: Vec<_> = fields.iter().map(|(name, value)| format!("IPMP_{name}={value}")).collect();
    let fits: Vec<_> = fits.iter().map(String::as_str).collect();
    let entry = site.wait_journal(after, event, &fits)?;
    let field = |name: &str| entry[name].as_str().unwrap_or_default();
    assert_eq!(field("PRIORITY"), wanted.level.priority().to_string());
    assert_eq!(field("IPMP_EVENT"), event);
    assert_eq!(field("SYSLOG_IDENTIFIER"), "ipmpd");
    assert_eq!(field("_SYSTEMD_UNIT"), UNIT);
    let missing: Vec<_> = wanted.fields.iter().filter(|name| *name != &"reason" && !has_field(&entry, name)).collect();
    assert!(missing.is_empty(), "{missing:?} of {event} are not in {entry}");
    Ok(())
}

fn has_field(entry: &Value, name: &str) -> bool {
    entry[format!("IPMP_{}", name.to_ascii_uppercase())].is_string()
}
