//! `ipmpstat -t`.

use std::net::IpAddr;

use ipmp_control::{Family, FamilyHealth, ProbeKind, Probing, Snapshot, Target, TargetMode, TargetState};
use serde::Serialize;

use super::field;
use crate::names::Names;
use crate::table::Field;
use crate::words;

/// `-t`: the targets of a member, a row for each family that is probed, and one where none is.
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
    kind: Option<ProbeKind>,
    health: Option<FamilyHealth>,
}

impl<'a> TargetRow<'a> {
    /// The columns. Solaris has the first four, which fill the screen that it knows.
    pub const FIELDS: &'static [Field] = &[
        field("INTERFACE", 12),
        field("MODE", 10),
        field("TESTADDR", 20),
        field("TARGETS", 38),
        field("FAMILY", 8),
        field("KIND", 12),
        field("HEALTH", 10),
    ];

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
            testaddr: probing.test_address,
            targets: &probing.targets,
            sent: probing.sent,
            acked: probing.acked,
            lost: probing.lost,
            void: probing.void,
            kind: Some(probing.kind),
            health: Some(probing.health),
        }
    }

    fn disabled(interface: &'a str) -> Self {
        let mode = TargetMode::Disabled;
        Self {
            interface,
            mode,
            family: None,
            testaddr: None,
            targets: &[],
            sent: 0,
            acked: 0,
            lost: 0,
            void: 0,
            kind: None,
            health: None,
        }
    }

    /// The values of the columns.
    pub fn values(&self, names: &Names) -> Vec<String> {
        let targets: Vec<_> = self.active().map(|address| names.show(address)).collect();
        vec![
            self.interface.to_owned(),
            words::mode(self.mode).to_owned(),
            self.testaddr.map(|address| names.show(address)).unwrap_or_default(),
            targets.join(" "),
            self.family.map(words::family).unwrap_or_default().to_owned(),
            self.kind.map(words::probe_kind).unwrap_or_default().to_owned(),
            self.health.map(words::health).unwrap_or_default().to_owned(),
        ]
    }

    /// The addresses in it.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.testaddr.into_iter().chain(self.active())
    }

    /// Those that are probed.
    fn active(&self) -> impl Iterator<Item = IpAddr> {
        self.targets.iter().filter(|target| target.state == TargetState::Active).map(|target| target.address)
    }
}
