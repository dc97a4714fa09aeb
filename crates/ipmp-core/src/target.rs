//! Whom to probe: where targets come from, which are in use, and whose turn it is (IPMP behaviour §3).

use std::net::IpAddr;
use std::time::Duration;

use crate::config::GroupConfig;
use crate::id::IfIndex;
use crate::kernel::Kernel;
use crate::rtt::Rtt;
use crate::shift::Shift;
use crate::status::TargetState;
use crate::time::Instant;

/// Most targets probed at a time (§0).
pub(crate) const ACTIVE_MAX: usize = 5;

/// A list without an active target is refilled up to so many (§0).
const REFILL: usize = 3;

/// How long a target that was slow is left alone, and how long a dead one until it counts as slow (§0, §3).
const REST: Duration = Duration::from_secs(60);

/// So many active targets tell a slow target from a slow network (§4).
const EXCEPTIONAL_OF: usize = 4;

/// The targets that a member may probe, best first: explicit ones, then, unless those are exclusive, the
/// group's gateways and next hops and those of every route of the host; outside of groups only next hops by
/// the interface itself (§9). Each is on the link as far as is known, and is no address of this host.
pub(crate) fn candidates(
    group: &GroupConfig,
    kernel: &Kernel,
    is_on_link: impl Fn(IpAddr) -> bool,
    nic: Option<IfIndex>,
) -> Vec<IpAddr> {
    let by_any = !group.name.is_anonymous();
    let legs = kernel.routes.values().flat_map(|route| &route.legs);
    let routers = group
        .gateways
        .iter()
        .copied()
        .chain(group.routes.iter().map(|route| route.via))
        .chain(legs.filter(|leg| by_any || Some(leg.index) == nic).filter_map(|leg| leg.via))
        .filter(|_| !group.targets_exclusive);
    let mut found = Vec::new();
    for target in group.targets.iter().copied().chain(routers) {
        if is_on_link(target) && !found.contains(&target) && !is_own(group, kernel, target) {
            found.push(target);
        }
    }
    found
}

/// Whether an address is one of this host.
pub(crate) fn is_own(group: &GroupConfig, kernel: &Kernel, address: IpAddr) -> bool {
    group.addresses.iter().any(|own| own.addr() == address)
        || kernel.addresses.keys().any(|key| key.address.addr() == address)
}

/// One target.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: IpAddr,
    pub(crate) rtt: Rtt,
    pub(crate) shift: Shift,
    /// Not to be probed, and since when (§3; the clock runs from when it was marked, §14 #11).
    rest: Option<(Rest, Instant)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// Does not answer while others do.
    Dead,
    /// Much slower than the others.
    Slow,
}

/// Where the targets of a member come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Configured, or next hops of routes.
    #[default]
    Routers,
    /// Found by multicast: there are no routers.
    Hosts,
    /// None was found: data addresses on other members of the group stand in for them.
    Members,
}

/// The targets of one member and family, in the order of preference, all of one origin. Of those that do not
/// rest, the first five are active, the others are spare.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    all: Vec<Target>,
    last: Option<IpAddr>,
    origin: Origin,
    /// One was discarded, or none answers: others are to be looked for.
    search: bool,
}

impl Targets {
    /// These are the routers now, or explicit targets; what is known of those that stay is kept. A router
    /// wipes out hosts. Without any, hosts are looked for if `discover` (§3).
    pub(crate) fn set(&mut self, addresses: &[IpAddr], discover: bool) {
        if addresses.is_empty() && discover {
            if self.origin == Origin::Routers {
                *self = Targets { origin: Origin::Hosts, ..Targets::default() };
            }
        } else if self.origin != Origin::Routers || !self.all.iter().map(|target| &target.address).eq(addresses) {
            self.replace(addresses);
            self.origin = Origin::Routers;
        }
    }

    /// These data addresses are on other members. They are probed while there is nobody else.
    pub(crate) fn stand_in(&mut self, addresses: &[IpAddr]) {
        let alone = match self.origin {
            Origin::Routers => false,
            Origin::Hosts => self.all.is_empty(),
            Origin::Members => true,
        };
        if alone && !self.all.iter().map(|target| &target.address).eq(addresses) {
            self.replace(addresses);
        }
        if alone {
            self.origin = if addresses.is_empty() { Origin::Hosts } else { Origin::Members };
        }
    }

    fn replace(&mut self, addresses: &[IpAddr]) {
        let mut before = std::mem::take(&mut self.all);
        self.all = addresses
            .iter()
            .map(|&address| match before.iter().position(|target| target.address == address) {
                Some(known) => before.swap_remove(known),
                None => Target::new(address),
            })
            .collect();
    }

    /// A host answered a request by multicast; five are enough, though it may take the place of one that does
    /// not answer.
    pub(crate) fn offer(&mut self, address: IpAddr, instead_of: Option<IpAddr>) {
        if self.origin == Origin::Members {
            (self.all, self.origin) = (Vec::new(), Origin::Hosts);
        }
        if self.origin == Origin::Routers || self.all.iter().any(|target| target.address == address) {
            return;
        }
        if self.all.len() >= ACTIVE_MAX {
            self.all.retain(|target| Some(target.address) != instead_of);
        }
        if self.all.len() < ACTIVE_MAX {
            self.all.push(Target::new(address));
        }
    }

    /// Whether a request by multicast goes with the next slot: there is no host, or only one, or another
    /// was discarded (§3).
    pub(crate) fn wants_more_hosts(&self) -> bool {
        match self.origin {
            Origin::Routers => false,
            Origin::Hosts => self.search || self.all.len() <= 1,
            Origin::Members => true,
        }
    }

    /// Others are to be looked for with the next slot; or they are, once.
    pub(crate) fn search(&mut self, search: bool) {
        self.search = search;
    }

    /// All of them.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.all.iter().map(|target| target.address)
    }

    /// Where they come from; hosts as well where there are none yet.
    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whose turn it is: strict round robin over the active ones.
    pub(crate) fn next(&mut self, now: Instant) -> Option<IpAddr> {
        self.refill(now);
        let next = self.in_firing_order(now).first()?.address;
        self.last = Some(next);
        Some(next)
    }

    /// A list without an active target is not left silent: those that rested longest, the slow before the
    /// dead (§3).
    fn refill(&mut self, now: Instant) {
        if self.all.iter().any(|target| target.is_ready(now)) {
            return;
        }
        let order = |target: &Target| target.rest.map(|(_, since)| (target.resting(now) == Some(Rest::Dead), since));
        let mut resting: Vec<usize> = (0..self.all.len()).collect();
        resting.sort_by_key(|&i| order(&self.all[i]));
        resting.into_iter().take(REFILL).for_each(|i| self.all[i].rest = None);
    }

    /// The active ones, the next to be probed first.
    pub(crate) fn in_firing_order(&self, now: Instant) -> Vec<&Target> {
        let mut active: Vec<&Target> = self.active(now).collect();
        if let Some(last) = active.iter().position(|target| Some(target.address) == self.last) {
            active.rotate_left(last + 1);
        }
        active
    }

    /// All with their states: the active ones in firing order, then the others.
    pub(crate) fn with_states(&self, now: Instant) -> Vec<(&Target, TargetState)> {
        let active = self.in_firing_order(now);
        let is_active = |target: &Target| active.iter().any(|other| other.address == target.address);
        let others = self.all.iter().filter(|target| !is_active(target)).map(|target| match target.resting(now) {
            Some(Rest::Dead) => (target, TargetState::Dead),
            Some(Rest::Slow) => (target, TargetState::Slow),
            None => (target, TargetState::Unused),
        });
        active.iter().map(|target| (*target, TargetState::Active)).chain(others).collect()
    }

    fn active(&self, now: Instant) -> impl Iterator<Item = &Target> {
        self.all.iter().filter(move |target| target.is_ready(now)).take(ACTIVE_MAX)
    }

    /// This one does not answer while others do; false where it is known already, or is the only one.
    pub(crate) fn mark_dead(&mut self, address: IpAddr, now: Instant) -> bool {
        let others = self.all.iter().any(|target| target.address != address && target.is_ready(now));
        others && self.mark(address, Rest::Dead, now)
    }

    /// A target that is so slow alone, of four or more, that it and not the network is to blame (§4): it
    /// rests, and its round trip is told.
    pub(crate) fn mark_exceptional(&mut self, interval: Duration, now: Instant) -> Option<(IpAddr, Duration)> {
        let crtt = |target: &Target| target.rtt.crtt();
        let slow = self.active(now).find(|target| crtt(target).is_some_and(|crtt| crtt > interval))?;
        let (address, took) = (slow.address, crtt(slow)?);
        let fast = |target: &Target| crtt(target).is_some_and(|crtt| crtt <= interval / 2);
        let alone = self.active(now).all(|target| target.address == address || fast(target));
        (alone && self.active(now).count() >= EXCEPTIONAL_OF && self.mark(address, Rest::Slow, now))
            .then_some((address, took))
    }

    /// Has a target rest; a host is forgotten, since others may be found.
    fn mark(&mut self, address: IpAddr, rest: Rest, now: Instant) -> bool {
        let Some(at) = self.all.iter().position(|target| target.address == address) else { return false };
        if !self.all[at].is_ready(now) {
            return false;
        }
        if self.origin == Origin::Hosts {
            self.all.remove(at);
            self.search = true;
        } else {
            self.all[at].rest = Some((rest, now));
            self.all[at].rtt = Rtt::default();
        }
        true
    }

    /// The longest conservative round trip of the active ones.
    pub(crate) fn crtt(&self, now: Instant) -> Option<Duration> {
        self.active(now).filter_map(|target| target.rtt.crtt()).max()
    }

    /// Whether every active one has been measured, and takes no longer than that.
    pub(crate) fn all_within(&self, limit: Duration, now: Instant) -> bool {
        self.active(now).all(|target| target.rtt.crtt().is_some_and(|crtt| crtt <= limit))
    }

    /// The round trip now and before, where it has shifted for every active one that is known well.
    pub(crate) fn shifted(&self, now: Instant) -> Option<(Duration, Duration)> {
        let mut learned = self.active(now).filter(|target| target.shift.is_learned()).peekable();
        learned.peek()?;
        let all: Option<Vec<_>> = learned.map(|target| Some((target.rtt.get()?.0, target.shift.from()?))).collect();
        all?.into_iter().max()
    }

    /// Whether round trips to an active one are unusual at present.
    pub(crate) fn may_shift(&self, now: Instant) -> bool {
        self.active(now).any(|target| target.shift.is_doubtful())
    }

    /// What is known of this one.
    pub(crate) fn get(&self, address: IpAddr) -> Option<&Target> {
        self.all.iter().find(|target| target.address == address)
    }

    /// The same, to be changed.
    pub(crate) fn get_mut(&mut self, address: IpAddr) -> Option<&mut Target> {
        self.all.iter_mut().find(|target| target.address == address)
    }

    /// The member failed: what was measured is void (§4).
    pub(crate) fn reset_rtt(&mut self) {
        self.all.iter_mut().for_each(|target| target.rtt = Rtt::default());
    }
}

impl Target {
    fn new(address: IpAddr) -> Self {
        Self { address, rtt: Rtt::default(), shift: Shift::default(), rest: None }
    }

    /// An answer came: it lives.
    pub(crate) fn answered(&mut self) {
        self.rest = self.rest.filter(|(rest, _)| *rest != Rest::Dead);
    }

    fn is_ready(&self, now: Instant) -> bool {
        self.resting(now).is_none()
    }

    fn resting(&self, now: Instant) -> Option<Rest> {
        let (rest, since) = self.rest?;
        match rest {
            Rest::Dead if since + REST > now => Some(Rest::Dead),
            Rest::Dead if since + 2 * REST > now => Some(Rest::Slow),
            Rest::Slow if since + REST > now => Some(Rest::Slow),
            Rest::Dead | Rest::Slow => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn targets(lasts: &[u8]) -> Targets {
        let mut targets = Targets::default();
        targets.set(&lasts.iter().map(|&last| address(last)).collect::<Vec<_>>(), true);
        targets
    }

    fn fired(targets: &mut Targets, now: Instant, times: usize) -> Vec<IpAddr> {
        (0..times).filter_map(|_| targets.next(now)).collect()
    }

    fn sample(targets: &mut Targets, last: u8, rtt: Duration) {
        targets.get_mut(address(last)).unwrap().rtt.sample(rtt, Duration::MAX);
    }

    #[test]
    fn round_robin_over_five() {
        let mut targets = targets(&[1, 2, 3, 4, 5, 6]);
        let now = Instant::default();
        assert_eq!(fired(&mut targets, now, 6), [1, 2, 3, 4, 5, 1].map(address));
        assert_eq!(targets.in_firing_order(now)[0].address, address(2));
        assert_eq!(targets.with_states(now)[5].1, TargetState::Unused);
    }

    #[test]
    fn a_dead_target_rests_and_a_spare_takes_its_place() {
        let mut targets = targets(&[1, 2, 3, 4, 5, 6]);
        let now = Instant::from_nanos(1);
        assert!(targets.mark_dead(address(1), now));
        assert!(!targets.mark_dead(address(1), now));
        assert_eq!(fired(&mut targets, now, 5), [2, 3, 4, 5, 6].map(address));
        assert_eq!(targets.with_states(now)[5].1, TargetState::Dead);
        assert_eq!(targets.with_states(now + REST)[5].1, TargetState::Slow);
        assert!(!fired(&mut targets, now + REST, 6).contains(&address(1)));
        assert!(fired(&mut targets, now + 2 * REST, 6).contains(&address(1)));
    }

    #[test]
    fn the_only_target_is_never_dead_and_an_empty_list_is_silent() {
        let mut one = targets(&[1]);
        let now = Instant::default();
        assert!(!one.mark_dead(address(1), now));
        assert_eq!(fired(&mut one, now, 2), [1, 1].map(address));
        assert_eq!(targets(&[]).next(now), None);
    }

    #[test]
    fn one_slow_target_of_four_is_the_exception() {
        let now = Instant::default();
        for (count, exceptional) in [(3, None), (4, Some((address(1), 30 * MS)))] {
            let mut targets = targets(&[1, 2, 3, 4][..count]);
            (2..=count as u8).for_each(|last| sample(&mut targets, last, MS));
            sample(&mut targets, 1, 10 * MS);
            assert_eq!(targets.mark_exceptional(20 * MS, now), exceptional);
        }
    }

    #[test]
    fn hosts_are_taken_only_where_there_are_no_routers() {
        let mut targets = targets(&[]);
        assert!(targets.wants_more_hosts());
        (1..=6).for_each(|last| targets.offer(address(last), None));
        assert_eq!(targets.all.len(), 5);
        assert!(targets.mark_dead(address(1), Instant::default()) && targets.all.len() == 4);
        targets.set(&[address(9)], true);
        assert!(targets.origin() == Origin::Routers && targets.all.len() == 1);
        targets.offer(address(1), None);
        assert_eq!(targets.all.len(), 1);
    }

    #[test]
    fn other_members_stand_in_while_there_is_nobody_else() {
        let mut targets = targets(&[]);
        targets.stand_in(&[address(50), address(51)]);
        assert_eq!((targets.origin(), targets.all.len()), (Origin::Members, 2));
        targets.set(&[], true);
        assert_eq!(targets.all.len(), 2, "still nobody");
        targets.offer(address(7), None);
        targets.stand_in(&[address(50)]);
        assert_eq!((targets.origin(), targets.all.len()), (Origin::Hosts, 1));
        targets.set(&[address(1)], true);
        targets.stand_in(&[address(50)]);
        assert_eq!((targets.origin(), targets.all[0].address), (Origin::Routers, address(1)));
    }

    #[test]
    fn what_is_known_of_a_target_survives_a_new_list() {
        let mut targets = targets(&[1, 2]);
        sample(&mut targets, 2, MS);
        targets.set(&[address(3), address(2)], true);
        assert!(targets.all[1].rtt.get().is_some() && targets.all[0].address == address(3));
    }
}
