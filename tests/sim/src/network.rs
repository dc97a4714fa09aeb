//! The simulated network: what becomes of a probe between a NIC and a host of a segment, or another NIC, and which
//! hosts have an address that is ours by right.
//!
//! It knows paths and hosts, and nothing of the kernel or of failure detection.

mod burst;
mod host;
mod path;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::{Family, Instant, Mac};

use crate::rng::Rng;
use crate::site::{self, Port};

pub use burst::{Burst, Length};
pub use host::Host;
pub use path::Path;

/// An answer on its way to the NIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// After which span it is there.
    pub after: Duration,
    /// Its data is not what was sent.
    pub corrupt: bool,
}

/// What is asked of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// An echo request of that length.
    Echo(Option<u16>),
    /// An ARP request, or a neighbour solicitation.
    Neighbour,
}

/// All paths and segments.
#[derive(Clone, Debug)]
pub struct Network {
    /// Changes whenever a fault begins or ends.
    pub generation: u64,
    ways: Vec<Way>,
    dark: BTreeSet<u8>,
    /// The hosts by their IPv4 addresses.
    hosts: BTreeMap<IpAddr, (Host, host::Allowance)>,
    /// Addresses that hosts have taken which are none of the site's, and by which hardware address.
    strangers: BTreeMap<IpAddr, Mac>,
    rng: Rng,
}

/// What is between a NIC and its segment.
#[derive(Clone, Debug)]
struct Way {
    path: Path,
    /// What every round trip takes on top, fault or not: members need not be alike.
    distance: Duration,
    bursts: burst::Bursts,
}

impl Network {
    /// A network without a fault, all members alike.
    pub fn new(seed: u64) -> Self {
        let way = |n: u8| Way {
            path: Path::default(),
            distance: Duration::ZERO,
            bursts: burst::Bursts::new(Rng::stream(seed, &format!("bursts {n}"))),
        };
        let hosts = (0..site::SEGMENTS).flat_map(|segment| (1..=site::HOSTS).map(move |n| site::host(segment, n)));
        Self {
            generation: 0,
            ways: (0..site::PORTS).map(way).collect(),
            dark: BTreeSet::new(),
            hosts: hosts.map(|host| (host, (Host::default(), host::Allowance::default()))).collect(),
            strangers: BTreeMap::new(),
            rng: Rng::stream(seed, "network"),
        }
    }

    /// A host takes an address, or gives it back.
    pub fn set_stranger(&mut self, address: IpAddr, by: Option<Mac>) {
        self.generation += 1;
        match by {
            Some(by) => self.strangers.insert(address, by),
            None => self.strangers.remove(&address),
        };
    }

    /// The stranger that has an address.
    pub fn stranger(&self, address: IpAddr) -> Option<Mac> {
        self.strangers.get(&address).copied()
    }

    /// The addresses that strangers have.
    pub fn strangers(&self) -> impl Iterator<Item = IpAddr> {
        self.strangers.keys().copied()
    }

    /// The path of a port.
    pub fn path(&self, port: Port) -> &Path {
        &self.way(port).path
    }

    /// The path of a port becomes this.
    pub fn set_path(&mut self, port: Port, path: Path) {
        self.generation += 1;
        let way = &mut self.ways[usize::from(port.0)];
        way.bursts.restart();
        way.path = path;
    }

    /// How far a port is from its segment, for good.
    pub fn set_distance(&mut self, port: Port, distance: Duration) {
        self.generation += 1;
        self.ways[usize::from(port.0)].distance = distance;
    }

    /// Whether a port's packets pass as they should: nothing is lost or changed, and every answer comes
    /// within `within`.
    pub fn clean(&self, port: Port, within: Duration) -> bool {
        let way = self.way(port);
        way.path.faultless() && self.round_trip_max(port) < within
    }

    /// The longest round trip between a port and a host of ordinary speed.
    pub fn round_trip_max(&self, port: Port) -> Duration {
        let way = self.way(port);
        way.distance + way.path.delay + way.path.jitter
    }

    /// Whether nothing at all passes a segment, or no host of it lives.
    pub fn outage(&self, segment: u8) -> bool {
        self.dark.contains(&segment) || self.hosts_of(segment).all(|host| !host.alive)
    }

    /// Whether some host of the segment is dead, slow, or answers too seldom.
    pub fn host_at_fault(&self, segment: u8) -> bool {
        self.hosts_of(segment).any(|host| !host.ordinary())
    }

    /// Whether some host of the segment answers to multicast.
    pub fn discoverable(&self, segment: u8) -> bool {
        self.hosts_of(segment).any(|host| host.multicast)
    }

    /// The slowest host of a segment takes this long on top of the way there.
    pub fn host_delay_max(&self, segment: u8) -> Duration {
        self.hosts_of(segment).map(|host| host.delay).max().unwrap_or_default()
    }

    /// Darkens or lights a segment.
    pub fn set_dark(&mut self, segment: u8, dark: bool) {
        self.generation += 1;
        if dark {
            self.dark.insert(segment)
        } else {
            self.dark.remove(&segment)
        };
    }

    /// A host becomes like this.
    pub fn set_host(&mut self, address: IpAddr, host: Host) {
        self.generation += 1;
        self.hosts.get_mut(&address).expect("a host of the site").0 = host;
    }

    /// How a host is.
    pub fn host(&self, address: IpAddr) -> Option<&Host> {
        self.hosts.get(&site::host_of(address)?).map(|(host, _)| host)
    }

    /// Ends every fault. Who is deaf to multicast stays so: that is no fault.
    pub fn heal(&mut self) {
        self.generation += 1;
        self.dark.clear();
        self.strangers.clear();
        self.hosts.values_mut().for_each(|(host, _)| *host = Host { multicast: host.multicast, ..Host::default() });
        self.ways.iter_mut().for_each(|way| way.path = Path::default());
    }

    /// The answers to a question that leaves a port now, if they get past what happens until then.
    pub fn request(&mut self, now: Instant, port: Port, target: IpAddr, question: Question) -> [Option<Answer>; 2] {
        if !self.leaves(now, port, target) {
            return [None; 2];
        }
        let too_long = matches!(question, Question::Echo(Some(length)) if length > self.way(port).path.mtu);
        let Some((delay, answers)) = self.asked(now, target, question) else { return [None; 2] };
        let lost = self.rng.chance(self.way(port).path.loss);
        if too_long || lost || !answers {
            return [None; 2];
        }
        self.answers(port, delay)
    }

    /// The answers of one port of this host to a question of another.
    pub fn between(&mut self, now: Instant, port: Port, other: Port, target: IpAddr) -> [Option<Answer>; 2] {
        let open = self.leaves(now, port, target)
            && self.answer_arrives(now, other, target)
            && self.leaves(now, other, target);
        let loss = self.way(port).path.loss + self.way(other).path.loss;
        if !open || self.rng.chance(loss.min(1.0)) {
            return [None; 2];
        }
        let there = self.round_trip_max(other);
        self.answers(port, there)
    }

    /// Whether a stranger, asked whether it has an address, is heard by a port, and when.
    pub fn claim(&mut self, now: Instant, port: Port, address: IpAddr) -> Option<(Mac, Duration)> {
        let by = self.stranger(address)?;
        if !self.leaves(now, port, address) || self.rng.chance(self.way(port).path.loss) {
            return None;
        }
        self.answers(port, Duration::ZERO)[0].map(|answer| (by, answer.after))
    }

    /// Who answers to a multicast request that leaves a port now, and after which spans; by addresses like that of
    /// the asker.
    pub fn discover(&mut self, now: Instant, port: Port, segment: u8, asker: IpAddr) -> Vec<(IpAddr, Duration)> {
        let listening = (1..=site::HOSTS).filter(|n| self.hosts[&site::host(segment, *n)].0.multicast);
        let named = |n: u8| match asker {
            IpAddr::V6(asker) if asker.is_unicast_link_local() => site::host_on_link(segment, n),
            _ => site::host_in(Family::of(asker), segment, n),
        };
        let listening: Vec<IpAddr> = listening.map(named).collect();
        let mut asked = |address: IpAddr| self.request(now, port, address, Question::Echo(None))[0];
        listening.into_iter().filter_map(|address| Some((address, asked(address)?.after))).collect()
    }

    /// Whether an answer that was on its way to the NIC gets there now.
    pub fn answer_arrives(&mut self, now: Instant, port: Port, target: IpAddr) -> bool {
        self.passes(now, port, target) && !self.way(port).path.cut_in
    }

    /// Whether a packet gets from a NIC to its segment now.
    fn leaves(&mut self, now: Instant, port: Port, target: IpAddr) -> bool {
        self.passes(now, port, target) && !self.way(port).path.cut_out
    }

    /// How long a host thinks over its answer, and whether it gives one; none where there is no such host.
    fn asked(&mut self, now: Instant, target: IpAddr, question: Question) -> Option<(Duration, bool)> {
        if self.strangers.contains_key(&target) {
            return Some((Duration::ZERO, true));
        }
        let (host, allowance) = self.hosts.get_mut(&site::host_of(target)?)?;
        let answers = match question {
            Question::Echo(_) => host.alive && host.echo && allowance.spend(host, now),
            Question::Neighbour => host.alive && host.neighbour,
        };
        Some((host.delay, answers))
    }

    /// Answers that come to a port, the second where the path doubles them.
    fn answers(&mut self, port: Port, delay: Duration) -> [Option<Answer>; 2] {
        let Way { path, distance, .. } = &self.ways[usize::from(port.0)];
        let rng = &mut self.rng;
        let mut answer = || {
            let after = *distance + delay + rng.span(path.delay, path.delay + path.jitter);
            Answer { after, corrupt: rng.chance(path.corrupt) }
        };
        let (first, second) = (answer(), answer());
        [Some(first), self.rng.chance(self.ways[usize::from(port.0)].path.duplicates).then_some(second)]
    }

    /// Whether the segment is lit, the port carries that family, and is in no burst of losses.
    fn passes(&mut self, now: Instant, port: Port, target: IpAddr) -> bool {
        let lit = site::segment_of(target).is_some_and(|segment| !self.dark.contains(&segment));
        let Way { path, bursts, .. } = &mut self.ways[usize::from(port.0)];
        lit && path.cut_family != Some(Family::of(target)) && !path.burst.is_some_and(|burst| bursts.bad(&burst, now))
    }

    fn way(&self, port: Port) -> &Way {
        &self.ways[usize::from(port.0)]
    }

    fn hosts_of(&self, segment: u8) -> impl Iterator<Item = &Host> {
        self.hosts.iter().filter(move |(address, _)| site::segment_of(**address) == Some(segment)).map(|(_, (h, _))| h)
    }
}
