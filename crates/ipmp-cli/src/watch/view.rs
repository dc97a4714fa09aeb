//! What is known, and where in it the reader is.

use std::collections::VecDeque;
use std::time::Duration;

use ipmp_control::{Event, Events, Probes, Snapshot};

use super::{Histories, Key, Panel};
use crate::names::Names;

/// Events that are kept.
const EVENTS_MAX: usize = 1000;

/// Where something comes from, each by a connection of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The state of everything, once a second.
    Status,
    /// Probes, as they are decided.
    Probes,
    /// Events, as they happen.
    Events,
}

/// Everything that the screen shows. Moments are spans since 1970, by a clock that never goes back.
#[derive(Debug, Default)]
pub struct View {
    /// The host's name.
    pub(super) host: String,
    /// The last state that was told, and when.
    pub(super) told: Option<(Duration, Snapshot)>,
    pub(super) histories: Histories,
    /// The last first.
    pub(super) events: VecDeque<Event>,
    pub(super) names: Names,
    /// Why a source does not tell anything; by source.
    pub(super) trouble: [Option<String>; 3],
    pub(super) focus: Panel,
    /// How many lines of each panel are above what is seen.
    pub(super) above: [usize; 4],
    /// How many lines of each panel were seen at the last drawing.
    pub(super) seen: [usize; 4],
    /// How many there were, and how wide the screen was.
    pub(super) drawn: ([usize; 4], u16),
}

impl View {
    /// Nothing is known yet.
    pub fn new(host: impl Into<String>) -> Self {
        Self { host: host.into(), ..Self::default() }
    }

    /// Takes in the state of everything.
    pub fn status(&mut self, now: Duration, snapshot: Snapshot) {
        self.trouble[Source::Status as usize] = None;
        let is_member =
            |name: &str| snapshot.groups.iter().flat_map(|group| &group.members).any(|member| member.interface == name);
        self.histories.forget(now, is_member);
        self.told = Some((now, snapshot));
    }

    /// Takes in probes.
    pub fn probes(&mut self, now: Duration, probes: &Probes) {
        self.trouble[Source::Probes as usize] = None;
        probes.probes.iter().for_each(|probe| self.histories.tell(now, probe));
    }

    /// Takes in events. After a new connection some may be told again.
    pub fn events(&mut self, events: Events) {
        self.trouble[Source::Events as usize] = None;
        for event in events.events {
            if !self.events.contains(&event) {
                self.events.push_front(event);
            }
        }
        self.events.truncate(EVENTS_MAX);
    }

    /// Takes in names of addresses.
    pub fn names(&mut self, names: Names) {
        self.names = names;
    }

    /// Takes in why a source tells nothing for now. What it told before stays.
    pub fn trouble(&mut self, source: Source, why: String) {
        self.trouble[source as usize] = Some(why);
    }

    /// Does what a key that moves about is for.
    pub fn key(&mut self, key: Key) {
        let panel = self.focus as usize;
        let scroll = |above: usize, by: isize| above.saturating_add_signed(by);
        match key {
            Key::Next => self.focus = self.focus.next(),
            Key::Previous => self.focus = self.focus.previous(),
            Key::Lines(by) => self.above[panel] = scroll(self.above[panel], by),
            Key::Pages(by) => self.above[panel] = scroll(self.above[panel], by * self.seen[panel].max(1).cast_signed()),
            Key::Home => self.above[panel] = 0,
            // Drawing knows where the end is.
            Key::End => self.above[panel] = usize::MAX,
            Key::Quit | Key::Suspend | Key::Redraw => {}
        }
    }
}
