//! How the members really are, and since when: the ground that the checkers stand on.
//!
//! A member is *dead* while its link is, or its path is cut, in whichever direction; *good* while link and
//! path are without any fault, and neither in between: lossy, slow, or cut off together with everybody
//! else. From this follow the moments by which the daemon must have stopped using a member (`gone_by`),
//! and from which it must be able to (`ready_at`).
//!
//! How soon follows from the failure detection time that is promised (`tempo`); a member that failed again
//! and again is not ready before its penalty is over (`penalty`), and one whose hardware address another
//! member has is out of service (`told`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ipmp_core::kernel::{ROUTE_METRIC, Scope};
use ipmp_core::{
    Change, Command, Config, Event, Family, GroupConfig, IfIndex, IfName, Instant, MemberConfig, Schedule,
};

use super::means::{FAMILIES, asks, asks_on_link, may_be_probed, probed, searches, tells};
use super::penalty::Penalties;
use super::tempo::Tempo;
use super::told::Told;
use super::{LINK_NOTICE, Scene};
use crate::kernel::Kernel;
use crate::site::Port;

/// A new member, or a link that came up, may stay silent so long, with a margin for the notice itself.
const QUIET_PERIOD: Duration = Duration::from_millis(41_500);

/// Lateness of timers over the length of a detection.
const SLACK: Duration = Duration::from_millis(50);

/// Where targets have to be found by multicast first, that takes as long as this many probes at most.
const DISCOVERY: u32 = 4;

/// The probe interval of a group: five losses, and two.
pub(super) fn interval(group: &GroupConfig) -> Duration {
    group.failure_detection_time / 7
}

/// Where degraded members are emptied, this long after the last fault the last of them must be well again: a
/// hundred probes are looked back at, a tenth of all are large, and of round trips twenty to each of five
/// targets.
pub(super) fn convalescence(group: &GroupConfig) -> Duration {
    let period = match group.detection.schedule {
        Schedule::Classic => interval(group),
        Schedule::Confirm => interval(group) * 3,
    };
    if group.detection.drain { period * 120 } else { Duration::ZERO }
}

/// One member as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MemberTruth {
    pub(super) link_up_since: Option<Instant>,
    pub(super) link_dead_since: Option<Instant>,
    pub(super) cut_since: Option<Instant>,
    /// Since when each family is, IPv4 first.
    family_cut_since: [Option<Instant>; 2],
    pub(super) good_since: Option<Instant>,
    /// Since when it was good until something ended that, and when.
    was_good: Option<(Instant, Instant)>,
    pub(super) offline_since: Option<Instant>,
    /// Losses of each family may not count before, IPv4 first.
    quiet_until: [Instant; 2],
    /// When it was new, or came back to its group.
    discovered: Instant,
}

/// All members as they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Truth {
    members: BTreeMap<IfName, MemberTruth>,
    /// Offline is remembered by the daemon over a restart.
    offline: BTreeMap<IfName, Instant>,
    /// Asked to go offline, and perhaps still carrying data.
    leaving: BTreeSet<IfName>,
    /// Before that moment the world gave the daemon a reason to be slow.
    pub(super) calm_since: Instant,
    /// Before that moment it gave it a reason to forget what it knew of the paths.
    pub(super) fresh_since: Instant,
    /// The kernel refuses to send some probes, which counts as loss on any path.
    pub(super) probes_refused: bool,
    /// Which failure detection times are promised.
    pub(super) tempo: Tempo,
    /// Who is kept out for its failures.
    pub(super) penalties: Penalties,
    told: Told,
    /// Out of service for their hardware addresses, and since when.
    twins: BTreeMap<IfName, Instant>,
}

impl Truth {
    pub(super) fn member(&self, name: &IfName) -> MemberTruth {
        self.members.get(name).copied().unwrap_or_default()
    }

    /// Takes in how links and paths are now.
    pub(super) fn update(&mut self, scene: &Scene) {
        let now = scene.now;
        self.tempo.update(scene);
        for (group, member) in members(&scene.daemon.config) {
            let link = scene.kernel.link_named(&member.interface).filter(|link| link.usable());
            let port = link.and_then(|link| scene.kernel.port_of(link.index));
            let segment = segment(group);
            let healthy =
                !self.probes_refused && !scene.network.outage(segment) && !scene.network.host_at_fault(segment);
            let tested = may_be_probed(group, member);
            let proven =
                link.is_some_and(|link| !asks_on_link(group, member) || scene.kernel.link_local(link.index).is_some());
            let clean = port.is_some_and(|port| !tested || scene.network.clean(port, interval(group) / 2));
            // A round trip that has shifted is a reason to empty a member.
            let as_usual = |port: Port| !group.detection.drain || scene.network.path(port).of_usual_length();
            let clean = clean && (!tested || port.is_some_and(as_usual));
            let cut_for = |family| {
                port.is_some_and(|port| scene.network.path(port).cut_for(family)) && tells(group, member, family)
            };
            let dead = FAMILIES.map(cut_for);
            let spoken_for = |family| {
                port.is_some_and(|port| !scene.network.path(port).cut_for(family) && asks(group, member, family))
            };
            let cut = dead.contains(&true) && !FAMILIES.into_iter().any(spoken_for);

            let truth = self.members.entry(member.interface.clone()).or_default();
            truth.offline_since = out_since(&self.offline, &self.twins, &member.interface);
            let was_up = truth.link_up_since.is_some();
            since(&mut truth.link_up_since, link.is_some(), now);
            since(&mut truth.link_dead_since, link.is_none(), now);
            since(&mut truth.cut_since, cut, now);
            for (moment, dead) in truth.family_cut_since.iter_mut().zip(dead) {
                since(moment, dead, now);
            }
            let before = truth.good_since;
            since(&mut truth.good_since, clean && (!tested || (healthy && proven)), now);
            if let (Some(before), None) = (before, truth.good_since) {
                truth.was_good = Some((before, now));
            }
            if link.is_some() && !was_up {
                truth.discovered = now;
                truth.quiet_until = [now + QUIET_PERIOD; 2];
            }
        }
    }

    /// By when the daemon must have stopped using a member; none while it may.
    pub(super) fn gone_by(&self, group: &GroupConfig, member: &MemberConfig) -> Option<Instant> {
        let truth = self.member(&member.interface);
        let asked = FAMILIES.into_iter().filter(|family| asks(group, member, *family));
        let quiet_until = asked.map(|family| truth.quiet_until[family as usize]).max().unwrap_or_default();
        let cut = truth.cut_since.map(|since| self.found_by(group, &truth, since.max(quiet_until)));
        let dead = truth.link_dead_since.map(|since| since + LINK_NOTICE);
        [cut, dead, truth.offline_since].into_iter().flatten().min()
    }

    /// By when it must have stopped using a member for a family, where another one can serve that; none while it may.
    pub(super) fn gone_for(&self, group: &GroupConfig, member: &MemberConfig, family: Family) -> Option<Instant> {
        let truth = self.member(&member.interface);
        let cut = truth.family_cut_since[family as usize]
            .map(|since| self.found_by(group, &truth, since.max(truth.quiet_until[family as usize])));
        [cut, self.gone_by(group, member)].into_iter().flatten().min()
    }

    /// When a path must be known to be dead that is since then.
    fn found_by(&self, group: &GroupConfig, member: &MemberTruth, since: Instant) -> Instant {
        let detection = self.tempo.longest(group, since);
        since.max(member.discovered).max(self.fresh_since) + detection + SLACK
    }

    /// From when on the daemon must know that a member can be used; none while it cannot. Ten replies
    /// take up to eleven and a half intervals, probes that were lost before their end included.
    pub(super) fn ready_at(&self, group: &GroupConfig, member: &MemberConfig) -> Option<Instant> {
        self.proven_at(group, member, self.member(&member.interface).good_since?)
    }

    /// From when on it must be known to work well: it is not emptied any more for what was before. What was
    /// seen of a member that had failed counts until it has served again for as long as is looked back.
    pub(super) fn well_at(&self, group: &GroupConfig, member: &MemberConfig) -> Option<Instant> {
        Some(self.ready_at(group, member)? + convalescence(group))
    }

    /// The same as it was known until just now.
    pub(super) fn was_well_at(&self, group: &GroupConfig, member: &MemberConfig, now: Instant) -> Option<Instant> {
        let truth = self.member(&member.interface);
        let ended_now = truth.was_good.filter(|(_, until)| *until == now).map(|(since, _)| since);
        Some(self.proven_at(group, member, truth.good_since.or(ended_now)?)? + convalescence(group))
    }

    fn proven_at(&self, group: &GroupConfig, member: &MemberConfig, good_since: Instant) -> Option<Instant> {
        let truth = self.member(&member.interface);
        if truth.offline_since.is_some() || self.leaving.contains(&member.interface) {
            return None;
        }
        let begin = good_since.max(truth.discovered).max(self.fresh_since);
        let interval = self.tempo.longest(group, begin) / 7;
        let proof = match (may_be_probed(group, member), searches(group, member)) {
            (true, false) => interval * 12 + SLACK,
            (true, true) => interval * (12 + DISCOVERY) + SLACK,
            (false, _) => LINK_NOTICE,
        };
        // Whoever has nobody else to ask is vouched for by another member.
        let alone = may_be_probed(group, member) && !probed(group, member);
        let mut others = group.members.iter().filter(|other| other.interface != member.interface);
        if alone && !others.all(|other| self.member(&other.interface).good_since.is_some()) {
            return None;
        }
        let suspended = self.suspended_until(group, member);
        // Members that hold through an outage come before one that is kept out: it takes as many replies again.
        let in_turn = if suspended.is_some() { interval * 10 } else { Duration::ZERO };
        Some((begin + proof + in_turn).max(suspended.unwrap_or_default()))
    }

    /// Until when a member may be kept out for its failures: as long as its penalty says, or another member
    /// may seem to work.
    fn suspended_until(&self, group: &GroupConfig, member: &MemberConfig) -> Option<Instant> {
        let until = self.penalties.until(&member.interface, group.detection.damping)? + SLACK;
        let others = group.members.iter().filter(|other| other.interface != member.interface);
        let alone: Option<Vec<Instant>> = others.map(|other| self.gone_by(group, other)).collect();
        Some(alone.map_or(until, |gone| gone.into_iter().max().map_or(Instant::default(), |last| last.min(until))))
    }

    /// From when on the daemon must know that a member has a link; none while it has none.
    pub(super) fn linked_at(&self, member: &MemberConfig) -> Option<Instant> {
        let truth = self.member(&member.interface);
        let serves = truth.offline_since.is_none() && !self.leaving.contains(&member.interface);
        truth.link_up_since.filter(|_| serves).map(|since| since + LINK_NOTICE)
    }

    /// The first moment from which some member other than this one must be known to be usable as a way out:
    /// without an address of its own a member may not send, and where there are data addresses one gets some.
    pub(super) fn other_way_at(&self, group: &GroupConfig, than: &IfName, family: Family) -> Option<Instant> {
        let sends = |member: &&MemberConfig| may_send(group, member, family);
        let others = group.members.iter().filter(|member| member.interface != *than);
        others.filter(sends).filter_map(|member| self.ready_at(group, member)).min()
    }

    /// The first moment from which some member other than this one must be known to be usable.
    pub(super) fn other_ready_at(&self, group: &GroupConfig, than: &IfName) -> Option<Instant> {
        let others = group.members.iter().filter(|member| member.interface != *than);
        others.filter_map(|member| self.ready_at(group, member)).min()
    }

    /// Whether every member of every group is good, and none offline.
    pub(super) fn all_good(&self, scene: &Scene) -> bool {
        members(&scene.daemon.config).all(|(_, member)| {
            let truth = self.member(&member.interface);
            truth.good_since.is_some() && truth.offline_since.is_none()
        })
    }

    /// The daemon has a configuration; what is new in it is silent at first, unless the kernel shows it in use.
    pub(super) fn configured(&mut self, before: &Config, scene: &Scene) {
        let now = scene.now;
        let config = &scene.daemon.config;
        self.offline.retain(|name, _| members(config).any(|(_, member)| member.interface == *name));
        self.members.retain(|name, _| members(config).any(|(_, member)| member.interface == *name));
        for (group, member) in members(config) {
            let known = before.groups.iter().filter(|other| other.interface == group.interface).any(|other| {
                let same =
                    |m: &&MemberConfig| m.interface == member.interface && m.test_addresses == member.test_addresses;
                other.members.iter().any(|m| same(&m))
            });
            if !known {
                let in_use =
                    scene.kernel.link_named(&member.interface).is_some_and(|link| in_use(scene, group, link.index));
                self.discovered(&member.interface, now, !in_use);
            }
        }
        self.tempo.configured(before, config, now);
        self.penalties.retain(|name| {
            before.groups.iter().any(|old| {
                let stays = |group: &&GroupConfig| group.interface == old.interface && has(group, name);
                has(old, name) && config.groups.iter().any(|group| stays(&group))
            })
        });
        for (_, member) in members(config).filter(|(group, member)| {
            let before = before.groups.iter().find(|old| old.interface == group.interface);
            !before.is_some_and(|old| has(old, &member.interface))
        }) {
            self.penalties.is_new(&member.interface);
        }
        self.note_links(config);
        self.note_twins(config, now);
        self.update(scene);
    }

    /// The daemon is told something.
    pub(super) fn told(&mut self, event: &Event, config: &Config, now: Instant) {
        for name in self.told.told(event) {
            if let Some((group, _)) = members(config).find(|(_, member)| member.interface == name) {
                self.penalties.count(&name, group.detection.damping, now);
            }
        }
        if matches!(event, Event::Kernel(_)) {
            self.note_links(config);
            self.note_twins(config, now);
        }
    }

    /// Takes in which members have a link, as far as the daemon was told.
    fn note_links(&mut self, config: &Config) {
        for (_, member) in members(config).filter(|(_, member)| self.told.linked(&member.interface)) {
            self.penalties.linked(&member.interface);
        }
    }

    /// Takes in who is out of service for its hardware address. Whoever comes back has to prove itself.
    fn note_twins(&mut self, config: &Config, now: Instant) {
        self.told.note_macs(config, now);
        let twins = self.told.twins(config, |name| self.offline.contains_key(name) || self.leaving.contains(name));
        let returned: Vec<IfName> = self.twins.keys().filter(|name| !twins.contains(name)).cloned().collect();
        for name in returned {
            self.twins.remove(&name);
            self.discovered(&name, now, true);
            self.calm_since = self.calm_since.max(now);
        }
        for name in twins {
            self.twins.entry(name).or_insert_with(|| {
                self.calm_since = self.calm_since.max(now);
                now
            });
        }
        for (name, truth) in &mut self.members {
            truth.offline_since = out_since(&self.offline, &self.twins, name);
        }
    }

    /// A genuine reply came to a member: the quiet period of that family is over.
    pub(super) fn heard(&mut self, member: &IfName, family: Family, now: Instant) {
        if let Some(truth) = self.members.get_mut(member) {
            let quiet_until = &mut truth.quiet_until[family as usize];
            *quiet_until = now.min(*quiet_until);
        }
    }

    /// A command reached the daemon.
    pub(super) fn asked(&mut self, command: &Command) {
        if let Command::Offline(name) = command {
            self.leaving.insert(name.clone());
        }
    }

    /// A command was answered.
    pub(super) fn answered(&mut self, command: &Command, done: bool, now: Instant) {
        match command {
            Command::Offline(name) => {
                // Nobody waits for it to be empty who has taken it back meanwhile.
                if self.leaving.remove(name) && done {
                    self.offline.insert(name.clone(), now);
                }
            }
            Command::Online(name) if done => {
                self.offline.remove(name);
                self.leaving.remove(name);
                self.discovered(name, now, true);
            }
            Command::Online(_) => {}
        }
        for (name, truth) in &mut self.members {
            truth.offline_since = out_since(&self.offline, &self.twins, name);
        }
    }

    /// A change was refused. Without its test address a member does not probe.
    pub(super) fn refused(&mut self, change: &Change, when: Instant, kernel: &Kernel) {
        if let Change::AddAddress { key, scope: Scope::Link } = change
            && let Some(link) = kernel.links.get(&key.index)
        {
            self.discovered(&link.name, when, true);
        }
    }

    /// Something was done to the test address of a member: its probing starts anew.
    pub(super) fn discovered(&mut self, name: &IfName, now: Instant, quiet: bool) {
        let truth = self.members.entry(name.clone()).or_default();
        truth.discovered = truth.discovered.max(now);
        if quiet {
            truth.quiet_until = [now + QUIET_PERIOD; 2];
        }
    }

    /// The daemon is gone.
    pub(super) fn forget(&mut self, now: Instant) {
        self.members.clear();
        self.tempo.forget();
        self.told.forget();
        self.twins.clear();
        self.penalties = Penalties::default();
        // The command died with the process, its effect, if it was remembered, did not.
        let died = std::mem::take(&mut self.leaving);
        self.offline.extend(died.into_iter().map(|name| (name, now)));
    }
}

/// Since when a member is out of service, by the administrator or for its hardware address.
fn out_since(offline: &BTreeMap<IfName, Instant>, twins: &BTreeMap<IfName, Instant>, name: &IfName) -> Option<Instant> {
    [offline.get(name), twins.get(name)].into_iter().flatten().min().copied()
}

/// Whether a member has an address of a family to send from, as soon as there is something to carry.
pub(super) fn may_send(group: &GroupConfig, member: &MemberConfig, family: Family) -> bool {
    let mut addresses = group.addresses.iter().chain(&member.test_addresses);
    family == Family::V6 || addresses.any(|net| Family::of(net.addr()) == family)
}

fn has(group: &GroupConfig, name: &IfName) -> bool {
    group.members.iter().any(|member| member.interface == *name)
}

/// All members with their groups.
pub(super) fn members(config: &Config) -> impl Iterator<Item = (&GroupConfig, &MemberConfig)> {
    config.groups.iter().flat_map(|group| group.members.iter().map(move |member| (group, member)))
}

/// The segment that a group is in, by its name.
pub(crate) fn segment(group: &GroupConfig) -> u8 {
    let digits: String = group.interface.as_str().chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("{} is not of this site", group.interface))
}

/// Whether the kernel shows an interface in use by a group: an address of ours that it has, or a leg.
fn in_use(scene: &Scene, group: &GroupConfig, index: IfIndex) -> bool {
    let of_group = |address| group.addresses.iter().any(|net| net.addr() == address);
    let bound = scene
        .kernel
        .addresses
        .iter()
        .any(|(key, info)| info.ours && key.index == index && of_group(key.address.addr()));
    bound || carries_traffic(scene, index)
}

/// Whether an interface is a leg of a route of ours by which traffic leaves.
pub(super) fn carries_traffic(scene: &Scene, index: IfIndex) -> bool {
    let routes = scene.kernel.routes.values().filter(|route| route.key.ours && route.key.metric == ROUTE_METRIC);
    routes.into_iter().any(|route| route.legs.iter().any(|leg| leg.index == index))
}

/// The interface of a member, while it is there.
pub(super) fn index_of(scene: &Scene, member: &MemberConfig) -> Option<IfIndex> {
    scene.kernel.link_named(&member.interface).map(|link| link.index)
}

/// The members of a group that carry an address of ours.
pub(super) fn holders<'a>(
    scene: &'a Scene<'a>,
    group: &'a GroupConfig,
    address: std::net::IpAddr,
) -> impl Iterator<Item = &'a MemberConfig> {
    group.members.iter().filter(move |member| {
        index_of(scene, member).is_some_and(|index| {
            let key = ipmp_core::kernel::AddressKey { index, address: address.into() };
            scene.kernel.addresses.get(&key).is_some_and(|info| info.ours)
        })
    })
}

fn since(moment: &mut Option<Instant>, holds: bool, now: Instant) {
    *moment = if holds { moment.or(Some(now)) } else { None };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site;

    #[test]
    fn a_group_is_in_the_segment_of_its_number() {
        assert_eq!(segment(&site::group(1, Duration::from_secs(10))), 1);
    }
}
