//! States as words and spans as text, the same in every output.

use ipmp_control::{
    Claim, Family, FamilyHealth, GroupState, LinkState, MemberState, ProbeKind, ProbeState, TargetMode, TargetState,
};

/// State of a group.
pub fn group_state(state: GroupState) -> &'static str {
    match state {
        GroupState::Ok => "ok",
        GroupState::Degraded => "degraded",
        GroupState::Failed => "failed",
    }
}

/// State of a link.
pub fn link(state: LinkState) -> &'static str {
    match state {
        LinkState::Up => "up",
        LinkState::Down => "down",
    }
}

/// State of a member's probing.
pub fn probe_state(state: ProbeState) -> &'static str {
    match state {
        ProbeState::Ok => "ok",
        ProbeState::Failed => "failed",
        ProbeState::Unknown => "unknown",
        ProbeState::Disabled => "disabled",
    }
}

/// State of a member.
pub fn member_state(state: MemberState) -> &'static str {
    match state {
        MemberState::Ok => "ok",
        MemberState::Degraded => "degraded",
        MemberState::Failed => "failed",
        MemberState::Offline => "offline",
        MemberState::Unknown => "unknown",
    }
}

/// How targets were found.
pub fn mode(mode: TargetMode) -> &'static str {
    match mode {
        TargetMode::Routes => "routes",
        TargetMode::Multicast => "multicast",
        TargetMode::Transitive => "transitive",
        TargetMode::Disabled => "disabled",
    }
}

/// What a probe is.
pub fn probe_kind(kind: ProbeKind) -> &'static str {
    match kind {
        ProbeKind::Icmp => "icmp",
        ProbeKind::Arp => "arp",
        ProbeKind::Ndp => "ndp",
        ProbeKind::Transitive => "transitive",
    }
}

/// IPv4 or IPv6, as Solaris has it.
pub fn family(family: Family) -> &'static str {
    match family {
        Family::Inet => "inet",
        Family::Inet6 => "inet6",
    }
}

/// Whether a family works on a member.
pub fn health(health: FamilyHealth) -> &'static str {
    match health {
        FamilyHealth::Ok => "ok",
        FamilyHealth::Failed => "failed",
        FamilyHealth::Unknown => "unknown",
    }
}

/// Whether a data address may be used.
pub fn claim(claim: Claim) -> &'static str {
    match claim {
        Claim::Ours => "ours",
        Claim::Checking => "checking",
        Claim::Taken => "taken",
    }
}

/// What is made of a target.
pub fn target_state(state: TargetState) -> &'static str {
    match state {
        TargetState::Active => "active",
        TargetState::Unused => "unused",
        TargetState::Slow => "slow",
        TargetState::Dead => "dead",
    }
}

/// A failure detection time: `10.00s`.
pub fn seconds(ms: u64) -> String {
    format!("{}.{:02}s", ms / 1000, ms % 1000 / 10)
}

/// A round trip: `0.31ms`.
pub fn millis(us: u64) -> String {
    let hundredths = us.saturating_add(5) / 10;
    format!("{}.{:02}ms", hundredths / 100, hundredths % 100)
}

/// How long something has been so, in the two largest units: `3d4h`, `1m1s`, `0s`.
pub fn span(ms: u64) -> String {
    let s = ms / 1000;
    let (larger, smaller) = match s {
        0..60 => return format!("{s}s"),
        60..3600 => ((s / 60, "m"), (s % 60, "s")),
        3600..86400 => ((s / 3600, "h"), (s / 60 % 60, "m")),
        86400.. => ((s / 86400, "d"), (s / 3600 % 24, "h")),
    };
    let smaller = if smaller.0 > 0 { format!("{}{}", smaller.0, smaller.1) } else { String::new() };
    format!("{}{}{smaller}", larger.0, larger.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        let spans = [0, 999, 59_999, 61_250, 3_600_000, 3_660_000, 86_400_000, 273_600_000, u64::MAX];
        let shown = spans.map(span);
        assert_eq!(shown, ["0s", "0s", "59s", "1m1s", "1h", "1h1m", "1d", "3d4h", "213503982334d14h"]);
    }

    #[test]
    fn round_trips_are_rounded() {
        assert_eq!(
            [0, 4, 5, 310, 12_345, u64::MAX].map(millis)[..5],
            ["0.00ms", "0.00ms", "0.01ms", "0.31ms", "12.35ms"]
        );
    }
}
