//! One IPMP group: what happens to its members, who of them is active, and who carries which address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::action::Action;
use crate::announce::Repeats;
use crate::config::{GroupConfig, carried};
use crate::event::Refusal;
use crate::id::{Family, IfIndex, IfName, ProbeId};
use crate::jitter::Jitter;
use crate::kernel::{AddressKey, Kernel};
use crate::member::{Cause, Health, LINK_UPS_MAX, Member, REPLIES_TO_REPAIR, Seen};
use crate::notice::{Notice, Reason};
use crate::placement::{self, Candidate};
use crate::probing::{Probing, ProbingContext};
use crate::status::{AddressStatus, GroupState, GroupStatus};
use crate::target;
use crate::time::Instant;
use crate::verdict::{self, Verdict};

/// A group at run time.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) config: GroupConfig,
    pub(crate) members: Vec<Member>,
    /// Which member is to carry which data address.
    pub(crate) placed: BTreeMap<IpAddr, IfName>,
    /// Which member carried it last, as far as the kernel confirmed.
    pub(crate) bound: BTreeMap<IpAddr, IfName>,
    /// Some member functioned since the group was made, or since the last message that none does.
    was_usable: bool,
    /// That no member functions was told.
    told_failed: bool,
}

/// What a group needs of the engine.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) kernel: &'a Kernel,
    pub(crate) jitter: &'a mut Jitter,
    pub(crate) last_probe: &'a mut u64,
    pub(crate) repeats: &'a mut Repeats,
    pub(crate) actions: &'a mut Vec<Action>,
    /// Every member of every group is to be looked at, at once.
    pub(crate) ask: bool,
    /// Health or policy changed: placement and kernel are to be compared anew.
    pub(crate) changed: bool,
}

impl Context<'_> {
    fn notify(&mut self, notice: Notice) {
        self.actions.push(Action::Notify(notice));
    }

    fn probing(&mut self) -> ProbingContext<'_> {
        ProbingContext { now: self.now, jitter: self.jitter, last_probe: self.last_probe, actions: self.actions }
    }
}

impl Group {
    pub(crate) fn new(config: GroupConfig) -> Self {
        Self {
            config,
            members: Vec::new(),
            placed: BTreeMap::new(),
            bound: BTreeMap::new(),
            was_usable: false,
            told_failed: false,
        }
    }

    /// Takes in a configuration; members that stay keep all that is known of them. Returns those that left.
    pub(crate) fn configure(
        &mut self,
        config: &GroupConfig,
        offline: impl Fn(&IfName) -> bool,
        now: Instant,
    ) -> Vec<Member> {
        let mut before = std::mem::take(&mut self.members);
        for wanted in &config.members {
            let known = before.iter().position(|member| member.config.interface == wanted.interface);
            let mut member = match known {
                Some(at) => before.remove(at),
                None => Member::new(wanted.clone(), offline(&wanted.interface), now),
            };
            if member.config.standby && !wanted.standby {
                member.inactive = false;
            }
            member.config = wanted.clone();
            self.members.push(member);
        }
        self.config = config.clone();
        self.placed.retain(|address, _| config.addresses.iter().any(|net| net.addr() == *address));
        self.bound.retain(|address, _| config.addresses.iter().any(|net| net.addr() == *address));
        before
    }

    /// The data addresses that this version carries.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.config.addresses.iter().map(|net| net.addr()).filter(|address| carried(*address))
    }

    pub(crate) fn member(&self, name: &IfName) -> Option<&Member> {
        self.members.iter().find(|member| member.config.interface == *name)
    }

    pub(crate) fn failed(&self) -> bool {
        !self.members.iter().any(Member::usable)
    }

    /// Looks at the NICs and at what can be probed, after the kernel or the configuration changed.
    pub(crate) fn observe(&mut self, ctx: &mut Context) {
        let in_use = self.in_use(ctx.kernel);
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
    fn in_use(&self, kernel: &Kernel) -> Vec<IfIndex> {
        let of_group = |key: &AddressKey| self.config.addresses.iter().any(|net| net.addr() == key.address.addr());
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
    fn discover(&mut self, i: usize, in_use: &[IfIndex], seen: &Seen, ctx: &mut Context) {
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

    fn link_lost(&mut self, i: usize, reason: Reason, ctx: &mut Context) {
        let (group, interface) = (self.config.name.clone(), self.members[i].config.interface.clone());
        let was_functioning = self.members[i].functioning();
        ctx.notify(Notice::LinkDown { interface, group, reason: reason.clone() });
        self.members[i].probing.iter_mut().for_each(|probing| probing.history.clear());
        if was_functioning {
            self.fail(i, Cause::Link, reason, ctx);
        } else {
            self.members[i].set_health(Health::Failed { cause: Cause::Link, reason }, ctx.now);
        }
        ctx.ask = true;
        ctx.changed = true;
    }

    fn link_gained(&mut self, i: usize, ctx: &mut Context) {
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
        ctx.ask = true;
        ctx.changed = true;
    }

    /// The switch may have forgotten the member, and may be busy with its spanning tree.
    fn settle_in(&mut self, i: usize, ctx: &mut Context) {
        let now = ctx.now;
        self.members[i].probing.iter_mut().for_each(|probing| probing.arm_quiet_period(now));
        self.announce_all(i, ctx);
    }

    fn announce_all(&self, i: usize, ctx: &mut Context) {
        let carries = |holder: &IfName| *holder == self.members[i].config.interface;
        for (&address, _) in self.bound.iter().filter(|(_, holder)| carries(holder)) {
            ctx.repeats.start(address, ctx.now);
        }
    }

    /// Has a `Probing` for each family with a test address, and its socket open while that can work.
    fn probing_as_configured(&mut self, i: usize, ctx: &mut Context) {
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
            probing.arm_quiet_period(now);
            if !member.is_new {
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
    fn update_targets(&mut self, i: usize, ctx: &mut Context) {
        let keep = self.failed();
        for probing in &mut self.members[i].probing {
            let found = target::candidates(&self.config, ctx.kernel, probing.test);
            if !probing.targets.are(&found) && !(keep && found.is_empty()) {
                probing.targets.set(&found);
            }
        }
    }

    /// Lets time pass: judges what is overdue and sends what is due. Returns how many probes the daemon's
    /// own absence voided.
    pub(crate) fn tick(&mut self, woken_for: Option<Instant>, ctx: &mut Context) -> u32 {
        let mut void = 0;
        for i in 0..self.members.len() {
            if self.members[i].probing.iter().any(|probing| probing.is_to_be_reopened(ctx.now)) {
                self.probing_as_configured(i, ctx);
            }
            let member = &mut self.members[i];
            let functioning = member.functioning();
            for probing in &mut member.probing {
                let expired = probing.expire(ctx.now, woken_for);
                void += expired.void;
                let first_of_run =
                    expired.lost > 0 && probing.history.losses().is_some_and(|run| run.count == expired.lost);
                ctx.ask |= functioning && first_of_run;
                probing.fire(&member.config.interface, &mut ctx.probing());
            }
        }
        void
    }

    /// A probe left, or not.
    pub(crate) fn probe_sent(&mut self, probe: ProbeId, now: Instant, sent: Option<Instant>) -> bool {
        self.probings().any(|probing| probing.sent(probe, now, sent))
    }

    /// A probe was answered.
    pub(crate) fn reply(&mut self, probe: ProbeId, received: Instant) -> bool {
        self.probings().any(|probing| probing.reply(probe, received).is_some())
    }

    fn probings(&mut self) -> impl Iterator<Item = &mut Probing> {
        self.members.iter_mut().flat_map(|member| member.probing.iter_mut())
    }

    /// Passes verdicts and repairs, then has the right members active.
    pub(crate) fn judge(&mut self, ctx: &mut Context) {
        for i in 0..self.members.len() {
            if self.members[i].functioning() {
                self.judge_losses(i, ctx);
            } else {
                self.judge_failed(i, ctx);
            }
        }
        self.apply_policy(ctx);
        self.tell_state(ctx);
    }

    fn judge_losses(&mut self, i: usize, ctx: &mut Context) {
        self.judge_targets(i, ctx);
        if self.members[i].offline {
            return;
        }
        let Some(run) = verdict::failing_run(&self.members[i], ctx.now) else { return };
        match verdict::judge(self.others(i), run.first_declared) {
            Verdict::Member => {
                let reason = self.reason_of_losses(i, run.count, run.targets, ctx.now);
                self.fail(i, Cause::Probes, reason, ctx);
            }
            Verdict::Wait => {}
            Verdict::Network => {
                let reason = self.reason_of_losses(i, run.count, run.targets, ctx.now);
                self.network_failed(i, reason, ctx);
            }
        }
    }

    /// One bad target is not a bad member (§5, 2).
    fn judge_targets(&mut self, i: usize, ctx: &mut Context) {
        let (group, now) = (self.config.name.clone(), ctx.now);
        let member = &mut self.members[i];
        for probing in &mut member.probing {
            let Some(run) = probing.history.losses() else { continue };
            let (target, lost) = run.newest_target;
            let bad = run.count < verdict::LOSSES_TO_FAIL && lost >= verdict::LOSSES_TO_FAIL;
            if bad && probing.targets.mark_dead(target, now) {
                let interface = member.config.interface.clone();
                ctx.notify(Notice::TargetDead { interface, group: group.clone(), target });
            }
        }
    }

    fn judge_failed(&mut self, i: usize, ctx: &mut Context) {
        let member = &self.members[i];
        if !member.link_usable() {
            return;
        }
        if let Some(reason) = self.reason_to_repair(i, ctx.now) {
            self.repair(i, reason, ctx);
        } else if member.failed_by(Cause::Network) && verdict::left_behind(member, self.others(i)) {
            let losses = member.probing.iter().filter_map(|probing| probing.history.losses()).next();
            if let Some(run) = losses {
                let reason = self.reason_of_losses(i, run.count, run.targets, ctx.now);
                self.fail(i, Cause::Probes, reason, ctx);
            }
        }
    }

    fn reason_to_repair(&self, i: usize, now: Instant) -> Option<Reason> {
        let member = &self.members[i];
        if member.probe_capable() {
            let replies = member
                .probing
                .iter()
                .filter(|probing| probing.is_capable())
                .filter_map(|probing| probing.history.replies());
            let mut enough = replies.filter(|run| run.count.max(run.newest_target) >= REPLIES_TO_REPAIR);
            return enough.next().map(|run| Reason::ProbesAnswered { replies: run.count as u32, targets: run.targets });
        }
        // Nothing vouches for the member but its link. One that probes had failed stays so until its
        // targets are back; a test address whose socket is not open yet will be probed in a moment.
        let will_probe = member.probing.iter().any(|probing| !probing.is_open() && !member.offline)
            || (member.failed_by(Cause::Probes) && !member.probing.is_empty());
        (!will_probe && !(member.flapping && member.held_until(now).is_some())).then_some(Reason::LinkUp)
    }

    fn reason_of_losses(&self, i: usize, lost: usize, targets: Vec<IpAddr>, now: Instant) -> Reason {
        let last_reply = self.members[i].probing.iter().filter_map(|probing| probing.last_reply(now)).min();
        Reason::ProbesLost { lost: lost as u32, targets, last_reply }
    }

    fn fail(&mut self, i: usize, cause: Cause, reason: Reason, ctx: &mut Context) {
        let (group, interface) = (self.config.name.clone(), self.members[i].config.interface.clone());
        let was_active = !self.members[i].inactive && !self.members[i].offline;
        self.members[i].inactive = false;
        self.members[i].probing.iter_mut().for_each(|probing| probing.targets.reset_rtt());
        self.members[i].set_health(Health::Failed { cause, reason: reason.clone() }, ctx.now);
        ctx.notify(Notice::InterfaceFailed { interface, group, reason });
        if was_active {
            self.activate_another(ctx);
        }
        ctx.changed = true;
    }

    /// Nobody is answered: every member that seemed to function holds what it has; nothing is moved.
    fn network_failed(&mut self, first: usize, reason: Reason, ctx: &mut Context) {
        for (i, member) in self.members.iter_mut().enumerate().filter(|(_, member)| member.usable()) {
            let reason = if i == first { reason.clone() } else { Reason::Network };
            member.set_health(Health::Failed { cause: Cause::Network, reason }, ctx.now);
        }
        self.told_failed = true;
        ctx.notify(Notice::GroupFailed {
            group: self.config.name.clone(),
            interface: self.members[first].config.interface.clone(),
            reason,
        });
        ctx.changed = true;
    }

    fn repair(&mut self, i: usize, reason: Reason, ctx: &mut Context) {
        let (group, interface) = (self.config.name.clone(), self.members[i].config.interface.clone());
        let held_on = self.members[i].failed_by(Cause::Network);
        let group_failed = self.failed();
        let member = &mut self.members[i];
        if !held_on && !member.offline {
            member.inactive = member.config.standby || (!self.config.failback && !group_failed);
        }
        member.flapping = false;
        member.set_health(Health::Functioning, ctx.now);
        ctx.notify(Notice::InterfaceRepaired { interface, group, reason });
        self.announce_all(i, ctx);
        ctx.changed = true;
    }

    /// An active member is gone: one that idles takes its place, a standby if there is one (§6).
    fn activate_another(&mut self, ctx: &mut Context) {
        let idle = |member: &Member| member.usable() && member.inactive;
        let standby = self.members.iter().position(|member| idle(member) && member.config.standby);
        if let Some(i) = standby.or_else(|| self.members.iter().position(idle)) {
            self.set_active(i, true, ctx);
        }
    }

    fn set_active(&mut self, i: usize, active: bool, ctx: &mut Context) {
        let (group, interface) = (self.config.name.clone(), self.members[i].config.interface.clone());
        self.members[i].inactive = !active;
        ctx.notify(match active {
            true => Notice::StandbyActivated { interface, group },
            false => Notice::StandbyDeactivated { interface, group },
        });
        ctx.changed = true;
    }

    /// As many members are active as are not standby, a standby only while another is missing, and one at
    /// least if any functions (§6, §14 #3 and #4).
    fn apply_policy(&mut self, ctx: &mut Context) {
        if self.config.failback {
            let idle = |member: &Member| member.usable() && member.inactive && !member.config.standby;
            while let Some(i) = self.members.iter().position(idle) {
                self.set_active(i, true, ctx);
            }
        }
        let wanted = self.members.iter().filter(|member| !member.config.standby).count().max(1);
        let active = |group: &Self| group.members.iter().filter(|member| member.in_service()).count();
        while active(self) < wanted {
            let idle = |member: &Member| member.usable() && member.link_usable() && member.inactive;
            let standby = self.members.iter().position(|member| idle(member) && member.config.standby);
            let any = self.members.iter().position(idle).filter(|_| active(self) == 0);
            let Some(i) = standby.or(any) else { break };
            self.set_active(i, true, ctx);
        }
        while active(self) > wanted {
            let spare = |member: &Member| member.in_service() && member.functioning() && member.config.standby;
            let Some(i) = self.members.iter().position(spare) else { break };
            self.set_active(i, false, ctx);
        }
    }

    /// Tells when the last member is lost, and when the first works again.
    fn tell_state(&mut self, ctx: &mut Context) {
        let group = self.config.name.clone();
        if let Some(member) = self.members.iter().find(|member| member.usable()) {
            let interface = member.config.interface.clone();
            self.was_usable = true;
            if std::mem::take(&mut self.told_failed) {
                ctx.notify(Notice::GroupRecovered { group, interface });
            }
        } else if self.was_usable && !self.told_failed {
            self.told_failed = true;
            let newest = self.members.iter().max_by_key(|member| member.since);
            if let Some((member, Health::Failed { reason, .. })) = newest.map(|member| (member, &member.health)) {
                let (interface, reason) = (member.config.interface.clone(), reason.clone());
                ctx.notify(Notice::GroupFailed { group, interface, reason });
            }
        }
    }

    fn others(&self, i: usize) -> impl Iterator<Item = &Member> {
        self.members.iter().enumerate().filter(move |(j, _)| *j != i).map(|(_, member)| member)
    }

    /// The members that are to carry data. Where none is in service, whatever has a link will do: a member
    /// without carrier is never used, and a dead target must not cut a working LAN.
    pub(crate) fn carriers(&self) -> Vec<&Member> {
        let in_service: Vec<&Member> = self.members.iter().filter(|member| member.in_service()).collect();
        if !in_service.is_empty() {
            return in_service;
        }
        self.members.iter().filter(|member| member.link_usable() && !member.offline).collect()
    }

    /// Decides which member is to carry which address. Without anybody to carry them, all stays.
    pub(crate) fn place(&mut self, kernel: &Kernel, refused: impl Fn(AddressKey) -> bool) {
        let carriers = self.carriers();
        if carriers.is_empty() {
            return;
        }
        let any_proven = carriers.iter().any(|member| member.functioning());
        let candidates: Vec<Candidate> = carriers
            .iter()
            .map(|member| Candidate {
                member: member.config.interface.clone(),
                takes_more: any_proven && member.functioning(),
            })
            .collect();
        let indices: BTreeMap<IfName, IfIndex> =
            carriers.iter().filter_map(|member| Some((member.config.interface.clone(), member.nic?.index))).collect();
        let addresses: Vec<IpAddr> = self.addresses().collect();
        let mut present = self.placed.clone();
        for &address in addresses.iter().filter(|address| !self.placed.contains_key(address)) {
            // Found in the kernel: left by a daemon before this one.
            if let Some((holder, _)) = indices.iter().find(|(_, index)| kernel.has_address(**index, address)) {
                present.insert(address, holder.clone());
                self.bound.entry(address).or_insert_with(|| holder.clone());
            }
        }
        let refused = |address: IpAddr, member: &IfName| {
            indices.get(member).is_some_and(|index| refused(AddressKey::host(*index, address)))
        };
        self.placed = placement::place(&addresses, &present, &candidates, refused);
    }

    /// The kernel confirmed that a data address is bound now.
    pub(crate) fn bound_to(&mut self, key: &AddressKey, actions: &mut Vec<Action>) {
        let address = key.address.addr();
        let holder = self.members.iter().find(|member| member.nic.is_some_and(|nic| nic.index == key.index));
        let Some(to) =
            holder.filter(|_| self.placed.contains_key(&address)).map(|member| member.config.interface.clone())
        else {
            return;
        };
        let from = self.bound.insert(address, to.clone());
        if from.as_ref() != Some(&to) {
            actions.push(Action::Notify(Notice::AddressMoved { group: self.config.name.clone(), address, from, to }));
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

    /// The administrator takes a member out of service.
    pub(crate) fn take_offline(&mut self, i: usize, ctx: &mut Context) -> Result<(), Refusal> {
        let interface = self.members[i].config.interface.clone();
        if self.members[i].offline {
            return Err(Refusal::AlreadyOffline(interface));
        }
        let failed = self.failed();
        let could_replace =
            |other: &Member| if failed { !other.offline && other.link_usable() } else { other.usable() };
        if !self.others(i).any(could_replace) {
            return Err(Refusal::MinimumRedundancy(interface));
        }
        let was_active = self.members[i].in_service();
        self.members[i].offline = true;
        self.members[i].inactive = false;
        ctx.notify(Notice::Offline { interface, group: self.config.name.clone() });
        if was_active {
            self.activate_another(ctx);
        }
        ctx.changed = true;
        Ok(())
    }

    /// The administrator takes a member back. What was done to its cables meanwhile nobody knows: where
    /// probes can tell, it has to earn its place.
    pub(crate) fn take_online(&mut self, i: usize, ctx: &mut Context) -> Result<(), Refusal> {
        let (group, now) = (self.config.name.clone(), ctx.now);
        let member = &mut self.members[i];
        let interface = member.config.interface.clone();
        if !member.offline {
            return Err(Refusal::NotOffline(interface));
        }
        member.offline = false;
        if member.functioning() && !member.probing.is_empty() {
            member.set_health(Health::Failed { cause: Cause::Unproven, reason: Reason::Unproven }, now);
        }
        ctx.notify(Notice::Online { interface, group });
        ctx.changed = true;
        Ok(())
    }

    pub(crate) fn status(&self, kernel: &Kernel, now: Instant) -> GroupStatus {
        let usable = self.members.iter().filter(|member| member.usable()).count();
        let carriers: Vec<IfName> = self.carriers().iter().map(|member| member.config.interface.clone()).collect();
        let own = kernel.link_named(&self.config.interface);
        let address = |address: IpAddr| {
            let up = own.is_some_and(|own| kernel.has_address(own.index, address));
            let inbound = self.bound.get(&address).filter(|_| up && self.placed.contains_key(&address)).cloned();
            let outbound = if inbound.is_some() { carriers.clone() } else { Vec::new() };
            AddressStatus { address, up, inbound, outbound }
        };
        let probes = self.members.iter().any(|member| !member.probing.is_empty());
        GroupStatus {
            interface: self.config.interface.clone(),
            name: self.config.name.clone(),
            state: match usable {
                0 => GroupState::Failed,
                some if some == self.members.len() => GroupState::Ok,
                _ => GroupState::Degraded,
            },
            failure_detection_time: probes.then_some(self.config.failure_detection_time),
            members: self.members.iter().map(|member| member.status(now)).collect(),
            addresses: self.addresses().map(address).collect(),
        }
    }

    /// When something of the group is due.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        let probes = self.members.iter().flat_map(|member| member.probing.iter().filter_map(Probing::deadline));
        let held = self.members.iter().filter(|member| member.flapping).filter_map(|member| member.held_until(now));
        probes.chain(held).min()
    }
}
