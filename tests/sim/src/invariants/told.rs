//! The links as the daemon was told of them: who has whose hardware address, and since when.

use std::collections::BTreeMap;

use ipmp_core::kernel::{Fact, Link};
use ipmp_core::{Config, Event, IfIndex, IfName, Instant, Mac};

/// What the daemon knows of links.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    links: BTreeMap<IfIndex, Link>,
    /// The hardware address of each member, and since when the daemon knows it.
    macs: BTreeMap<IfName, (Option<Mac>, Instant)>,
}

impl Told {
    /// The daemon is told something. Answers whose links were gone for a moment, too short to be told.
    pub(super) fn told(&mut self, event: &Event) -> Vec<IfName> {
        let Event::Kernel(fact) = event else { return Vec::new() };
        match fact {
            Fact::Link(link) => self.link(link).into_iter().collect(),
            Fact::LinkGone(index) => {
                self.links.remove(index);
                Vec::new()
            }
            Fact::Snapshot(snapshot) => {
                let blinked = snapshot.links.iter().filter_map(|link| self.link(link)).collect();
                self.links.retain(|index, _| snapshot.links.iter().any(|link| link.index == *index));
                blinked
            }
            Fact::Address(..)
            | Fact::AddressGone(_)
            | Fact::Route(_)
            | Fact::LegAdded(_)
            | Fact::LegsGone(_)
            | Fact::RouteGone(_) => Vec::new(),
        }
    }

    fn link(&mut self, link: &Link) -> Option<IfName> {
        let before = self.links.insert(link.index, link.clone());
        let blinked = |before: &Link| {
            before.usable() && link.usable() && before.name == link.name && before.carrier_downs != link.carrier_downs
        };
        before.filter(blinked).map(|_| link.name.clone())
    }

    /// Whether an interface has a usable link.
    pub(super) fn linked(&self, name: &IfName) -> bool {
        self.links.values().any(|link| link.name == *name && link.usable())
    }

    /// Takes in since when members have their hardware addresses. Answers whether any changed.
    pub(super) fn note_macs(&mut self, config: &Config, now: Instant) -> bool {
        let members = || config.groups.iter().flat_map(|group| &group.members);
        self.macs.retain(|name, _| members().any(|member| member.interface == *name));
        let mut changed = false;
        for member in members() {
            let link = self.links.values().find(|link| link.name == member.interface);
            let mac = link.and_then(|link| link.mac);
            if self.macs.get(&member.interface).is_none_or(|(known, _)| *known != mac) {
                self.macs.insert(member.interface.clone(), (mac, now));
                changed = true;
            }
        }
        changed
    }

    /// Members that must be out of service because an earlier one has their hardware address; those that are
    /// offline do not count.
    pub(super) fn twins(&self, config: &Config, offline: impl Fn(&IfName) -> bool) -> Vec<IfName> {
        let mut twins = Vec::new();
        for group in &config.groups {
            for (i, member) in group.members.iter().enumerate() {
                let Some((Some(mac), since)) = self.macs.get(&member.interface) else { continue };
                let earlier = group.members.iter().enumerate().any(|(j, other)| {
                    let known = self.macs.get(&other.interface).filter(|(known, _)| *known == Some(*mac));
                    j != i && !offline(&other.interface) && known.is_some_and(|(_, of)| (*of, j) < (*since, i))
                });
                if earlier {
                    twins.push(member.interface.clone());
                }
            }
        }
        twins
    }

    /// The daemon is gone.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}
