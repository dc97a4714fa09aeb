//! The core's types as the control interface promises them.

mod probing;
mod words;

use std::time::Duration;

use ipmp_control as wire;
use ipmp_core::kernel::{LAST_RESORT_METRIC, Leg};
use ipmp_core::rehearsal::Rehearsal;
use ipmp_core::status::{AddressStatus, Claim, GroupState, GroupStatus, MemberState, MemberStatus, ProbeState};
use ipmp_core::{IfIndex, IfName, Instant, ProbeOutcome, ProbeReport, Refusal, Status};
use ipnet::IpNet;

/// The status at `now`.
pub fn snapshot(status: Status, now: Instant) -> wire::Snapshot {
    wire::Snapshot { groups: status.groups.into_iter().map(|status| group(status, now)).collect() }
}

/// What became of a probe, told to who watches since `begun`.
pub fn probe(report: ProbeReport, begun: Instant) -> wire::Probe {
    let (outcome, network, total) = match report.outcome {
        ProbeOutcome::Acked { network, total } => (wire::ProbeOutcome::Acked, Some(network), Some(total)),
        ProbeOutcome::Lost => (wire::ProbeOutcome::Lost, None, None),
    };
    wire::Probe {
        probe: report.probe.0,
        interface: report.member.into(),
        kind: probing::kind(report.kind),
        target: report.target,
        sent_us: signed_micros(report.sent, begun),
        outcome,
        network_rtt_us: network.map(micros),
        rtt_us: total.map(micros),
        average_rtt_us: report.rtt.map(|(mean, _)| micros(mean)),
        rtt_deviation_us: report.rtt.map(|(_, deviation)| micros(deviation)),
    }
}

/// What would happen at `now`.
pub fn forecast(rehearsal: Rehearsal, now: Instant) -> wire::Forecast {
    let Rehearsal { changes, status, routes, kernel } = rehearsal;
    let name =
        |index: IfIndex| kernel.links.get(&index).map_or_else(|| index.to_string(), |link| link.name.to_string());
    let leg = |leg: Leg| wire::Leg { interface: name(leg.index), via: leg.via.map(|via| via.to_string()) };
    let for_data = routes.into_iter().filter(|route| route.key.metric != LAST_RESORT_METRIC);
    let routes = for_data
        .map(|route| wire::Route { to: route.key.to.to_string(), legs: route.legs.into_iter().map(leg).collect() });
    wire::Forecast { routes: routes.collect(), changes, groups: snapshot(status, now).groups }
}

/// Every address that is configured, and whether it is down.
pub fn addresses(addresses: Vec<(IfName, IpNet, bool)>) -> wire::Addresses {
    let told = |(interface, address, down): (IfName, IpNet, bool)| wire::ConfiguredAddress {
        interface: interface.to_string(),
        address: address.to_string(),
        down,
    };
    wire::Addresses { addresses: addresses.into_iter().map(told).collect() }
}

/// A refusal of the core.
pub fn refusal(refusal: Refusal) -> wire::Refusal {
    let text = |name: IfName| name.to_string();
    match refusal {
        Refusal::UnknownInterface(name) => wire::Refusal::UnknownInterface { interface: text(name) },
        Refusal::AlreadyOffline(name) => wire::Refusal::AlreadyOffline { interface: text(name) },
        Refusal::NotOffline(name) => wire::Refusal::NotOffline { interface: text(name) },
        Refusal::MinimumRedundancy(name) => wire::Refusal::MinimumRedundancy { interface: text(name) },
        Refusal::DuplicateHardwareAddress(name) => wire::Refusal::DuplicateHardwareAddress { interface: text(name) },
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
        failure_detection_time_wanted_ms: millis(status.failure_detection_time_wanted),
        false_failures_per_year: status.false_failures_per_year,
        penalty_suspend: status.damping.suspend,
        penalty_reuse: status.damping.reuse,
        penalty_half_life_ms: millis(status.damping.half_life),
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
            MemberState::Ok => wire::MemberState::Ok,
            MemberState::Degraded => wire::MemberState::Degraded,
            MemberState::Failed => wire::MemberState::Failed,
            MemberState::Offline => wire::MemberState::Offline,
            MemberState::Unknown => wire::MemberState::Unknown,
        },
        since_ms: millis(now.since(status.since)),
        reason: words::reason(&status.reason),
        waits_for: status.waits_for.as_ref().map(words::waiting),
        hwaddr_duplicate: status.hwaddr_duplicate,
        drained: status.drained,
        penalty: status.penalty,
        probing: status.probing.into_iter().map(probing::probing).collect(),
    }
}

fn address(status: AddressStatus) -> wire::Address {
    let (claim, taken_by) = match status.claim {
        Claim::Ours => (wire::Claim::Ours, None),
        Claim::Checking => (wire::Claim::Checking, None),
        Claim::Taken(by) => (wire::Claim::Taken, Some(by.to_string())),
    };
    wire::Address {
        address: status.address,
        up: status.up,
        inbound: status.inbound.map(String::from),
        outbound: status.outbound.into_iter().map(String::from).collect(),
        claim,
        taken_by,
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// How long after `origin` a moment was.
fn signed_micros(moment: Instant, origin: Instant) -> i64 {
    let span = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    span(moment.since(origin)) - span(origin.since(moment))
}
