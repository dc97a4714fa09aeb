//! What administrators ask for, and when they are answered.

use std::time::Duration;

use crate::action::Action;
use crate::engine::Engine;
use crate::event::{Command, Refusal};
use crate::group::{Context, Group};
use crate::id::{IfName, RequestId};
use crate::time::Instant;

/// An administrator who takes a member offline is answered when it carries nothing, or after this time.
const OFFLINE_WITHIN: Duration = Duration::from_secs(5);

impl Engine {
    pub(super) fn command(&mut self, request: RequestId, command: Command, now: Instant, actions: &mut Vec<Action>) {
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

    pub(super) fn with_member(
        &mut self,
        name: &IfName,
        now: Instant,
        actions: &mut Vec<Action>,
        act: impl FnOnce(&mut Group, usize, &mut Context) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let groups = self.groups.iter().chain(&self.ungrouped);
        let found = groups.enumerate().find_map(|(g, group)| {
            group.members.iter().position(|member| member.config.interface == *name).map(|i| (g, i))
        });
        let Some((g, i)) = found else { return Err(Refusal::UnknownInterface(name.clone())) };
        let (mut ctx, mut groups) = self.context(now, actions);
        let group = groups.nth(g).expect("it was found there");
        act(group, i, &mut ctx)
    }

    /// Answers those who took a member offline once it carries nothing of ours.
    pub(super) fn answer_leaving(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let (groups, kernel, busy) = (&self.groups, &self.kernel, self.in_flight.is_some());
        self.leaving.retain(|(request, name, until)| {
            let index = groups.iter().find_map(|group| group.member(name)?.nic).map(|nic| nic.index);
            let carries = index.is_some_and(|index| kernel.in_use(|_| true).any(|used| used == index));
            let waits = (busy || carries) && now < *until;
            if !waits {
                actions.push(Action::Answer { request: *request, result: Ok(()) });
            }
            waits
        });
    }
}
