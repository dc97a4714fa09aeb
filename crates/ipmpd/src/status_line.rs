//! The status on one line, for the service manager and the log.

use std::fmt::Write;

use ipmp_core::Status;
use ipmp_core::status::GroupState;

/// For instance "2 groups: ipmp0 ok (eth0 eth1), ipmp1 failed"; the active members are in brackets.
pub fn status_line(status: &Status) -> String {
    let mut line = match status.groups.len() {
        0 => return "no groups".to_owned(),
        1 => "1 group".to_owned(),
        groups => format!("{groups} groups"),
    };
    for (i, group) in status.groups.iter().enumerate() {
        let state = match group.state {
            GroupState::Ok => "ok",
            GroupState::Degraded => "degraded",
            GroupState::Failed => "failed",
        };
        // Writing to a string cannot fail.
        let _ = write!(line, "{} {} {state}", if i == 0 { ":" } else { "," }, group.interface);
        let active: Vec<_> = group.members.iter().filter(|m| m.active).map(|m| m.interface.as_str()).collect();
        if !active.is_empty() {
            let _ = write!(line, " ({})", active.join(" "));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ipmp_core::Instant;
    use ipmp_core::notice::Reason;
    use ipmp_core::status::{GroupStatus, MemberState, MemberStatus, ProbeState};

    use super::*;

    fn group(name: &str, state: GroupState, members: &[(&str, bool)]) -> GroupStatus {
        GroupStatus {
            interface: name.parse().unwrap(),
            name: name.parse().unwrap(),
            state,
            failure_detection_time: None,
            failure_detection_time_wanted: Duration::from_secs(1),
            false_failures_per_year: None,
            damping: Default::default(),
            members: members
                .iter()
                .map(|&(name, active)| MemberStatus {
                    interface: name.parse().unwrap(),
                    active,
                    inactive: false,
                    standby: false,
                    link_up: active,
                    probe: ProbeState::Disabled,
                    state: if active { MemberState::Ok } else { MemberState::Failed },
                    since: Instant::default(),
                    reason: Reason::LinkUp,
                    hwaddr_duplicate: false,
                    drained: false,
                    penalty: 0,
                    waits_for: None,
                    probing: vec![],
                })
                .collect(),
            addresses: vec![],
        }
    }

    #[test]
    fn names_groups_states_and_active_members() {
        let ok = group("ipmp0", GroupState::Ok, &[("eth0", true), ("eth1", true)]);
        let failed = group("ipmp1", GroupState::Failed, &[("eth2", false)]);
        assert_eq!(status_line(&Status { groups: vec![] }), "no groups");
        assert_eq!(status_line(&Status { groups: vec![ok.clone()] }), "1 group: ipmp0 ok (eth0 eth1)");
        assert_eq!(status_line(&Status { groups: vec![ok, failed] }), "2 groups: ipmp0 ok (eth0 eth1), ipmp1 failed");
    }
}
