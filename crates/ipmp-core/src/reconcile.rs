//! What is wanted, less what is observed: the changes to the kernel, in an order of which every beginning
//! is safe. Pure; nothing is remembered from one comparison to the next.
//!
//! Make before break: whatever a change builds on stands before it, and what is to go goes last. So a
//! transaction may be cut anywhere, by a limit, a refusal or a crash, and the rest is found again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::action::{Announcement, Change, Means, Memory};
use crate::group::Group;
use crate::handover::{Foreign, ForeignKey, Handover};
use crate::id::{Family, IfIndex, IfName};
use crate::kernel::{
    ALIAS, AddressInfo, AddressKey, Kernel, LAST_RESORT_METRIC, Leg, ROUTE_METRIC, Route, RouteKey, Scope, Tunables,
};
use crate::probing::Probing;

/// What a change is about: names it in waits and in messages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    CreateInterface(IfName),
    DeleteInterface(IfName),
    SetUp(IfIndex),
    SetCarrier(IfName, bool),
    Tune(IfIndex),
    AddAddress(AddressKey),
    DeleteAddress(AddressKey),
    PutRoute(RouteKey),
    DeleteRoute(RouteKey),
    Take(ForeignKey),
    Give(ForeignKey),
}

/// The key of a change; an announcement is not one that could be compared with anything.
pub(crate) fn key_of(change: &Change) -> Option<Key> {
    Some(match change {
        Change::CreateInterface(name) => Key::CreateInterface(name.clone()),
        Change::DeleteInterface(name) => Key::DeleteInterface(name.clone()),
        Change::SetUp(index) => Key::SetUp(*index),
        Change::SetCarrier { name, on } => Key::SetCarrier(name.clone(), *on),
        Change::Tune { index, .. } => Key::Tune(*index),
        Change::AddAddress { key, .. } => Key::AddAddress(*key),
        Change::DeleteAddress(key) => Key::DeleteAddress(*key),
        Change::PutRoute { route, .. } => Key::PutRoute(route.key),
        Change::DeleteRoute(key) => Key::DeleteRoute(*key),
        Change::Take { foreign, .. } => Key::Take(foreign.key.clone()),
        Change::Give { foreign, .. } => Key::Give(foreign.key.clone()),
        Change::Announce(_) => return None,
    })
}

/// The changes that make the kernel what the groups want it to be, most urgent first.
pub(crate) fn plan(groups: &[Group], kernel: &Kernel, memory: &Memory, handover: &Handover) -> Vec<Change> {
    let wanted = Wanted::of(groups, kernel);
    let mut plan = Planner { kernel, wanted: &wanted, changes: Vec::new() };
    plan.give(handover);
    let given = plan.changes.is_empty();
    plan.interfaces(groups);
    plan.tune_members(groups, handover);
    plan.add_addresses(&wanted.tests, Scope::Link);
    // IPv6 addresses take the kernel much longer: those of IPv4 do not wait for them.
    let (anchors, anchors6): (Vec<_>, Vec<_>) = wanted.anchors.iter().partition(|key| key.address.addr().is_ipv4());
    let (bound, bound6): (Vec<_>, Vec<_>) = wanted.bound.iter().partition(|binding| binding.is_of(Family::V4));
    plan.add_addresses(&anchors, Scope::Global);
    // A way out needs an address of its own on the member (finding 2), so the first of each comes before the routes.
    let (first, rest) = wanted.first_of_each(bound);
    plan.bind(&first);
    plan.put_routes();
    plan.bind(&rest);
    plan.add_addresses(&anchors6, Scope::Global);
    plan.bind(&bound6);
    // What is to be given may be refused: then nothing of ours may go that it would replace.
    if given {
        // With its last address an interface loses its routes, silently: so they go first.
        plan.delete_routes();
        plan.delete_addresses();
        plan.tune_leavers(groups, memory);
    }
    let stands = plan.changes.is_empty();
    plan.carriers(groups);
    if given {
        plan.delete_interfaces(groups);
    }
    if stands {
        plan.take(handover);
    }
    plan.changes
}

/// Where a data address is to be bound, and by which hardware address it is announced.
#[derive(Clone, Copy, Debug)]
struct Binding {
    key: AddressKey,
    announcement: Option<Announcement>,
}

impl Binding {
    fn is_of(&self, family: Family) -> bool {
        Family::of(self.key.address.addr()) == family
    }
}

#[derive(Debug, Default)]
struct Wanted {
    anchors: Vec<AddressKey>,
    tests: Vec<AddressKey>,
    bound: Vec<Binding>,
    /// Where data addresses may stand that nobody can carry now: left as they are, but on members only.
    undecided: BTreeSet<AddressKey>,
    routes: BTreeMap<RouteKey, BTreeSet<Leg>>,
    /// Interfaces that have an IPv4 test address, and so may be a way out without carrying data.
    tested: BTreeSet<IfIndex>,
}

impl Wanted {
    fn of(groups: &[Group], kernel: &Kernel) -> Self {
        let mut wanted = Wanted::default();
        groups.iter().for_each(|group| wanted.add_group(group, kernel));
        wanted
    }

    fn add_group(&mut self, group: &Group, kernel: &Kernel) {
        if let Some(own) = kernel.link_named(&group.config.interface) {
            // What another host has is not ours to receive, nor to send from.
            let ours = group.addresses().filter(|address| group.claims.taken_by(*address).is_none());
            self.anchors.extend(ours.map(|address| AddressKey::host(own.index, address)));
        }
        for member in group.members.iter().filter(|member| !member.offline) {
            let Some(nic) = member.nic else { continue };
            let tests = member.config.test_addresses.iter().map(IpNet::addr);
            for test in tests.filter(|test| nic.has(Family::of(*test))) {
                self.tests.push(AddressKey::host(nic.index, test));
                if test.is_ipv4() {
                    self.tested.insert(nic.index);
                }
            }
        }
        for address in group.addresses() {
            match group.placed.get(&address).and_then(|holder| group.member(holder)).and_then(|member| member.nic) {
                Some(nic) => {
                    let announcement =
                        nic.mac.map(|mac| Announcement { index: nic.index, mac, address, router: nic.router });
                    self.bound.push(Binding { key: AddressKey::host(nic.index, address), announcement });
                }
                None => {
                    let nics = group.members.iter().filter_map(|member| member.nic);
                    self.undecided.extend(nics.map(|nic| AddressKey::host(nic.index, address)));
                }
            }
        }
        self.add_routes(group, kernel);
        self.add_last_resorts(group);
    }

    /// Where probes are ICMPv6, they find what is on the link whatever the group's routes say.
    fn add_last_resorts(&mut self, group: &Group) {
        for member in &group.members {
            let by_icmp =
                |probing: &&Probing| probing.family() == Family::V6 && matches!(probing.means(), Some(Means::Icmp(_)));
            let (Some(nic), Some(probing)) = (member.nic, member.probing.iter().find(by_icmp)) else { continue };
            for net in probing.on_link.iter().filter(|net| net.prefix_len() < net.max_prefix_len()) {
                let key = RouteKey { to: net.trunc(), metric: LAST_RESORT_METRIC, ours: true };
                self.routes.entry(key).or_default().insert(Leg { index: nic.index, via: None });
            }
        }
    }

    fn add_routes(&mut self, group: &Group, kernel: &Kernel) {
        let [v4, v6] = [Family::V4, Family::V6].map(|family| {
            let carriers = group.carriers_of(family);
            let indices = carriers.iter().filter_map(|member| Some(member.nic?.index));
            indices.filter(|index| self.may_send(*index, family)).collect::<Vec<IfIndex>>()
        });
        for (to, via) in ways(group) {
            let ways_out = if to.addr().is_ipv4() { &v4 } else { &v6 };
            let key = RouteKey { to, metric: ROUTE_METRIC, ours: true };
            if ways_out.is_empty() {
                // Nobody to send: what is there stays, as far as it is of members still.
                let of_member = |leg: &&Leg| {
                    group.members.iter().any(|member| member.nic.is_some_and(|nic| nic.index == leg.index))
                };
                let legs: Vec<Leg> = kernel
                    .routes
                    .get(&key)
                    .into_iter()
                    .flat_map(|route| route.legs.iter().filter(of_member).copied())
                    .collect();
                if !legs.is_empty() {
                    self.routes.entry(key).or_default().extend(legs);
                }
            } else {
                self.routes.entry(key).or_default().extend(ways_out.iter().map(|&index| Leg { index, via }));
            }
        }
    }

    /// A member sends IPv4 only while it has an address that may stand in its ARP requests; else it would
    /// borrow another's and teach its neighbours a wrong binding (finding 2). In IPv6 it has a link-local one.
    fn may_send(&self, index: IfIndex, family: Family) -> bool {
        let has_bound = |binding: &Binding| binding.key.index == index && binding.is_of(Family::V4);
        family == Family::V6 || self.tested.contains(&index) || self.bound.iter().any(has_bound)
    }

    /// Of these bindings the first of each interface that needs it to be a way out, and all others.
    fn first_of_each(&self, bindings: Vec<Binding>) -> (Vec<Binding>, Vec<Binding>) {
        let mut ready = self.tested.clone();
        bindings.into_iter().partition(|binding| ready.insert(binding.key.index))
    }
}

/// Destinations of a group and the router to each: on-link prefixes, default routes, static routes.
fn ways(group: &Group) -> Vec<(IpNet, Option<IpAddr>)> {
    let on_link = group.config.addresses.iter().filter(|net| net.prefix_len() < net.max_prefix_len());
    let on_link = on_link.map(|net| (net.trunc(), None));
    let default = |gateway: &IpAddr| match gateway {
        IpAddr::V4(_) => IpNet::new_assert(IpAddr::from([0; 4]), 0),
        IpAddr::V6(_) => IpNet::new_assert(IpAddr::from([0; 16]), 0),
    };
    let defaults = group.config.gateways.iter().map(|gateway| (default(gateway), Some(*gateway)));
    let routes = group.config.routes.iter().map(|route| (route.to, Some(route.via)));
    on_link.chain(defaults).chain(routes).collect()
}

/// Whether it is a route to what is on the link.
fn is_connected(key: &ForeignKey) -> bool {
    matches!(key, ForeignKey::Route(_, legs) if legs.iter().all(|leg| leg.via.is_none()))
}

struct Planner<'a> {
    kernel: &'a Kernel,
    wanted: &'a Wanted,
    changes: Vec<Change>,
}

impl Planner<'_> {
    fn interfaces(&mut self, groups: &[Group]) {
        for group in groups {
            match self.kernel.link_named(&group.config.interface) {
                None => self.changes.push(Change::CreateInterface(group.config.interface.clone())),
                Some(link) if !link.up => self.changes.push(Change::SetUp(link.index)),
                Some(_) => {}
            }
        }
    }

    /// Before they are tuned any of them may have answered for an IPv4 address that is to be taken over, and after that
    /// one without an address drops what it gets by mistake (`rp_filter`). So neighbours are told first whose it is.
    fn tune_members(&mut self, groups: &[Group], handover: &Handover) {
        let untuned = self.changes.len();
        for nic in groups.iter().flat_map(|group| &group.members).filter_map(|member| member.nic) {
            self.tune(nic.index, Tunables::MEMBER);
        }
        if self.changes.len() > untuned {
            let taken = handover.take.iter().filter(|foreign| self.kernel.has_foreign(&foreign.key));
            let announcements = taken.filter_map(|foreign| match &foreign.key {
                ForeignKey::Address(key) if key.address.addr().is_ipv4() => {
                    self.announcement(key).map(Change::Announce)
                }
                ForeignKey::Address(_) | ForeignKey::Route(..) => None,
            });
            let announcements: Vec<Change> = announcements.collect();
            self.changes.splice(untuned..untuned, announcements);
        }
    }

    fn tune_leavers(&mut self, groups: &[Group], memory: &Memory) {
        for (name, before) in &memory.tunables {
            if !groups.iter().any(|group| group.member(name).is_some())
                && let Some(link) = self.kernel.link_named(name)
            {
                self.tune(link.index, *before);
            }
        }
    }

    fn tune(&mut self, index: IfIndex, tunables: Tunables) {
        let present = self.kernel.links.get(&index).and_then(|link| link.tunables);
        if present.is_some_and(|present| present != tunables) {
            self.changes.push(Change::Tune { index, tunables });
        }
    }

    fn add_addresses(&mut self, keys: &[AddressKey], scope: Scope) {
        keys.iter().for_each(|key| {
            self.add_address(*key, scope);
        });
    }

    /// Has the address stand with that scope; true where it has to be added. One of ours with the other
    /// scope, a test address that became a data address, has to go first.
    fn add_address(&mut self, key: AddressKey, scope: Scope) -> bool {
        match self.kernel.addresses.get(&key) {
            // The scope of an IPv6 address follows from itself.
            Some(info) if info.scope == scope || !info.ours || key.address.addr().is_ipv6() => return false,
            Some(_) => self.changes.push(Change::DeleteAddress(key)),
            // An IPv6 address of others is in its place, whatever its prefix.
            None if key.address.addr().is_ipv6() && self.kernel.has_address(key.index, key.address.addr()) => {
                return false;
            }
            None => {}
        }
        self.changes.push(Change::AddAddress { key, scope });
        true
    }

    fn bind(&mut self, bindings: &[Binding]) {
        for binding in bindings {
            if self.add_address(binding.key, Scope::Global) {
                self.changes.extend(binding.announcement.map(Change::Announce));
            }
        }
    }

    /// On-link routes first: IPv6 takes a router for one by an interface only where the interface's own on-link route
    /// says so, if another's does.
    fn put_routes(&mut self) {
        let by_router = |(_, legs): &(&RouteKey, &BTreeSet<Leg>)| legs.iter().any(|leg| leg.via.is_some());
        let (routed, on_link): (Vec<_>, Vec<_>) = self.wanted.routes.iter().partition(by_router);
        for (key, legs) in on_link.into_iter().chain(routed) {
            let legs: Vec<Leg> = legs.iter().copied().collect();
            let present = self.kernel.routes.get(key);
            if present.is_some_and(|route| route.legs == legs) {
                continue;
            }
            let route = Route { key: *key, scope: Scope::Global, legs };
            let present = present.map_or_else(Vec::new, |route| route.legs.clone());
            self.changes.push(Change::PutRoute { route, present });
        }
    }

    /// What is ours and not wanted goes, data addresses only where they stand elsewhere by now.
    fn delete_addresses(&mut self) {
        let wanted = self.wanted;
        let bound = wanted.bound.iter().map(|binding| binding.key);
        let keep: BTreeSet<AddressKey> = wanted.anchors.iter().chain(&wanted.tests).copied().chain(bound).collect();
        let stale = |(key, info): &(&AddressKey, &AddressInfo)| {
            info.ours && !keep.contains(key) && !wanted.undecided.contains(key)
        };
        self.changes.extend(self.kernel.addresses.iter().filter(stale).map(|(key, _)| Change::DeleteAddress(*key)));
    }

    fn delete_routes(&mut self) {
        let wanted = self.wanted;
        let stale = self.kernel.routes.keys().filter(|key| key.ours && !wanted.routes.contains_key(key));
        self.changes.extend(stale.map(|key| Change::DeleteRoute(*key)));
    }

    /// What others get back, addresses before the routes that build on them.
    fn give(&mut self, handover: &Handover) {
        let lacking = handover.give.iter().filter(|foreign| self.kernel.lacks(&foreign.key));
        let (addresses, routes): (Vec<&Foreign>, Vec<&Foreign>) =
            lacking.partition(|foreign| matches!(foreign.key, ForeignKey::Address(_)));
        for foreign in addresses.into_iter().chain(routes) {
            let (replaces, announcement) = match &foreign.key {
                ForeignKey::Address(key) => (self.twin(key).filter(|ours| self.has(ours)), self.announcement(key)),
                ForeignKey::Route(..) => (None, None),
            };
            self.changes.push(Change::Give { foreign: foreign.clone(), replaces });
            self.changes.extend(announcement.map(Change::Announce));
        }
    }

    /// What was taken over from others goes, routes before the addresses that they build on. With an IPv6 address the
    /// kernel removes *a* route to its prefix on that interface, the best one, which is ours; so its own goes last, once
    /// ours is back.
    fn take(&mut self, handover: &Handover) {
        let there = handover.take.iter().filter(|foreign| self.kernel.has_foreign(&foreign.key));
        let (connected, others): (Vec<&Foreign>, Vec<&Foreign>) = there.partition(|foreign| is_connected(&foreign.key));
        let taken = if others.is_empty() { connected } else { others };
        let (addresses, routes): (Vec<&Foreign>, Vec<&Foreign>) =
            taken.into_iter().partition(|foreign| matches!(foreign.key, ForeignKey::Address(_)));
        for foreign in routes.into_iter().chain(addresses) {
            let with = match &foreign.key {
                ForeignKey::Address(key) => self
                    .twin(key)
                    .filter(|ours| !self.has(ours) && self.wanted.bound.iter().any(|binding| binding.key == *ours)),
                ForeignKey::Route(..) => None,
            };
            self.changes.push(Change::Take { foreign: foreign.clone(), with });
        }
    }

    /// As what an address of others would be ours, where the two cannot stand beside each other: an IPv6 address is on
    /// an interface once, whatever its prefix.
    fn twin(&self, key: &AddressKey) -> Option<AddressKey> {
        key.address.addr().is_ipv6().then(|| AddressKey::host(key.index, key.address.addr()))
    }

    fn has(&self, ours: &AddressKey) -> bool {
        self.kernel.addresses.get(ours).is_some_and(|info| info.ours)
    }

    fn announcement(&self, key: &AddressKey) -> Option<Announcement> {
        let link = self.kernel.links.get(&key.index)?;
        let router = link.inet6.is_some_and(|inet6| inet6.forwarding);
        Some(Announcement { index: key.index, mac: link.mac?, address: key.address.addr(), router })
    }

    /// The IPMP interface has carrier while some member functions.
    fn carriers(&mut self, groups: &[Group]) {
        for group in groups {
            let (name, on) = (group.config.interface.clone(), !group.failed());
            if self.kernel.link_named(&name).is_some_and(|link| link.up && link.carrier != on) {
                self.changes.push(Change::SetCarrier { name, on });
            }
        }
    }

    fn delete_interfaces(&mut self, groups: &[Group]) {
        let ours = self.kernel.links.values().filter(|link| link.alias.as_deref() == Some(ALIAS));
        let orphans = ours.filter(|link| !groups.iter().any(|group| group.config.interface == link.name));
        self.changes.extend(orphans.map(|link| Change::DeleteInterface(link.name.clone())));
    }
}
