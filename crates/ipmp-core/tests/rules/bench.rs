//! The bench: the engine, a kernel that does at once what it is told, and hosts that answer by a closure.
//! It knows nothing of the rules; it only remembers what was asked for, and when.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::kernel::{AddressInfo, AddressKey, Fact, Kernel, Leg, Link, Route, RouteKey, Scope, Snapshot, Tunables};
use ipmp_core::status::{GroupStatus, MemberState, MemberStatus, ProbingStatus};
use ipmp_core::{
    Action, Change, Command, Config, Detection, Engine, Event, GroupConfig, IfIndex, IfName, Instant, Mac,
    MemberConfig, Memory, Notice, Outcome, ProbeReport, Refusal, RequestId,
};

/// A probe that was sent.
#[derive(Clone, Debug)]
pub struct Probe {
    pub at: Instant,
    pub member: String,
    pub target: IpAddr,
    pub length: Option<u16>,
}

/// What becomes of a probe.
pub enum Fate {
    /// Answered so much later.
    After(Duration),
    /// Nobody answers.
    Never,
    /// The kernel does not send it.
    Refused,
}

/// What a LAN takes to answer.
pub const QUICK: Fate = Fate::After(Duration::from_micros(200));

/// The bench.
pub struct Bench {
    engine: Engine,
    pub now: Instant,
    pub config: Config,
    pub kernel: Kernel,
    /// Who answers requests by multicast.
    pub hosts: Vec<IpAddr>,
    fate: Box<dyn FnMut(&Probe) -> Fate>,
    coming: BTreeMap<(Instant, u64), Event>,
    numbered: u64,
    pub probes: Vec<Probe>,
    pub reports: Vec<ProbeReport>,
    pub searches: Vec<(Instant, String)>,
    pub notices: Vec<Notice>,
    pub changes: Vec<Change>,
    pub memory: Memory,
    answer: Option<Result<(), Refusal>>,
}

impl Bench {
    /// A host with the NICs of these groups, each with a link; nothing runs yet.
    pub fn new(groups: impl IntoIterator<Item = GroupConfig>) -> Self {
        let config = Config { groups: groups.into_iter().collect(), track_all_interfaces: false };
        let mut bench = Self {
            engine: Engine::new(Memory::default(), 1),
            now: Instant::from_nanos(1_000_000_000_000),
            config: config.clone(),
            kernel: Kernel::default(),
            hosts: Vec::new(),
            fate: Box::new(|_| QUICK),
            coming: BTreeMap::new(),
            numbered: 0,
            probes: Vec::new(),
            reports: Vec::new(),
            searches: Vec::new(),
            notices: Vec::new(),
            changes: Vec::new(),
            memory: Memory::default(),
            answer: None,
        };
        let members = config.groups.iter().flat_map(|group| &group.members);
        members.for_each(|member| bench.plug(member.interface.as_str()));
        bench
    }

    /// The same, running for as long as it takes all members to be proven.
    pub fn running(group: GroupConfig) -> Self {
        let mut bench = Self::new([group]);
        bench.start();
        bench.run(s(3));
        bench
    }

    /// Starts the daemon, or starts it again with what the last one remembered.
    pub fn start(&mut self) {
        self.engine = Engine::new(self.memory.clone(), 1);
        self.coming.clear();
        let kernel = &self.kernel;
        let snapshot = Snapshot {
            links: kernel.links.values().cloned().collect(),
            addresses: kernel.addresses.iter().map(|(key, info)| (*key, *info)).collect(),
            routes: kernel.routes.values().cloned().collect(),
        };
        self.feed(Event::Configured(self.config.clone()));
        self.feed(Event::Kernel(Fact::Snapshot(snapshot)));
    }

    /// Another configuration comes into force.
    pub fn reload(&mut self, edit: impl FnOnce(&mut Config)) {
        edit(&mut self.config);
        self.feed(Event::Configured(self.config.clone()));
    }

    /// From now on this decides what becomes of each probe.
    pub fn answer(&mut self, fate: impl FnMut(&Probe) -> Fate + 'static) {
        self.fate = Box::new(fate);
    }

    /// A NIC appears, with a link.
    pub fn plug(&mut self, name: &str) {
        let index = IfIndex(self.kernel.links.keys().last().map_or(2, |last| last.0 + 1));
        let mac = Some(Mac([2, 0, 0, 0, 0, index.0 as u8]));
        self.tell(Fact::Link(Link { mac, ..bare_link(index, name) }));
    }

    /// A NIC goes.
    pub fn unplug(&mut self, name: &str) {
        let index = self.index(name);
        self.tell(Fact::LinkGone(index));
    }

    /// Something of a link changes.
    pub fn link(&mut self, name: &str, edit: impl FnOnce(&mut Link)) {
        let mut link = self.kernel.links[&self.index(name)].clone();
        edit(&mut link);
        self.tell(Fact::Link(link));
    }

    /// The carrier of a NIC comes or goes.
    pub fn carrier(&mut self, name: &str, on: bool) {
        self.link(name, |link| link.carrier = on);
    }

    /// Somebody else adds an address.
    pub fn address(&mut self, name: &str, address: &str) {
        let key = AddressKey { index: self.index(name), address: address.parse().unwrap() };
        self.tell(Fact::Address(key, AddressInfo { scope: Scope::Global, ours: false }));
    }

    /// Somebody else adds a route.
    pub fn route(&mut self, to: &str, via: &str, name: &str) {
        let leg = Leg { index: self.index(name), via: Some(ip(via)) };
        self.tell(Fact::Route(Route { key: foreign(to), scope: Scope::Global, legs: vec![leg] }));
    }

    /// And deletes it.
    pub fn unroute(&mut self, to: &str) {
        self.tell(Fact::RouteGone(foreign(to)));
    }

    /// The administrator asks for something.
    pub fn command(&mut self, command: Command) -> Result<(), Refusal> {
        self.answer = None;
        self.feed(Event::Command { request: RequestId(1), command });
        self.answer.take().expect("with a kernel that obeys at once, commands are answered at once")
    }

    /// An administrator's `if_mpadm -d`.
    pub fn offline(&mut self, name: &str) -> Result<(), Refusal> {
        self.command(Command::Offline(if_name(name)))
    }

    /// An administrator's `if_mpadm -r`.
    pub fn online(&mut self, name: &str) -> Result<(), Refusal> {
        self.command(Command::Online(if_name(name)))
    }

    /// Lets time pass.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        for _ in 0..1_000_000 {
            let (coming, due) = (self.coming.keys().next().copied(), self.engine.deadline());
            let next = [coming.map(|(at, _)| at), due].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            // What has arrived is read before time is let pass.
            match coming.filter(|(at, _)| *at <= self.now).and_then(|key| self.coming.remove(&key)) {
                Some(event) => self.feed(event),
                None => self.feed(Event::Timeout),
            }
        }
        panic!("the engine does not let time pass");
    }

    /// Lets time pass until something is so; how long that took.
    pub fn until(&mut self, within: Duration, so: impl Fn(&Bench) -> bool) -> Duration {
        let start = self.now;
        while !so(self) {
            assert!(self.now.since(start) < within, "not within {within:?}; notices: {:#?}", self.notices);
            self.run(Duration::from_millis(1));
        }
        self.now.since(start)
    }

    /// Something comes to the engine, and all that follows at once from it.
    pub fn feed(&mut self, event: Event) {
        let (mut events, mut actions) = (VecDeque::from([event]), Vec::new());
        while let Some(event) = events.pop_front() {
            self.engine.step(self.now, event, &mut actions);
            actions.drain(..).for_each(|action| self.carry_out(action, &mut events));
        }
    }

    fn carry_out(&mut self, action: Action, events: &mut VecDeque<Event>) {
        match action {
            Action::SendProbe { probe, member, target, length } => {
                let sent = Probe { at: self.now, member: member.to_string(), target, length };
                let fate = (self.fate)(&sent);
                self.probes.push(sent);
                let refused = matches!(fate, Fate::Refused).then(|| "Network is unreachable".to_owned());
                events.push_back(Event::ProbeSent { probe, sent: refused.map_or(Ok(self.now), Err) });
                if let Fate::After(rtt) = fate {
                    self.later(rtt, |received| Event::Reply { probe, received });
                }
            }
            Action::Discover { member, .. } => {
                self.searches.push((self.now, member.to_string()));
                for address in self.hosts.clone() {
                    self.later(ms(1), |_| Event::Discovered { member: member.clone(), address });
                }
            }
            Action::Apply(transaction) => {
                for change in &transaction.changes {
                    if let Some(fact) = fact_of(&self.kernel, change) {
                        self.kernel.learn(fact.clone());
                        events.push_back(Event::Kernel(fact));
                    }
                }
                let outcomes = vec![Outcome::Done; transaction.changes.len()];
                events.push_back(Event::Changed { transaction: transaction.id, outcomes });
                self.changes.extend(transaction.changes);
            }
            Action::AskLinks(links) => {
                let known = links.iter().filter_map(|index| self.kernel.links.get(index));
                events.extend(known.map(|link| Event::Kernel(Fact::Link(link.clone()))));
            }
            Action::Probed(report) => self.reports.push(report),
            Action::Notify(notice) => self.notices.push(notice),
            Action::Remember(memory) => self.memory = memory,
            Action::Answer { result, .. } => self.answer = Some(result),
            Action::OpenProber(_) | Action::CloseProber { .. } | Action::Announce(_) => {}
            Action::Resync => panic!("nothing is refused here"),
        }
    }

    fn later(&mut self, span: Duration, event: impl FnOnce(Instant) -> Event) {
        let at = self.now + span;
        self.numbered += 1;
        self.coming.insert((at, self.numbered), event(at));
    }

    fn tell(&mut self, fact: Fact) {
        self.kernel.learn(fact.clone());
        self.feed(Event::Kernel(fact));
    }

    fn index(&self, name: &str) -> IfIndex {
        self.kernel.link_named(&if_name(name)).expect("plugged").index
    }
}

/// What a change makes the kernel tell.
fn fact_of(kernel: &Kernel, change: &Change) -> Option<Fact> {
    let edited = |link: Option<&Link>, edit: &dyn Fn(&mut Link)| {
        let mut link = link.cloned()?;
        edit(&mut link);
        Some(Fact::Link(link))
    };
    match change {
        Change::CreateInterface(name) => Some(Fact::Link(bare_link(IfIndex(name.as_str().len() as u32 + 100), name.as_str()))),
        Change::DeleteInterface(name) => Some(Fact::LinkGone(kernel.link_named(name)?.index)),
        Change::SetUp(index) => edited(kernel.links.get(index), &|link| link.up = true),
        Change::SetCarrier { name, on } => edited(kernel.link_named(name), &|link| link.carrier = *on),
        Change::Tune { index, tunables } => edited(kernel.links.get(index), &|link| link.tunables = Some(*tunables)),
        Change::AddAddress { key, scope } => Some(Fact::Address(*key, AddressInfo { scope: *scope, ours: true })),
        Change::DeleteAddress(key) => Some(Fact::AddressGone(*key)),
        Change::PutRoute { route, .. } => Some(Fact::Route(route.clone())),
        Change::DeleteRoute(key) => Some(Fact::RouteGone(*key)),
        Change::Announce(_) => None,
    }
}
