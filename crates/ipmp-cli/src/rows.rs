//! The rows of each output of `ipmpstat` (IPMP behaviour, §12): one type a mode, from which the columns are
//! made, and which is what `--json` shows. Fields keep their names for ever.

use std::net::IpAddr;

use ipmp_control::{
    Address, Family, Group, GroupState, LinkState, Member, MemberState, ProbeState, Probing, Reason, Snapshot, Target,
    TargetMode,
};
use serde::Serialize;

use crate::names::Names;
use crate::table::Field;

const fn field(name: &'static str, width: usize) -> Field {
    Field { name, width }
}

/// Rows as `--json` shows them.
pub fn json(rows: &[impl Serialize]) -> String {
    serde_json::to_string_pretty(rows).expect("rows are structs of names, words and numbers") + "\n"
}

/// `-a`: a data address.
#[derive(Debug, Serialize)]
pub struct AddressRow<'a> {
    address: IpAddr,
    state: &'static str,
    group: &'a str,
    inbound: Option<&'a str>,
    outbound: &'a [String],
}

impl<'a> AddressRow<'a> {
    /// The columns.
    pub const FIELDS: &'static [Field] =
        &[field("ADDRESS", 26), field("STATE", 7), field("GROUP", 12), field("INBOUND", 12), field("OUTBOUND", 23)];

    /// All rows.
    pub fn all(snapshot: &'a Snapshot) -> Vec<Self> {
        let row = |group: &'a Group, address: &'a Address| Self {
            address: address.address,
            state: if address.up { "up" } else { "down" },
            group: &group.interface,
            inbound: address.inbound.as_deref(),
            outbound: &address.outbound,
        };
        snapshot
            .groups
            .iter()
            .flat_map(|group| group.addresses.iter().map(move |address| row(group, address)))
            .collect()
    }

    /// The values of the columns.
    pub fn values(&self, names: &Names) -> Vec<String> {
        vec![
            names.show(self.address),
            self.state.to_owned(),
            self.group.to_owned(),
            self.inbound.unwrap_or_default().to_owned(),
            self.outbound.join(" "),
        ]
    }

    /// The addresses in it.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        [self.address].into_iter()
    }
}

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

    /// All rows.
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
        snapshot.groups.iter().map(row).collect()
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
            match self.state {
                GroupState::Ok => "ok",
                GroupState::Degraded => "degraded",
                GroupState::Failed => "failed",
            }
            .to_owned(),
            self.fdt_ms.map(|ms| format!("{}.{:02}s", ms / 1000, ms % 1000 / 10)).unwrap_or_default(),
            interfaces.join(" "),
        ]
    }
}

/// `-i`: a member.
#[derive(Debug, Serialize)]
pub struct InterfaceRow<'a> {
    interface: &'a str,
    active: bool,
    group: &'a str,
    inactive: bool,
    standby: bool,
    link: LinkState,
    probe: ProbeState,
    state: MemberState,
    since_ms: u64,
    reason: Option<&'a Reason>,
}

impl<'a> InterfaceRow<'a> {
    /// The columns.
    pub const FIELDS: &'static [Field] = &[
        field("INTERFACE", 12),
        field("ACTIVE", 8),
        field("GROUP", 12),
        field("FLAGS", 10),
        field("LINK", 10),
        field("PROBE", 10),
        field("STATE", 10),
    ];

    /// All rows.
    pub fn all(snapshot: &'a Snapshot) -> Vec<Self> {
        let row = |group: &'a Group, member: &'a Member| Self {
            interface: &member.interface,
            active: member.active,
            group: &group.interface,
            inactive: member.inactive,
            standby: member.standby,
            link: member.link,
            probe: member.probe,
            state: member.state,
            since_ms: member.since_ms,
            reason: member.reason.as_ref(),
        };
        snapshot.groups.iter().flat_map(|group| group.members.iter().map(move |member| row(group, member))).collect()
    }

    /// The values of the columns.
    pub fn values(&self) -> Vec<String> {
        vec![
            self.interface.to_owned(),
            if self.active { "yes" } else { "no" }.to_owned(),
            self.group.to_owned(),
            self.flags(),
            match self.link {
                LinkState::Up => "up",
                LinkState::Down => "down",
            }
            .to_owned(),
            match self.probe {
                ProbeState::Ok => "ok",
                ProbeState::Failed => "failed",
                ProbeState::Unknown => "unknown",
                ProbeState::Disabled => "disabled",
            }
            .to_owned(),
            match self.state {
                MemberState::Ok => "ok",
                MemberState::Failed => "failed",
                MemberState::Offline => "offline",
                MemberState::Unknown => "unknown",
            }
            .to_owned(),
        ]
    }

    /// `ismbMdh`. No member is nominated for multicast or broadcast here, so that `m`, `b` and `M` never
    /// show; a member that is offline is the one kind that has its addresses taken away, hence `d`; and `h`
    /// waits for the comparison of hardware addresses.
    fn flags(&self) -> String {
        let mark = |set, letter| if set { letter } else { '-' };
        let offline = self.state == MemberState::Offline;
        [mark(self.inactive, 'i'), mark(self.standby, 's'), '-', '-', '-', mark(offline, 'd'), '-'].iter().collect()
    }
}

/// `-t`: the targets of a member, a row for each family in which it has a test address, and one where it has
/// none at all.
#[derive(Debug, Serialize)]
pub struct TargetRow<'a> {
    interface: &'a str,
    mode: TargetMode,
    family: Option<Family>,
    testaddr: Option<IpAddr>,
    targets: &'a [Target],
    sent: u64,
    acked: u64,
    lost: u64,
    void: u64,
}

impl<'a> TargetRow<'a> {
    /// The columns.
    pub const FIELDS: &'static [Field] =
        &[field("INTERFACE", 12), field("MODE", 10), field("TESTADDR", 20), field("TARGETS", 38)];

    /// All rows.
    pub fn all(snapshot: &'a Snapshot) -> Vec<Self> {
        let members = snapshot.groups.iter().flat_map(|group| &group.members);
        members
            .flat_map(|member| {
                let none = member.probing.is_empty().then(|| Self::disabled(&member.interface));
                member.probing.iter().map(|probing| Self::probed(&member.interface, probing)).chain(none)
            })
            .collect()
    }

    fn probed(interface: &'a str, probing: &'a Probing) -> Self {
        Self {
            interface,
            mode: probing.mode,
            family: Some(probing.family),
            testaddr: Some(probing.test_address),
            targets: &probing.targets,
            sent: probing.sent,
            acked: probing.acked,
            lost: probing.lost,
            void: probing.void,
        }
    }

    fn disabled(interface: &'a str) -> Self {
        let mode = TargetMode::Disabled;
        Self { interface, mode, family: None, testaddr: None, targets: &[], sent: 0, acked: 0, lost: 0, void: 0 }
    }

    /// The values of the columns.
    pub fn values(&self, names: &Names) -> Vec<String> {
        let targets: Vec<_> = self.targets.iter().map(|target| names.show(target.address)).collect();
        vec![
            self.interface.to_owned(),
            match self.mode {
                TargetMode::Routes => "routes",
                TargetMode::Disabled => "disabled",
            }
            .to_owned(),
            self.testaddr.map(|address| names.show(address)).unwrap_or_default(),
            targets.join(" "),
        ]
    }

    /// The addresses in it.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.testaddr.into_iter().chain(self.targets.iter().map(|target| target.address))
    }
}
