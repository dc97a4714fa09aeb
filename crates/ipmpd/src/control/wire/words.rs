//! Why a member is what it is and what it waits for, as a word for programs and a phrase for people.

use std::time::Duration;

use ipmp_control as wire;
use ipmp_core::notice::{Grey, Reason};
use ipmp_core::status::Waiting;

use super::{millis, probing};

pub fn reason(reason: &Reason) -> wire::Reason {
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
        Reason::Grey(Grey::Loss { .. }) => "loss",
        Reason::Grey(Grey::Slow { .. }) => "slow",
        Reason::Grey(Grey::Family(_)) => "family",
        Reason::Grey(Grey::Large { .. }) => "large_probes_lost",
        Reason::Grey(Grey::Corrupt { .. }) => "corrupt",
        Reason::NoTargets => "no_targets",
    };
    let family = match reason {
        Reason::Grey(Grey::Family(family)) => Some(probing::family(*family)),
        _ => None,
    };
    wire::Reason { kind: kind.to_owned(), text: reason.to_string(), family }
}

/// The phrase completes "it waits for".
pub fn waiting(waiting: &Waiting) -> wire::Waiting {
    let just = |kind: &str, text: &str| wire::Waiting {
        kind: kind.to_owned(),
        text: text.to_owned(),
        have: None,
        need: None,
        below: None,
        left_ms: None,
    };
    match *waiting {
        Waiting::Link => just("link", "a NIC with a usable link"),
        Waiting::Replies { have, need } => wire::Waiting {
            have: Some(have),
            need: Some(need),
            ..just("replies", &format!("{need} consecutive replies, of which {have} came"))
        },
        Waiting::Losses { have, need } => wire::Waiting {
            have: Some(have),
            need: Some(need),
            ..just("losses", &format!("a reply: {need} consecutive losses fail it, and {have} there are"))
        },
        Waiting::Others => just("others", "what the other members' probes say"),
        Waiting::Penalty { reuse, left } => wire::Waiting {
            below: Some(reuse),
            left_ms: Some(millis(left)),
            ..just("penalty", &format!("its penalty to fall below {reuse}, in {}", seconds(left)))
        },
        Waiting::QuietPeriod(left) => wire::Waiting {
            left_ms: Some(millis(left)),
            ..just("quiet_period", &format!("a first reply; for {} no loss counts", seconds(left)))
        },
        Waiting::Targets => just("targets", "somebody to probe"),
        Waiting::Administrator => just("administrator", "the administrator to take it back into service"),
        Waiting::HardwareAddress => just("hardware_address", "a hardware address of its own"),
        Waiting::Improvement => just("improvement", "its path to become better"),
    }
}

/// Whole seconds, for who waits.
fn seconds(span: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_secs(span.as_secs() + u64::from(span.subsec_nanos() > 0)))
}
