//! The engine: one `step` for every event, one `deadline`, one `status`.
//!
//! A step takes in the event, then settles, always in the same order: NICs and sockets, timers, verdicts
//! and policy, placement, changes to the kernel, announcements.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::action::{Action, Announcement, Change, Memory, Transaction};
use crate::announce::Repeats;
use crate::config::Config;
use crate::event::{Command, Event, Outcome, Refusal};
use crate::group::{Context, Group};
use crate::id::{IfIndex, IfName, ProbeId, RequestId, TransactionId};
use crate::jitter::Jitter;
use crate::kernel::{AddressKey, Fact, Kernel, Scope, Tunables};
use crate::notice::Notice;
use crate::reconcile::{self, Key};
use crate::retry::Retry;
use crate::status::Status;
use crate::time::Instant;

/// Most changes in one transaction: a second failure waits no longer than these take.
const CHANGES_MAX: usize = 128;

/// How often every member's link is asked for, since the kernel may tell of a lost carrier up to a second late.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Refused changes make the picture of the kernel doubtful; it is dumped again no more often than this.
const RESYNC_EVERY: Duration = Duration::from_secs(1);

/// An administrator who takes a member offline is answered when it carries nothing, or after this time.
const OFFLINE_WITHIN: Duration = Duration::from_secs(5);

/// That the daemon was late is told no more often than this.
const LATE_EVERY: Duration = Duration::from_secs(10);

/// The failover decision core.
#[derive(Debug)]
pub struct Engine {
    groups: Vec<Group>,
    kernel: Kernel,
    memory: Memory,
    jitter: Jitter,
    last_probe: u64,
    last_transaction: u64,
    in_flight: Option<(TransactionId, Vec<Change>)>,
    repeats: Repeats,
    retry: Retry,
    /// Changes of the transaction that was done last: one that is wanted again at once did not hold.
    just_done: BTreeSet<Key>,
    /// What somebody else undid.
    undone: BTreeSet<Key>,
    /// The carrier that each IPMP interface was last given; some types have none that can be set.
    carriers: BTreeMap<IfName, (IfIndex, bool)>,
    leaving: Vec<(RequestId, IfName, Instant)>,
    configured: bool,
    synced: bool,
    /// NICs, addresses or routes may differ from what the members know.
    observe: bool,
    /// The kernel may differ from what is wanted.
    compare: bool,
    look_at: Instant,
    resync_not_before: Instant,
    late_not_before: Instant,
    armed: Option<Instant>,
}

impl Engine {
    /// An engine that knows nothing but what the last one remembered. It acts once it has been given a
    /// configuration and a snapshot. `seed` feeds the jitter of the probes and nothing else.
    pub fn new(memory: Memory, seed: u64) -> Self {
        Self {
            groups: Vec::new(),
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
            configured: false,
            synced: false,
            observe: false,
            compare: false,
            look_at: Instant::default(),
            resync_not_before: Instant::default(),
            late_not_before: Instant::default(),
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
                for group in &mut self.groups {
                    group.prober_failed(&member, family, &reason, now, actions);
                }
            }
            Event::ProbeSent { probe, sent } => self.probe_sent(probe, sent, now),
            Event::Reply { probe, received } => {
                self.groups.iter_mut().any(|group| group.reply(probe, received));
            }
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
        Status { groups: self.groups.iter().map(|group| group.status(&self.kernel, now)).collect() }
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
        (self.configured, self.observe, self.compare) = (true, true, true);
    }

    fn learn(&mut self, fact: Fact) {
        match &fact {
            Fact::Snapshot(_) => (self.synced, self.observe, self.compare) = (true, true, true),
            Fact::Link(link) if self.kernel.links.get(&link.index) == Some(link) => return,
            Fact::Link(_) | Fact::LinkGone(_) => (self.observe, self.compare) = (true, true),
            Fact::Address(key, info) => {
                self.observe |= self.is_test_address(key);
                self.compare |= info.ours || self.is_data_address(key);
            }
            Fact::AddressGone(key) => {
                self.observe |= self.is_test_address(key);
                self.compare |= self.is_data_address(key) || self.is_test_address(key);
                self.note_undone(Key::AddAddress(*key), Key::DeleteAddress(*key));
            }
            Fact::Route(route) => {
                let known = self.kernel.routes.get(&route.key);
                if known == Some(route) {
                    return;
                }
                (self.observe, self.compare) = (true, true);
                if known.is_some() && route.key.ours {
                    self.note_undone(Key::PutRoute(route.key), Key::DeleteRoute(route.key));
                }
            }
            Fact::RouteGone(key) => {
                (self.observe, self.compare) = (true, true);
                if key.ours {
                    self.note_undone(Key::PutRoute(*key), Key::DeleteRoute(*key));
                }
            }
        }
        self.kernel.learn(fact);
    }

    fn is_test_address(&self, key: &AddressKey) -> bool {
        let members = self.groups.iter().flat_map(|group| &group.members);
        members.flat_map(|member| &member.config.test_addresses).any(|test| test.addr() == key.address.addr())
    }

    fn is_data_address(&self, key: &AddressKey) -> bool {
        self.groups.iter().any(|group| group.placed.contains_key(&key.address.addr()))
    }

    /// What goes or changes while no transaction of ours concerns it was undone by somebody else.
    fn note_undone(&mut self, made: Key, unmade: Key) {
        let ours = self.in_flight.iter().flat_map(|(_, changes)| changes).filter_map(reconcile::key_of);
        if !ours.into_iter().any(|key| key == made || key == unmade) {
            self.undone.insert(made);
        }
    }

    fn probe_sent(&mut self, probe: ProbeId, sent: Result<Instant, String>, now: Instant) {
        self.groups.iter_mut().any(|group| group.probe_sent(probe, now, sent.as_ref().ok().copied()));
    }

    fn changed(&mut self, transaction: TransactionId, outcomes: Vec<Outcome>, now: Instant, actions: &mut Vec<Action>) {
        let Some((_, changes)) = self.in_flight.take_if(|(id, _)| *id == transaction) else { return };
        let mut refused = false;
        for (change, outcome) in changes.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Done => self.done(change, now, actions),
                Outcome::Skipped => {}
                Outcome::Refused(reason) => {
                    refused = true;
                    self.refused(change, reason, now, actions);
                }
            }
        }
        if refused && now >= self.resync_not_before {
            self.resync_not_before = now + RESYNC_EVERY;
            actions.push(Action::Resync);
        }
        (self.observe, self.compare) = (true, true);
    }

    fn done(&mut self, change: Change, now: Instant, actions: &mut Vec<Action>) {
        match &change {
            Change::AddAddress { key, scope: Scope::Global } => {
                for group in &mut self.groups {
                    group.bound_to(key, actions);
                }
            }
            Change::Announce(announcement) => self.repeats.announced(announcement.address, now),
            Change::SetCarrier { name, on } => {
                let link = self.kernel.link_named(name);
                self.carriers.extend(link.map(|link| (name.clone(), (link.index, *on))));
            }
            _ => {}
        }
        self.just_done.extend(reconcile::key_of(&change));
    }

    fn refused(&mut self, change: Change, reason: String, now: Instant, actions: &mut Vec<Action>) {
        match reconcile::key_of(&change) {
            Some(key) => {
                let what = self.describe(&key);
                let retry_in = self.retry.failed(key, now);
                actions.push(Action::Notify(Notice::ChangeRefused { what, reason, retry_in }));
            }
            None => {
                if let Change::Announce(announcement) = change {
                    self.repeats.announced(announcement.address, now);
                }
            }
        }
    }

    fn command(&mut self, request: RequestId, command: Command, now: Instant, actions: &mut Vec<Action>) {
        let (name, offline) = match command {
            Command::Offline(name) => (name, true),
            Command::Online(name) => (name, false),
        };
        let result = self.with_member(&name, now, actions, |group, i, ctx| match offline {
            true => group.take_offline(i, ctx),
            false => group.take_online(i, ctx),
        });
        if result.is_ok() {
            match offline {
                true => self.memory.offline.insert(name.clone()),
                false => self.memory.offline.remove(&name),
            };
            actions.push(Action::Remember(self.memory.clone()));
            (self.observe, self.compare) = (true, true);
        }
        if offline && result.is_ok() {
            self.leaving.push((request, name, now + OFFLINE_WITHIN));
        } else {
            actions.push(Action::Answer { request, result });
        }
    }

    fn with_member(
        &mut self,
        name: &IfName,
        now: Instant,
        actions: &mut Vec<Action>,
        act: impl FnOnce(&mut Group, usize, &mut Context) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let found = self.groups.iter().enumerate().find_map(|(g, group)| {
            group.members.iter().position(|member| member.config.interface == *name).map(|i| (g, i))
        });
        let Some((g, i)) = found else { return Err(Refusal::UnknownInterface(name.clone())) };
        let (mut ctx, groups) = self.context(now, actions);
        act(&mut groups[g], i, &mut ctx)
    }

    fn context<'a>(&'a mut self, now: Instant, actions: &'a mut Vec<Action>) -> (Context<'a>, &'a mut [Group]) {
        let ctx = Context {
            now,
            kernel: &self.kernel,
            jitter: &mut self.jitter,
            last_probe: &mut self.last_probe,
            repeats: &mut self.repeats,
            actions,
            ask: false,
            changed: false,
        };
        (ctx, &mut self.groups)
    }

    fn settle(&mut self, now: Instant, timed: bool, actions: &mut Vec<Action>) {
        let (observe, armed) = (std::mem::take(&mut self.observe), self.armed);
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
        let (ask, changed) = (ctx.ask, ctx.changed);
        self.compare |= changed || (timed && self.retry.ended(now));
        self.tell_late(now, armed, void, actions);
        self.look(now, ask, actions);
        if self.compare && self.in_flight.is_none() {
            self.compare = false;
            self.reconcile(now, actions);
        }
        self.announce(now, actions);
        self.answer_leaving(now, actions);
    }

    fn tell_late(&mut self, now: Instant, armed: Option<Instant>, void: u32, actions: &mut Vec<Action>) {
        if void > 0 && now >= self.late_not_before {
            self.late_not_before = now + LATE_EVERY;
            let late = armed.map_or(Duration::ZERO, |moment| now.since(moment));
            actions.push(Action::Notify(Notice::DaemonLate { late, void }));
        }
    }

    fn look(&mut self, now: Instant, ask: bool, actions: &mut Vec<Action>) {
        if ask || now >= self.look_at {
            self.look_at = now + LOOK_EVERY;
            let members = self.groups.iter().flat_map(|group| &group.members);
            let links: Vec<IfIndex> = members.filter_map(|member| Some(member.nic?.index)).collect();
            if !links.is_empty() {
                actions.push(Action::AskLinks(links));
            }
        }
    }

    /// Compares what is wanted with what is there, and has the most urgent differences mended.
    fn reconcile(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let (kernel, retry) = (&self.kernel, &self.retry);
        for group in &mut self.groups {
            group.place(kernel, |key| retry.is_waiting(&Key::AddAddress(key), now));
        }
        self.forget_leavers(actions);
        let planned = reconcile::plan(&self.groups, &self.kernel, &self.memory);
        let changes = self.due(planned, now, actions);
        if changes.is_empty() {
            return;
        }
        self.remember_tunables(&changes, actions);
        self.last_transaction += 1;
        let id = TransactionId(self.last_transaction);
        self.in_flight = Some((id, changes.clone()));
        actions.push(Action::Apply(Transaction { id, changes }));
    }

    /// Leaves out what has to wait, and with an addition that waits the deletions that build on it.
    fn due(&mut self, planned: Vec<Change>, now: Instant, actions: &mut Vec<Action>) -> Vec<Change> {
        let just_done = std::mem::take(&mut self.just_done);
        let undone = std::mem::take(&mut self.undone);
        let mut waiting = BTreeSet::new();
        let mut due = Vec::new();
        for change in planned {
            let key = reconcile::key_of(&change);
            let waits = match &key {
                Some(Key::SetCarrier(name, on)) => {
                    self.kernel.link_named(name).map(|link| (link.index, *on)) == self.carriers.get(name).copied()
                }
                Some(Key::DeleteAddress(key)) if waiting.contains(&key.address.addr()) => true,
                Some(key) if self.retry.is_waiting(key, now) => true,
                Some(key) if just_done.contains(key) => {
                    self.retry.failed(key.clone(), now);
                    true
                }
                Some(key) if undone.contains(key) => {
                    self.retry.failed(key.clone(), now);
                    actions.push(Action::Notify(Notice::Mended { what: self.describe(key) }));
                    false
                }
                Some(_) => false,
                None => matches!(&change, Change::Announce(told) if waiting.contains(&told.address)),
            };
            match (waits, key) {
                (false, _) => due.push(change),
                (true, Some(Key::AddAddress(key))) => {
                    waiting.insert(key.address.addr());
                }
                (true, _) => {}
            }
        }
        due.truncate(CHANGES_MAX);
        due
    }

    /// What a change is about, for people: names instead of numbers.
    fn describe(&self, key: &Key) -> String {
        let name = |index: &IfIndex| match self.kernel.links.get(index) {
            Some(link) => link.name.to_string(),
            None => format!("interface {index}"),
        };
        match key {
            Key::CreateInterface(interface) => format!("interface {interface}"),
            Key::DeleteInterface(interface) => format!("deletion of interface {interface}"),
            Key::SetUp(index) => format!("setting {} up", name(index)),
            Key::SetCarrier(interface, _) => format!("carrier of {interface}"),
            Key::Tune(index) => format!("settings of {}", name(index)),
            Key::AddAddress(key) => format!("address {} on {}", key.address, name(&key.index)),
            Key::DeleteAddress(key) => format!("deletion of address {} from {}", key.address, name(&key.index)),
            Key::PutRoute(key) => format!("route to {}", key.to),
            Key::DeleteRoute(key) => format!("deletion of the route to {}", key.to),
        }
    }

    /// What a member's settings were is written down before they are changed.
    fn remember_tunables(&mut self, changes: &[Change], actions: &mut Vec<Action>) {
        let mut changed = false;
        for change in changes {
            let Change::Tune { index, tunables: Tunables::MEMBER } = change else { continue };
            let Some(link) = self.kernel.links.get(index) else { continue };
            if let Some(before) = link.tunables.filter(|_| !self.memory.tunables.contains_key(&link.name)) {
                self.memory.tunables.insert(link.name.clone(), before);
                changed = true;
            }
        }
        if changed {
            actions.push(Action::Remember(self.memory.clone()));
        }
    }

    /// Settings that were put back, or that went with their NIC, need not be remembered.
    fn forget_leavers(&mut self, actions: &mut Vec<Action>) {
        let (groups, kernel) = (&self.groups, &self.kernel);
        let before = self.memory.tunables.len();
        self.memory.tunables.retain(|name, before| match kernel.link_named(name) {
            None => false,
            Some(link) => groups.iter().any(|group| group.member(name).is_some()) || link.tunables != Some(*before),
        });
        if self.memory.tunables.len() != before {
            actions.push(Action::Remember(self.memory.clone()));
        }
    }

    fn announce(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let due = self.repeats.take_due(now);
        let announcements: Vec<Announcement> = due
            .into_iter()
            .filter_map(|address| {
                let group = self.groups.iter().find(|group| group.placed.contains_key(&address))?;
                let nic = group.member(group.bound.get(&address)?)?.nic?;
                Some(Announcement { index: nic.index, mac: nic.mac?, address })
            })
            .collect();
        if !announcements.is_empty() {
            actions.push(Action::Announce(announcements));
        }
    }

    /// Answers those who took a member offline once it carries nothing of ours.
    fn answer_leaving(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let (groups, kernel, busy) = (&self.groups, &self.kernel, self.in_flight.is_some());
        self.leaving.retain(|(request, name, until)| {
            let index = groups.iter().find_map(|group| group.member(name)?.nic).map(|nic| nic.index);
            let carries = index.is_some_and(|index| {
                kernel.addresses.iter().any(|(key, info)| key.index == index && info.ours)
                    || kernel
                        .routes
                        .values()
                        .any(|route| route.key.ours && route.legs.iter().any(|leg| leg.index == index))
            });
            let waits = (busy || carries) && now < *until;
            if !waits {
                actions.push(Action::Answer { request: *request, result: Ok(()) });
            }
            waits
        });
    }

    fn next_deadline(&self, now: Instant) -> Option<Instant> {
        if !self.configured || !self.synced {
            return None;
        }
        let groups = self.groups.iter().filter_map(|group| group.deadline(now));
        let leaving = self.leaving.iter().map(|(_, _, until)| *until);
        groups.chain(leaving).chain(self.repeats.deadline()).chain(self.retry.deadline()).chain([self.look_at]).min()
    }
}
