//! What a group makes of its NICs: found, lost, gained; sockets and targets that follow from it.
//! Nothing is judged by probes here; see `judge`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::action::Action;
use crate::config::carried;
use crate::group::{Context, Group};
use crate::id::{Family, IfIndex, IfName};
use crate::kernel::{AddressKey, Kernel};
use crate::member::{Cause, Health, LINK_UPS_MAX, Seen};
use crate::notice::{Notice, Reason};
use crate::probing::Probing;
use crate::target;
use crate::time::Instant;

impl Group {
    /// Looks at the NICs and at what can be probed, after the kernel or the configuration changed.
    pub(crate) fn observe(&mut self, ctx: &mut Context) {
        let any_new = self.members.iter().any(|member| member.is_new);
        let in_use = if any_new { self.in_use(ctx.kernel) } else { Vec::new() };
        for i in 0..self.members.len() {
            let link = ctx.kernel.link_named(&self.members[i].config.interface);
            let seen = self.members[i].look(link);
            self.probing_as_configured(i, ctx);
            if self.members[i].is_new {
                self.discover(i, &in_use, &seen, ctx);
            }
            match seen {
                Seen::Same => {}
                Seen::Lost(reason) => self.link_lost(i, reason, ctx),
                Seen::Gained => self.link_gained(i, ctx),
                Seen::Blinked => {
                    self.members[i].record_link_up(ctx.now);
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
    }

    /// Which members the kernel shows in use: by an address of ours that the group has, or as a way out.
    pub(super) fn in_use(&self, kernel: &Kernel) -> Vec<IfIndex> {
        let own: BTreeSet<IpAddr> = self.addresses().collect();
        let of_group = |key: &AddressKey| own.contains(&key.address.addr());
        let bound = kernel.addresses.iter().filter(|(key, info)| info.ours && of_group(key)).map(|(key, _)| key.index);
        let legs = kernel
            .routes
            .values()
            .filter(|route| route.key.ours)
            .flat_map(|route| route.legs.iter().map(|leg| leg.index));
        bound.chain(legs).collect()
    }

    /// A member that is seen for the first time. What the kernel shows in use goes on being used, and what
    /// it shows idle beside others that are used has yet to earn its place (§14 #2: a restart forgets nothing).
    pub(super) fn discover(&mut self, i: usize, in_use: &[IfIndex], seen: &Seen, ctx: &mut Context) {
        let group = self.config.name.clone();
        let others_work = self.members.iter().enumerate().any(|(j, other)| {
            j != i
                && ctx
                    .kernel
                    .link_named(&other.config.interface)
                    .is_some_and(|link| link.usable() && in_use.contains(&link.index))
        });
        let now = ctx.now;
        let member = &mut self.members[i];
        if member.config.test_addresses.is_empty() {
            let interface = member.config.interface.clone();
            ctx.notify(Notice::TestAddressMissing { interface, group });
        }
        if *seen != Seen::Gained {
            return;
        }
        let used = member.nic.is_some_and(|nic| in_use.contains(&nic.index));
        if used || member.probing.is_empty() || !others_work {
            member.set_health(Health::Functioning, now);
        } else {
            member.set_health(Health::Failed { cause: Cause::Unproven, reason: Reason::Unproven }, now);
        }
        if !used {
            member.probing.iter_mut().for_each(|probing| probing.arm_quiet_period(now));
        }
        // A new standby idles until it is needed; one in use is judged by policy like any other.
        member.inactive = member.config.standby && !used;
        member.record_link_up(now);
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
            self.members[i].set_health(Health::Failed { cause: Cause::Link, reason }, ctx.now);
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
        let held = self.members[i].held_until(ctx.now).is_some() && !self.members[i].probe_capable();
        if held && !self.members[i].flapping {
            ctx.notify(Notice::LinkFlapping { interface, group, limit: LINK_UPS_MAX as u32 });
        }
        self.members[i].flapping = held;
        self.members[i].record_link_up(ctx.now);
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

    /// Has a `Probing` for each family with a test address, and its socket open while that can work.
    pub(super) fn probing_as_configured(&mut self, i: usize, ctx: &mut Context) {
        let detection_time = self.config.failure_detection_time;
        let (group, now) = (self.config.name.clone(), ctx.now);
        let member = &mut self.members[i];
        let wanted: Vec<_> = member.config.test_addresses.iter().copied().filter(|net| carried(net.addr())).collect();
        for at in (0..member.probing.len()).rev() {
            if !wanted.contains(&member.probing[at].test) {
                let mut old = member.probing.remove(at);
                old.set_socket(&member.config.interface, None, &mut ctx.probing());
            }
        }
        for test in wanted {
            if member.probing.iter().any(|probing| probing.family() == Family::of(test.addr())) {
                continue;
            }
            let mut probing = Probing::new(test, detection_time);
            if !member.is_new {
                probing.arm_quiet_period(now);
                let (interface, address) = (member.config.interface.clone(), test.addr());
                ctx.notify(Notice::TestAddressConfigured { interface, group: group.clone(), address });
            }
            member.probing.push(probing);
        }
        let nic = member.nic.filter(|_| member.link_usable() && !member.offline);
        for probing in &mut member.probing {
            probing.set_detection_time(detection_time);
            let there = |index: &IfIndex| ctx.kernel.has_address(*index, probing.address());
            let wanted = nic.map(|nic| nic.index).filter(there);
            probing.set_socket(&member.config.interface, wanted, &mut ctx.probing());
        }
    }

    /// Finds the targets anew. Those of a failed group are kept: their route may have gone with the failure (§3).
    pub(super) fn update_targets(&mut self, i: usize, ctx: &mut Context) {
        let failed = self.failed();
        for probing in &mut self.members[i].probing {
            let found = target::candidates(&self.config, ctx.kernel, probing.test);
            let keep = failed && found.is_empty();
            if !keep && !probing.targets.are(&found) {
                probing.targets.set(&found);
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
                probing.broke(now);
                let (interface, reason) = (name.clone(), reason.to_owned());
                actions.push(Action::Notify(Notice::ProberFailed { interface, group: group.clone(), reason }));
            }
        }
    }
}
