//! The probing of a member.

use ipmp_control as wire;
use ipmp_core::status::{FamilyHealth, ProbeCounts, ProbingStatus, Run, TargetMode, TargetState, TargetStatus};
use ipmp_core::{Family, ProbeKind, ReplyFault};

use super::{micros, millis};

pub fn probing(status: ProbingStatus) -> wire::Probing {
    let counts = status.counts;
    wire::Probing {
        family: family(status.family),
        kind: kind(status.kind),
        health: match status.health {
            FamilyHealth::Ok => wire::FamilyHealth::Ok,
            FamilyHealth::Failed => wire::FamilyHealth::Failed,
            FamilyHealth::Unknown => wire::FamilyHealth::Unknown,
        },
        test_address: status.test_address,
        mode: match status.mode {
            TargetMode::Routes => wire::TargetMode::Routes,
            TargetMode::Multicast => wire::TargetMode::Multicast,
            TargetMode::Transitive => wire::TargetMode::Transitive,
            TargetMode::Disabled => wire::TargetMode::Disabled,
        },
        targets: status.targets.iter().map(target).collect(),
        run: status.run.map(run),
        loss: status.loss,
        timeout_us: micros(status.timeout),
        last_reply: status.last_reply.map(|(age, rtt)| wire::LastReply { age_ms: millis(age), rtt_us: micros(rtt) }),
        bad: bad(&counts),
        sent: counts.sent,
        acked: counts.acked,
        lost: counts.lost,
        void: counts.void,
        late: counts.late,
        missed: counts.missed,
        large_sent: counts.large_sent,
        large_lost: counts.large_lost,
    }
}

pub fn family(family: Family) -> wire::Family {
    match family {
        Family::V4 => wire::Family::Inet,
        Family::V6 => wire::Family::Inet6,
    }
}

pub fn kind(kind: ProbeKind) -> wire::ProbeKind {
    match kind {
        ProbeKind::Icmp => wire::ProbeKind::Icmp,
        ProbeKind::Arp => wire::ProbeKind::Arp,
        ProbeKind::Ndp => wire::ProbeKind::Ndp,
        ProbeKind::Transitive => wire::ProbeKind::Transitive,
    }
}

fn run(run: Run) -> wire::Run {
    match run {
        Run::Losses(length) => wire::Run { outcome: wire::ProbeOutcome::Lost, length },
        Run::Replies(length) => wire::Run { outcome: wire::ProbeOutcome::Acked, length },
    }
}

fn bad(counts: &ProbeCounts) -> wire::BadReplies {
    let count = |fault| counts.bad.get(&fault).copied().unwrap_or(0);
    wire::BadReplies {
        duplicate: count(ReplyFault::Duplicate),
        out_of_window: count(ReplyFault::OutOfWindow),
        fake: count(ReplyFault::Fake),
        corrupt: count(ReplyFault::Corrupt),
        malformed: count(ReplyFault::Malformed),
    }
}

fn target(status: &TargetStatus) -> wire::Target {
    wire::Target {
        address: status.address,
        state: match status.state {
            TargetState::Active => wire::TargetState::Active,
            TargetState::Unused => wire::TargetState::Unused,
            TargetState::Slow => wire::TargetState::Slow,
            TargetState::Dead => wire::TargetState::Dead,
        },
        loss: status.loss,
        rtt_us: status.rtt.map(|(mean, _)| micros(mean)),
        rtt_deviation_us: status.rtt.map(|(_, deviation)| micros(deviation)),
    }
}
