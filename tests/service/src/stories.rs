//! The stories, in the order in which they are told. Each begins by bringing the site to where it needs it, so that
//! any of them can be told alone.

mod change;
mod hook;
mod journal;
mod reload;
mod restart;
mod sandbox;
mod start;

use ipmp_lab::Result;

use crate::page;
use crate::site::{SOURCES, Site};

/// What is shown to hold.
pub struct Story {
    /// In a sentence.
    pub sentence: &'static str,
    /// By this; a panic or an error is a failure.
    pub tell: fn(&mut Site) -> Result<()>,
}

const fn story(sentence: &'static str, tell: fn(&mut Site) -> Result<()>) -> Story {
    Story { sentence, tell }
}

/// All stories.
pub const STORIES: &[Story] = &[
    story("systemd-analyze verify finds nothing in the unit", sandbox::verify),
    story("systemd-analyze security shows no more exposure than the documentation says", sandbox::exposure),
    story("a start with a bad file fails, says why, and is not tried again", start::bad_file),
    story("systemctl start returns when the group is in force", start::ready),
    story("systemctl status shows the status line, and it follows the group", start::status_line),
    story("the daemon is an ordinary user with two capabilities", sandbox::ordinary_user),
    story("every user may read, and only root may change", sandbox::clients),
    story("what is wrong is found from within the sandbox", sandbox::check),
    story("systemctl reload with a good file applies it, and loses no packet", reload::good_file),
    story("systemctl reload with a bad file fails, and the daemon runs on as it was", reload::bad_file),
    story("SIGHUP alone reloads a good file and refuses a bad one", reload::hangup),
    story("ipmpadm has a change written down by the daemon, and a restart keeps it", change::lasting),
    story("a pulled cable is in the journal, with message ids and fields", journal::pulled_cable),
    story("a hook is run as the daemon's user, may ask the daemon, and has none of its precedence", hook::reports),
    story("systemctl stop does not wait for a hook that hangs", hook::hangs),
    story("killed with SIGKILL it is started again, and no packet is lost", restart::killed),
    story("stopped by SIGSTOP it is restarted by the watchdog, and no packet is lost", restart::watchdog),
    story("systemctl stop and start lose no packet, and addresses stay meanwhile", restart::stop_and_start),
    story("the runtime directory outlives restarts, and with it what members were set to", restart::memory),
    story("the commands for taking it out of service leave nothing behind", restart::removed),
];

/// Installs everything as the documentation says.
pub fn install(site: &Site) -> Result<()> {
    // As udev leaves it (50-udev-default.rules); there is no udev in a container.
    site.machine.ok(&["chmod", "666", "/dev/net/tun"])?;
    documented(site, "Install")
}

/// Runs the commands of a section of the documentation, in the directory of the sources.
fn documented(site: &Site, section: &str) -> Result<()> {
    let commands = format!("cd {SOURCES}\n{}", page::commands(section));
    site.machine.ok(&["sh", "-ec", &commands]).map(drop)
}
