//! `ipmpstat -i`.

use ipmp_control::{
    Family, FamilyHealth, Group, LinkState, Member, MemberState, ProbeKind, ProbeState, Probing, Reason, Snapshot,
    Waiting,
};
use serde::Serialize;

use super::field;
use crate::table::Field;
use crate::words;

/// `-i`: a member.
#[derive(Debug, Serialize)]
pub struct InterfaceRow<'a> {
    interface: &'a str,
    active: bool,
    /// None where it is in no group but the anonymous one.
    group: Option<&'a str>,
    inactive: bool,
    standby: bool,
    hwaddr_duplicate: bool,
    drained: bool,
    link: LinkState,
    probe: ProbeState,
    state: MemberState,
    since_ms: u64,
    reason: &'a Reason,
    waits_for: Option<&'a Waiting>,
    penalty: u32,
    families: Vec<FamilyRow>,
}

/// A family of it that is probed.
#[derive(Debug, Serialize)]
struct FamilyRow {
    family: Family,
    kind: ProbeKind,
    health: FamilyHealth,
}

impl From<&Probing> for FamilyRow {
    fn from(probing: &Probing) -> Self {
        Self { family: probing.family, kind: probing.kind, health: probing.health }
    }
}

impl<'a> InterfaceRow<'a> {
    /// The columns. The last four are for who asks, or has a wide screen: the others fill that which Solaris knows.
    pub const FIELDS: &'static [Field] = &[
        field("INTERFACE", 12),
        field("ACTIVE", 8),
        field("GROUP", 12),
        field("FLAGS", 10),
        field("LINK", 10),
        field("PROBE", 10),
        field("STATE", 10),
        field("SINCE", 10),
        field("REASON", 60),
        field("HEALTH", 22),
        field("KIND", 22),
    ];

    /// All rows.
    pub fn all(snapshot: &'a Snapshot) -> Vec<Self> {
        let row = |group: &'a Group, member: &'a Member| Self {
            interface: &member.interface,
            active: member.active,
            group: (!group.is_anonymous()).then_some(&group.interface),
            inactive: member.inactive,
            standby: member.standby,
            hwaddr_duplicate: member.hwaddr_duplicate,
            drained: member.drained,
            link: member.link,
            probe: member.probe,
            state: member.state,
            since_ms: member.since_ms,
            reason: &member.reason,
            waits_for: member.waits_for.as_ref(),
            penalty: member.penalty,
            families: member.probing.iter().map(FamilyRow::from).collect(),
        };
        snapshot.groups.iter().flat_map(|group| group.members.iter().map(move |member| row(group, member))).collect()
    }

    /// The values of the columns.
    pub fn values(&self) -> Vec<String> {
        vec![
            self.interface.to_owned(),
            if self.active { "yes" } else { "no" }.to_owned(),
            self.group.unwrap_or_default().to_owned(),
            self.flags(),
            words::link(self.link).to_owned(),
            words::probe_state(self.probe).to_owned(),
            words::member_state(self.state).to_owned(),
            words::span(self.since_ms),
            self.reason.text.clone(),
            self.of_each_family(|family| words::health(family.health)),
            self.of_each_family(|family| words::probe_kind(family.kind)),
        ]
    }

    /// `inet=ok inet6=failed`
    fn of_each_family(&self, word: fn(&FamilyRow) -> &'static str) -> String {
        let shown = |row: &FamilyRow| format!("{}={}", words::family(row.family), word(row));
        self.families.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    /// `ismbMdh`. No member is nominated for multicast or broadcast here, so that `m`, `b` and `M` never
    /// show; a member that is offline is the one kind that has its addresses taken away, hence `d`.
    fn flags(&self) -> String {
        let mark = |set, letter| if set { letter } else { '-' };
        let offline = self.state == MemberState::Offline;
        let (i, s) = (mark(self.inactive, 'i'), mark(self.standby, 's'));
        let (d, h) = (mark(offline, 'd'), mark(self.hwaddr_duplicate, 'h'));
        [i, s, '-', '-', '-', d, h].iter().collect()
    }
}
