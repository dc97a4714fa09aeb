//! What people, cables and other programs do to the host: every fault and every operation, and chance.

use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::kernel::{AddressInfo, AddressKey, Leg, ROUTE_METRIC, Route, RouteKey, Scope};
use ipmp_core::{Command, Config, IfName, Instant, Mac};
use ipnet::IpNet;

use crate::daemon::Process;
use crate::invariants::Violation;
use crate::network::{Burst, Path};
use crate::rng::Rng;
use crate::site::{self, Port};
use crate::world::{Happening, Weather, World};

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

impl World {
    /// Does it.
    pub fn perform(&mut self, deed: Deed) -> Result<(), Violation> {
        self.note(format_args!("! {deed:?}"));
        self.checks.deed(self.now);
        match deed {
            Deed::Path(port, path) => *self.network.path_mut(port) = path,
            Deed::Dark(segment, dark) => self.network.set_dark(segment, dark),
            Deed::Host(host, alive) => self.network.set_alive(host, alive),
            Deed::Cable(port, plugged) => self.cable(port, plugged),
            Deed::Up(port, up) => self.set_up(port, up),
            Deed::Nic(port, plugged) => self.nic(port, plugged),
            Deed::Renamed(port, away) => self.rename(port, away),
            Deed::Mac(port, mac) => {
                self.checks.disturbed(self.now);
                self.kernel.set_mac(port, mac);
            }
            Deed::Reload => {
                let config = edited(&mut self.rng, &self.file);
                self.note(format_args!("! new configuration {config:?}"));
                self.reload(config);
            }
            Deed::Service(port, online) => {
                let command = if online { Command::Online } else { Command::Offline };
                self.command(command(port.name()));
            }
            Deed::Kill => self.kill(),
            Deed::Start if self.daemon.process == Process::Dead => self.start(),
            Deed::Start => {}
            Deed::Stall(span, machine) => self.stall(span, machine),
            Deed::Weather(weather) => {
                // What was slow or refused in it may still be under way.
                self.checks.disturbed(self.now + self.weather.slowness * 4);
                self.weather = weather;
                self.checks.weather(weather, self.now);
            }
            Deed::ForeignDelete => self.foreign_delete(),
            Deed::ForeignAdd(port) => self.foreign_add(port),
            Deed::ForeignSeize => self.foreign_seize(),
            Deed::ForeignRelease => self.foreign_release(),
        }
        self.check()
    }

    /// Queues what is done later.
    pub fn plan(&mut self, deeds: Vec<(Instant, Deed)>) {
        for (when, deed) in deeds {
            self.queue_at(when, Happening::Deed(deed));
        }
    }

    /// Ends every fault, and takes every member back into service.
    pub fn heal(&mut self) -> Result<(), Violation> {
        self.network.heal();
        self.perform(Deed::Weather(Weather::FAIR))?;
        for port in (0..site::PORTS).map(Port) {
            self.perform(Deed::Cable(port, true))?;
            if self.kernel.index_of(port).is_none() {
                self.perform(Deed::Nic(port, true))?;
            }
            self.perform(Deed::Renamed(port, false))?;
            self.perform(Deed::Up(port, true))?;
        }
        self.perform(Deed::ForeignRelease)?;
        if let Process::Stalled { until, .. } = self.daemon.process {
            self.run_until(until)?;
        }
        self.perform(Deed::Start)?;
        self.run_for(Duration::from_secs(1))?;
        let members: Vec<IfName> = self
            .file
            .groups
            .iter()
            .flat_map(|group| group.members.iter().map(|member| member.interface.clone()))
            .collect();
        for name in members {
            self.command(Command::Online(name));
        }
        Ok(())
    }

    /// Plugs or pulls a cable.
    fn cable(&mut self, port: Port, plugged: bool) {
        if let Some(told) = self.kernel.set_cable(port, plugged, self.now) {
            self.queue_at(told, Happening::LinkWatch);
        }
    }

    fn set_up(&mut self, port: Port, up: bool) {
        if let Some(index) = self.kernel.index_of(port).filter(|index| self.kernel.links[index].up != up) {
            // Routes may be flushed with it.
            self.checks.foreign_hand(self.now);
            self.kernel.set_up(index, up);
        }
    }

    fn nic(&mut self, port: Port, plugged: bool) {
        if self.kernel.index_of(port).is_some() == plugged {
            return;
        }
        self.checks.foreign_hand(self.now);
        if plugged {
            self.kernel.plug(port, port.name());
            let index = self.kernel.index_of(port).expect("plugged just now");
            self.kernel.set_up(index, true);
        } else {
            self.kernel.unplug(port);
        }
    }

    fn rename(&mut self, port: Port, away: bool) {
        let name = if away { site::if_name(&format!("was{}", port.0)) } else { port.name() };
        let known = self.kernel.index_of(port).map(|index| self.kernel.links[&index].name.clone());
        if known.is_some_and(|known| known != name) {
            self.checks.foreign_hand(self.now);
            self.kernel.rename(port, name);
        }
    }

    fn foreign_delete(&mut self) {
        let addresses: Vec<AddressKey> =
            self.kernel.addresses.iter().filter(|(_, info)| info.ours).map(|(key, _)| *key).collect();
        let routes: Vec<RouteKey> = self.kernel.routes.keys().filter(|key| key.ours).copied().collect();
        if self.rng.chance(0.3)
            && let Some(key) = self.rng.pick(&routes)
        {
            self.checks.route_taken(*key, self.now);
            self.kernel.delete_route(*key);
        } else if let Some(key) = self.rng.pick(&addresses) {
            let link = self.kernel.links[&key.index].name.clone();
            self.checks.address_taken(*key, self.now);
            if self.kernel.addresses[key].scope == Scope::Link {
                self.checks.probing_disturbed(&link, self.now);
            }
            self.kernel.delete_address(*key);
        }
    }

    fn foreign_add(&mut self, port: Port) {
        let Some(index) = self.kernel.index_of(port).filter(|index| self.kernel.links[index].up) else { return };
        let address = IpNet::new_assert(site::host(0, 200 + port.0), 32);
        self.kernel.add_address(AddressKey { index, address }, AddressInfo { scope: Scope::Global, ours: false });
        let to = IpNet::new_assert(IpAddr::from([198, 18, port.0, 0]), 24);
        let leg = Leg { index, via: Some(site::host(0, 3)) };
        let key = RouteKey { to, metric: 0, ours: false };
        self.kernel.put_route(Route { key, scope: Scope::Global, legs: vec![leg] });
    }

    /// `ip route replace` by somebody who does not care whose it was.
    fn foreign_seize(&mut self) {
        let routes: Vec<RouteKey> = self.kernel.routes.keys().filter(|key| key.ours).copied().collect();
        if let Some(key) = self.rng.pick(&routes) {
            self.checks.route_taken(*key, self.now);
            let route = self.kernel.routes[key].clone();
            self.kernel.delete_route(*key);
            self.kernel.put_route(Route { key: RouteKey { ours: false, ..*key }, ..route });
        }
    }

    fn foreign_release(&mut self) {
        let seized = self.kernel.routes.keys().filter(|key| !key.ours && key.metric == ROUTE_METRIC);
        for key in seized.copied().collect::<Vec<_>>() {
            self.checks.foreign_hand(self.now);
            // Ours was refused as long as his was there.
            self.checks.disturbed(self.now + Duration::from_secs(61));
            self.kernel.delete_route(key);
        }
    }
}

/// The configuration after the administrator changed something in it.
fn edited(rng: &mut Rng, config: &Config) -> Config {
    let mut config = config.clone();
    let last = config.groups.len();
    if last == 0 || (last < usize::from(site::SEGMENTS) && rng.chance(0.15)) {
        let free = (0..site::SEGMENTS)
            .find(|n| config.groups.iter().all(|group| group.interface.as_str() != format!("ipmp{n}")));
        let segment = free.expect("there are fewer groups than segments");
        let group = site::draw_group(rng, segment, &config);
        config.groups.push(group);
        return config;
    }
    let at = rng.between(0, last - 1);
    if rng.chance(0.05) {
        config.groups.remove(at);
        return config;
    }
    let others = config.clone();
    let group = &mut config.groups[at];
    let segment = if group.interface.as_str() == "ipmp0" { 0 } else { 1 };
    match rng.between(0, 8) {
        0 | 1 => {
            if let Some(port) = site::draw_free_port(rng, &others, group) {
                let mut member = site::member(segment, port);
                member.standby = rng.chance(0.3);
                group.members.push(member);
            }
        }
        2 if !group.members.is_empty() => {
            let at = rng.between(0, group.members.len() - 1);
            group.members.remove(at);
        }
        3 if !group.members.is_empty() => {
            let at = rng.between(0, group.members.len() - 1);
            group.members[at].standby ^= true;
        }
        4 => {
            let number = rng.between(0, 9) as u8;
            let address = site::data_address(segment, number);
            match group.addresses.iter().position(|known| *known == address) {
                Some(at) => {
                    group.addresses.remove(at);
                }
                None => group.addresses.push(address),
            }
        }
        5 => group.failure_detection_time = site::draw_failure_detection_time(rng),
        6 => group.failback ^= true,
        7 => site::draw_targets(rng, segment, group),
        8 if group.routes.is_empty() => group.routes.push(site::draw_route(segment)),
        _ => group.routes.clear(),
    }
    config
}
