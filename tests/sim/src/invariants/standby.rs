//! 7: who is standby idles while nobody is missing, and who is offline carries nothing.

use ipmp_core::kernel::AddressKey;
use ipmp_core::{GroupConfig, Instant, MemberConfig};

use super::truth::{self, Truth};
use super::{Limit, MOVE, Rule, Scene};

/// What must be idle, by when.
pub(super) fn limits(scene: &Scene, truth: &Truth) -> Vec<Limit> {
    let mut limits = Vec::new();
    for group in &scene.daemon.config.groups {
        for member in group.members.iter().filter(|member| carries(scene, group, member)) {
            let (by, why) = match truth.member(&member.interface).offline_since {
                Some(since) => (others_linked(truth, group, member).map(|linked| linked.max(since)), "offline"),
                None if member.standby && group.failback => {
                    (nobody_missing(truth, group), "a standby that nobody needs")
                }
                None => (None, ""),
            };
            limits.extend(by.map(|by| Limit {
                rule: Rule::StandbysIdle,
                by: by.max(truth.calm_since) + truth.tempo.now(group) / 7 * 2 + MOVE,
                what: format!("{} of {} carries data, and is {why}", member.interface, group.name),
            }));
        }
    }
    limits
}

/// Since when each member that is not standby must be known to work well.
fn nobody_missing(truth: &Truth, group: &GroupConfig) -> Option<Instant> {
    let actives = group.members.iter().filter(|member| !member.standby);
    let ready: Option<Vec<Instant>> = actives.map(|member| truth.well_at(group, member)).collect();
    ready?.into_iter().max()
}

fn others_linked(truth: &Truth, group: &GroupConfig, than: &MemberConfig) -> Option<Instant> {
    let others = group.members.iter().filter(|member| member.interface != than.interface);
    others.filter_map(|member| truth.linked_at(member)).min()
}

/// Whether a member carries a data address or a leg.
pub(super) fn carries(scene: &Scene, group: &GroupConfig, member: &MemberConfig) -> bool {
    let Some(index) = truth::index_of(scene, member) else { return false };
    let bound = |address: std::net::IpAddr| {
        scene.kernel.addresses.get(&AddressKey { index, address: address.into() }).is_some_and(|info| info.ours)
    };
    group.addresses.iter().any(|net| bound(net.addr())) || truth::carries_traffic(scene, index)
}
