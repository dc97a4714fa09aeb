//! No address that another host is known to have is used; who brings one into the network asks first, and never
//! again: not for a failover, and not where one is found in use at the start.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::{AddressCheck, Change, GroupConfig, Instant, Mac};

use super::truth::{index_of, segment};
use super::{Rule, Scene, Violation};

/// So often an address is asked for before it is used.
const ASKED: u32 = 3;

/// Three questions, 200 ms apart, and as long again, with a margin for timers.
const CHECK: Duration = Duration::from_millis(1_000);

/// One that is taken is asked for again so often.
const AGAIN: Duration = Duration::from_secs(10);

/// All data addresses that are configured.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    of: BTreeMap<IpAddr, Claim>,
}

#[derive(Clone, Debug)]
struct Claim {
    /// Since when it was bound to a member at some time.
    used: Option<Instant>,
    since: Instant,
    /// Questions since somebody was known to have it.
    asked: u32,
    /// When the daemon was told last that somebody else has it.
    taken: Option<Instant>,
    /// Since when nobody else has it, and whoever had it could have said so: the network has not been dark since.
    free: Option<Instant>,
    /// How long a group takes to find that it is not, at most.
    recovery: Duration,
}

impl Claims {
    /// Takes in who has the addresses.
    pub(super) fn update(&mut self, scene: &Scene) {
        for group in &scene.daemon.config.groups {
            let (dark, recovery) = (is_dark(scene, group), group.failure_detection_time * 3);
            for address in group.addresses.iter().map(|net| net.addr()) {
                let free = Some(scene.now);
                let new = Claim { used: None, since: scene.now, asked: 0, taken: None, free, recovery };
                let claim = self.of.entry(address).or_insert(new);
                claim.recovery = recovery;
                // Whoever put it there: it is this host's.
                let mut members = group.members.iter().filter_map(|member| index_of(scene, member));
                if members.any(|index| scene.kernel.has_address(index, address)) {
                    claim.used.get_or_insert(scene.now);
                }
                match scene.network.stranger(address) {
                    Some(_) => claim.free = None,
                    // Silence frees nothing then.
                    None if dark && claim.taken.is_some() => claim.free = None,
                    None => {
                        claim.free.get_or_insert(scene.now);
                    }
                }
            }
        }
    }

    /// The daemon has a configuration.
    pub(super) fn configured(&mut self, scene: &Scene) {
        let groups = &scene.daemon.config.groups;
        let wanted = |address: &IpAddr| groups.iter().any(|g| g.addresses.iter().any(|net| net.addr() == *address));
        self.of.retain(|address, _| wanted(address));
        self.update(scene);
    }

    /// Addresses are to be asked for.
    pub(super) fn before_checks(&mut self, scene: &Scene, list: &[AddressCheck]) -> Result<(), Violation> {
        self.update(scene);
        for address in list.iter().map(|check| check.address) {
            match self.of.get_mut(&address) {
                Some(claim) if claim.used.is_some() => {
                    let what = format!("{address} is asked for, though it is in use already");
                    return Err(scene.violation(Rule::NoConflict, what));
                }
                Some(claim) => claim.asked += 1,
                None => {}
            }
        }
        Ok(())
    }

    /// The daemon is told that somebody has an address; one of its own NICs is nobody.
    pub(super) fn taken(&mut self, address: IpAddr, by: Mac, scene: &Scene) {
        if scene.kernel.links.values().any(|link| link.mac == Some(by)) {
            return;
        }
        if let Some(claim) = self.of.get_mut(&address) {
            (claim.asked, claim.taken) = (0, Some(scene.now));
        }
    }

    /// A change whose transaction was asked for at `asked` is about to be carried out.
    pub(super) fn before_change(&self, scene: &Scene, change: &Change, asked: Instant) -> Result<(), Violation> {
        let Change::AddAddress { key, .. } = change else { return Ok(()) };
        let address = key.address.addr();
        let Some(claim) = self.of.get(&address).filter(|claim| claim.used.is_none()) else { return Ok(()) };
        // What came meanwhile could not be known.
        if claim.asked >= ASKED || claim.taken.is_some_and(|taken| taken >= asked) {
            return Ok(());
        }
        let on_member = scene.kernel.port_of(key.index).is_some();
        let what = match claim.taken {
            Some(_) => format!("{address} is used though another host has it"),
            None if on_member => format!("{address} is bound after {} questions whether anybody has it", claim.asked),
            None => return Ok(()),
        };
        Err(scene.violation(Rule::NoConflict, what))
    }

    /// Whether a change is the first use of an address.
    pub(super) fn enters(&self, change: &Change) -> bool {
        let Change::AddAddress { key, .. } = change else { return false };
        self.of.get(&key.address.addr()).is_some_and(|claim| claim.used.is_none())
    }

    /// Until when an address need not be used yet, a link being there since then; none as long as a stranger has it.
    pub(super) fn due(&self, address: IpAddr, linked: Instant) -> Option<Instant> {
        let Some(claim) = self.of.get(&address) else { return Some(linked) };
        if let Some(used) = claim.used {
            return Some(linked.max(used));
        }
        let again = if claim.taken.is_some() { claim.recovery + AGAIN } else { Duration::ZERO };
        Some(claim.free?.max(claim.since).max(linked) + again + CHECK)
    }

    /// The daemon is gone.
    pub(super) fn forget(&mut self) {
        self.of.clear();
    }
}

/// Whether nobody can be heard, by whichever member.
fn is_dark(scene: &Scene, group: &GroupConfig) -> bool {
    let segment = segment(group);
    let ports = group.members.iter().filter_map(|member| scene.kernel.port_of(index_of(scene, member)?));
    scene.network.outage(segment)
        || scene.network.host_at_fault(segment)
        || ports.into_iter().all(|port| scene.network.path(port).cut())
}
