//! The anonymous group: every interface that is in no group, watched and reported, and nothing of it is
//! changed (IPMP behaviour §9).

use crate::action::Action;
use crate::config::{GroupConfig, MemberConfig};
use crate::engine::Engine;
use crate::group::Group;
use crate::id::{GroupName, IfName};
use crate::kernel::{ALIAS, AddressKey, Link, Scope};
use crate::time::Instant;

impl Engine {
    /// Has exactly the interfaces in the anonymous group that are up and in no other.
    pub(super) fn watch_ungrouped(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if !self.config.track_all_interfaces {
            let group = self.ungrouped.take();
            group.iter().flat_map(|group| &group.members).for_each(|member| member.leave(actions));
            return;
        }
        let members = self.kernel.links.values().filter(|link| self.is_ungrouped(link));
        let wanted = GroupConfig {
            interface: IfName::none(),
            name: GroupName::anonymous(),
            addresses: Vec::new(),
            down_addresses: Vec::new(),
            gateways: Vec::new(),
            routes: Vec::new(),
            failure_detection_time: self.config.failure_detection_time,
            detection: self.config.detection,
            failback: true,
            targets: Vec::new(),
            targets_exclusive: false,
            members: members.map(|link| self.watched(link)).collect(),
        };
        let group = self.ungrouped.get_or_insert_with(|| Group::new(wanted.clone()));
        group.configure(&wanted, |_| false, now).iter().for_each(|member| member.leave(actions));
    }

    fn is_ungrouped(&self, link: &Link) -> bool {
        let grouped = |group: &Group| group.config.interface == link.name || group.member(&link.name).is_some();
        link.multi_access && link.up && link.alias.as_deref() != Some(ALIAS) && !self.groups.iter().any(grouped)
    }

    /// An interface outside of groups is probed from its own address.
    fn watched(&self, link: &Link) -> MemberConfig {
        let on_link = |key: &&AddressKey| {
            let address = key.address;
            key.index == link.index && address.addr().is_ipv4() && address.prefix_len() < address.max_prefix_len()
        };
        let usable = self.kernel.addresses.iter().filter(|(_, info)| info.scope == Scope::Global);
        let address = usable.map(|(key, _)| key).find(on_link).map(|key| key.address);
        MemberConfig { interface: link.name.clone(), test_addresses: address.into_iter().collect(), standby: false }
    }
}
