//! What has to be done so that one world becomes another: edits, in an order in which each can be made.

use std::net::IpAddr;

use ipmp_core::IfName;
use ipnet::IpNet;

use super::Held;
use super::world::{Interface, Role, World};
use crate::Edit;

pub(super) fn edits(before: &World, after: &World) -> Vec<Edit> {
    let mut edits = Vec::new();
    for interface in before.interfaces.iter().filter(|interface| stays(interface, after)) {
        let now = held(after, &interface.name);
        let gone = addresses(interface).filter(|(net, _)| !now.iter().any(|(other, _)| other == net));
        let name = name(interface);
        edits.extend(gone.map(|(net, _)| Edit::RemoveAddress { interface: name.clone(), address: net.addr() }));
    }
    for interface in after.interfaces.iter().filter(|interface| interface.is_ipmp()) {
        edits.extend(made_or_renamed(before, interface));
    }
    for interface in before.interfaces.iter().filter(|interface| interface.under().is_some()) {
        if after.get(&interface.name).and_then(Interface::under).is_none() {
            edits.push(Edit::RemoveMember { interface: name(interface) });
        }
    }
    for interface in &after.interfaces {
        let was = before.get(&interface.name).and_then(Interface::under);
        if let Some(ipmp) = interface.under().filter(|ipmp| Some(*ipmp) != was) {
            edits.push(Edit::AddMember { group: parsed(ipmp), interface: name(interface) });
        }
    }
    for interface in after.interfaces.iter().filter(|interface| has_home(interface)) {
        edits.extend(added_or_set(before, interface));
        edits.extend(standby(before, interface));
    }
    let deleted =
        before.interfaces.iter().filter(|interface| interface.is_ipmp() && after.get(&interface.name).is_none());
    edits.extend(deleted.map(|interface| Edit::DeleteGroup { interface: name(interface) }));
    edits
}

/// What has no home any more loses its addresses with it.
fn stays(interface: &Interface, after: &World) -> bool {
    after.get(&interface.name).is_some_and(has_home)
}

fn has_home(interface: &Interface) -> bool {
    interface.is_ipmp() || interface.under().is_some()
}

fn made_or_renamed(before: &World, interface: &Interface) -> Option<Edit> {
    let group = interface.group()?;
    match before.get(&interface.name).and_then(Interface::group) {
        Some(was) if was == group => None,
        Some(_) => {
            let value = (group != interface.name).then(|| toml_edit::Value::from(group).to_string());
            Some(Edit::Set { interface: name(interface), key: "name".into(), value })
        }
        None => {
            let group = (group != interface.name).then(|| group.to_owned());
            Some(Edit::CreateGroup { interface: name(interface), name: group })
        }
    }
}

fn added_or_set(before: &World, interface: &Interface) -> Vec<Edit> {
    let was = held(before, &interface.name);
    addresses(interface)
        .filter_map(|(address, down)| {
            let interface = name(interface);
            match was.iter().find(|(net, _)| *net == address) {
                None => Some(Edit::AddAddress { interface, address, down }),
                Some((_, was)) if *was != down => Some(Edit::SetAddress { interface, address: address.addr(), down }),
                Some(_) => None,
            }
        })
        .collect()
}

fn standby(before: &World, interface: &Interface) -> Option<Edit> {
    let is = |interface: &Interface| matches!(interface.role, Role::Link { standby: true, .. });
    let (was, now) = (before.get(&interface.name).is_some_and(is), is(interface));
    let value = now.then(|| "true".to_owned());
    (was != now).then(|| Edit::Set { interface: name(interface), key: "standby".into(), value })
}

fn held(world: &World, name: &str) -> Vec<Held> {
    world.get(name).into_iter().flat_map(addresses).collect()
}

fn addresses(interface: &Interface) -> impl Iterator<Item = Held> {
    let net = |address: IpAddr, length: Option<u8>| IpNet::new(address, length?).ok();
    interface.addresses().filter_map(move |(held, up)| Some((net(held.address, held.length)?, !up)))
}

fn name(interface: &Interface) -> IfName {
    parsed(&interface.name)
}

/// A name that no interface can have was refused when it was read.
fn parsed(name: &str) -> IfName {
    name.parse().unwrap_or_else(|_| IfName::none())
}
