//! 3: the daemon keeps its hands off what others made.

use ipmp_core::kernel::ALIAS;
use ipmp_core::{Change, IfIndex};

use super::truth::members;
use super::{Rule, Scene, Violation};

/// A change is about to be carried out.
pub(super) fn before_change(scene: &Scene, change: &Change) -> Result<(), Violation> {
    let what = match change {
        Change::DeleteAddress(key) if scene.kernel.addresses.get(key).is_some_and(|info| !info.ours) => {
            format!("the foreign address {} is to be deleted", key.address)
        }
        Change::DeleteRoute(key) if !key.ours => format!("the foreign route to {} is to be deleted", key.to),
        Change::PutRoute { route, .. } if !route.key.ours => format!("a route to {} is put as foreign", route.key.to),
        Change::DeleteInterface(name)
            if scene.kernel.link_named(name).is_some_and(|link| link.alias.as_deref() != Some(ALIAS)) =>
        {
            format!("the foreign interface {name} is to be deleted")
        }
        Change::SetCarrier { name, .. } if !scene.daemon.config.groups.iter().any(|group| group.interface == *name) => {
            format!("the carrier of {name} is to be set, which is no IPMP interface")
        }
        Change::SetUp(index) | Change::Tune { index, .. } if !touchable(scene, *index) => {
            format!("{change:?} is of an interface that never was ours")
        }
        Change::AddAddress { key, .. } if !touchable(scene, key.index) => {
            format!("{change:?} is on an interface that never was ours")
        }
        _ => return Ok(()),
    };
    Err(scene.violation(Rule::ForeignUntouched, what))
}

/// Interfaces of groups, and those that left one: they carry our settings still. One that is gone is
/// nobody's.
fn touchable(scene: &Scene, index: IfIndex) -> bool {
    let Some(link) = scene.kernel.links.get(&index) else { return true };
    let config = &scene.daemon.config;
    config.groups.iter().any(|group| group.interface == link.name)
        || members(config).any(|(_, member)| member.interface == link.name)
        || scene.kernel.port_of(index).is_some()
}
