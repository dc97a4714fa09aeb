//! The second phase: all faults are over, and everything is where it belongs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::kernel::{AddressKey, ROUTE_METRIC, RouteKey, Tunables};
use ipmp_core::status::{GroupState, GroupStatus};
use ipmp_core::{Config, Family, GroupConfig, IfIndex, IfName};
use ipnet::IpNet;

use super::truth::{convalescence, holders, index_of, interval};
use super::{Rule, Scene, Violation, penalty, reach};

/// Within this everything is home once all faults are over. A change that was refused for long is tried
/// again after a minute, a target that was dead is probed again after two, a failure detection time that was
/// raised is lowered after one and as many probes as it takes to see it; then ten replies, and once more for
/// what depends on it. A member that failed again and again is kept out for some half-lives, and one
/// that was degraded is well when the probes that showed it are forgotten.
pub fn homecoming(config: &Config) -> Duration {
    let of_group = |group: &GroupConfig| {
        let damped = penalty::longest(group.detection.damping);
        interval(group) * 150 + damped + convalescence(group)
    };
    Duration::from_secs(200) + config.groups.iter().map(of_group).max().unwrap_or_default()
}

/// Whether everything is home.
pub fn at_home(scene: &Scene) -> Result<(), Violation> {
    let status = scene.daemon.engine().map(|engine| engine.status(scene.now)).unwrap_or_default();
    for (i, group) in scene.daemon.config.groups.iter().enumerate() {
        let shown = status.groups.get(i).filter(|shown| shown.name == group.name);
        let faults = match shown {
            Some(shown) => faults(scene, group, shown),
            None => vec!["the status does not show it".to_owned()],
        };
        if !faults.is_empty() {
            let what = format!("{} is not home: {}", group.name, faults.join("; "));
            return Err(scene.violation(Rule::Home, what));
        }
    }
    Ok(())
}

fn faults(scene: &Scene, group: &GroupConfig, shown: &GroupStatus) -> Vec<String> {
    let mut faults = Vec::new();
    let active: Vec<&IfName> =
        shown.members.iter().filter(|member| member.active).map(|member| &member.interface).collect();
    let wanted = if group.members.is_empty() { GroupState::Failed } else { GroupState::Ok };
    if shown.state != wanted {
        faults.push(format!("its state is {:?}", shown.state));
    }
    if shown.failure_detection_time.is_some_and(|in_force| in_force != group.failure_detection_time) {
        faults.push(format!("its failure detection time is {:?}", shown.failure_detection_time));
    }
    policy(group, &active, &mut faults);
    interface(scene, group, &mut faults);
    addresses(scene, group, &active, &mut faults);
    routes(scene, group, &active, &mut faults);
    members(scene, group, &mut faults);
    faults
}

/// Without failback a repaired member idles, so that only the number can be judged.
fn policy(group: &GroupConfig, active: &[&IfName], faults: &mut Vec<String>) {
    let regular: Vec<&IfName> =
        group.members.iter().filter(|member| !member.standby).map(|member| &member.interface).collect();
    let right = match (group.members.is_empty(), regular.is_empty()) {
        (true, _) => active.is_empty(),
        (_, true) => active.len() == 1,
        _ if group.failback => active == regular,
        _ => (1..=regular.len()).contains(&active.len()),
    };
    if !right {
        faults.push(format!("active are {active:?}"));
    }
}

fn interface(scene: &Scene, group: &GroupConfig, faults: &mut Vec<String>) {
    let Some(link) = scene.kernel.link_named(&group.interface) else {
        faults.push("it has no interface".to_owned());
        return;
    };
    if !link.up || link.carrier == group.members.is_empty() {
        faults.push(format!("its interface is up {}, carrier {}", link.up, link.carrier));
    }
    for net in &group.addresses {
        let key = AddressKey { index: link.index, address: net.addr().into() };
        if !scene.kernel.addresses.contains_key(&key) {
            faults.push(format!("{} is not anchored", net.addr()));
        }
    }
}

fn addresses(scene: &Scene, group: &GroupConfig, active: &[&IfName], faults: &mut Vec<String>) {
    let mut loads: BTreeMap<Family, Vec<usize>> = BTreeMap::new();
    for address in group.addresses.iter().map(|net| net.addr()) {
        let loads = loads.entry(Family::of(address)).or_insert_with(|| vec![0; active.len()]);
        let at: Vec<&IfName> = holders(scene, group, address).map(|member| &member.interface).collect();
        match at[..] {
            [one] if active.contains(&one) => loads[active.iter().position(|name| *name == one).expect("active")] += 1,
            _ if group.members.is_empty() => {}
            _ => faults.push(format!("{address} is on {at:?}, active are {active:?}")),
        }
    }
    for (family, loads) in loads {
        if let (Some(most), Some(least)) = (loads.iter().max(), loads.iter().min())
            && most - least > 1
        {
            faults.push(format!("{active:?} carry {loads:?} addresses of {family}"));
        }
    }
    let wanted: BTreeSet<IpAddr> = group.addresses.iter().map(|net| net.addr()).collect();
    for member in &group.members {
        let tests: Vec<IpAddr> = member.test_addresses.iter().map(|net| net.addr()).collect();
        let index = index_of(scene, member);
        let stray = scene.kernel.addresses.iter().filter(|(key, info)| info.ours && Some(key.index) == index);
        for (key, _) in
            stray.filter(|(key, _)| !tests.contains(&key.address.addr()) && !wanted.contains(&key.address.addr()))
        {
            faults.push(format!("{} is left on {}", key.address, member.interface));
        }
    }
}

/// Every active member that has an address of its own is a way out, and nobody else; in IPv6 each has one.
fn routes(scene: &Scene, group: &GroupConfig, active: &[&IfName], faults: &mut Vec<String>) {
    let sends = |member: &&ipmp_core::MemberConfig, family: Family| {
        let of_family = |net: &&IpNet| Family::of(net.addr()) == family;
        let mut data = group.addresses.iter().filter(of_family);
        let own = family == Family::V6
            || member.test_addresses.iter().any(|net| of_family(&net))
            || data.any(|net| holders(scene, group, net.addr()).any(|at| at == *member));
        active.contains(&&member.interface) && own
    };
    for to in reach::destinations(group) {
        let family = Family::of(to.addr());
        let ways = group.members.iter().filter(|member| sends(member, family));
        let wanted: BTreeSet<IfIndex> = ways.filter_map(|member| index_of(scene, member)).collect();
        let route = scene.kernel.routes.get(&RouteKey { to, metric: ROUTE_METRIC, ours: true });
        let legs: BTreeSet<IfIndex> =
            route.into_iter().flat_map(|route| route.legs.iter().map(|leg| leg.index)).collect();
        if legs != wanted {
            faults.push(format!("the route to {to} leaves by {legs:?} instead of {wanted:?}"));
        }
    }
}

fn members(scene: &Scene, group: &GroupConfig, faults: &mut Vec<String>) {
    for member in &group.members {
        let Some(link) = scene.kernel.link_named(&member.interface) else {
            faults.push(format!("{} is not there", member.interface));
            continue;
        };
        if link.tunables != Some(Tunables::MEMBER) {
            faults.push(format!("{} has settings {:?}", member.interface, link.tunables));
        }
        for test in &member.test_addresses {
            let key = AddressKey { index: link.index, address: test.addr().into() };
            if !scene.kernel.addresses.contains_key(&key) {
                faults.push(format!("{} has no test address", member.interface));
            }
        }
    }
}
