//! The member table, deliberately naive: what becomes of each member of a group after everything that can
//! happen to it (IPMP behaviour, §6), once it has had time to settle.
//!
//! It knows no probes, no clocks and no addresses. Where several members change at the same moment, who is
//! first is chance, so that what happens leads to a set of groups, of which the engine's must be one.
//!
//! Departures from Solaris' table, each for the better:
//! - *held*: where nobody is answered, members that have a link keep what they carry, and their part;
//! - *proof*: a member that comes back into service earns its place by ten replies like a repaired one;
//! - the policy is looked at after everything that happens, not only where the table names it: failback that
//!   is turned on takes effect (§14 #3), and one member is active whenever one functions (§14 #4).

use std::collections::BTreeSet;
use std::time::Duration;

use ipmp_core::Refusal;
use ipmp_core::status::{GroupStatus, MemberState};

use crate::network::Path;
use crate::operator::Deed;
use crate::site::Port;
use crate::stage::Stage;

/// Something that happens to a group of the first segment, whose members are the first ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Happens {
    /// A cable is pulled or plugged.
    Link(usize, bool),
    /// A path dies or lives.
    Path(usize, bool),
    /// The network goes dark or light.
    Dark(bool),
    /// The administrator takes a member out of service, or back.
    Service(usize, bool),
    /// Failback is configured, or not.
    Failback(bool),
    /// A member becomes standby, or ceases to be.
    Standby(usize, bool),
}

impl Happens {
    /// Does it to a world. What the administrator is told of a command comes with time.
    pub fn to(self, stage: &mut Stage) {
        match self {
            Happens::Link(i, up) => stage.does(Deed::Cable(port(i), up)),
            Happens::Path(i, true) => stage.does(Deed::Path(port(i), Path::default())),
            Happens::Path(i, false) => stage.does(Deed::Path(port(i), Path::dead())),
            Happens::Dark(dark) => stage.does(Deed::Dark(0, dark)),
            Happens::Service(i, online) => stage.does(Deed::Service(port(i), online)),
            Happens::Failback(failback) => stage.reloads(|group| group.failback = failback),
            Happens::Standby(i, standby) => stage.reloads(|group| group.members[i].standby = standby),
        }
    }
}

fn port(i: usize) -> Port {
    Port(i as u8)
}

/// Whether a member works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Health {
    Running,
    Failed,
    /// Failed together with everybody else, by no fault of its own.
    Held,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    standby: bool,
    link: bool,
    path: bool,
    offline: bool,
    /// Taken back into service: to be active whatever failback says.
    comes_online: bool,
    inactive: bool,
    health: Health,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table {
    failback: bool,
    dark: bool,
    members: Vec<Member>,
}

/// What shows of a member: its state, whether it is inactive, and whether it is active.
pub type Shown = (MemberState, bool, bool);

/// What shows of the members of a group.
pub fn shown(group: &GroupStatus) -> Vec<Shown> {
    group.members.iter().map(|member| (member.state, member.inactive, member.active)).collect()
}

impl Table {
    /// A group that works, of as many members as there are, standbys where it says so.
    pub fn new(standbys: &[bool], failback: bool) -> Self {
        let member = |&standby| Member {
            standby,
            link: true,
            path: true,
            offline: false,
            comes_online: false,
            inactive: standby,
            health: Health::Running,
        };
        let mut table = Self { failback, dark: false, members: standbys.iter().map(member).collect() };
        table.apply_policy();
        table
    }

    /// What must show of the members.
    pub fn shows(&self) -> Vec<Shown> {
        let shows = |member: &Member| {
            let state = match member.health {
                _ if member.offline => MemberState::Offline,
                Health::Running => MemberState::Ok,
                Health::Failed | Health::Held => MemberState::Failed,
            };
            (state, member.inactive, member.usable() && !member.inactive)
        };
        self.members.iter().map(shows).collect()
    }

    /// The ways in which it can end, and whether a command is refused.
    pub fn after(&self, happens: Happens) -> (BTreeSet<Table>, bool) {
        let mut table = self.clone();
        let mut refused = false;
        match happens {
            Happens::Link(i, up) => table.members[i].link = up,
            Happens::Path(i, alive) => table.members[i].path = alive,
            Happens::Dark(dark) => table.dark = dark,
            Happens::Failback(failback) => table.failback = failback,
            Happens::Standby(i, standby) => {
                let member = &mut table.members[i];
                member.inactive &= standby || !member.standby;
                member.standby = standby;
            }
            Happens::Service(i, false) => refused = !table.take_offline(i),
            Happens::Service(i, true) => refused = !table.take_online(i),
        }
        if matches!(happens, Happens::Service(..) | Happens::Failback(_) | Happens::Standby(..)) {
            table.apply_policy();
        }
        let mut ends = BTreeSet::new();
        table.settle(&mut ends);
        (ends, refused)
    }

    /// Lets everything happen that must, in every order.
    fn settle(&self, ends: &mut BTreeSet<Table>) {
        let next: Vec<Table> = (0..self.members.len()).filter_map(|i| self.next(i)).collect();
        if next.is_empty() {
            ends.insert(self.clone());
        }
        next.iter().for_each(|table| table.settle(ends));
    }

    /// What becomes of a member, if anything.
    fn next(&self, i: usize) -> Option<Table> {
        let member = &self.members[i];
        let another_works = (0..self.members.len()).any(|j| j != i && self.works(j));
        let mut table = self.clone();
        match member.health {
            Health::Running if !member.link => table.fail(i),
            Health::Held if !member.link => table.members[i].health = Health::Failed,
            Health::Failed if !member.link && member.comes_online => table.members[i].comes_online = false,
            // Links are seen at once, before anybody has lost five probes.
            _ if self.members.iter().any(|other| other.health != Health::Failed && !other.link) => return None,
            _ if member.offline => return None,
            Health::Running if self.answered(i) => return None,
            Health::Failed | Health::Held if self.answered(i) => table.repair(i),
            Health::Running | Health::Held if another_works => table.fail(i),
            Health::Running => table.hold(),
            Health::Failed | Health::Held => return None,
        }
        table.apply_policy();
        Some(table)
    }

    fn answered(&self, i: usize) -> bool {
        self.members[i].link && self.members[i].path && !self.dark
    }

    /// Whether a member speaks against an outage of the whole network.
    fn works(&self, i: usize) -> bool {
        self.members[i].usable() && self.answered(i)
    }

    fn failed(&self) -> bool {
        !self.members.iter().any(Member::usable)
    }

    fn fail(&mut self, i: usize) {
        let was_active = !self.members[i].inactive && !self.members[i].offline;
        self.members[i].health = Health::Failed;
        self.members[i].comes_online = false;
        self.members[i].inactive = false;
        if was_active {
            self.activate_another();
        }
    }

    fn hold(&mut self) {
        self.members.iter_mut().filter(|member| member.usable()).for_each(|member| member.health = Health::Held);
    }

    /// To-running.
    fn repair(&mut self, i: usize) {
        let (failed, failback) = (self.failed(), self.failback);
        let member = &mut self.members[i];
        if member.health == Health::Failed {
            member.inactive = member.standby || (!failback && !failed && !member.comes_online);
        }
        member.comes_online = false;
        member.health = Health::Running;
    }

    fn take_offline(&mut self, i: usize) -> bool {
        let failed = self.failed();
        let replaces = |other: &Member| if failed { !other.offline && other.link } else { other.usable() };
        let replaced = (0..self.members.len()).any(|j| j != i && replaces(&self.members[j]));
        if self.members[i].offline || !replaced {
            return false;
        }
        let was_active = self.members[i].in_service();
        self.members[i].offline = true;
        self.members[i].inactive = false;
        if was_active {
            self.activate_another();
        }
        true
    }

    fn take_online(&mut self, i: usize) -> bool {
        let member = &mut self.members[i];
        let was_offline = std::mem::take(&mut member.offline);
        if was_offline {
            member.comes_online = member.link;
            member.health = Health::Failed;
        }
        was_offline
    }

    /// A standby that idles, or else anybody who does, takes the place of one that was active.
    fn activate_another(&mut self) {
        let idle = |member: &Member| member.usable() && member.inactive;
        let standby = self.members.iter().position(|member| idle(member) && member.standby);
        if let Some(i) = standby.or_else(|| self.members.iter().position(idle)) {
            self.members[i].inactive = false;
        }
    }

    /// Standby balance, and failback: as many are active as there are members that are not standby, a standby
    /// only while another is missing, and one at least.
    fn apply_policy(&mut self) {
        if self.failback {
            let back = |member: &&mut Member| member.usable() && !member.standby;
            self.members.iter_mut().filter(back).for_each(|member| member.inactive = false);
        }
        let wanted = self.members.iter().filter(|member| !member.standby).count().max(1);
        let active = |table: &Table| table.members.iter().filter(|member| member.in_service()).count();
        while active(self) < wanted {
            let idle = |member: &Member| member.usable() && member.link && member.inactive;
            let standby = self.members.iter().position(|member| idle(member) && member.standby);
            let any = self.members.iter().position(idle).filter(|_| active(self) == 0);
            let Some(i) = standby.or(any) else { break };
            self.members[i].inactive = false;
        }
        while active(self) > wanted {
            let spare = |member: &Member| member.in_service() && member.health == Health::Running && member.standby;
            let Some(i) = self.members.iter().position(spare) else { break };
            self.members[i].inactive = true;
        }
    }
}

impl Member {
    fn usable(&self) -> bool {
        self.health == Health::Running && !self.offline
    }

    fn in_service(&self) -> bool {
        !self.offline && !self.inactive && self.link && self.health != Health::Failed
    }
}

/// The tables that may be true of a group, narrowed down by what it shows.
#[derive(Clone, Debug)]
pub struct Beside {
    tables: BTreeSet<Table>,
}

/// However long a group needs to settle: the quiet period after a link-up, and some.
const SETTLES_WITHIN: Duration = Duration::from_secs(60);

/// So long it must show the same.
const SETTLED: Duration = Duration::from_secs(1);

impl Beside {
    /// A group that works.
    pub fn new(standbys: &[bool], failback: bool) -> Self {
        Self { tables: BTreeSet::from([Table::new(standbys, failback)]) }
    }

    /// Has it happen to a world and to the tables, and compares them once they have settled.
    pub fn happens(&mut self, stage: &mut Stage, happens: Happens) -> Result<(), String> {
        let answered = stage.answers.len();
        happens.to(stage);
        let ends: Vec<(BTreeSet<Table>, bool)> = self.tables.iter().map(|table| table.after(happens)).collect();
        let refused = ends.iter().any(|(_, refused)| *refused);
        self.tables = ends.into_iter().flat_map(|(ends, _)| ends).collect();
        self.settles(stage)?;
        let answer: Option<&Result<(), Refusal>> = stage.answers.values().nth(answered);
        if matches!(happens, Happens::Service(..)) && answer.map(Result::is_err) != Some(refused) {
            return Err(format!("{happens:?} is answered {answer:?}, refused by the table: {refused}"));
        }
        Ok(())
    }

    fn settles(&mut self, stage: &mut Stage) -> Result<(), String> {
        let deadline = stage.now + SETTLES_WITHIN;
        loop {
            let before = stage.group_status();
            stage.plays(SETTLED);
            let now = shown(&stage.group_status());
            if shown(&before) == now && self.tables.iter().any(|table| table.shows() == now) {
                self.tables.retain(|table| table.shows() == now);
                return Ok(());
            }
            if stage.now > deadline {
                let wanted: BTreeSet<String> = self.tables.iter().map(|table| format!("{:?}", table.shows())).collect();
                return Err(format!("shown {now:?}\n  by the table {wanted:?}\n{:#?}", self.tables));
            }
        }
    }
}
