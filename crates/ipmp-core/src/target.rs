//! Whom to probe: where targets come from, which are in use, and whose turn it is (IPMP behaviour §3).

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::config::GroupConfig;
use crate::kernel::Kernel;
use crate::rtt::Rtt;
use crate::time::Instant;

/// Most targets probed at a time (§0).
pub(crate) const ACTIVE_MAX: usize = 5;

/// How long a target that did not answer is left alone (§0).
const DEAD_TIME: Duration = Duration::from_secs(60);

/// The targets that a member with this test address may probe, best first: explicit ones, then, unless
/// those are exclusive, the group's gateways and next hops and those of every route of the host. Each
/// lies in the subnet of the test address and is no address of this host.
pub(crate) fn candidates(group: &GroupConfig, kernel: &Kernel, test: IpNet) -> Vec<IpAddr> {
    let routers = group
        .gateways
        .iter()
        .copied()
        .chain(group.routes.iter().map(|route| route.via))
        .chain(kernel.routes.values().flat_map(|route| route.legs.iter().filter_map(|leg| leg.via)))
        .filter(|_| !group.targets_exclusive);
    let mut found = Vec::new();
    for target in group.targets.iter().copied().chain(routers) {
        if test.contains(&target) && !found.contains(&target) && !is_own(group, kernel, target) {
            found.push(target);
        }
    }
    found
}

fn is_own(group: &GroupConfig, kernel: &Kernel, address: IpAddr) -> bool {
    group.addresses.iter().any(|own| own.addr() == address)
        || kernel.addresses.keys().any(|key| key.address.addr() == address)
}

/// One target.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: IpAddr,
    pub(crate) rtt: Rtt,
    dead_until: Option<Instant>,
}

/// The targets of one member and family, in the order of preference. The first five that are not dead are
/// active; the others are spare.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    all: Vec<Target>,
    last: Option<IpAddr>,
}

impl Targets {
    /// The targets are these now; what is known of those that stay is kept.
    pub(crate) fn set(&mut self, addresses: &[IpAddr]) {
        let known = |address| self.all.iter().find(|target| target.address == address).cloned();
        self.all = addresses
            .iter()
            .map(|&address| known(address).unwrap_or(Target { address, rtt: Rtt::default(), dead_until: None }))
            .collect();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether exactly these are the targets, in this order.
    pub(crate) fn are(&self, addresses: &[IpAddr]) -> bool {
        self.all.iter().map(|target| &target.address).eq(addresses)
    }

    /// Whose turn it is: strict round robin over the active ones.
    pub(crate) fn next(&mut self, now: Instant) -> Option<IpAddr> {
        if self.all.iter().all(|target| target.is_dead(now)) {
            // A list without an active target is refilled rather than left silent.
            self.all.iter_mut().for_each(|target| target.dead_until = None);
        }
        let next = self.in_firing_order(now).first()?.address;
        self.last = Some(next);
        Some(next)
    }

    /// The active ones, the next to be probed first.
    pub(crate) fn in_firing_order(&self, now: Instant) -> Vec<&Target> {
        let mut active: Vec<&Target> = self.all.iter().filter(|target| !target.is_dead(now)).take(ACTIVE_MAX).collect();
        if let Some(last) = active.iter().position(|target| Some(target.address) == self.last) {
            active.rotate_left(last + 1);
        }
        active
    }

    /// This one does not answer while others do; false where it is known already, or is the only one.
    pub(crate) fn mark_dead(&mut self, address: IpAddr, now: Instant) -> bool {
        let others = self.all.iter().any(|target| target.address != address && !target.is_dead(now));
        let Some(target) = self.all.iter_mut().find(|target| target.address == address) else { return false };
        if target.is_dead(now) || !others {
            return false;
        }
        target.dead_until = Some(now + DEAD_TIME);
        target.rtt = Rtt::default();
        true
    }

    /// A round trip to this one took so long; it lives.
    pub(crate) fn sample(&mut self, address: IpAddr, rtt: Duration) {
        if let Some(target) = self.all.iter_mut().find(|target| target.address == address) {
            target.rtt.sample(rtt);
            target.dead_until = None;
        }
    }

    /// The member failed: what was measured is void (§4).
    pub(crate) fn reset_rtt(&mut self) {
        self.all.iter_mut().for_each(|target| target.rtt = Rtt::default());
    }
}

impl Target {
    fn is_dead(&self, now: Instant) -> bool {
        self.dead_until.is_some_and(|until| until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn targets(lasts: &[u8]) -> Targets {
        let mut targets = Targets::default();
        targets.set(&lasts.iter().map(|&last| address(last)).collect::<Vec<_>>());
        targets
    }

    fn fired(targets: &mut Targets, now: Instant, times: usize) -> Vec<IpAddr> {
        (0..times).filter_map(|_| targets.next(now)).collect()
    }

    #[test]
    fn round_robin_over_five() {
        let mut targets = targets(&[1, 2, 3, 4, 5, 6]);
        let now = Instant::default();
        assert_eq!(fired(&mut targets, now, 6), [1, 2, 3, 4, 5, 1].map(address));
        assert_eq!(targets.in_firing_order(now)[0].address, address(2));
    }

    #[test]
    fn a_dead_target_rests_a_minute_and_a_spare_takes_its_place() {
        let mut targets = targets(&[1, 2, 3, 4, 5, 6]);
        let now = Instant::from_nanos(1);
        assert!(targets.mark_dead(address(1), now));
        assert!(!targets.mark_dead(address(1), now));
        assert_eq!(fired(&mut targets, now, 5), [2, 3, 4, 5, 6].map(address));
        assert!(fired(&mut targets, now + DEAD_TIME, 6).contains(&address(1)));
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
    fn what_is_known_of_a_target_survives_a_new_list() {
        let mut targets = targets(&[1, 2]);
        targets.sample(address(2), Duration::from_micros(80));
        targets.set(&[address(3), address(2)]);
        assert!(targets.all[1].rtt.get().is_some());
        assert!(targets.are(&[address(3), address(2)]) && !targets.are(&[address(2), address(3)]));
    }
}
