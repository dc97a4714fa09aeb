//! The status on one line, for the service manager and the log.

use std::fmt::Write;

use ipmp_core::Status;
use ipmp_core::status::GroupState;

/// For instance "2 groups: ipmp0 ok (eth0 eth1), ipmp1 failed; watching eth7"; the active members are in
/// brackets, and interfaces outside of groups come last.
pub fn status_line(status: &Status) -> String {
    let (watched, groups): (Vec<_>, Vec<_>) = status.groups.iter().partition(|group| group.name.is_anonymous());
    let mut line = match groups.len() {
        0 => "no groups".to_owned(),
        1 => "1 group".to_owned(),
        groups => format!("{groups} groups"),
    };
    for (i, group) in groups.into_iter().enumerate() {
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
    let watched: Vec<_> = watched.iter().flat_map(|group| &group.members).map(|m| m.interface.as_str()).collect();
    if !watched.is_empty() {
        let _ = write!(line, "; watching {}", watched.join(" "));
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ipmp_core::notice::Reason;
    use ipmp_core::status::{GroupStatus, MemberState, MemberStatus, ProbeState};
    use ipmp_core::{GroupName, IfName, Instant};

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
        let both = "2 groups: ipmp0 ok (eth0 eth1), ipmp1 failed";
        assert_eq!(status_line(&Status { groups: vec![ok.clone(), failed.clone()] }), both);

        let mut others = group("any", GroupState::Ok, &[("eth7", true), ("eth8", false)]);
        (others.interface, others.name) = (IfName::none(), GroupName::anonymous());
        assert_eq!(status_line(&Status { groups: vec![others.clone()] }), "no groups; watching eth7 eth8");
        let groups = vec![ok, failed, others];
        assert_eq!(status_line(&Status { groups }), format!("{both}; watching eth7 eth8"));
    }
}
