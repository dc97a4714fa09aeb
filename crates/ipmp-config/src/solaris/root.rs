//! The files of Solaris under a directory, as text at hand.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::Family;

/// Larger files are not what they should be.
const SIZE_MAX: u64 = 1024 * 1024;

/// What is read.
#[derive(Clone, Debug, Default)]
pub(super) struct Root {
    /// `hostname.*` and `hostname6.*`, by name of the file: IPv4 first.
    pub(super) interfaces: Vec<HostnameFile>,
    pub(super) mpathd: Option<String>,
    pub(super) netmasks: Option<String>,
    pub(super) defaultrouter: Option<String>,
    hosts: String,
}

/// `hostname.IF` or `hostname6.IF`.
#[derive(Clone, Debug)]
pub(super) struct HostnameFile {
    pub(super) path: String,
    /// The interface, or logical interface.
    pub(super) interface: String,
    pub(super) family: Family,
    pub(super) text: String,
}

impl Root {
    pub(super) fn read(root: &Path) -> Result<Self, String> {
        let etc = root.join("etc");
        let mut names = Vec::new();
        let entries = fs::read_dir(&etc).map_err(|error| format!("cannot read {}: {error}", etc.display()))?;
        for entry in entries {
            let entry = entry.map_err(|error| format!("cannot read {}: {error}", etc.display()))?;
            names.extend(entry.file_name().into_string());
        }
        names.sort();
        let mut found = Self::default();
        for (prefix, family) in [("hostname.", Family::Inet), ("hostname6.", Family::Inet6)] {
            for name in names.iter().filter(|name| is_used(name)) {
                let Some(interface) = name.strip_prefix(prefix).filter(|interface| !interface.is_empty()) else {
                    continue;
                };
                let text = read(&etc.join(name))?.unwrap_or_default();
                let (path, interface) = (format!("/etc/{name}"), interface.to_owned());
                found.interfaces.push(HostnameFile { path, interface, family, text });
            }
        }
        found.mpathd = read(&etc.join("default/mpathd"))?;
        found.netmasks = first(&etc, &["inet/netmasks", "netmasks"])?;
        found.defaultrouter = read(&etc.join("defaultrouter"))?;
        for hosts in ["inet/hosts", "inet/ipnodes", "hosts"] {
            found.hosts += &read(&etc.join(hosts))?.unwrap_or_default();
            found.hosts += "\n";
        }
        Ok(found)
    }

    /// The address of a host, in `/etc/hosts` and the like.
    pub(super) fn lookup(&self, host: &str, family: Family) -> Option<IpAddr> {
        self.hosts.lines().find_map(|line| {
            let mut words = line.split('#').next()?.split_whitespace();
            let address: IpAddr = words.next()?.parse().ok()?;
            let is_it = Family::of(address) == family && words.any(|name| name.eq_ignore_ascii_case(host));
            is_it.then_some(address)
        })
    }
}

/// Copies that editors leave are not configuration.
fn is_used(name: &str) -> bool {
    ![".bak", ".orig", ".save", ".old", "~"].iter().any(|ending| name.ends_with(ending))
}

fn first(etc: &Path, names: &[&str]) -> Result<Option<String>, String> {
    for name in names {
        if let Some(text) = read(&etc.join(name))? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// None if there is none.
fn read(path: &PathBuf) -> Result<Option<String>, String> {
    let cannot = |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", path.display());
    let length = match fs::metadata(path) {
        Ok(file) if !file.is_file() => return Ok(None),
        Ok(file) => file.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(&error)),
    };
    if length > SIZE_MAX {
        return Err(cannot(&"it is larger than 1 MiB"));
    }
    fs::read_to_string(path).map(Some).map_err(|error| cannot(&error))
}
