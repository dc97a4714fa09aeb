//! 3: the daemon keeps its hands off what others made.

use std::collections::BTreeSet;

use ipmp_core::kernel::ALIAS;
use ipmp_core::{Change, IfIndex, IfName};

use super::truth::{index_of, members};
use super::{Rule, Scene, Violation};

/// Interfaces that are members, or were once: they may carry our settings still.
#[derive(Clone, Debug, Default)]
pub(super) struct Ownership {
    ours: BTreeSet<IfIndex>,
}

impl Ownership {
    /// Takes in who is a member.
    pub(super) fn update(&mut self, scene: &Scene) {
        self.ours.extend(members(&scene.daemon.config).filter_map(|(_, member)| index_of(scene, member)));
    }

    /// Groups, and those who are or were their members. One that is gone is nobody's.
    fn touchable(&self, scene: &Scene, index: IfIndex) -> bool {
        let Some(link) = scene.kernel.links.get(&index) else { return true };
        self.ours.contains(&index) || is_group(scene, &link.name)
    }

    /// A change is about to be carried out.
    pub(super) fn before_change(&mut self, scene: &Scene, change: &Change) -> Result<(), Violation> {
        self.update(scene);
        match self.trespass(scene, change) {
            Some(what) => Err(scene.violation(Rule::ForeignUntouched, what)),
            None => Ok(()),
        }
    }

    /// What of somebody else's a change would touch.
    fn trespass(&self, scene: &Scene, change: &Change) -> Option<String> {
        let what = match change {
            Change::DeleteAddress(key) if scene.kernel.addresses.get(key).is_some_and(|info| !info.ours) => {
                format!("the foreign address {} is to be deleted", key.address)
            }
            Change::DeleteRoute(key) if !key.ours => format!("the foreign route to {} is to be deleted", key.to),
            Change::PutRoute { route, .. } if !route.key.ours => {
                format!("a route to {} is put as foreign", route.key.to)
            }
            Change::DeleteInterface(name) if scene.kernel.link_named(name).is_some() && !is_made_by_us(scene, name) => {
                format!("the foreign interface {name} is to be deleted")
            }
            // One that was taken from the file a moment ago is the daemon's own still.
            Change::SetCarrier { name, .. } if !is_group(scene, name) && !is_made_by_us(scene, name) => {
                format!("the carrier of {name} is to be set, which is no IPMP interface")
            }
            Change::SetUp(index) | Change::Tune { index, .. } if !self.touchable(scene, *index) => {
                format!("{change:?} is of an interface that never was ours")
            }
            Change::AddAddress { key, .. } if !self.touchable(scene, key.index) => {
                format!("{change:?} is on an interface that never was ours")
            }
            Change::Take { foreign, .. } if !scene.daemon.config.handover.take.contains(foreign) => {
                format!("{:?} is to be taken, which nobody handed over", foreign.key)
            }
            Change::Give { foreign, .. } if !scene.daemon.config.handover.give.contains(foreign) => {
                format!("{:?} is to be made, which nobody is to get", foreign.key)
            }
            _ => return None,
        };
        Some(what)
    }
}

fn is_group(scene: &Scene, name: &IfName) -> bool {
    scene.daemon.config.groups.iter().any(|group| group.interface == *name)
}

fn is_made_by_us(scene: &Scene, name: &IfName) -> bool {
    scene.kernel.link_named(name).is_some_and(|link| link.alias.as_deref() == Some(ALIAS))
}
