//! `ipmpstat -t`.

use std::net::IpAddr;

use ipmp_control::{Family, Probing, Snapshot, Target, TargetMode, TargetState};
use serde::Serialize;

use super::field;
use crate::names::Names;
use crate::table::Field;
use crate::words;

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
            testaddr: probing.test_address,
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
        let targets: Vec<_> = self.active().map(|address| names.show(address)).collect();
        vec![
            self.interface.to_owned(),
            words::mode(self.mode).to_owned(),
            self.testaddr.map(|address| names.show(address)).unwrap_or_default(),
            targets.join(" "),
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
