//! A kernel that does at once what it is asked, and tells of it.

use crate::action::Change;
use crate::handover::{Foreign, ForeignKey};
use crate::id::IfIndex;
use crate::kernel::{ALIAS, AddressInfo, AddressKey, Fact, Kernel, Leg, Link, Route, RouteKey, Scope, Tunables};

/// Does what a change asks for, and says what the kernel tells of it.
pub fn obey(kernel: &mut Kernel, change: &Change) -> Vec<Fact> {
    let facts = told(kernel, change);
    facts.iter().for_each(|fact| kernel.learn(fact.clone()));
    facts
}

fn told(kernel: &Kernel, change: &Change) -> Vec<Fact> {
    let edited = |link: Option<&Link>, edit: &dyn Fn(&mut Link)| {
        let link = link.map(|link| {
            let mut link = link.clone();
            edit(&mut link);
            Fact::Link(link)
        });
        Vec::from_iter(link)
    };
    let ours = |key: &AddressKey, scope| Fact::Address(*key, AddressInfo { scope, ours: true, tentative: false });
    match change {
        Change::CreateInterface(name) => {
            let index = IfIndex(kernel.links.keys().last().map_or(2, |last| last.0 + 1));
            vec![Fact::Link(Link {
                index,
                name: name.clone(),
                mac: None,
                up: true,
                carrier: true,
                carrier_downs: 0,
                mtu: 1500,
                multi_access: true,
                alias: Some(ALIAS.to_owned()),
                tunables: Some(Tunables::default()),
                inet6: None,
            })]
        }
        Change::DeleteInterface(name) => Vec::from_iter(kernel.link_named(name).map(|link| Fact::LinkGone(link.index))),
        Change::SetUp(index) => edited(kernel.links.get(index), &|link| link.up = true),
        Change::SetCarrier { name, on } => edited(kernel.link_named(name), &|link| link.carrier = *on),
        Change::Tune { index, tunables } => edited(kernel.links.get(index), &|link| link.tunables = Some(*tunables)),
        Change::AddAddress { key, scope } => vec![ours(key, *scope)],
        Change::DeleteAddress(key) => vec![Fact::AddressGone(*key)],
        Change::PutRoute { route, .. } => vec![Fact::Route(route.clone())],
        Change::DeleteRoute(key) => vec![Fact::RouteGone(*key)],
        Change::Announce(_) => Vec::new(),
        Change::Take { foreign, with } => {
            taken(kernel, foreign).into_iter().chain(with.iter().map(|key| ours(key, Scope::Global))).collect()
        }
        Change::Give { foreign, replaces } => {
            replaces.iter().map(|key| Fact::AddressGone(*key)).chain(given(foreign)).collect()
        }
    }
}

/// With an IPv4 address goes the route to its prefix, which the kernel made; with an IPv6 address the best one on that
/// interface.
fn taken(kernel: &Kernel, foreign: &Foreign) -> Vec<Fact> {
    match &foreign.key {
        ForeignKey::Route(key, _) => vec![Fact::RouteGone(*key)],
        ForeignKey::Address(key) => {
            let leg = Leg { index: key.index, via: None };
            let is_its = |route: &&Route| match key.address.addr().is_ipv4() {
                true => route.key == connected(key).key && route.legs == [leg],
                false => route.key.to == key.address.trunc() && route.legs.contains(&leg),
            };
            let its = kernel.routes.values().filter(is_its).min_by_key(|route| route.key.metric);
            let legs = its.map(|route| Fact::LegsGone(Route { legs: vec![leg], ..route.clone() }));
            [Fact::AddressGone(*key)].into_iter().chain(legs).collect()
        }
    }
}

fn given(foreign: &Foreign) -> Vec<Fact> {
    match &foreign.key {
        ForeignKey::Address(key) => {
            let info = AddressInfo { scope: Scope::Global, ours: false, tentative: false };
            vec![Fact::Address(*key, info), Fact::Route(connected(key))]
        }
        ForeignKey::Route(key, legs) => {
            vec![Fact::Route(Route { key: *key, scope: Scope::Global, legs: legs.clone() })]
        }
    }
}

/// The route to the prefix of an address, as the kernel makes it.
fn connected(key: &AddressKey) -> Route {
    let legs = vec![Leg { index: key.index, via: None }];
    // `IP6_RT_PRIO_ADDRCONF` of net/ip6_fib.h.
    let metric = if key.address.addr().is_ipv4() { 0 } else { 256 };
    Route { key: RouteKey { to: key.address.trunc(), metric, ours: false }, scope: Scope::Link, legs }
}
