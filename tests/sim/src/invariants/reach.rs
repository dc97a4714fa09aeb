//! 1: traffic in and out. An address is with a member that works, and so is every leg of every route.

use std::net::IpAddr;

use ipmp_core::kernel::{ROUTE_METRIC, RouteKey};
use ipmp_core::{Family, GroupConfig, Instant, MemberConfig};
use ipnet::IpNet;

use super::claims::Claims;
use super::means;
use super::truth::{self, Truth, holders};
use super::{LINK_NOTICE, Limit, MOVE, Rule, Scene};

/// What must be mended, by when.
pub(super) fn limits(scene: &Scene, truth: &Truth, claims: &Claims) -> Vec<Limit> {
    let mut limits = Vec::new();
    for group in &scene.daemon.config.groups {
        for address in &group.addresses {
            let at: Vec<&MemberConfig> = holders(scene, group, address.addr()).collect();
            let names: Vec<&str> = at.iter().map(|member| member.interface.as_str()).collect();
            limits.extend(must_move(group, (truth, claims), address.addr(), &at).map(|by| Limit {
                rule: Rule::Reachable,
                by: by.max(truth.calm_since) + MOVE,
                what: match names.is_empty() {
                    true => format!("{} of {} is bound to no member", address.addr(), group.name),
                    false => format!(
                        "{} of {} is still on {}, which is dead",
                        address.addr(),
                        group.name,
                        names.join(" and ")
                    ),
                },
            }));
        }
        for to in destinations(group) {
            limits.extend(route_limits(scene, (truth, claims), group, to));
        }
    }
    limits
}

/// By when an address that is on these members must be on another; none if it may stay.
fn must_move(
    group: &GroupConfig,
    (truth, claims): (&Truth, &Claims),
    address: IpAddr,
    at: &[&MemberConfig],
) -> Option<Instant> {
    let family = Family::of(address);
    let linked = group.members.iter().filter_map(|member| truth.linked_at(member)).min();
    if at.is_empty() {
        return claims.due(address, linked?.max(truth.calm_since));
    }
    let all = |gone: &dyn Fn(&MemberConfig) -> Option<Instant>| {
        let moments: Option<Vec<Instant>> = at.iter().map(|member| gone(member)).collect();
        moments?.into_iter().max()
    };
    // Whatever has a link is better than what has none, even while nobody's probes are answered.
    let link_dead =
        |member: &MemberConfig| truth.member(&member.interface).link_dead_since.map(|since| since + LINK_NOTICE);
    let for_link = all(&link_dead).and_then(|gone| Some(gone.max(linked?)));
    let ready = group
        .members
        .iter()
        .filter(|member| !at.contains(member))
        .filter_map(|member| truth.ready_at(group, member))
        .min();
    let for_path = all(&|member| truth.gone_for(group, member, family)).and_then(|gone| Some(gone.max(ready?)));
    [for_link, for_path].into_iter().flatten().min()
}

fn route_limits(scene: &Scene, (truth, claims): (&Truth, &Claims), group: &GroupConfig, to: IpNet) -> Vec<Limit> {
    let family = Family::of(to.addr());
    let key = RouteKey { to, metric: ROUTE_METRIC, ours: true };
    if scene.kernel.routes.contains_key(&RouteKey { ours: false, ..key }) {
        // Someone else's is in the way.
        return Vec::new();
    }
    let limit = |by: Instant, what: String| Limit { rule: Rule::Reachable, by: by.max(truth.calm_since) + MOVE, what };
    let Some(route) = scene.kernel.routes.get(&key) else {
        // Without an address of its own a member may not send. Where there are no data addresses it is for
        // the test addresses to allow it, and which of the members are active is not for us to know.
        let tested = |member: &MemberConfig| family == Family::V6 || means::tested(member, family);
        let linked = group.members.iter().filter_map(|member| truth.linked_at(member)).min();
        let linked = match group.members.iter().all(tested) {
            true => linked,
            false => linked.and_then(|linked| {
                let of_family = group.addresses.iter().map(|net| net.addr()).filter(|at| Family::of(*at) == family);
                of_family.filter_map(|address| claims.due(address, linked.max(truth.calm_since))).min()
            }),
        };
        return linked
            .map(|by| limit(by, format!("the route to {to} of {} is missing", group.name)))
            .into_iter()
            .collect();
    };
    let legs = route.legs.iter().filter_map(|leg| {
        let member = group.members.iter().find(|member| truth::index_of(scene, member) == Some(leg.index));
        let Some(member) = member else {
            return Some(limit(truth.calm_since, format!("the route to {to} of {} leaves by {leg:?}", group.name)));
        };
        let by = truth.gone_for(group, member, family)?.max(truth.other_way_at(group, &member.interface, family)?);
        Some(limit(by, format!("the route to {to} of {} leaves by {}, which is dead", group.name, member.interface)))
    });
    legs.collect()
}

/// Where the routes of a group lead.
pub(super) fn destinations(group: &GroupConfig) -> Vec<IpNet> {
    let on_link = group.addresses.iter().map(IpNet::trunc);
    let default = group.gateways.iter().map(|gateway| IpNet::new_assert(*gateway, 0).trunc());
    let mut all: Vec<IpNet> = on_link.chain(default).chain(group.routes.iter().map(|route| route.to)).collect();
    all.sort_unstable();
    all.dedup();
    all
}
