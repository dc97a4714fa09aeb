//! What people, cables and other programs do to the host: every fault and every operation, and chance.

mod deeds;
mod edit;

use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::{Instant, Mac};

use crate::network::{Burst, Path};
use crate::rng::Rng;
use crate::site::{self, Port};
use crate::world::Weather;

/// Something that is done at a moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// The path of a NIC becomes this.
    Path(Port, Path),
    /// A segment goes dark, or comes back.
    Dark(u8, bool),
    /// A host lives, or not.
    Host(IpAddr, bool),
    /// A cable is plugged, or pulled.
    Cable(Port, bool),
    /// Someone sets an interface administratively up or down.
    Up(Port, bool),
    /// A NIC is plugged, and set up by the host's scripts; or pulled out.
    Nic(Port, bool),
    /// An interface gets another name, or its own again.
    Renamed(Port, bool),
    /// An interface gets another hardware address.
    Mac(Port, Mac),
    /// The administrator edits the file and reloads.
    Reload,
    /// The administrator takes a member offline, or online.
    Service(Port, bool),
    /// The daemon is killed.
    Kill,
    /// It is started, unless it runs.
    Start,
    /// It gets no processor; with `true` the whole machine stops.
    Stall(Duration, bool),
    /// The kernel behaves like this.
    Weather(Weather),
    /// Somebody deletes one of our addresses or routes.
    ForeignDelete,
    /// Somebody adds an address and a route of his own.
    ForeignAdd(Port),
    /// Somebody replaces one of our routes by his own.
    ForeignSeize,
    /// And takes his routes away.
    ForeignRelease,
}

/// Kinds of faults; a seed has some of them, each as often as its number says.
const KINDS: [(u32, Kind); 18] = [
    (8, Kind::Cut),
    (4, Kind::Lossy),
    (2, Kind::Slow),
    (5, Kind::Outage),
    (2, Kind::DeadHost),
    (8, Kind::Cable),
    (2, Kind::DyingSwitch),
    (2, Kind::Flapping),
    (2, Kind::Down),
    (3, Kind::Unplug),
    (1, Kind::Rename),
    (1, Kind::NewMac),
    (3, Kind::Reload),
    (3, Kind::Offline),
    (3, Kind::Restart),
    (3, Kind::Stall),
    (2, Kind::Weather),
    (3, Kind::Foreign),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Cut,
    Lossy,
    Slow,
    Outage,
    DeadHost,
    Cable,
    DyingSwitch,
    Flapping,
    Down,
    Unplug,
    Rename,
    NewMac,
    Reload,
    Offline,
    Restart,
    Stall,
    Weather,
    Foreign,
}

/// Draws what is done from `begin` to `end`: some kinds of faults, some of them one after the other and
/// some all at once.
pub fn draw(rng: &mut Rng, begin: Instant, end: Instant) -> Vec<(Instant, Deed)> {
    let share = *rng.pick(&[0.2, 0.5, 1.0]).expect("three of them");
    let mut kinds: Vec<(u32, Kind)> = KINDS.into_iter().filter(|_| rng.chance(share)).collect();
    if kinds.is_empty() {
        kinds.push((1, Kind::Cut));
    }
    let pause = *rng.pick(&[20, 60, 120]).expect("three of them");
    let mut deeds = Vec::new();
    let mut now = begin;
    loop {
        now = now + rng.span(Duration::ZERO, Duration::from_secs(2 * pause));
        if now >= end {
            break;
        }
        let kind = rng.weighted(&kinds);
        let story = tell(rng, kind);
        deeds.extend(story.into_iter().map(|(after, deed)| (now + after, deed)));
    }
    deeds.retain(|(when, _)| *when < end);
    deeds
}

/// One fault from its beginning to its end.
fn tell(rng: &mut Rng, kind: Kind) -> Vec<(Duration, Deed)> {
    let zero = Duration::ZERO;
    let port = Port(rng.between(0, usize::from(site::PORTS) - 1) as u8);
    let segment = rng.between(0, usize::from(site::SEGMENTS) - 1) as u8;
    let lasts = rng.span_log(Duration::from_millis(50), Duration::from_secs(300));
    let heals = |path: Path| vec![(zero, Deed::Path(port, path)), (lasts, Deed::Path(port, Path::default()))];
    match kind {
        Kind::Cut => {
            let (cut_out, cut_in) = *rng.pick(&[(true, true), (true, false), (false, true)]).expect("three of them");
            heals(Path { cut_out, cut_in, ..Path::default() })
        }
        Kind::Lossy => {
            let loss = *rng.pick(&[0.02, 0.1, 0.3, 0.6]).expect("four of them");
            match rng.chance(0.5) {
                true => heals(Path { loss, ..Path::default() }),
                false => heals(Path { burst: Some(Burst::new(loss / 4.0, 0.2)), ..Path::default() }),
            }
        }
        Kind::Slow => {
            let delay = rng.span_log(Duration::from_millis(1), Duration::from_secs(3));
            heals(Path { delay, jitter: delay, duplicates: 0.05, ..Path::default() })
        }
        Kind::Outage => vec![(zero, Deed::Dark(segment, true)), (lasts, Deed::Dark(segment, false))],
        Kind::DeadHost => {
            let hosts = match rng.chance(0.3) {
                true => 1..=site::HOSTS,
                false => 1..=rng.between(1, 2) as u8,
            };
            let each = |n: u8| {
                [(zero, Deed::Host(site::host(segment, n), false)), (lasts, Deed::Host(site::host(segment, n), true))]
            };
            hosts.flat_map(each).collect()
        }
        Kind::Cable => vec![(zero, Deed::Cable(port, false)), (lasts, Deed::Cable(port, true))],
        Kind::DyingSwitch => (0..site::PORTS)
            .filter(|_| rng.chance(0.4))
            .map(Port)
            .collect::<Vec<_>>()
            .into_iter()
            .flat_map(|port| {
                let at = rng.span(zero, Duration::from_millis(900));
                [(at, Deed::Cable(port, false)), (at + lasts, Deed::Cable(port, true))]
            })
            .collect(),
        Kind::Flapping => {
            let mut at = zero;
            let times = rng.between(2, 6);
            let mut deeds = Vec::new();
            for _ in 0..times {
                for plugged in [false, true] {
                    deeds.push((at, Deed::Cable(port, plugged)));
                    at += rng.span_log(Duration::from_millis(20), Duration::from_secs(10));
                }
            }
            deeds
        }
        Kind::Down => vec![(zero, Deed::Up(port, false)), (lasts, Deed::Up(port, true))],
        Kind::Unplug => vec![(zero, Deed::Nic(port, false)), (lasts, Deed::Nic(port, true))],
        Kind::Rename => vec![(zero, Deed::Renamed(port, true)), (lasts, Deed::Renamed(port, false))],
        Kind::NewMac => vec![(zero, Deed::Mac(port, Mac([2, 0, 0, 0, rng.between(1, 250) as u8, port.0])))],
        Kind::Reload => vec![(zero, Deed::Reload)],
        Kind::Offline => vec![(zero, Deed::Service(port, false)), (lasts, Deed::Service(port, true))],
        Kind::Restart => {
            let down = rng.span_log(Duration::from_millis(20), Duration::from_secs(60));
            vec![(zero, Deed::Kill), (down, Deed::Start)]
        }
        Kind::Stall => {
            let span = rng.span_log(Duration::from_millis(2), Duration::from_secs(30));
            vec![(zero, Deed::Stall(span, rng.chance(0.3)))]
        }
        Kind::Weather => {
            let until = lasts.min(Duration::from_secs(60));
            vec![(zero, Deed::Weather(draw_weather(rng))), (until, Deed::Weather(Weather::FAIR))]
        }
        Kind::Foreign => match rng.between(0, 5) {
            0 => vec![(zero, Deed::ForeignAdd(port))],
            1 => vec![(zero, Deed::ForeignSeize), (lasts, Deed::ForeignRelease)],
            _ => vec![(zero, Deed::ForeignDelete)],
        },
    }
}

fn draw_weather(rng: &mut Rng) -> Weather {
    match rng.between(0, 5) {
        0 => Weather { refuses: 0.2, ..Weather::FAIR },
        1 => Weather { refuses: 1.0, ..Weather::FAIR },
        2 => Weather { loses_acks: 0.1, ..Weather::FAIR },
        3 => Weather { forgets: 0.3, ..Weather::FAIR },
        4 => Weather { refuses_probes: 0.1, ..Weather::FAIR },
        _ => Weather { slowness: rng.span_log(Duration::from_millis(1), Duration::from_secs(1)), ..Weather::FAIR },
    }
}
