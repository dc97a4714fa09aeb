//! The core's types as the control interface promises them.

use std::time::Duration;

use ipmp_control as wire;
use ipmp_core::notice::Reason;
use ipmp_core::status::{
    AddressStatus, GroupState, GroupStatus, MemberState, MemberStatus, ProbeState, ProbingStatus, TargetMode,
    TargetStatus,
};
use ipmp_core::{Family, IfName, Instant, Refusal, Status};

/// The status at `now`.
pub fn snapshot(status: Status, now: Instant) -> wire::Snapshot {
    wire::Snapshot { groups: status.groups.into_iter().map(|status| group(status, now)).collect() }
}

/// A refusal of the core.
pub fn refusal(refusal: Refusal) -> wire::Refusal {
    let text = |name: IfName| name.to_string();
    match refusal {
        Refusal::UnknownInterface(name) => wire::Refusal::UnknownInterface { interface: text(name) },
        Refusal::AlreadyOffline(name) => wire::Refusal::AlreadyOffline { interface: text(name) },
        Refusal::NotOffline(name) => wire::Refusal::NotOffline { interface: text(name) },
        Refusal::MinimumRedundancy(name) => wire::Refusal::MinimumRedundancy { interface: text(name) },
    }
}

fn group(status: GroupStatus, now: Instant) -> wire::Group {
    wire::Group {
        interface: status.interface.to_string(),
        name: status.name.to_string(),
        state: match status.state {
            GroupState::Ok => wire::GroupState::Ok,
            GroupState::Degraded => wire::GroupState::Degraded,
            GroupState::Failed => wire::GroupState::Failed,
        },
        failure_detection_time_ms: status.failure_detection_time.map(millis),
        members: status.members.into_iter().map(|status| member(status, now)).collect(),
        addresses: status.addresses.into_iter().map(address).collect(),
    }
}

fn member(status: MemberStatus, now: Instant) -> wire::Member {
    wire::Member {
        interface: status.interface.to_string(),
        active: status.active,
        inactive: status.inactive,
        standby: status.standby,
        link: if status.link_up { wire::LinkState::Up } else { wire::LinkState::Down },
        probe: match status.probe {
            ProbeState::Ok => wire::ProbeState::Ok,
            ProbeState::Failed => wire::ProbeState::Failed,
            ProbeState::Unknown => wire::ProbeState::Unknown,
            ProbeState::Disabled => wire::ProbeState::Disabled,
        },
        state: match status.state {
            MemberState::Degraded => wire::MemberState::Ok,
            MemberState::Ok => wire::MemberState::Ok,
            MemberState::Failed => wire::MemberState::Failed,
            MemberState::Offline => wire::MemberState::Offline,
            MemberState::Unknown => wire::MemberState::Unknown,
        },
        since_ms: millis(now.since(status.since)),
        reason: Some(reason(&status.reason)),
        probing: status.probing.into_iter().map(probing).collect(),
    }
}

fn reason(reason: &Reason) -> wire::Reason {
    let kind = match reason {
        Reason::Absent => "absent",
        Reason::AdminDown => "admin_down",
        Reason::NoCarrier => "no_carrier",
        Reason::ProbesLost { .. } => "probes_lost",
        Reason::ProbesAnswered { .. } => "probes_answered",
        Reason::LinkUp => "link_up",
        Reason::Unproven => "unproven",
        Reason::Network => "network",
        Reason::Requested => "requested",
        Reason::HardwareAddress { .. } => "hardware_address",
        Reason::Grey(_) => "degraded",
        Reason::NoTargets => "no_targets",
    };
    wire::Reason { kind: kind.to_owned(), text: reason.to_string() }
}

fn probing(status: ProbingStatus) -> wire::Probing {
    wire::Probing {
        family: match status.family {
            Family::V4 => wire::Family::Inet,
            Family::V6 => wire::Family::Inet6,
        },
        test_address: status.test_address,
        mode: match status.mode {
            TargetMode::Routes => wire::TargetMode::Routes,
            TargetMode::Multicast => wire::TargetMode::Routes,
            TargetMode::Disabled => wire::TargetMode::Disabled,
        },
        targets: status.targets.iter().map(target).collect(),
        sent: status.counts.sent,
        acked: status.counts.acked,
        lost: status.counts.lost,
        void: status.counts.void,
    }
}

fn target(status: &TargetStatus) -> wire::Target {
    wire::Target {
        address: status.address,
        rtt_us: status.rtt.map(|(mean, _)| micros(mean)),
        rtt_deviation_us: status.rtt.map(|(_, deviation)| micros(deviation)),
    }
}

fn address(status: AddressStatus) -> wire::Address {
    wire::Address {
        address: status.address,
        up: status.up,
        inbound: status.inbound.map(String::from),
        outbound: status.outbound.into_iter().map(String::from).collect(),
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
