//! The engine: one `step` for every event, one `deadline`, one `status`.
//!
//! A step takes in the event, then settles, always in the same order: NICs and sockets, timers, verdicts
//! and policy, placement, changes to the kernel, announcements.

mod changes;
mod command;
mod ungrouped;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::action::{Action, AddressCheck, Announcement, Change, Memory};
use crate::announce::Repeats;
use crate::config::Config;
use crate::event::Event;
use crate::group::{Context, Group};
use crate::handover::Handover;
use crate::id::{IfIndex, IfName, RequestId, TransactionId, is_link_local};
use crate::jitter::Jitter;
use crate::kernel::{AddressKey, Fact, Kernel, Link, Route, RouteKey};
use crate::notice::Notice;
use crate::reconcile::Key;
use crate::retry::Retry;
use crate::status::Status;
use crate::time::Instant;

/// How often every member's link is asked for, since the kernel may tell of a lost carrier late.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// After a change of carrier the kernel holds back news of others for up to a second (`linux-data-plane.md`);
/// two NICs on a dying switch are the normal case. So long, and so often, they are asked for.
const VIGIL: Duration = Duration::from_millis(1100);
const LOOK_OFTEN: Duration = Duration::from_millis(10);

/// So late is told even where no probe was on its way.
const LATE: Duration = Duration::from_secs(1);

/// That the daemon was late, or the host, is told no more often than this.
const LATE_EVERY: Duration = Duration::from_secs(10);

/// The failover decision core.
#[derive(Clone, Debug)]
pub struct Engine {
    config: Config,
    groups: Vec<Group>,
    /// Interfaces in no group, where they are to be watched.
    ungrouped: Option<Group>,
    kernel: Kernel,
    memory: Memory,
    jitter: Jitter,
    last_probe: u64,
    last_transaction: u64,
    in_flight: Option<(TransactionId, Vec<Change>)>,
    repeats: Repeats,
    retry: Retry,
    /// Changes of the transaction that was done last: one that is wanted again at once did not hold.
    just_done: BTreeSet<Change>,
    /// What somebody else undid.
    undone: BTreeSet<Key>,
    /// The carrier that each IPMP interface was last given; some types have none that can be set.
    carriers: BTreeMap<IfName, (IfIndex, bool)>,
    leaving: Vec<(RequestId, IfName, Instant)>,
    /// Addresses are being asked for.
    checking: bool,
    configured: bool,
    synced: bool,
    /// NICs, addresses or routes may differ from what the members know.
    observe: bool,
    /// The kernel may differ from what is wanted.
    compare: bool,
    look_at: Instant,
    vigil_until: Instant,
    resync_not_before: Instant,
    late_not_before: Instant,
    overload_not_before: Instant,
    armed: Option<Instant>,
}

impl Engine {
    /// An engine that knows nothing but what the last one remembered. It acts once it has been given a
    /// configuration and a snapshot. `seed` feeds the jitter of the probes and nothing else.
    pub fn new(memory: Memory, seed: u64) -> Self {
        Self {
            config: Config::default(),
            groups: Vec::new(),
            ungrouped: None,
            kernel: Kernel::default(),
            memory,
            jitter: Jitter::new(seed),
            last_probe: 0,
            last_transaction: 0,
            in_flight: None,
            repeats: Repeats::default(),
            retry: Retry::default(),
            just_done: BTreeSet::new(),
            undone: BTreeSet::new(),
            carriers: BTreeMap::new(),
            leaving: Vec::new(),
            checking: false,
            configured: false,
            synced: false,
            observe: false,
            compare: false,
            look_at: Instant::default(),
            vigil_until: Instant::default(),
            resync_not_before: Instant::default(),
            late_not_before: Instant::default(),
            overload_not_before: Instant::default(),
            armed: None,
        }
    }

    /// Takes in what happened at `now`, and adds what is to be done, in order. `Timeout` must be fed
    /// whenever [`Engine::deadline`] has passed, and after every reply that has already arrived: it is the
    /// only event at which silence is judged.
    pub fn step(&mut self, now: Instant, event: Event, actions: &mut Vec<Action>) {
        let timed = event == Event::Timeout;
        match event {
            Event::Timeout => {}
            Event::Configured(config) => self.configure(config, now, actions),
            Event::Kernel(fact) => self.learn(fact),
            Event::Overrun => {}
            Event::ProberFailed { member, family, reason } => {
                for group in self.watched_groups() {
                    group.prober_failed(&member, family, &reason, now, actions);
                }
            }
            Event::ProbeSent { probe, sent } => {
                let sent = sent.ok();
                self.watched_groups().any(|group| group.probe_sent(probe, sent, now, actions));
            }
            Event::Reply { probe, received } => {
                let answer = self.watched_groups().find_map(|group| group.reply(probe, received, now, actions));
                if let Some(answer) = answer {
                    self.tell_overload(answer, now.since(received), now, actions);
                }
            }
            Event::BadReply { member, family, fault } => {
                self.watched_groups().for_each(|group| group.bad_reply(&member, family, fault));
            }
            Event::Discovered { member, address } => {
                let kernel = &self.kernel;
                let groups = self.groups.iter_mut().chain(&mut self.ungrouped);
                groups.for_each(|group| group.discovered(&member, address, kernel));
            }
            Event::AddressTaken { address, by } if !self.kernel.has_mac(by) => {
                self.groups.iter_mut().for_each(|group| group.address_taken(address, by, now, actions));
            }
            Event::AddressTaken { .. } => {}
            Event::Changed { transaction, outcomes } => self.changed(transaction, outcomes, now, actions),
            Event::Command { request, command } => self.command(request, command, now, actions),
        }
        if self.configured && self.synced {
            self.settle(now, timed, actions);
        }
        self.armed = self.next_deadline(now);
    }

    /// When `step` is to be called with `Event::Timeout` if nothing else happens before.
    pub fn deadline(&self) -> Option<Instant> {
        self.armed
    }

    /// Everything that is known.
    pub fn status(&self, now: Instant) -> Status {
        let groups = self.groups.iter().chain(&self.ungrouped);
        Status { groups: groups.map(|group| group.status(&self.kernel, now)).collect() }
    }

    /// Whether no address is being asked for that would come into use next, and everything has changed hands.
    pub fn is_settled(&self) -> bool {
        self.config.handover == Handover::default()
            && self.groups.iter().all(|group| group.claims_deadline().is_none() || !group.claims.are_open())
    }

    /// The kernel as it is known.
    pub(crate) fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// A copy that waits for nothing: neither for a transaction that is under way, nor until it may try again.
    pub(crate) fn at_rest(&self) -> Self {
        let (in_flight, retry, compare) = (None, Retry::default(), true);
        Self { in_flight, retry, compare, just_done: BTreeSet::new(), undone: BTreeSet::new(), ..self.clone() }
    }

    /// Takes addresses for free that are being asked for, but those that another host has; whether there were any.
    pub(crate) fn suppose_addresses_free(&mut self) -> bool {
        let supposed = self.groups.iter_mut().map(Group::suppose_addresses_free).fold(false, |all, any| all | any);
        self.compare |= supposed;
        supposed
    }

    fn watched_groups(&mut self) -> impl Iterator<Item = &mut Group> {
        self.groups.iter_mut().chain(&mut self.ungrouped)
    }

    fn configure(&mut self, config: Config, now: Instant, actions: &mut Vec<Action>) {
        let mut before = std::mem::take(&mut self.groups);
        for wanted in &config.groups {
            let known = before.iter().position(|group| group.config.interface == wanted.interface);
            let mut group = known.map_or_else(|| Group::new(wanted.clone()), |at| before.remove(at));
            let left = group.configure(wanted, |name| self.memory.offline.contains(name), now);
            left.iter().for_each(|member| member.leave(actions));
            self.groups.push(group);
        }
        before.iter().flat_map(|group| &group.members).for_each(|member| member.leave(actions));
        for address in before.iter().flat_map(|group| group.placed.keys()) {
            self.repeats.stop(*address);
        }
        let groups = &self.groups;
        let before = self.memory.offline.len();
        self.memory.offline.retain(|name| groups.iter().any(|group| group.member(name).is_some()));
        if self.memory.offline.len() != before {
            actions.push(Action::Remember(self.memory.clone()));
        }
        self.config = config;
        // Who configures anew wants it tried anew.
        self.retry = Retry::default();
        (self.configured, self.observe, self.compare) = (true, true, true);
    }

    fn learn(&mut self, fact: Fact) {
        match &fact {
            Fact::Link(link) => self.note_name(link),
            Fact::Snapshot(snapshot) => snapshot.links.iter().for_each(|link| self.note_name(link)),
            _ => {}
        }
        match &fact {
            Fact::Snapshot(_) => (self.synced, self.observe, self.compare) = (true, true, true),
            Fact::Link(link) if self.kernel.links.get(&link.index) == Some(link) => return,
            Fact::Link(_) | Fact::LinkGone(_) => (self.observe, self.compare) = (true, true),
            Fact::Address(key, info) => {
                self.observe |= self.probes_from(key) || self.config.track_all_interfaces;
                self.compare |= info.ours || self.is_data_address(key);
            }
            Fact::AddressGone(key) => {
                self.observe |= self.probes_from(key) || self.config.track_all_interfaces;
                self.compare |= self.is_data_address(key) || self.is_test_address(key);
                self.note_undone(Key::AddAddress(*key), Key::DeleteAddress(*key));
            }
            Fact::Route(route) => {
                let known = self.kernel.routes.get(&route.key);
                if known == Some(route) {
                    return;
                }
                self.observe |= route.legs.iter().any(|leg| leg.via.is_some());
                self.compare |= self.concerns(&route.key);
                if known.is_some() && route.key.ours {
                    self.note_undone(Key::PutRoute(route.key), Key::DeleteRoute(route.key));
                }
            }
            Fact::LegAdded(route) => {
                self.observe |= route.legs.iter().any(|leg| leg.via.is_some());
                self.compare |= self.concerns(&route.key);
            }
            Fact::LegsGone(Route { key, legs, .. }) => {
                self.observe |= legs.iter().any(|leg| leg.via.is_some());
                self.compare |= self.concerns(key);
                if key.ours {
                    self.note_undone(Key::PutRoute(*key), Key::DeleteRoute(*key));
                }
            }
            Fact::RouteGone(key) => {
                let known = self.kernel.routes.get(key);
                self.observe |= known.is_some_and(|route| route.legs.iter().any(|leg| leg.via.is_some()));
                self.compare |= self.concerns(key);
                if key.ours {
                    self.note_undone(Key::PutRoute(*key), Key::DeleteRoute(*key));
                }
            }
        }
        self.compare |= self.config.handover != Handover::default();
        self.kernel.learn(fact);
    }

    /// Whether a route is ours, or in the place of one that is wanted.
    fn concerns(&self, key: &RouteKey) -> bool {
        key.ours || self.groups.iter().any(|group| group.config.destinations().any(|to| to == key.to))
    }

    /// What is remembered of an interface goes with it when it is given another name.
    fn note_name(&mut self, link: &Link) {
        let renamed = self.kernel.links.get(&link.index).filter(|before| before.name != link.name);
        if let Some(before) = renamed.and_then(|before| self.memory.tunables.remove(&before.name)) {
            self.memory.tunables.insert(link.name.clone(), before);
        }
    }

    /// Whether probes may be sent from it: a test address, or in IPv6 a link-local one.
    fn probes_from(&self, key: &AddressKey) -> bool {
        is_link_local(key.address.addr()) || self.is_test_address(key)
    }

    fn is_test_address(&self, key: &AddressKey) -> bool {
        let members = self.groups.iter().flat_map(|group| &group.members);
        members.flat_map(|member| &member.config.test_addresses).any(|test| test.addr() == key.address.addr())
    }

    fn is_data_address(&self, key: &AddressKey) -> bool {
        self.groups.iter().any(|group| group.placed.contains_key(&key.address.addr()))
    }

    fn context<'a>(
        &'a mut self,
        now: Instant,
        actions: &'a mut Vec<Action>,
    ) -> (Context<'a>, impl Iterator<Item = &'a mut Group>) {
        let ctx = Context {
            now,
            kernel: &self.kernel,
            jitter: &mut self.jitter,
            last_probe: &mut self.last_probe,
            repeats: &mut self.repeats,
            actions,
            ask: false,
            carrier_changed: false,
            changed: false,
        };
        (ctx, self.groups.iter_mut().chain(&mut self.ungrouped))
    }

    fn settle(&mut self, now: Instant, timed: bool, actions: &mut Vec<Action>) {
        let (observe, armed) = (std::mem::take(&mut self.observe), self.armed);
        if observe {
            self.watch_ungrouped(now, actions);
        }
        let mut void = 0;
        let (mut ctx, groups) = self.context(now, actions);
        for group in groups {
            if observe {
                group.observe(&mut ctx);
            }
            if timed {
                void += group.tick(armed, &mut ctx);
            }
            group.judge(&mut ctx);
        }
        let (ask, carrier_changed, changed) = (ctx.ask, ctx.carrier_changed, ctx.changed);
        if carrier_changed {
            self.vigil_until = now + VIGIL;
        }
        self.compare |= changed | (timed && self.retry.ended(now));
        self.tell_late(now, armed, void, actions);
        for group in &mut self.groups {
            self.compare |= group.take_free(now, actions);
        }
        self.look(now, ask || carrier_changed, actions);
        if self.compare && self.in_flight.is_none() {
            self.compare = false;
            self.reconcile(now, actions);
        }
        self.check_addresses(now, actions);
        self.announce(now, actions);
        self.answer_leaving(now, actions);
    }

    /// Where the kernel had an answer in time and the daemon did not, it is this host that is slow (§4).
    fn tell_overload(
        &mut self,
        answer: (IfName, Duration, Duration),
        waited: Duration,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
        let (interface, network, limit) = answer;
        if waited > limit && now >= self.overload_not_before {
            self.overload_not_before = now + LATE_EVERY;
            actions.push(Action::Notify(Notice::LocalOverload { interface, network, total: network + waited }));
        }
    }

    fn tell_late(&mut self, now: Instant, armed: Option<Instant>, void: u32, actions: &mut Vec<Action>) {
        let late = armed.map_or(Duration::ZERO, |moment| now.since(moment));
        if (void > 0 || late >= LATE) && now >= self.late_not_before {
            self.late_not_before = now + LATE_EVERY;
            actions.push(Action::Notify(Notice::DaemonLate { late, void }));
        }
    }

    fn look(&mut self, now: Instant, ask: bool, actions: &mut Vec<Action>) {
        if ask || now >= self.look_at {
            self.look_at = now + if now < self.vigil_until { LOOK_OFTEN } else { LOOK_EVERY };
            let members = self.groups.iter().chain(&self.ungrouped).flat_map(|group| &group.members);
            let links: Vec<IfIndex> = members.filter_map(|member| Some(member.nic?.index)).collect();
            if !links.is_empty() {
                actions.push(Action::AskLinks(links));
            }
        }
    }

    /// Asks for addresses that are to be used for the first time, and stops listening when none is left.
    fn check_addresses(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let due = self.groups.iter().any(|group| group.claims.are_due(now));
        let checks: Vec<AddressCheck> = self.groups.iter().flat_map(|group| group.checks(now)).collect();
        if due && !checks.is_empty() {
            self.groups.iter_mut().for_each(|group| group.claims.asked(now));
            self.checking = true;
            actions.push(Action::CheckAddresses(checks));
        } else if self.checking && checks.is_empty() {
            self.checking = false;
            actions.push(Action::CheckAddresses(Vec::new()));
        }
    }

    fn announce(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let due = self.repeats.take_due(now);
        let announcements: Vec<Announcement> = due
            .into_iter()
            .filter_map(|address| {
                let group = self.groups.iter().find(|group| group.placed.contains_key(&address))?;
                let nic = group.member(group.bound.get(&address)?)?.nic?;
                Some(Announcement { index: nic.index, mac: nic.mac?, address, router: nic.router })
            })
            .collect();
        if !announcements.is_empty() {
            actions.push(Action::Announce(announcements));
        }
    }

    fn next_deadline(&self, now: Instant) -> Option<Instant> {
        if !self.configured || !self.synced {
            return None;
        }
        let groups = self.groups.iter().chain(&self.ungrouped).filter_map(|group| group.deadline(now));
        let leaving = self.leaving.iter().map(|(_, _, until)| *until);
        let claims = self.groups.iter().filter_map(Group::claims_deadline);
        groups
            .chain(leaving)
            .chain(claims)
            .chain(self.repeats.deadline())
            .chain(self.retry.deadline())
            .chain([self.look_at])
            .min()
    }
}
