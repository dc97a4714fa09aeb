//! What a group makes of its NICs: found, lost, gained; sockets and targets that follow from it.
//! Nothing is judged by probes here; see `judge`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::action::{Action, Means};
use crate::group::{Context, Group};
use crate::id::{Family, IfIndex, IfName};
use crate::kernel::Kernel;
use crate::member::{Cause, Health, Seen};
use crate::notice::{Notice, Reason};
use crate::probing::Probing;
use crate::target::{self, Origin};
use crate::time::Instant;

/// What the message about a link that comes and goes says to be too often within a minute.
const LINK_UPS_MAX: u32 = 2;

/// An MTU below this is no Ethernet's: there are no large probes.
const LARGE_MIN: u32 = 576;

impl Group {
    /// Looks at the NICs and at what can be probed, after the kernel or the configuration changed.
    pub(crate) fn observe(&mut self, ctx: &mut Context) {
        let any_new = self.members.iter().any(|member| member.is_new);
        let own: BTreeSet<IpAddr> = self.addresses().collect();
        let is_own = |address: IpAddr| own.contains(&address);
        let in_use = || ctx.kernel.in_use(is_own).chain(ctx.kernel.holders(is_own)).collect();
        let in_use: Vec<IfIndex> = if any_new { in_use() } else { Vec::new() };
        for i in 0..self.members.len() {
            let link = ctx.kernel.link_named(&self.members[i].config.interface);
            let mac = self.members[i].nic.and_then(|nic| nic.mac);
            let seen = self.members[i].look(link);
            if self.members[i].nic.and_then(|nic| nic.mac) != mac {
                self.members[i].mac_since = ctx.now;
            }
            self.probing_as_configured(i, ctx);
            if self.members[i].is_new {
                self.discover(i, &in_use, &seen, ctx);
            }
            match seen {
                Seen::Same => {}
                Seen::Lost(reason) => self.link_lost(i, reason, ctx),
                Seen::Gained => self.link_gained(i, ctx),
                Seen::Blinked => {
                    self.members[i].penalty.failure(self.config.detection.damping, ctx.now);
                    self.settle_in(i, ctx);
                }
                Seen::NewMac => {
                    let interface = self.members[i].config.interface.clone();
                    ctx.notify(Notice::HardwareAddressChanged { interface, group: self.config.name.clone() });
                    self.announce_all(i, ctx);
                }
            }
            self.members[i].is_new = false;
            self.update_targets(i, ctx);
        }
        self.reconfigured = false;
        self.size_large_probes();
        if !self.is_anonymous() {
            self.check_hardware_addresses(ctx);
            self.check_families(ctx);
        }
    }

    /// Large probes are as long as the smallest MTU of the group, so that members can be compared.
    fn size_large_probes(&mut self) {
        let smallest = self.members.iter().filter_map(|member| member.nic).map(|nic| nic.mtu).min();
        let anonymous = self.is_anonymous();
        for member in &mut self.members {
            let mtu = if anonymous { member.nic.map(|nic| nic.mtu) } else { smallest };
            let length = mtu.filter(|mtu| *mtu >= LARGE_MIN).map(|mtu| u16::try_from(mtu).unwrap_or(u16::MAX));
            member.probing.iter_mut().for_each(|probing| probing.set_large(length));
        }
    }

    /// A member that is seen for the first time. What the kernel shows in use goes on being used, and what
    /// it shows idle beside others that are used has yet to earn its place (§14 #2: a restart forgets nothing).
    pub(super) fn discover(&mut self, i: usize, in_use: &[IfIndex], seen: &Seen, ctx: &mut Context) {
        let others_work = !self.is_anonymous()
            && self.members.iter().enumerate().any(|(j, other)| {
                j != i
                    && ctx
                        .kernel
                        .link_named(&other.config.interface)
                        .is_some_and(|link| link.usable() && in_use.contains(&link.index))
            });
        let now = ctx.now;
        let member = &mut self.members[i];
        if *seen != Seen::Gained {
            return;
        }
        let used = member.nic.is_some_and(|nic| in_use.contains(&nic.index));
        if used || member.probing.is_empty() || !others_work {
            member.works(Reason::LinkUp, now);
        } else {
            // Found by a daemon that has just begun it may idle for want of failback; found later it is new.
            member.comes_online = self.was_usable;
            member.fails(Cause::Unproven, Reason::Unproven, now);
        }
        if !used {
            member.probing.iter_mut().for_each(|probing| probing.arm_quiet_period(now));
        }
        // A new standby idles until it is needed; one in use is judged by policy like any other.
        member.inactive = member.config.standby && !used;
        ctx.changed = true;
    }

    pub(super) fn link_lost(&mut self, i: usize, reason: Reason, ctx: &mut Context) {
        let (group, interface) = (self.config.name.clone(), self.members[i].config.interface.clone());
        let was_functioning = self.members[i].functioning();
        ctx.notify(Notice::LinkDown { interface, group, reason: reason.clone() });
        self.members[i].probing.iter_mut().for_each(|probing| probing.history.clear());
        if was_functioning {
            self.fail(i, Cause::Link, reason, ctx);
        } else {
            let member = &mut self.members[i];
            if !member.is_new {
                member.penalty.failure(self.config.detection.damping, ctx.now);
            }
            member.fails(Cause::Link, reason, ctx.now);
        }
        ctx.carrier_changed = true;
        ctx.changed = true;
    }

    pub(super) fn link_gained(&mut self, i: usize, ctx: &mut Context) {
        let (group, interface) = (self.config.name.clone(), self.members[i].config.interface.clone());
        if self.members[i].is_new {
            return;
        }
        if self.members[i].failed_by(Cause::Link) {
            if matches!(self.members[i].health, Health::Failed { reason: Reason::Absent, .. }) {
                ctx.notify(Notice::InterfaceAppeared { interface: interface.clone(), group: group.clone() });
            }
            ctx.notify(Notice::LinkUp { interface: interface.clone(), group: group.clone() });
        }
        if self.suspended(i, ctx.now).is_some() && self.members[i].penalty.is_news() {
            ctx.notify(Notice::LinkFlapping { interface, group, limit: LINK_UPS_MAX });
        }
        self.settle_in(i, ctx);
        ctx.carrier_changed = true;
        ctx.changed = true;
    }

    /// The switch may have forgotten the member, and may be busy with its spanning tree.
    pub(super) fn settle_in(&mut self, i: usize, ctx: &mut Context) {
        let now = ctx.now;
        self.members[i].probing.iter_mut().for_each(|probing| probing.arm_quiet_period(now));
        self.announce_all(i, ctx);
    }

    pub(super) fn announce_all(&self, i: usize, ctx: &mut Context) {
        let carries = |holder: &IfName| *holder == self.members[i].config.interface;
        for (&address, _) in self.bound.iter().filter(|(_, holder)| carries(holder)) {
            ctx.repeats.start(address, ctx.now);
        }
    }

    /// Has a `Probing` for each family that is to be probed, and its socket open while that can work.
    pub(super) fn probing_as_configured(&mut self, i: usize, ctx: &mut Context) {
        let (timing, grouped) = (self.timing(), !self.is_anonymous());
        let (group, now) = (self.config.name.clone(), ctx.now);
        let wanted = self.families_to_probe(&self.members[i]);
        let member = &mut self.members[i];
        for at in (0..member.probing.len()).rev() {
            if !wanted.contains(&(member.probing[at].family(), member.probing[at].test)) {
                let mut old = member.probing.remove(at);
                old.set_socket(&member.config.interface, None, &mut ctx.probing());
            }
        }
        for (family, test) in wanted {
            if member.probing.iter().any(|probing| probing.family() == family) {
                continue;
            }
            let mut probing = Probing::new(family, test, timing);
            member.untested_since = None;
            if !member.is_new {
                probing.arm_quiet_period(now);
                if let Some(address) = test.map(|test| test.addr()) {
                    let interface = member.config.interface.clone();
                    ctx.notify(Notice::TestAddressConfigured { interface, group: group.clone(), address });
                }
            }
            member.probing.push(probing);
        }
        let nic = member.nic.filter(|_| member.link_usable() && !member.is_out());
        for probing in &mut member.probing {
            let Some(address) = probing.test.map(|test| test.addr()) else { continue };
            let twin = nic.filter(|_| grouped).and_then(|nic| ctx.kernel.foreign_copy(nic.index, address));
            if probing.twin.is_some() != twin.is_some() && nic.is_some() {
                probing.twin = twin;
                let (interface, group) = (member.config.interface.clone(), group.clone());
                ctx.notify(match twin {
                    Some(twin) => {
                        let twin =
                            ctx.kernel.links.get(&twin).map_or_else(|| twin.to_string(), |link| link.name.to_string());
                        Notice::TestAddressDuplicate { interface, group, address, twin }
                    }
                    None => Notice::TestAddressConfigured { interface, group, address },
                });
            }
        }
        for p in 0..self.members[i].probing.len() {
            let (member, probing) = (&self.members[i], &self.members[i].probing[p]);
            let (family, test) = (probing.family(), probing.test);
            let means = nic.and_then(|nic| Some((nic.index, self.means(member, probing, nic, ctx.kernel)?)));
            let data = nic.map(|nic| self.data_addresses_on(member, family, nic, ctx.kernel));
            let on_link = self.on_link(family, test);
            let interface = member.config.interface.clone();
            let probing = &mut self.members[i].probing[p];
            (probing.on_link, probing.searches_from) = (on_link, data.and_then(|data| data.first().copied()));
            probing.set_socket(&interface, means, &mut ctx.probing());
        }
    }

    /// Finds the targets anew. Those of a failed group are kept: their route may have gone with the failure (§3).
    pub(super) fn update_targets(&mut self, i: usize, ctx: &mut Context) {
        let failed = self.failed();
        let nic = self.members[i].nic.map(|nic| nic.index);
        for probing in &mut self.members[i].probing {
            let found = target::candidates(&self.config, ctx.kernel, |address| probing.reaches(address), nic);
            let keep = failed && found.is_empty() && !probing.targets.is_empty() && !self.reconfigured;
            if !keep {
                probing.targets.set(&found, !self.config.targets_exclusive);
            }
        }
        self.share_hosts(i);
        self.stand_in(i);
    }

    /// Where a link probe has nobody else to go to, other members may answer it.
    fn stand_in(&mut self, i: usize) {
        for p in 0..self.members[i].probing.len() {
            let probing = &self.members[i].probing[p];
            let by_link = matches!(probing.means(), Some(Means::Arp(_) | Means::Ndp(..)));
            let others = if by_link { self.addresses_of_others(i, probing.family()) } else { Vec::new() };
            self.members[i].probing[p].targets.stand_in(&others);
        }
    }

    /// A member that has yet to find hosts begins with those that others found (§3, §14 #12).
    fn share_hosts(&mut self, i: usize) {
        let lacks = |probing: &Probing| match probing.targets.origin() {
            Origin::Routers => false,
            Origin::Hosts => probing.targets.is_empty(),
            Origin::Members => true,
        };
        if self.is_anonymous() || !self.members[i].probing.iter().any(lacks) {
            return;
        }
        let others =
            self.others(i).flat_map(|other| &other.probing).filter(|probing| probing.targets.origin() == Origin::Hosts);
        let known: Vec<IpAddr> = others.flat_map(|probing| probing.targets.addresses()).collect();
        for probing in self.members[i].probing.iter_mut().filter(|probing| lacks(probing)) {
            let near: Vec<IpAddr> = known.iter().copied().filter(|host| probing.reaches(*host)).collect();
            near.into_iter().for_each(|host| probing.targets.offer(host, None));
        }
    }

    /// A host answered a request by multicast: every member of the group may probe it (§3, §14 #12).
    pub(crate) fn discovered(&mut self, name: &IfName, address: IpAddr, kernel: &Kernel) {
        if self.member(name).is_none() || target::is_own(&self.config, kernel, address) {
            return;
        }
        let alone = self.is_anonymous();
        for member in self.members.iter_mut().filter(|member| !alone || member.config.interface == *name) {
            for probing in member.probing.iter_mut().filter(|probing| probing.reaches(address)) {
                let silent = probing.worst_target();
                probing.targets.offer(address, silent);
            }
        }
    }

    /// A probe socket could not be opened, or broke.
    pub(crate) fn prober_failed(
        &mut self,
        name: &IfName,
        family: Family,
        reason: &str,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let group = self.config.name.clone();
        for member in self.members.iter_mut().filter(|member| member.config.interface == *name) {
            for probing in member.probing.iter_mut().filter(|probing| probing.family() == family) {
                if probing.broke(now) {
                    let (interface, reason) = (name.clone(), reason.to_owned());
                    actions.push(Action::Notify(Notice::ProberFailed { interface, group: group.clone(), reason }));
                }
            }
        }
    }
}
