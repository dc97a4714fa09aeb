//! `ipmpstat -g`.

use ipmp_control::{Group, GroupState, Member, Snapshot};
use serde::Serialize;

use super::field;
use crate::table::Field;
use crate::words;

/// `-g`: a group.
#[derive(Debug, Serialize)]
pub struct GroupRow<'a> {
    group: &'a str,
    groupname: &'a str,
    state: GroupState,
    fdt_ms: Option<u64>,
    active: Vec<&'a str>,
    inactive: Vec<&'a str>,
    unusable: Vec<&'a str>,
}

impl<'a> GroupRow<'a> {
    /// The columns.
    pub const FIELDS: &'static [Field] =
        &[field("GROUP", 12), field("GROUPNAME", 12), field("STATE", 10), field("FDT", 10), field("INTERFACES", 30)];

    /// All rows; the anonymous group is none (§9: it groups nothing).
    pub fn all(snapshot: &'a Snapshot) -> Vec<Self> {
        let row = |group: &'a Group| {
            let members = |which: fn(&Member) -> bool| {
                group.members.iter().filter(|member| which(member)).map(|member| member.interface.as_str()).collect()
            };
            Self {
                group: &group.interface,
                groupname: &group.name,
                state: group.state,
                fdt_ms: group.failure_detection_time_ms,
                active: members(|member| member.active),
                inactive: members(|member| !member.active && member.inactive),
                unusable: members(|member| !member.active && !member.inactive),
            }
        };
        snapshot.groups.iter().filter(|group| !group.is_anonymous()).map(row).collect()
    }

    /// The values of the columns.
    pub fn values(&self) -> Vec<String> {
        let lists = [(&self.active, "", ""), (&self.inactive, "(", ")"), (&self.unusable, "[", "]")];
        let shown = lists.iter().filter(|(members, ..)| !members.is_empty());
        let interfaces: Vec<_> =
            shown.map(|(members, open, close)| format!("{open}{}{close}", members.join(" "))).collect();
        vec![
            self.group.to_owned(),
            self.groupname.to_owned(),
            words::group_state(self.state).to_owned(),
            self.fdt_ms.map(words::seconds).unwrap_or_default(),
            interfaces.join(" "),
        ]
    }
}
