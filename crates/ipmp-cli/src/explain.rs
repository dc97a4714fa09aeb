//! `ipmpadm explain`: all that the daemon knows of one member, for a person who has to decide what to do.

use std::fmt;

use ipmp_control::{
    BadReplies, Family, Group, Member, MemberState, ProbeKind, ProbeOutcome, Probing, Snapshot, Target, TargetMode,
};
use serde::Serialize;

use crate::table::{Field, Selection, human};
use crate::words;

/// What is said. As JSON it is the member as the control interface has it, and what its group is to it.
#[derive(Debug, Serialize)]
pub struct Explanation<'a> {
    /// The IPMP interface; none in the anonymous group.
    group: Option<&'a str>,
    groupname: Option<&'a str>,
    failure_detection_time_ms: Option<u64>,
    failure_detection_time_wanted_ms: u64,
    false_failures_per_year: Option<f64>,
    penalty_suspend: u32,
    penalty_reuse: u32,
    penalty_half_life_ms: u64,
    #[serde(flatten)]
    member: &'a Member,
}

impl<'a> Explanation<'a> {
    /// The member of that name, if there is one.
    pub fn of(snapshot: &'a Snapshot, interface: &str) -> Option<Self> {
        snapshot.groups.iter().find_map(|group| {
            let member = group.members.iter().find(|member| member.interface == interface)?;
            Some(Self::of_member(group, member))
        })
    }

    fn of_member(group: &'a Group, member: &'a Member) -> Self {
        let named = |name: &'a str| (!group.is_anonymous()).then_some(name);
        Self {
            group: named(&group.interface),
            groupname: named(&group.name),
            failure_detection_time_ms: group.failure_detection_time_ms,
            failure_detection_time_wanted_ms: group.failure_detection_time_wanted_ms,
            false_failures_per_year: group.false_failures_per_year,
            penalty_suspend: group.penalty_suspend,
            penalty_reuse: group.penalty_reuse,
            penalty_half_life_ms: group.penalty_half_life_ms,
            member,
        }
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = self.member;
        write!(f, "{}", member.interface)?;
        match (self.group, self.groupname) {
            (Some(group), Some(name)) if group == name => write!(f, " in group {group}")?,
            (Some(group), Some(name)) => write!(f, " in group {name} ({group})")?,
            _ => f.write_str(", in no group")?,
        }
        writeln!(f, ": {} for {}", words::member_state(member.state), words::span(member.since_ms))?;
        line(f, "why", &member.reason.text)?;
        if let Some(waiting) = &member.waits_for {
            line(f, "waits for", &waiting.text)?;
        }
        line(f, "in use", self.in_use())?;
        line(f, "link", words::link(member.link))?;
        let flags = self.flags();
        if !flags.is_empty() {
            line(f, "flags", flags)?;
        }
        line(f, "penalty", self.penalty())?;
        line(f, "detection", self.detection())?;
        if let Some(times) = self.false_failures_per_year.filter(|_| !member.probing.is_empty()) {
            line(f, "false alarms", false_alarms(times))?;
        }
        member.probing.iter().try_for_each(|probing| family(f, probing))
    }
}

impl Explanation<'_> {
    fn in_use(&self) -> &'static str {
        let Member { active, inactive, standby, drained, state, .. } = *self.member;
        match (active, inactive) {
            _ if self.group.is_none() => "as the system has it; it is only watched",
            (true, _) if standby => "yes: a standby in place of another member",
            (true, _) => "yes",
            (false, _) if drained => "no: emptied, because a better member exists",
            (false, true) if standby => "no: a standby that is not needed",
            (false, true) => "no: idle until it is needed, as failback is off",
            (false, false) if state == MemberState::Offline => "no: out of service",
            (false, false) => "no",
        }
    }

    fn flags(&self) -> String {
        let Member { inactive, standby, drained, hwaddr_duplicate, .. } = *self.member;
        let flags = [
            (standby, "standby"),
            (inactive, "inactive"),
            (drained, "drained"),
            (hwaddr_duplicate, "duplicate hardware address"),
        ];
        flags.iter().filter(|(set, _)| *set).map(|(_, flag)| *flag).collect::<Vec<_>>().join(", ")
    }

    fn penalty(&self) -> String {
        let (penalty, suspend, reuse) = (self.member.penalty, self.penalty_suspend, self.penalty_reuse);
        let half = words::span(self.penalty_half_life_ms);
        format!("{penalty}; from {suspend} on repair is withheld, until it is below {reuse}; halves in {half}")
    }

    fn detection(&self) -> String {
        let wanted = self.failure_detection_time_wanted_ms;
        match self.failure_detection_time_ms {
            _ if self.member.probing.is_empty() => "by the link alone: nothing is probed".to_owned(),
            Some(ms) if ms > wanted => {
                let (ms, wanted) = (words::seconds(ms), words::seconds(wanted));
                format!("within {ms}; {wanted} is wanted, and the network is too slow for it")
            }
            Some(ms) => format!("within {}", words::seconds(ms)),
            None => format!("within {} once there is somebody to probe", words::seconds(wanted)),
        }
    }
}

fn false_alarms(per_year: f64) -> String {
    let often = match per_year {
        0.0 => "none".to_owned(),
        ..0.01 => "fewer than 0.01".to_owned(),
        ..100.0 => format!("{per_year:.2}"),
        _ => format!("{per_year:.0}"),
    };
    format!("{often} a year expected, if the loss of today were chance")
}

fn family(f: &mut fmt::Formatter<'_>, probing: &Probing) -> fmt::Result {
    writeln!(f, "\n{}: {}, {}:", words::family(probing.family), words::health(probing.health), how(probing))?;
    line(f, "of late", of_late(probing))?;
    if let Some(loss) = probing.loss {
        line(f, "loss", format!("{} of the recent ordinary probes", percent(loss)))?;
    }
    line(f, "patience", format!("a probe is lost after {}", words::millis(probing.timeout_us)))?;
    line(f, "so far", counts(probing))?;
    let strange = strange(&probing.bad);
    if !strange.is_empty() {
        line(f, "strange", strange)?;
    }
    if probing.targets.is_empty() {
        return line(f, "targets", "none");
    }
    let rows: Vec<_> = probing.targets.iter().map(target).collect();
    human(TARGETS, &Selection::all(TARGETS), &rows, None).lines().try_for_each(|line| writeln!(f, "  {line}"))
}

/// What is sent, from where, and to whom.
fn how(probing: &Probing) -> String {
    let by = match (probing.kind, probing.family) {
        (ProbeKind::Icmp, Family::Inet) => "ICMP",
        (ProbeKind::Icmp, Family::Inet6) => "ICMPv6",
        (ProbeKind::Arp | ProbeKind::Transitive, Family::Inet) => "ARP",
        (ProbeKind::Ndp | ProbeKind::Transitive, Family::Inet6) => "neighbour solicitations",
        (ProbeKind::Arp, Family::Inet6) | (ProbeKind::Ndp, Family::Inet) => words::probe_kind(probing.kind),
    };
    let from = probing.test_address.map(|address| format!(" from {address}")).unwrap_or_default();
    match probing.mode {
        TargetMode::Disabled => format!("cannot be probed by {by}{from} now"),
        TargetMode::Transitive => format!("probed by {by}{from}, to data addresses that other members carry"),
        mode @ (TargetMode::Routes | TargetMode::Multicast) => {
            format!("probed by {by}{from}, targets by {}", words::mode(mode))
        }
    }
}

fn of_late(probing: &Probing) -> String {
    let run = match probing.run {
        None => "nothing decided yet".to_owned(),
        Some(run) => {
            let outcome = match run.outcome {
                ProbeOutcome::Acked => "answered",
                ProbeOutcome::Lost => "lost",
            };
            format!("{} consecutive probes {outcome}", run.length)
        }
    };
    match probing.last_reply {
        None => format!("{run}; no reply so far"),
        Some(reply) => {
            format!("{run}; last reply {} ago, RTT {}", ago(reply.age_ms), words::millis(reply.rtt_us))
        }
    }
}

/// To the hundredth of a second where that can matter.
fn ago(ms: u64) -> String {
    if ms < 60_000 { words::seconds(ms) } else { words::span(ms) }
}

/// Those that are always told, then those that are not zero.
fn counts(probing: &Probing) -> String {
    let Probing { sent, acked, lost, late, void, missed, large_sent, large_lost, .. } = *probing;
    let mut text = format!("{sent} sent, {acked} answered, {lost} lost");
    for (count, what) in [(late, "answered late"), (void, "void"), (missed, "never sent"), (large_sent, "large sent")] {
        if count > 0 {
            text += &format!(", {count} {what}");
        }
    }
    if large_sent > 0 {
        text += &format!(" and {large_lost} of them lost");
    }
    text
}

fn strange(bad: &BadReplies) -> String {
    let BadReplies { duplicate, out_of_window, fake, corrupt, malformed } = *bad;
    let replies = [
        (duplicate, "duplicate"),
        (out_of_window, "out of window"),
        (fake, "from others than were asked"),
        (corrupt, "corrupt"),
        (malformed, "malformed"),
    ];
    let told = replies.into_iter().filter(|(count, _)| *count > 0);
    told.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

const TARGETS: &[Field] = &[
    Field { name: "TARGET", width: 27 },
    Field { name: "STATE", width: 10 },
    Field { name: "LOSS", width: 10 },
    Field { name: "RTT", width: 12 },
    Field { name: "RTTDEV", width: 10 },
];

fn target(target: &Target) -> Vec<String> {
    let millis = |us: Option<u64>| us.map(words::millis).unwrap_or_default();
    vec![
        target.address.to_string(),
        words::target_state(target.state).to_owned(),
        target.loss.map(percent).unwrap_or_default(),
        millis(target.rtt_us),
        millis(target.rtt_deviation_us),
    ]
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, text: impl fmt::Display) -> fmt::Result {
    writeln!(f, "  {:<14}{text}", format!("{name}:"))
}
