//! What is told of the probing of a member, and of each probe. Nothing is decided here.

use std::net::IpAddr;

use crate::action::{Action, Means, ProbeKind, ProbeOutcome, ProbeReport};
use crate::id::{Family, IfName, ProbeId};
use crate::probing::{Probing, Socket};
use crate::status::{FamilyHealth, ProbingStatus, TargetMode, TargetStatus};
use crate::target::{Origin, Target};
use crate::time::Instant;

impl Probing {
    /// What its probes are.
    fn kind(&self) -> ProbeKind {
        match self.means() {
            Some(Means::Icmp(_)) => ProbeKind::Icmp,
            Some(Means::Arp(_) | Means::Ndp(..)) if self.is_transitive() => ProbeKind::Transitive,
            Some(Means::Arp(_)) => ProbeKind::Arp,
            Some(Means::Ndp(..)) => ProbeKind::Ndp,
            None if self.test.is_some() => ProbeKind::Icmp,
            None if self.family == Family::V4 => ProbeKind::Arp,
            None => ProbeKind::Ndp,
        }
    }

    /// Whether the family works on the member, which functions or not.
    fn health(&self, functions: bool, now: Instant) -> FamilyHealth {
        let lost = self.has_failing_run();
        match self.dead_since {
            Some(_) => FamilyHealth::Failed,
            None if !self.is_capable() || (lost && !self.accuses_network(false)) => FamilyHealth::Unknown,
            None if lost && functions && self.is_quiet(now) => FamilyHealth::Unknown,
            None if lost || !functions => FamilyHealth::Failed,
            None => FamilyHealth::Ok,
        }
    }

    pub(super) fn report(
        &self,
        member: &IfName,
        probe: ProbeId,
        target: IpAddr,
        sent: Instant,
        outcome: ProbeOutcome,
    ) -> Action {
        let rtt = self.targets.get(target).and_then(|target| target.rtt.get());
        Action::Probed(ProbeReport { probe, member: member.clone(), kind: self.kind(), target, sent, outcome, rtt })
    }

    pub(crate) fn status(&self, functions: bool, now: Instant) -> ProbingStatus {
        let target = |(target, state): (&Target, _)| TargetStatus {
            address: target.address,
            state,
            rtt: target.rtt.get(),
            loss: self.history.loss_of(target.address),
        };
        ProbingStatus {
            family: self.family,
            kind: self.kind(),
            health: self.health(functions, now),
            test_address: self.source().or(self.test.map(|test| test.addr())),
            mode: match self.socket {
                _ if self.twin.is_some() => TargetMode::Disabled,
                Socket::Broken { .. } => TargetMode::Disabled,
                Socket::Open(..) | Socket::Closed => match self.targets.origin() {
                    Origin::Routers => TargetMode::Routes,
                    Origin::Hosts => TargetMode::Multicast,
                    Origin::Members => TargetMode::Transitive,
                },
            },
            targets: self.targets.with_states(now).into_iter().map(target).collect(),
            run: self.history.run(),
            loss: self.quality.loss(),
            timeout: self.timeout(now),
            last_reply: self.last_reply(now),
            counts: self.counts.clone(),
        }
    }
}
