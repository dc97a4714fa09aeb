//! From the difference between wanted and observed to a transaction, and from its outcome back.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::action::{Action, Change, Transaction};
use crate::engine::Engine;
use crate::event::Outcome;
use crate::handover::{ForeignKey, Handover};
use crate::id::{IfIndex, TransactionId};
use crate::kernel::{Fact, Scope, Tunables};
use crate::notice::Notice;
use crate::reconcile::{self, Key};
use crate::retry::Trouble;
use crate::time::Instant;

/// Most changes in one transaction: a second failure waits no longer than these take, some 40 ms.
const CHANGES_MAX: usize = 1024;

/// What an IPv6 address counts for among them: each has the kernel join a multicast group, and report that.
const IPV6_ADDRESS: usize = 16;

/// Refused changes make the picture of the kernel doubtful; it is dumped again no more often than this.
const RESYNC_EVERY: Duration = Duration::from_secs(1);

fn weight_of(change: &Change) -> usize {
    match change {
        Change::AddAddress { key, .. } | Change::DeleteAddress(key) if key.address.addr().is_ipv6() => IPV6_ADDRESS,
        _ => 1,
    }
}

impl Engine {
    /// What goes or changes while no transaction of ours concerns it was undone by somebody else.
    pub(super) fn note_undone(&mut self, made: Key, unmade: Key) {
        let ours = self.in_flight.iter().flat_map(|(_, changes)| changes).filter_map(reconcile::key_of);
        let comes_with = |key: &Key| match (key, &made) {
            // The kernel takes a route to its prefix away with an IPv6 address.
            (Key::Take(ForeignKey::Address(taken)), Key::PutRoute(route)) => taken.address.trunc() == route.to,
            _ => false,
        };
        if !ours.into_iter().any(|key| key == made || key == unmade || comes_with(&key)) {
            self.undone.insert(made);
        }
    }

    pub(super) fn changed(
        &mut self,
        transaction: TransactionId,
        outcomes: Vec<Outcome>,
        now: Instant,
        actions: &mut Vec<Action>,
    ) {
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

    pub(super) fn done(&mut self, change: Change, now: Instant, actions: &mut Vec<Action>) {
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
        // One that is gone counts as deleted, and the kernel did not necessarily tell of it.
        if let Change::DeleteRoute(key) = &change {
            self.kernel.learn(Fact::RouteGone(*key));
        }
        self.just_done.insert(change);
    }

    pub(super) fn refused(&mut self, change: Change, reason: String, now: Instant, actions: &mut Vec<Action>) {
        match reconcile::key_of(&change) {
            Some(key) => {
                let what = self.describe(&key);
                let retry_in = self.retry.failed(key, change, Trouble::Refused, now);
                actions.push(Action::Notify(Notice::ChangeRefused { what, reason, retry_in }));
            }
            None => {
                if let Change::Announce(announcement) = change {
                    self.repeats.announced(announcement.address, now);
                }
            }
        }
    }

    /// Compares what is wanted with what is there, and has the most urgent differences mended.
    pub(super) fn reconcile(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let (kernel, retry) = (&self.kernel, &self.retry);
        for group in &mut self.groups {
            group.place(kernel, now, |key| retry.is_refused(&Key::AddAddress(key), now));
        }
        self.forget_leavers(actions);
        let planned = reconcile::plan(&self.groups, &self.kernel, &self.memory, &self.config.handover);
        self.end_handover();
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

    /// What has changed hands is nobody's business any more.
    fn end_handover(&mut self) {
        let (kernel, handover) = (&self.kernel, &mut self.config.handover);
        let given = !handover.give.iter().any(|foreign| kernel.lacks(&foreign.key));
        let taken = !handover.take.iter().any(|foreign| kernel.has_foreign(&foreign.key));
        if given && taken {
            *handover = Handover::default();
        }
    }

    /// Leaves out what has to wait, and with an addition that waits the deletions that build on it.
    pub(super) fn due(&mut self, planned: Vec<Change>, now: Instant, actions: &mut Vec<Action>) -> Vec<Change> {
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
                Some(key) if self.retry.is_waiting(key, &change, now) => true,
                Some(key) if just_done.contains(&change) => {
                    self.retry.failed(key.clone(), change.clone(), Trouble::Undone, now);
                    true
                }
                Some(key) if undone.contains(key) => {
                    self.retry.failed(key.clone(), change.clone(), Trouble::Undone, now);
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
        let mut weight = 0;
        let mut fits = |change: &Change| {
            weight += weight_of(change);
            weight <= CHANGES_MAX
        };
        due.truncate(due.iter().take_while(|change| fits(change)).count());
        due
    }

    /// What a member's settings were is written down before they are changed.
    pub(super) fn remember_tunables(&mut self, changes: &[Change], actions: &mut Vec<Action>) {
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
    pub(super) fn forget_leavers(&mut self, actions: &mut Vec<Action>) {
        let (groups, kernel) = (&self.groups, &self.kernel);
        let before = self.memory.tunables.len();
        self.memory.tunables.retain(|name, before| match kernel.link_named(name) {
            None => groups.iter().any(|group| group.member(name).is_some()),
            Some(link) => groups.iter().any(|group| group.member(name).is_some()) || link.tunables != Some(*before),
        });
        if self.memory.tunables.len() != before {
            actions.push(Action::Remember(self.memory.clone()));
        }
    }

    /// What a change is about, for people: names instead of numbers.
    pub(super) fn describe(&self, key: &Key) -> String {
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
            Key::Take(ForeignKey::Address(key)) => {
                format!("taking over of address {} of {}", key.address, name(&key.index))
            }
            Key::Take(ForeignKey::Route(key, _)) => format!("taking over of the route to {}", key.to),
            Key::Give(ForeignKey::Address(key)) => {
                format!("giving back of address {} to {}", key.address, name(&key.index))
            }
            Key::Give(ForeignKey::Route(key, _)) => format!("giving back of the route to {}", key.to),
        }
    }
}
