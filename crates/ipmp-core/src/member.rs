//! One underlying interface: its link, its health, and what it is allowed to carry (IPMP behaviour §6).
//!
//! ```text
//!                 link lost                          5 losses, others answered
//!   Functioning ------------> Failed(Link)   Functioning ---------------------> Failed(Probes)
//!        |  ^                    |                |                                  |
//!        |  +--------------------+                |  5 losses, nobody answered       |
//!        |    10 replies, or link up              v                                  |
//!        |    where nothing is probed        Failed(Network) --- 5 losses since ---->+
//!        |                                        |             another answers      |
//!        +<---------------------------------------+---------- 10 replies ------------+
//! ```
//! A member that comes to a group that works without it starts as `Failed(Unproven)`.

mod status;

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::action::Action;
use crate::config::MemberConfig;
use crate::damping::Penalty;
use crate::id::{Family, IfIndex, IfName, Mac};
use crate::kernel::Link;
use crate::notice::{Grey, Reason};
use crate::probing::Probing;
use crate::time::Instant;

/// Replies in a row that repair a member (§0).
pub(crate) const REPLIES_TO_REPAIR: usize = 10;

/// Why a member is failed; what repairs it depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// No NIC, or no carrier.
    Link,
    /// Its probes were lost while others' were answered.
    Probes,
    /// Nobody's probes were answered: it keeps what it carries.
    Network,
    /// It has yet to earn its place.
    Unproven,
}

/// Whether a member works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// As far as is known.
    Functioning,
    /// Not.
    Failed { cause: Cause, reason: Reason },
}

/// What was last seen of the NIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nic {
    pub(crate) index: IfIndex,
    pub(crate) mac: Option<Mac>,
    pub(crate) mtu: u32,
    /// It can have IPv4 addresses.
    has_inet: bool,
    /// And IPv6 addresses.
    has_inet6: bool,
    /// It forwards IPv6.
    pub(crate) router: bool,
    up: bool,
    carrier: bool,
    carrier_downs: u32,
}

impl Nic {
    fn of(link: &Link) -> Self {
        Self {
            index: link.index,
            mac: link.mac,
            mtu: link.mtu,
            has_inet: link.tunables.is_some(),
            has_inet6: link.inet6.is_some(),
            router: link.inet6.is_some_and(|inet6| inet6.forwarding),
            up: link.up,
            carrier: link.carrier,
            carrier_downs: link.carrier_downs,
        }
    }

    /// Whether it can have addresses of that family.
    pub(crate) fn has(&self, family: Family) -> bool {
        match family {
            Family::V4 => self.has_inet,
            Family::V6 => self.has_inet6,
        }
    }
}

/// What a look at the NIC showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// What it was.
    Same,
    /// The link is not usable, which it was, or which is the first that is known of it.
    Lost(Reason),
    /// The link is usable, which it was not.
    Gained,
    /// It was gone for a moment, too short to be told.
    Blinked,
    /// Only its hardware address is another.
    NewMac,
}

/// An underlying interface.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) config: MemberConfig,
    pub(crate) nic: Option<Nic>,
    pub(crate) health: Health,
    pub(crate) since: Instant,
    /// Taken out of service by the administrator.
    pub(crate) offline: bool,
    /// Idle by policy.
    pub(crate) inactive: bool,
    /// The administrator took it back into service, and so it is to be active whatever failback says (§6).
    pub(crate) comes_online: bool,
    /// Nothing is known of it yet.
    pub(crate) is_new: bool,
    /// Why it functions, while it does.
    why: Reason,
    /// Out of service because this member has its hardware address too.
    pub(crate) twin: Option<IfName>,
    /// When it got its hardware address, as far as is known.
    pub(crate) mac_since: Instant,
    /// How much it failed of late.
    pub(crate) penalty: Penalty,
    /// It works, but not well.
    pub(crate) degraded: Option<Grey>,
    /// Emptied for that.
    pub(crate) drained: bool,
    /// Since when it has been without a test address, until that is told.
    pub(crate) untested_since: Option<Instant>,
    /// The families that others have, and that it was told to lack.
    pub(crate) lacks: BTreeSet<Family>,
    /// A family each that is probed.
    pub(crate) probing: Vec<Probing>,
}

impl Member {
    pub(crate) fn new(config: MemberConfig, offline: bool, now: Instant) -> Self {
        Self {
            config,
            nic: None,
            health: Health::Failed { cause: Cause::Link, reason: Reason::Absent },
            since: now,
            offline,
            inactive: false,
            comes_online: false,
            is_new: true,
            why: Reason::LinkUp,
            twin: None,
            mac_since: now,
            penalty: Penalty::default(),
            degraded: None,
            drained: false,
            untested_since: Some(now),
            lacks: BTreeSet::new(),
            probing: Vec::new(),
        }
    }

    /// Looks at the NIC. Nothing is judged here.
    pub(crate) fn look(&mut self, link: Option<&Link>) -> Seen {
        let before = std::mem::replace(&mut self.nic, link.map(Nic::of));
        let reason = match self.nic {
            None => Some(Reason::Absent),
            Some(nic) if !nic.up => Some(Reason::AdminDown),
            Some(nic) if !nic.carrier => Some(Reason::NoCarrier),
            Some(_) => None,
        };
        let was_usable = before.is_some_and(|nic| nic.up && nic.carrier);
        match (before, self.nic, reason) {
            (_, _, Some(reason)) if was_usable || self.is_new => Seen::Lost(reason),
            (_, _, Some(reason)) => {
                // Still lost, perhaps for another reason: pulled out after it lost its carrier.
                if let Health::Failed { cause: Cause::Link, reason: known } = &mut self.health {
                    *known = reason;
                }
                Seen::Same
            }
            (Some(before), Some(nic), None) if was_usable && before.index == nic.index => {
                if before.carrier_downs != nic.carrier_downs {
                    Seen::Blinked
                } else if before.mac != nic.mac {
                    Seen::NewMac
                } else {
                    Seen::Same
                }
            }
            (_, _, None) => Seen::Gained,
        }
    }

    /// Present, administratively up, with carrier.
    pub(crate) fn link_usable(&self) -> bool {
        self.nic.is_some_and(|nic| nic.up && nic.carrier)
    }

    pub(crate) fn functioning(&self) -> bool {
        self.health == Health::Functioning
    }

    pub(crate) fn failed_by(&self, wanted: Cause) -> bool {
        matches!(self.health, Health::Failed { cause, .. } if cause == wanted)
    }

    /// Failed with everybody else, and keeps what it carries until more is known.
    pub(crate) fn holding(&self) -> bool {
        self.failed_by(Cause::Network) && self.link_usable()
    }

    /// Taken out of service, by the administrator or because its hardware address is another's too.
    pub(crate) fn is_out(&self) -> bool {
        self.offline || self.twin.is_some()
    }

    /// Works and is not out of service: it could carry data, if it does not already (§1, usable).
    pub(crate) fn usable(&self) -> bool {
        self.functioning() && !self.is_out()
    }

    /// Idle, by policy or because it is degraded.
    pub(crate) fn is_idle(&self) -> bool {
        self.inactive || self.drained
    }

    /// Carries data.
    pub(crate) fn in_service(&self) -> bool {
        !self.is_out() && !self.is_idle() && self.link_usable() && (self.functioning() || self.holding())
    }

    /// Can have addresses of that family.
    pub(crate) fn has(&self, family: Family) -> bool {
        self.nic.is_some_and(|nic| nic.has(family))
    }

    /// That family does not work on it.
    pub(crate) fn is_dead(&self, family: Family) -> bool {
        self.probing.iter().any(|probing| probing.family() == family && probing.dead_since.is_some())
    }

    /// A family that does not work, while the member does.
    pub(crate) fn dead_family(&self) -> Option<Family> {
        self.probing.iter().find(|probing| probing.dead_since.is_some()).map(Probing::family)
    }

    /// Sends probes to somebody.
    pub(crate) fn probe_capable(&self) -> bool {
        self.probing.iter().any(Probing::is_capable)
    }

    /// Whose answers, or silence, the present runs of losses or replies are.
    pub(crate) fn targets_of_run(&self) -> Vec<IpAddr> {
        let mut targets: Vec<IpAddr> =
            self.probing.iter().flat_map(|probing| probing.history.targets_of_run()).collect();
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    /// The longest run of replies of a family, over all targets or of one (§5, repair).
    pub(crate) fn replies_to_repair(&self) -> usize {
        let capable = self.probing.iter().filter(|probing| probing.is_capable());
        let runs = capable.filter_map(|probing| probing.history.replies());
        runs.map(|run| run.count.max(run.newest_target)).max().unwrap_or(0)
    }

    /// The newest judged probe of a family was lost.
    pub(crate) fn is_losing(&self) -> bool {
        self.probing.iter().any(|probing| probing.history.is_losing())
    }

    /// Share of the recent probes of a family that were lost, where enough is known.
    pub(crate) fn loss(&self) -> Option<f64> {
        let judged = self.probing.iter().filter(|probing| probing.is_capable() && probing.accuses_network(false));
        judged.filter_map(|probing| probing.quality.loss()).max_by(f64::total_cmp)
    }

    /// It functions, for this reason.
    pub(crate) fn works(&mut self, why: Reason, now: Instant) {
        (self.health, self.why, self.since) = (Health::Functioning, why, now);
    }

    /// It does not.
    pub(crate) fn fails(&mut self, cause: Cause, reason: Reason, now: Instant) {
        if cause != Cause::Network {
            (self.degraded, self.drained) = (None, false);
        }
        self.comes_online &= cause == Cause::Unproven;
        (self.health, self.since) = (Health::Failed { cause, reason }, now);
    }

    /// The configuration does not name it any more.
    pub(crate) fn leave(&self, actions: &mut Vec<Action>) {
        let (member, probing) = (&self.config.interface, self.probing.iter().filter(|probing| probing.is_open()));
        actions.extend(probing.map(|probing| Action::CloseProber { member: member.clone(), family: probing.family() }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    fn member() -> Member {
        let config = MemberConfig { interface: "eth0".parse().unwrap(), test_addresses: vec![], standby: false };
        Member::new(config, false, at(0))
    }

    fn link(up: bool, carrier: bool) -> Link {
        Link {
            index: IfIndex(3),
            name: "eth0".parse().unwrap(),
            mac: Some(Mac([2, 0, 0, 0, 0, 1])),
            up,
            carrier,
            carrier_downs: 0,
            mtu: 1500,
            multi_access: true,
            alias: None,
            tunables: None,
            inet6: None,
        }
    }

    #[test]
    fn looks_tell_edges_once() {
        let mut member = member();
        assert_eq!(member.look(None), Seen::Lost(Reason::Absent));
        member.is_new = false;
        assert_eq!(member.look(Some(&link(true, false))), Seen::Same);
        assert_eq!(member.health, Health::Failed { cause: Cause::Link, reason: Reason::NoCarrier });
        assert_eq!(member.look(Some(&link(true, true))), Seen::Gained);
        assert_eq!(member.look(Some(&link(true, true))), Seen::Same);
        assert_eq!(member.look(Some(&Link { carrier_downs: 1, ..link(true, true) })), Seen::Blinked);
        let other = Link { carrier_downs: 1, mac: Some(Mac([2, 0, 0, 0, 0, 2])), ..link(true, true) };
        assert_eq!(member.look(Some(&other)), Seen::NewMac);
        assert_eq!(member.look(Some(&link(false, true))), Seen::Lost(Reason::AdminDown));
    }

    #[test]
    fn a_replugged_nic_is_a_new_one() {
        let mut member = member();
        member.is_new = false;
        member.look(Some(&link(true, true)));
        assert_eq!(member.look(Some(&Link { index: IfIndex(9), ..link(true, true) })), Seen::Gained);
    }
}
