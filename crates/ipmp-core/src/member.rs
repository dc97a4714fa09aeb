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

use std::time::Duration;

use crate::action::Action;
use crate::config::MemberConfig;
use crate::id::{IfIndex, Mac};
use crate::kernel::Link;
use crate::notice::Reason;
use crate::probing::Probing;
use crate::status::{MemberState, MemberStatus, ProbeState};
use crate::time::Instant;

/// A link that came up so often within a minute is held down, where no probes vouch for it (§5, anti-flap).
pub(crate) const LINK_UPS_MAX: usize = 2;
const LINK_UPS_WITHIN: Duration = Duration::from_secs(60);

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
    up: bool,
    carrier: bool,
    carrier_downs: u32,
}

impl Nic {
    fn of(link: &Link) -> Self {
        Self { index: link.index, mac: link.mac, up: link.up, carrier: link.carrier, carrier_downs: link.carrier_downs }
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
    /// Nothing is known of it yet.
    pub(crate) is_new: bool,
    /// The link came up too often to be trusted; told once an episode.
    pub(crate) flapping: bool,
    /// The last link-ups, the older first.
    link_ups: [Option<Instant>; LINK_UPS_MAX],
    /// A family each that has a test address.
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
            is_new: true,
            flapping: false,
            link_ups: [None; LINK_UPS_MAX],
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

    /// Works and is not offline: it could carry data, if it does not already (§1, usable).
    pub(crate) fn usable(&self) -> bool {
        self.functioning() && !self.offline
    }

    /// Carries data.
    pub(crate) fn in_service(&self) -> bool {
        !self.offline && !self.inactive && self.link_usable() && (self.functioning() || self.holding())
    }

    /// Sends probes to somebody.
    pub(crate) fn probe_capable(&self) -> bool {
        self.probing.iter().any(Probing::is_capable)
    }

    pub(crate) fn set_health(&mut self, health: Health, now: Instant) {
        self.health = health;
        self.since = now;
    }

    /// Remembers a link-up, after it was judged.
    pub(crate) fn record_link_up(&mut self, now: Instant) {
        self.link_ups.rotate_left(1);
        self.link_ups[LINK_UPS_MAX - 1] = Some(now);
    }

    /// Until when a link that nothing vouches for is not trusted: a minute after the older of the two
    /// link-ups that are remembered. Asked before a link-up is remembered, and then while it is held.
    pub(crate) fn held_until(&self, now: Instant) -> Option<Instant> {
        self.link_ups[0].map(|oldest| oldest + LINK_UPS_WITHIN).filter(|until| *until > now)
    }

    /// The configuration does not name it any more.
    pub(crate) fn leave(&self, actions: &mut Vec<Action>) {
        let (member, probing) = (&self.config.interface, self.probing.iter().filter(|probing| probing.is_open()));
        actions.extend(probing.map(|probing| Action::CloseProber { member: member.clone(), family: probing.family() }));
    }

    pub(crate) fn status(&self, now: Instant) -> MemberStatus {
        let state = match &self.health {
            _ if self.offline => MemberState::Offline,
            Health::Failed { .. } => MemberState::Failed,
            Health::Functioning if !self.probing.is_empty() && !self.probe_capable() => MemberState::Unknown,
            Health::Functioning => MemberState::Ok,
        };
        let probe = match &self.health {
            _ if self.probing.is_empty() => ProbeState::Disabled,
            Health::Failed { .. } => ProbeState::Failed,
            _ if !self.probe_capable() => ProbeState::Unknown,
            Health::Functioning => ProbeState::Ok,
        };
        MemberStatus {
            interface: self.config.interface.clone(),
            active: self.usable() && !self.inactive,
            inactive: self.inactive,
            standby: self.config.standby,
            link_up: self.link_usable(),
            hwaddr_duplicate: false,
            drained: false,
            probe,
            state,
            since: self.since,
            reason: match &self.health {
                _ if self.offline => Reason::Requested,
                Health::Failed { reason, .. } => reason.clone(),
                Health::Functioning => Reason::LinkUp,
            },
            penalty: 0,
            waits_for: None,
            probing: self.probing.iter().map(|probing| probing.status(now)).collect(),
        }
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

    #[test]
    fn the_third_link_up_within_a_minute_is_held() {
        let mut member = member();
        member.record_link_up(at(0));
        assert_eq!(member.held_until(at(10)), None);
        member.record_link_up(at(10));
        assert_eq!(member.held_until(at(20)), Some(at(60)));
        assert_eq!(member.held_until(at(60)), None);
    }
}
