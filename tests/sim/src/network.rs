//! The simulated network: what becomes of an echo request between a NIC and a host of a segment.
//!
//! It knows paths and hosts, and nothing of the kernel or of failure detection.

mod burst;
mod host;
mod path;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::Instant;

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

/// All paths and segments.
#[derive(Clone, Debug)]
pub struct Network {
    /// Changes whenever a fault begins or ends.
    pub generation: u64,
    ways: Vec<Way>,
    dark: BTreeSet<u8>,
    hosts: BTreeMap<IpAddr, (Host, host::Allowance)>,
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
            rng: Rng::stream(seed, "network"),
        }
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
        self.hosts.get(&address).map(|(host, _)| host)
    }

    /// Ends every fault. Who is deaf to multicast stays so: that is no fault.
    pub fn heal(&mut self) {
        self.generation += 1;
        self.dark.clear();
        self.hosts.values_mut().for_each(|(host, _)| *host = Host { multicast: host.multicast, ..Host::default() });
        self.ways.iter_mut().for_each(|way| way.path = Path::default());
    }

    /// The answers to an echo request of `length` bytes that leaves a port now, if they get past what
    /// happens until then.
    pub fn request(&mut self, now: Instant, port: Port, target: IpAddr, length: Option<u16>) -> [Option<Answer>; 2] {
        if !self.passes(now, port, target) || self.way(port).path.cut_out {
            return [None; 2];
        }
        let rng = &mut self.rng;
        let Way { path, distance, .. } = &self.ways[usize::from(port.0)];
        let too_long = length.is_some_and(|length| length > path.mtu);
        let Some((host, allowance)) = self.hosts.get_mut(&target).filter(|(host, _)| host.alive) else {
            return [None; 2];
        };
        if too_long || rng.chance(path.loss) || !allowance.spend(host, now) {
            return [None; 2];
        }
        let mut answer = || {
            let after = *distance + host.delay + rng.span(path.delay, path.delay + path.jitter);
            Answer { after, corrupt: rng.chance(path.corrupt) }
        };
        let first = answer();
        let second = answer();
        [Some(first), self.rng.chance(self.ways[usize::from(port.0)].path.duplicates).then_some(second)]
    }

    /// Who answers to a multicast request that leaves a port now, and after which spans.
    pub fn discover(&mut self, now: Instant, port: Port, segment: u8) -> Vec<(IpAddr, Duration)> {
        let listening: Vec<IpAddr> = self
            .hosts
            .iter()
            .filter(|(address, (host, _))| host.multicast && site::segment_of(**address) == Some(segment))
            .map(|(address, _)| *address)
            .collect();
        let answer = |address: IpAddr| self.request(now, port, address, None)[0].map(|answer| (address, answer.after));
        listening.into_iter().filter_map(answer).collect()
    }

    /// Whether an answer that was on its way to the NIC gets there now.
    pub fn answer_arrives(&mut self, now: Instant, port: Port, target: IpAddr) -> bool {
        self.passes(now, port, target) && !self.way(port).path.cut_in
    }

    /// Whether the segment is lit, and the port is in no burst of losses.
    fn passes(&mut self, now: Instant, port: Port, target: IpAddr) -> bool {
        let lit = site::segment_of(target).is_some_and(|segment| !self.dark.contains(&segment));
        let Way { path, bursts, .. } = &mut self.ways[usize::from(port.0)];
        lit && !path.burst.is_some_and(|burst| bursts.bad(&burst, now))
    }

    fn way(&self, port: Port) -> &Way {
        &self.ways[usize::from(port.0)]
    }

    fn hosts_of(&self, segment: u8) -> impl Iterator<Item = &Host> {
        self.hosts.iter().filter(move |(address, _)| site::segment_of(**address) == Some(segment)).map(|(_, (h, _))| h)
    }
}
