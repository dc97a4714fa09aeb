//! Who may change anything: root, the user that the daemon runs as, and the members of the group that the
//! configuration names (`admin-group`).
//!
//! Asked anew at each call, so that a reload counts at once for who is connected already, and so does a change of the
//! group. Whoever keeps the list of users may be slow, a directory server for instance: only the one who asks waits.

use std::ffi::CString;

use nix::unistd::{Group, Uid, User, geteuid, getgrouplist};
use tokio::sync::watch;

/// Who may change anything.
#[derive(Clone, Debug)]
pub struct Admins {
    /// The group that the configuration in force names.
    pub group: watch::Receiver<Option<String>>,
}

impl Admins {
    /// Whether this user may.
    pub async fn has(&self, user: Uid) -> bool {
        if user.is_root() || user == geteuid() {
            return true;
        }
        let Some(group) = self.group.borrow().clone() else { return false };
        let asked = tokio::task::spawn_blocking(move || is_member(user, &group)).await;
        asked.unwrap_or(false)
    }
}

/// Whether a user is in a group, be it as his own or as one more. Who is not known is not.
fn is_member(user: Uid, group: &str) -> bool {
    let group = match Group::from_name(group) {
        Ok(Some(group)) => group,
        Ok(None) => {
            tracing::debug!("There is no group {group}, whose members are to administer the daemon");
            return false;
        }
        Err(error) => {
            tracing::debug!("The group {group} cannot be looked up: {error}");
            return false;
        }
    };
    let Ok(Some(user)) = User::from_uid(user) else { return false };
    let Ok(name) = CString::new(user.name) else { return false };
    getgrouplist(&name, user.gid).is_ok_and(|groups| groups.contains(&group.gid))
}
