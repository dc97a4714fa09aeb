//! What somebody knows who is told every fact, beside what a dump says.

use std::os::fd::AsFd;
use std::time::Instant;

use ipmp_core::kernel::{AddressInfo, AddressKey, Fact, Kernel, Leg, RouteKey};
use ipmp_netlink::{Monitor, dump};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::PATIENCE;

pub struct World {
    monitor: Monitor,
    pub told: Kernel,
    /// Facts since the last call of [`World::facts`].
    fresh: Vec<Fact>,
    /// How often only a dump told.
    pub doubts: usize,
}

impl World {
    /// Listens from now on, and begins with what is there.
    pub fn watch() -> World {
        let monitor = Monitor::open().unwrap();
        World { monitor, told: dumped(), fresh: Vec::new(), doubts: 0 }
    }

    /// The facts since the last call.
    pub fn facts(&mut self) -> Vec<Fact> {
        self.drain();
        std::mem::take(&mut self.fresh)
    }

    /// The legs of a route as they changed since the last call, one entry a change.
    pub fn legs_in_turn(&mut self, key: RouteKey) -> Vec<Vec<Leg>> {
        let mut told = self.told.clone();
        let mut turns = Vec::new();
        for fact in self.facts() {
            told.learn(fact);
            let legs = told.routes.get(&key).map(|route| route.legs.clone()).unwrap_or_default();
            if turns.last() != Some(&legs) {
                turns.push(legs);
            }
        }
        self.told = told;
        turns
    }

    /// Waits until what was told is what is there.
    #[track_caller]
    pub fn is_true(&mut self, after: &str) {
        let start = Instant::now();
        loop {
            let there = dumped();
            let facts = self.facts();
            facts.into_iter().for_each(|fact| self.told.learn(fact));
            if seen(&self.told) == seen(&there) {
                return;
            }
            let told = &self.told;
            assert!(start.elapsed() < PATIENCE, "after {after}\ntold: {told:#?}\nthere: {there:#?}");
            let mut fds = [PollFd::new(self.monitor.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, PollTimeout::from(10u8)).unwrap();
        }
    }

    fn drain(&mut self) {
        let drained = self.monitor.drain(&mut self.fresh);
        assert!(!drained.overrun);
        if drained.doubtful {
            self.doubts += 1;
            self.fresh.clear();
            self.told = dumped();
        }
    }
}

pub fn dumped() -> Kernel {
    let mut there = Kernel::default();
    there.learn(Fact::Snapshot(dump(PATIENCE).unwrap()));
    there
}

/// All but addresses that the kernel makes and is still checking: it tells of those once it is done.
fn seen(kernel: &Kernel) -> Kernel {
    let told = |_: &AddressKey, info: &mut AddressInfo| info.ours || !info.tentative;
    let mut kernel = kernel.clone();
    kernel.addresses.retain(told);
    kernel
}
