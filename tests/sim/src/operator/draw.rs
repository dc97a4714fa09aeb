//! Which faults come, drawn from the seed: some kinds of them, one after the other or all at once.

use std::time::Duration;

use ipmp_core::{Family, Instant, Mac};

use super::Deed;
use crate::network::{Burst, Host, Length, Path};
use crate::rng::Rng;
use crate::site::{self, Port};
use crate::world::Weather;

/// Kinds of faults; a seed has some of them, each as often as its number says.
const KINDS: [(u32, Kind); 30] = [
    (8, Kind::Cut),
    (4, Kind::Lossy),
    (3, Kind::Bursts),
    (2, Kind::Blip),
    (2, Kind::Slow),
    (2, Kind::Corrupt),
    (2, Kind::Narrow),
    (5, Kind::Outage),
    (2, Kind::DeadHost),
    (2, Kind::SlowHost),
    (1, Kind::SparingHost),
    (1, Kind::DeafHosts),
    (8, Kind::Cable),
    (2, Kind::DyingSwitch),
    (2, Kind::Flapping),
    (2, Kind::Down),
    (3, Kind::Unplug),
    (1, Kind::Rename),
    (1, Kind::NewMac),
    (2, Kind::TwinMac),
    (3, Kind::Reload),
    (3, Kind::Offline),
    (3, Kind::Restart),
    (3, Kind::Stall),
    (1, Kind::Suspend),
    (2, Kind::Weather),
    (3, Kind::Foreign),
    (4, Kind::OneFamily),
    (2, Kind::Hardened),
    (2, Kind::Stranger),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Cut,
    Lossy,
    Bursts,
    Blip,
    Slow,
    Corrupt,
    Narrow,
    Outage,
    DeadHost,
    SlowHost,
    SparingHost,
    DeafHosts,
    Cable,
    DyingSwitch,
    Flapping,
    Down,
    Unplug,
    Rename,
    NewMac,
    TwinMac,
    Reload,
    Offline,
    Restart,
    Stall,
    Suspend,
    Weather,
    Foreign,
    OneFamily,
    Hardened,
    Stranger,
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
    let host_is = |n: u8, host: Host| {
        let address = site::host(segment, n);
        [(zero, Deed::Host(address, host)), (lasts, Deed::Host(address, Host::default()))]
    };
    let heals = |path: Path| vec![(zero, Deed::Path(port, path)), (lasts, Deed::Path(port, Path::default()))];
    match kind {
        Kind::Cut => {
            let (cut_out, cut_in) = *rng.pick(&[(true, true), (true, false), (false, true)]).expect("three of them");
            heals(Path { cut_out, cut_in, ..Path::default() })
        }
        Kind::Lossy => {
            let loss = *rng.pick(&[0.02, 0.1, 0.3, 0.6]).expect("four of them");
            heals(Path::lossy(loss))
        }
        Kind::Bursts => {
            let pause = rng.span_log(Duration::from_millis(500), Duration::from_secs(60));
            let longest = rng.span_log(Duration::from_millis(20), Duration::from_secs(2));
            let length = match rng.chance(0.5) {
                true => Length::Between(Duration::ZERO, longest),
                false => Length::Mean(longest / 2),
            };
            heals(Path { burst: Some(Burst { pause, length }), ..Path::default() })
        }
        Kind::OneFamily => {
            let family = *rng.pick(&[Family::V4, Family::V6]).expect("two of them");
            heals(Path::dead_in(family))
        }
        Kind::Hardened => {
            let echo = rng.chance(0.3);
            let hosts = 1..=rng.between(1, usize::from(site::HOSTS)) as u8;
            hosts.flat_map(|n| host_is(n, Host { echo, neighbour: !echo, ..Host::default() })).collect()
        }
        Kind::Stranger => {
            let family = *rng.pick(&[Family::V4, Family::V6]).expect("two of them");
            let address = site::data_address(family, segment, rng.between(0, 9) as u8).addr();
            vec![(zero, Deed::Stranger(address, true)), (lasts, Deed::Stranger(address, false))]
        }
        Kind::Blip => {
            let ends = rng.span_log(Duration::from_millis(5), Duration::from_secs(12));
            vec![(zero, Deed::Path(port, Path::dead())), (ends, Deed::Path(port, Path::default()))]
        }
        Kind::Corrupt => {
            let corrupt = *rng.pick(&[0.01, 0.1, 0.5, 1.0]).expect("four of them");
            heals(Path { corrupt, ..Path::default() })
        }
        Kind::Narrow => {
            let mtu = *rng.pick(&[576, 1280, 1400, 1499]).expect("four of them");
            heals(Path { mtu, ..Path::default() })
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
            hosts.flat_map(|n| host_is(n, Host::DEAD)).collect()
        }
        Kind::SlowHost => {
            let delay = rng.span_log(Duration::from_millis(1), Duration::from_secs(3));
            let hosts = 1..=rng.between(1, usize::from(site::HOSTS)) as u8;
            hosts.flat_map(|n| host_is(n, Host { delay, ..Host::default() })).collect()
        }
        Kind::SparingHost => {
            let answers_a_second = rng.pick(&[0, 1, 2, 5, 20]).copied();
            let hosts = 1..=rng.between(1, 2) as u8;
            hosts.flat_map(|n| host_is(n, Host { answers_a_second, ..Host::default() })).collect()
        }
        Kind::DeafHosts => {
            let hosts = 1..=rng.between(1, usize::from(site::HOSTS)) as u8;
            hosts.flat_map(|n| host_is(n, Host { multicast: false, ..Host::default() })).collect()
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
        Kind::TwinMac => {
            let twin = Port(rng.between(0, usize::from(site::PORTS) - 1) as u8);
            vec![(zero, Deed::Mac(port, twin.mac())), (lasts, Deed::Mac(port, port.mac()))]
        }
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
        Kind::Suspend => {
            let span = rng.span_log(Duration::from_secs(10), Duration::from_secs(3600));
            vec![(zero, Deed::Stall(span, true))]
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
