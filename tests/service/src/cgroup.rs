//! The control group in which all processes of the machine live, so that they can be found and ended without
//! knowing them.
//!
//! A container manager makes groups below its own and leaves them there; here they go with the machine. Those of a
//! run that was killed are removed by the next one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipmp_lab::{Error, Result, wait_until};

const PREFIX: &str = "ipmp-service-";

/// How long the kernel may take to end processes that were killed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A group below the one that this program runs in, named after this program's process.
#[derive(Clone, Debug)]
pub struct Cgroup(PathBuf);

impl Cgroup {
    /// Makes the group, and removes what earlier runs left.
    ///
    /// # Errors
    ///
    /// Where the hierarchy of version 2 is not mounted, or the group cannot be made.
    pub fn new() -> Result<Self> {
        let own = own_group().map_err(|error| failed("find the control group of this process", error))?;
        remove_leftovers(&own);
        let path = own.join(format!("{PREFIX}{}", std::process::id()));
        fs::create_dir(&path).map_err(|error| failed("make a control group", error))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Kills all that is in it, waits for the end of that, and removes it.
    ///
    /// # Errors
    ///
    /// Where something does not end, or the group cannot be removed.
    pub fn destroy(&self) -> Result<()> {
        fs::write(self.0.join("cgroup.kill"), "1").map_err(|error| failed("kill a control group", error))?;
        wait_until(PATIENCE, "the machine to end", || {
            let events = fs::read_to_string(self.0.join("cgroup.events"));
            Ok(events.map_err(|error| failed("look at a control group", error))?.contains("populated 0"))
        })?;
        remove(&self.0).map_err(|error| failed("remove a control group", error))
    }
}

fn failed(what: &str, error: io::Error) -> Error {
    Error::new(what, error.to_string())
}

/// The group of this process in the version 2 hierarchy (cgroups(7), "/proc files").
fn own_group() -> io::Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let mut mounts = mounts.lines().map(|line| line.split(' '));
    let mount = mounts.find_map(|mut fields| match (fields.nth(1), fields.next()) {
        (Some(place), Some("cgroup2")) => Some(place),
        _ => None,
    });
    let groups = fs::read_to_string("/proc/self/cgroup")?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    match (mount, group) {
        (Some(mount), Some(group)) => Ok(Path::new(mount).join(group)),
        _ => Err(io::Error::other("no hierarchy of control groups version 2 is mounted")),
    }
}

/// A group with processes in it cannot be removed, and those of a run that lives are left alone.
fn remove_leftovers(own: &Path) {
    for entry in fs::read_dir(own).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            // Not ours to complain about.
            let _ = remove(&entry.path());
        }
    }
}

/// The files in it go with a directory; the directories below it have to go first.
fn remove(group: &Path) -> io::Result<()> {
    for entry in fs::read_dir(group)?.flatten() {
        if entry.file_type()?.is_dir() {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(group)
}
