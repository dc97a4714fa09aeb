//! A usual group, fates of probes, and questions about what the daemon shows.

use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::kernel::{AddressKey, RouteKey};
use ipmp_core::status::{GroupState, GroupStatus, MemberState, MemberStatus, ProbingStatus, TargetState};
use ipmp_core::{Detection, Family, GroupConfig, MemberConfig, ProbeMode, Schedule};

use super::{Bench, Fate, Probe, QUICK};

/// The usual failure detection time, F.
pub const F: Duration = Duration::from_secs(1);
/// The interval, a seventh of it.
pub const I: Duration = Duration::from_nanos(1_000_000_000 / 7);

pub fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The targets 192.0.2.1, 192.0.2.2 and so on.
pub fn ips(lasts: impl IntoIterator<Item = u8>) -> Vec<IpAddr> {
    lasts.into_iter().map(|last| [192, 0, 2, last].into()).collect()
}

/// A member with the test address 192.0.2.1N.
pub fn tested(number: u8) -> MemberConfig {
    let test = format!("192.0.2.{}/24", 10 + number).parse().unwrap();
    MemberConfig { test_addresses: vec![test], ..untested(number) }
}

/// A member without a test address.
pub fn untested(number: u8) -> MemberConfig {
    MemberConfig { interface: format!("eth{number}").parse().unwrap(), test_addresses: vec![], standby: false }
}

/// The same, as a standby.
pub fn standby(member: MemberConfig) -> MemberConfig {
    MemberConfig { standby: true, ..member }
}

/// A group of these with two data addresses and a router, and the classic schedule, whose moments are
/// the simplest: a probe each interval, and five losses.
pub fn group(members: impl IntoIterator<Item = MemberConfig>) -> GroupConfig {
    GroupConfig {
        interface: "ipmp0".parse().unwrap(),
        name: "lan".parse().unwrap(),
        addresses: vec!["192.0.2.50/24".parse().unwrap(), "192.0.2.51/24".parse().unwrap()],
        down_addresses: vec![],
        gateways: ips([1]),
        routes: vec![],
        failure_detection_time: F,
        detection: Detection { schedule: Schedule::Classic, ..Detection::default() },
        failback: true,
        targets: vec![],
        targets_exclusive: false,
        members: members.into_iter().collect(),
    }
}

/// A group whose members are judged by their links alone.
pub fn linked(members: impl IntoIterator<Item = MemberConfig>) -> GroupConfig {
    let group = group(members);
    GroupConfig { detection: Detection { probe: ProbeMode::None, ..group.detection }, ..group }
}

/// A group without data addresses: only members with test addresses are probed.
pub fn bare(members: impl IntoIterator<Item = MemberConfig>) -> GroupConfig {
    GroupConfig { addresses: vec![], ..group(members) }
}

/// Two members with test addresses.
pub fn pair() -> GroupConfig {
    group([tested(0), tested(1)])
}

/// Two members without test addresses, and two data addresses and a router in each family.
pub fn dual() -> GroupConfig {
    let group = group([untested(0), untested(1)]);
    let v6 = ["2001:db8::50/64", "2001:db8::51/64"].map(|net| net.parse().unwrap());
    GroupConfig {
        addresses: group.addresses.iter().copied().chain(v6).collect(),
        gateways: vec![ip("192.0.2.1"), ip("fe80::1")],
        ..group
    }
}

/// Every probe of one family by this member is lost.
pub fn silent_in(member: &'static str, family: Family) -> impl Fn(&Probe) -> Fate {
    move |probe| match probe.member == member && Family::of(probe.target) == family {
        true => Fate::Never,
        false => QUICK,
    }
}

/// Every probe by this member is lost.
pub fn silent(member: &'static str) -> impl Fn(&Probe) -> Fate {
    move |probe| if probe.member == member { Fate::Never } else { QUICK }
}

/// Every probe to this target is lost.
pub fn dead(target: &'static str) -> impl Fn(&Probe) -> Fate {
    move |probe| if probe.target == ip(target) { Fate::Never } else { QUICK }
}

/// Fails by probes, others being answered.
pub fn fail(bench: &mut Bench, name: &'static str) {
    bench.fate(silent(name));
    bench.until(F, |bench| bench.is(name, MemberState::Failed));
}

/// Every probe is lost.
pub fn nobody(_: &Probe) -> Fate {
    Fate::Never
}

/// Every probe is answered.
pub fn everybody(_: &Probe) -> Fate {
    QUICK
}

impl Bench {
    pub fn group(&self) -> GroupStatus {
        self.engine.status(self.now).groups.remove(0)
    }

    /// The group of all interfaces that are in none.
    pub fn ungrouped(&self) -> Option<GroupStatus> {
        self.engine.status(self.now).groups.into_iter().find(|group| group.name.is_anonymous())
    }

    pub fn group_state(&self) -> GroupState {
        self.group().state
    }

    pub fn member(&self, name: &str) -> MemberStatus {
        let groups = self.engine.status(self.now).groups;
        let mut members = groups.into_iter().flat_map(|group| group.members);
        members.find(|member| member.interface.as_str() == name).expect("a member of that name")
    }

    pub fn state(&self, name: &str) -> MemberState {
        self.member(name).state
    }

    pub fn is(&self, name: &str, state: MemberState) -> bool {
        self.state(name) == state
    }

    /// The members that carry data.
    pub fn active(&self) -> Vec<String> {
        let members = self.group().members.into_iter().filter(|member| member.active);
        members.map(|member| member.interface.to_string()).collect()
    }

    pub fn probing(&self, name: &str) -> ProbingStatus {
        self.member(name).probing.remove(0)
    }

    /// The targets of a member in this state, in the order shown.
    pub fn targets(&self, name: &str, state: TargetState) -> Vec<IpAddr> {
        let targets = self.probing(name).targets.into_iter().filter(|target| target.state == state);
        targets.map(|target| target.address).collect()
    }

    /// How many data addresses the kernel has on a NIC.
    pub fn carries(&self, name: &str) -> usize {
        let data = self.config.groups.iter().flat_map(|group| &group.addresses);
        let keys = data.map(|net| AddressKey::host(self.index(name), net.addr()));
        keys.filter(|key| self.kernel.addresses.contains_key(key)).count()
    }

    /// The data addresses of a family that the kernel has on a NIC.
    pub fn carried(&self, name: &str, family: Family) -> Vec<IpAddr> {
        let on = self.kernel.addresses.keys().filter(|key| key.index == self.index(name));
        let data = |address: &IpAddr| {
            self.config.groups.iter().any(|group| group.addresses.iter().any(|net| net.addr() == *address))
        };
        on.map(|key| key.address.addr()).filter(|address| Family::of(*address) == family).filter(data).collect()
    }

    /// The NICs by which a route of ours leaves.
    pub fn ways_out(&self, to: &str, metric: u32) -> Vec<String> {
        let key = RouteKey { to: to.parse().unwrap(), metric, ours: true };
        let legs = self.kernel.routes.get(&key).into_iter().flat_map(|route| &route.legs);
        legs.map(|leg| self.kernel.links[&leg.index].name.to_string()).collect()
    }

    /// The probing of a member in a family.
    pub fn family(&self, name: &str, family: Family) -> ProbingStatus {
        self.member(name).probing.into_iter().find(|probing| probing.family == family).expect("it is probed")
    }

    /// The names of the messages so far, but not those of what goes with each start.
    pub fn told(&self) -> Vec<&'static str> {
        let events = self.notices.iter().map(|notice| notice.event());
        events.filter(|event| *event != "address_bound").collect()
    }

    /// How often a message was told.
    pub fn times(&self, event: &str) -> usize {
        self.told().into_iter().filter(|told| *told == event).count()
    }

    /// Forgets what has been seen so far.
    pub fn forget(&mut self) {
        self.probes.clear();
        self.reports.clear();
        self.searches.clear();
        self.notices.clear();
        self.changes.clear();
        self.checks.clear();
        self.probers.clear();
    }

    /// When probes left by a member since then, and to whom.
    pub fn sent_by(&self, name: &str) -> Vec<Probe> {
        self.probes.iter().filter(|probe| probe.member == name).cloned().collect()
    }

    /// How far apart they were.
    pub fn gaps(&self, name: &str) -> Vec<Duration> {
        self.sent_by(name).windows(2).map(|pair| pair[1].at.since(pair[0].at)).collect()
    }
}
