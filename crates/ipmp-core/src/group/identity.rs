//! What must be unique or alike among the members: hardware addresses, test addresses, families
//! (IPMP behaviour §5, homogeneity; §6, duplicates; §8, missing test addresses).

use std::time::Duration;

use crate::config::ProbeMode;
use crate::group::{Context, Group};
use crate::id::{Family, IfName};
use crate::notice::Notice;
use crate::time::Instant;

/// How long a member may be without a test address before that is told (§0).
const UNTESTED_GRACE: Duration = Duration::from_secs(20);

impl Group {
    /// Takes members out of service whose hardware address another one has, and back once it is unique. Of
    /// two that have the same, the one that got it later goes.
    pub(super) fn check_hardware_addresses(&mut self, ctx: &mut Context) {
        let group = self.config.name.clone();
        for i in 0..self.members.len() {
            let twin = self.twin_of(i);
            let member = &mut self.members[i];
            let was_active = member.in_service();
            let interface = member.config.interface.clone();
            let before = std::mem::replace(&mut member.twin, twin.clone());
            if before.is_some() == twin.is_some() {
                continue;
            }
            member.since = ctx.now;
            match twin {
                Some(twin) => {
                    member.inactive = false;
                    ctx.notify(Notice::DuplicateHwaddr { interface, group: group.clone(), twin });
                    if was_active {
                        self.activate_another(ctx);
                    }
                }
                None => {
                    ctx.notify(Notice::DuplicateHwaddrResolved { interface, group: group.clone() });
                    self.must_prove(i, ctx.now);
                }
            }
            self.probing_as_configured(i, ctx);
            ctx.changed = true;
        }
    }

    /// The member in whose favour this one is out of service: it has the same hardware address, and had it
    /// before. Those taken offline by the administrator do not count.
    fn twin_of(&self, i: usize) -> Option<IfName> {
        let earlier = |j: usize| (self.members[j].mac_since, j) < (self.members[i].mac_since, i);
        let twin = self.twins(i).find(|&j| earlier(j))?;
        Some(self.members[twin].config.interface.clone())
    }

    /// Members that have the hardware address of this one, without those that are taken offline.
    pub(super) fn twins(&self, i: usize) -> impl Iterator<Item = usize> {
        let mac = |j: usize| self.members[j].nic.and_then(|nic| nic.mac);
        let alike = move |&j: &usize| j != i && !self.members[j].offline && mac(i).is_some() && mac(j) == mac(i);
        (0..self.members.len()).filter(alike)
    }

    /// Tells which members lack a family that others have (§5, homogeneity): IPv4, and IPv6 where the group uses it.
    pub(super) fn check_families(&mut self, ctx: &mut Context) {
        for family in [Family::V4, Family::V6] {
            let used = family == Family::V4 || self.has(family);
            let any = used && self.members.iter().any(|member| member.has(family));
            let group = &self.config.name;
            for member in self.members.iter_mut().filter(|member| member.nic.is_some() && !member.is_out()) {
                let (lacks, interface, group) = (any && !member.has(family), &member.config.interface, group.clone());
                let interface = interface.clone();
                if lacks && member.lacks.insert(family) {
                    ctx.notify(Notice::Inhomogeneous { interface, group, family });
                } else if !lacks && member.lacks.remove(&family) {
                    ctx.notify(Notice::Homogeneous { interface, group });
                }
            }
        }
    }

    /// Tells which members have been without a test address for a while.
    pub(super) fn tell_untested(&mut self, ctx: &mut Context) {
        if !self.probes() {
            return;
        }
        let group = &self.config.name;
        for member in self.members.iter_mut().filter(|member| member.probing.is_empty() && !member.is_out()) {
            if member.untested_since.take_if(|since| *since + UNTESTED_GRACE <= ctx.now).is_some() {
                let (interface, group) = (member.config.interface.clone(), group.clone());
                ctx.notify(Notice::TestAddressMissing { interface, group });
            }
        }
    }

    /// It is a group that is to probe.
    fn probes(&self) -> bool {
        !self.is_anonymous() && self.config.detection.probe != ProbeMode::None
    }

    /// When that is to be told.
    pub(super) fn untested_deadline(&self) -> Option<Instant> {
        let grouped = self.members.iter().filter(|_| self.probes());
        let waiting = grouped.filter(|member| member.probing.is_empty() && !member.is_out());
        waiting.filter_map(|member| Some(member.untested_since? + UNTESTED_GRACE)).min()
    }
}
