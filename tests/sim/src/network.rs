//! The simulated network: what becomes of an echo request between a NIC and a host of a segment.
//!
//! It knows paths and hosts, and nothing of the kernel or of failure detection.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::rng::Rng;
use crate::site::{self, Port};

/// Bursts of loss after Gilbert: a good state without loss, a bad one that loses everything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// Chance a packet that the good state turns bad.
    pub begins: f64,
    /// Chance a packet that the bad state turns good.
    pub ends: f64,
    bad: bool,
}

impl Burst {
    /// Bursts that begin and end with these chances a packet.
    pub fn new(begins: f64, ends: f64) -> Self {
        Self { begins, ends, bad: false }
    }
}

/// The way between a NIC and its segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Nothing that the host sends arrives.
    pub cut_out: bool,
    /// Nothing that is sent to the host arrives.
    pub cut_in: bool,
    /// Chance that a round trip is lost.
    pub loss: f64,
    /// Losses in bursts.
    pub burst: Option<Burst>,
    /// Shortest round trip.
    pub delay: Duration,
    /// At most this much on top of it.
    pub jitter: Duration,
    /// Chance that an answer comes twice.
    pub duplicates: f64,
}

impl Default for Path {
    fn default() -> Self {
        Self {
            cut_out: false,
            cut_in: false,
            loss: 0.0,
            burst: None,
            delay: Duration::from_micros(150),
            jitter: Duration::from_micros(400),
            duplicates: 0.0,
        }
    }
}

impl Path {
    /// Whether one direction or both are dead for good.
    pub fn cut(&self) -> bool {
        self.cut_out || self.cut_in
    }

    /// Whether nothing is lost, and every answer comes within `within`.
    pub fn clean(&self, within: Duration) -> bool {
        !self.cut() && self.loss == 0.0 && self.burst.is_none() && self.delay + self.jitter < within
    }
}

/// All paths and segments.
#[derive(Debug)]
pub struct Network {
    /// Changes whenever a fault begins or ends.
    pub generation: u64,
    paths: BTreeMap<Port, Path>,
    dark: BTreeSet<u8>,
    dead_hosts: BTreeSet<IpAddr>,
    rng: Rng,
}

impl Network {
    /// A network without a fault.
    pub fn new(seed: u64) -> Self {
        Self {
            generation: 0,
            paths: (0..site::PORTS).map(|n| (Port(n), Path::default())).collect(),
            dark: BTreeSet::new(),
            dead_hosts: BTreeSet::new(),
            rng: Rng::stream(seed, "network"),
        }
    }

    /// The path of a port.
    pub fn path(&self, port: Port) -> &Path {
        &self.paths[&port]
    }

    /// Changes the path of a port.
    pub fn path_mut(&mut self, port: Port) -> &mut Path {
        self.generation += 1;
        self.paths.get_mut(&port).expect("every port has a path")
    }

    /// Whether nothing at all passes a segment, or no host of it lives.
    pub fn outage(&self, segment: u8) -> bool {
        self.dark.contains(&segment) || (1..=site::HOSTS).all(|n| !self.alive(site::host(segment, n)))
    }

    /// Whether some host of the segment is dead.
    pub fn host_missing(&self, segment: u8) -> bool {
        (1..=site::HOSTS).any(|n| !self.alive(site::host(segment, n)))
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

    /// Lets a host die or live.
    pub fn set_alive(&mut self, host: IpAddr, alive: bool) {
        self.generation += 1;
        if alive {
            self.dead_hosts.remove(&host)
        } else {
            self.dead_hosts.insert(host)
        };
    }

    /// Ends every fault.
    pub fn heal(&mut self) {
        self.generation += 1;
        self.dark.clear();
        self.dead_hosts.clear();
        self.paths.values_mut().for_each(|path| *path = Path::default());
    }

    /// After which spans answers reach the NIC, if they get past what happens until then.
    pub fn request(&mut self, port: Port, target: IpAddr) -> Vec<Duration> {
        let answers = self.alive(target) && site::segment_of(target).is_some_and(|s| !self.dark.contains(&s));
        let rng = &mut self.rng;
        let path = self.paths.get_mut(&port).expect("every port has a path");
        if path.cut_out || !answers || lost(path, rng) {
            return Vec::new();
        }
        let copies = 1 + usize::from(rng.chance(path.duplicates));
        (0..copies).map(|_| rng.span(path.delay, path.delay + path.jitter)).collect()
    }

    /// Whether an answer that is on its way to the NIC gets there.
    pub fn answer_arrives(&self, port: Port, target: IpAddr) -> bool {
        !self.paths[&port].cut_in && site::segment_of(target).is_some_and(|s| !self.dark.contains(&s))
    }

    fn alive(&self, host: IpAddr) -> bool {
        site::segment_of(host).is_some_and(|segment| {
            (1..=site::HOSTS).any(|n| site::host(segment, n) == host) && !self.dead_hosts.contains(&host)
        })
    }
}

fn lost(path: &mut Path, rng: &mut Rng) -> bool {
    if let Some(burst) = &mut path.burst {
        let turns = if burst.bad { burst.ends } else { burst.begins };
        burst.bad ^= rng.chance(turns);
        if burst.bad {
            return true;
        }
    }
    rng.chance(path.loss)
}
