//! The place that is simulated: NICs, subnets with their hosts, and configurations that fit them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipmp_core::config::RouteConfig;
use ipmp_core::{
    Config, Damping, Detection, Family, GroupConfig, GroupName, IfName, Mac, MemberConfig, ProbeMode, Schedule,
};
use ipnet::IpNet;

use crate::network::Host;
use crate::operator::Deed;
use crate::rng::Rng;
use crate::world::World;

/// A NIC and the switch port that it is plugged into; the number outlives the kernel's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(pub u8);

impl Port {
    /// The name that the host gives its interface.
    pub fn name(self) -> IfName {
        if_name(&format!("eth{}", self.0))
    }

    /// The port whose interface has that name.
    pub fn named(name: &IfName) -> Option<Self> {
        (0..PORTS).map(Port).find(|port| port.name() == *name)
    }

    /// Its hardware address.
    pub fn mac(self) -> Mac {
        Mac([2, 0, 0, 0, 0, self.0])
    }
}

/// Subnets that the switches carry; a group each.
pub const SEGMENTS: u8 = 2;

/// Hosts of a segment that answer echo requests: `10.N.0.1` to `10.N.0.4`, and `2001:db8:N::1` to `2001:db8:N::4`.
pub const HOSTS: u8 = 4;

/// How many NICs the host has.
pub const PORTS: u8 = 7;

/// The host of that number in a segment, as IPv4 names it.
pub fn host(segment: u8, number: u8) -> IpAddr {
    host_in(Family::V4, segment, number)
}

/// The host of that number in a segment.
pub fn host_in(family: Family, segment: u8, number: u8) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(10, segment, 0, number).into(),
        Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, segment.into(), 0, 0, 0, 0, number.into()).into(),
    }
}

/// The link-local address of a host.
pub fn host_on_link(segment: u8, number: u8) -> IpAddr {
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa0 + u16::from(segment), number.into()).into()
}

/// The link-local address that a NIC gives itself (RFC 4291, appendix A).
pub fn link_local(mac: Mac) -> IpAddr {
    let Mac([a, b, c, d, e, f]) = mac;
    let pair = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    Ipv6Addr::new(0xfe80, 0, 0, 0, pair(a ^ 2, b), pair(c, 0xff), pair(0xfe, d), pair(e, f)).into()
}

/// The segment of an address, and what it is there.
fn place_of(address: IpAddr) -> Option<(u8, u16)> {
    let (segment, number) = match address {
        IpAddr::V4(v4) => match v4.octets() {
            [10, segment, 0, number] => (segment.into(), number.into()),
            _ => return None,
        },
        IpAddr::V6(v6) => match v6.segments() {
            [0x2001, 0xdb8, segment, 0, 0, 0, 0, number] => (segment, number),
            [0xfe80, 0, 0, 0, 0, 0, segment, number] => (segment.checked_sub(0xa0)?, number),
            _ => return None,
        },
    };
    let segment = u8::try_from(segment).ok().filter(|segment| *segment < SEGMENTS)?;
    Some((segment, number))
}

/// The segment of an address.
pub fn segment_of(address: IpAddr) -> Option<u8> {
    place_of(address).map(|(segment, _)| segment)
}

/// The host that has an address, as IPv4 names it.
pub fn host_of(address: IpAddr) -> Option<IpAddr> {
    let (segment, number) = place_of(address)?;
    let number = u8::try_from(number).ok().filter(|number| (1..=HOSTS).contains(number))?;
    Some(host(segment, number))
}

/// An address with the prefix length of its segment.
pub fn net(address: IpAddr) -> IpNet {
    IpNet::new_assert(address, if address.is_ipv4() { 24 } else { 64 })
}

/// A name that is known to be good.
pub fn if_name(name: &str) -> IfName {
    name.parse().expect("a good interface name")
}

/// The test address of a port in a segment.
pub fn test_address(family: Family, segment: u8, port: Port) -> IpNet {
    net(host_in(family, segment, 10 + port.0))
}

/// The data address of that number in a segment.
pub fn data_address(family: Family, segment: u8, number: u8) -> IpNet {
    net(host_in(family, segment, 50 + number))
}

/// A group `ipmpN` in segment N, with no members and no addresses yet.
pub fn group(segment: u8, failure_detection_time: Duration) -> GroupConfig {
    let name = format!("ipmp{segment}");
    GroupConfig {
        interface: if_name(&name),
        name: name.parse::<GroupName>().expect("a good group name"),
        addresses: Vec::new(),
        down_addresses: Vec::new(),
        gateways: Vec::new(),
        routes: Vec::new(),
        failure_detection_time,
        detection: Detection::default(),
        failback: true,
        targets: vec![host(segment, 1), host(segment, 2)],
        targets_exclusive: true,
        members: Vec::new(),
    }
}

/// A member with a test address of each of these families.
pub fn member(families: &[Family], segment: u8, port: Port) -> MemberConfig {
    let test_addresses = families.iter().map(|family| test_address(*family, segment, port)).collect();
    MemberConfig { interface: port.name(), test_addresses, standby: false }
}

/// Draws a configuration of one or two groups.
pub fn draw(rng: &mut Rng) -> Config {
    let groups = if rng.chance(0.3) { 2 } else { 1 };
    let mut config = Config { track_all_interfaces: rng.chance(0.2), ..Config::default() };
    for segment in 0..groups {
        let group = draw_group(rng, segment, &config);
        config.groups.push(group);
    }
    config
}

/// Draws a group in a segment, of NICs that no group of `config` has.
pub fn draw_group(rng: &mut Rng, segment: u8, config: &Config) -> GroupConfig {
    let mut group = group(segment, draw_failure_detection_time(rng));
    let families = draw_families(rng);
    let addresses = rng.weighted(&[(1, 0), (4, 1), (4, 2), (3, 3), (3, 4), (2, 7)]);
    let in_turn = families.iter().cycle().zip(0..addresses);
    group.addresses = in_turn.map(|(family, n)| data_address(*family, segment, n)).collect();
    // The default route can be of one group only.
    if segment == 0 && rng.chance(0.7) {
        group.gateways.extend(families.iter().map(|family| host_in(*family, segment, 1)));
    }
    if rng.chance(0.4) {
        group.routes.extend(families.iter().map(|family| draw_route(*family, segment)));
    }
    group.failback = rng.chance(0.75);
    group.detection = draw_detection(rng, group.failure_detection_time);
    draw_targets(rng, segment, &mut group);
    let tested = rng.weighted(&[(6, 1.0), (3, 0.0), (1, 0.5)]);
    let members = rng.weighted(&[(1, 1), (6, 2), (6, 3), (3, 4)]);
    for _ in 0..members {
        if let Some(port) = draw_free_port(rng, config, &group) {
            let tested = if rng.chance(tested) { families } else { &[] };
            let mut member = member(tested, segment, port);
            member.standby = !group.members.is_empty() && rng.chance(0.3);
            group.members.push(member);
        }
    }
    group
}

/// Draws which families a group has.
fn draw_families(rng: &mut Rng) -> &'static [Family] {
    rng.weighted(&[(5, &[Family::V4] as &[Family]), (2, &[Family::V6]), (4, &[Family::V4, Family::V6])])
}

/// The families that a group has in use.
pub fn families(group: &GroupConfig) -> Vec<Family> {
    let tests = group.members.iter().flat_map(|member| &member.test_addresses);
    let used: BTreeSet<Family> = group.addresses.iter().chain(tests).map(|net| Family::of(net.addr())).collect();
    if used.is_empty() { vec![Family::V4] } else { used.into_iter().collect() }
}

/// Draws which hosts a group probes.
pub fn draw_targets(rng: &mut Rng, segment: u8, group: &mut GroupConfig) {
    let count = rng.weighted(&[(1, 0), (3, 1), (4, 2), (2, 3), (1, 4)]);
    let families = families(group);
    group.targets = (1..=count).flat_map(|n| families.iter().map(move |family| host_in(*family, segment, n))).collect();
    group.targets_exclusive = count > 0 && rng.chance(0.5);
}

/// Draws a failure detection time; the short ones are rare, because their hours are long.
pub fn draw_failure_detection_time(rng: &mut Rng) -> Duration {
    Duration::from_millis(rng.weighted(&[(6, 10_000), (4, 5_000), (5, 2_000), (4, 1_000), (1, 300)]))
}

/// Draws how failures are looked for.
pub fn draw_detection(rng: &mut Rng, failure_detection_time: Duration) -> Detection {
    Detection {
        probe: rng.weighted(&[(6, ProbeMode::Auto), (2, ProbeMode::Icmp), (2, ProbeMode::Arp), (1, ProbeMode::None)]),
        schedule: rng.weighted(&[(1, Schedule::Classic), (2, Schedule::Confirm)]),
        failure_detection_time_max: rng.chance(0.2).then(|| failure_detection_time * rng.between(1, 4) as u32),
        degraded_loss_percent: rng.weighted(&[(3, 10), (1, 2), (1, 50)]),
        drain: rng.chance(0.4),
        damping: draw_damping(rng),
    }
}

/// Draws how a member that fails again and again is held: as usual, hardly, or long.
fn draw_damping(rng: &mut Rng) -> Damping {
    let usual = Damping::default();
    rng.weighted(&[
        (5, usual),
        (1, Damping { half_life: Duration::from_secs(5), ..usual }),
        (1, Damping { half_life: Duration::from_secs(120), suspend: 1_000, reuse: 500 }),
        (1, Damping { suspend: 1_000_000, ..usual }),
    ])
}

/// A route through a host of the segment.
pub fn draw_route(family: Family, segment: u8) -> RouteConfig {
    let to = match family {
        Family::V4 => IpNet::new_assert(IpAddr::from([198, 51, segment, 0]), 24),
        Family::V6 => IpNet::new_assert(IpAddr::from([0x2001, 0xdb8, 0x198, segment.into(), 0, 0, 0, 0]), 64),
    };
    RouteConfig { to, via: host_in(family, segment, 2) }
}

/// Draws what of the place is not alike: how far each NIC is from its segment, which hosts answer to
/// multicast, who has an address that is to be the group's, and what addresses of the host's own are on the NICs that no group has.
pub fn furnish(rng: &mut Rng, world: &mut World) {
    if rng.chance(0.3) {
        for port in (0..PORTS).map(Port) {
            let distance = rng.span_log(Duration::from_micros(20), Duration::from_millis(15));
            world.network.set_distance(port, distance);
        }
    }
    let deaf = *rng.pick(&[0.0, 0.0, 0.5, 1.0]).expect("four of them");
    for address in (0..SEGMENTS).flat_map(|segment| (1..=HOSTS).map(move |n| host(segment, n))) {
        let multicast = !rng.chance(deaf);
        world.network.set_host(address, Host { multicast, ..Host::default() });
    }
    let addresses = world.file.groups.iter().flat_map(|group| &group.addresses).map(IpNet::addr);
    let addresses: Vec<IpAddr> = addresses.collect();
    if rng.chance(0.15)
        && let Some(address) = rng.pick(&addresses)
    {
        let lasts = rng.span_log(Duration::from_millis(50), Duration::from_secs(120));
        world.plan(vec![
            (world.now, Deed::Stranger(*address, true)),
            (world.now + lasts, Deed::Stranger(*address, false)),
        ]);
    }
    for port in (0..PORTS).map(Port) {
        let in_group = world.file.groups.iter().flat_map(|group| &group.members);
        if in_group.into_iter().all(|member| member.interface != port.name()) && rng.chance(0.5) {
            let segment = rng.between(0, usize::from(SEGMENTS) - 1) as u8;
            world.give_own_address(port, segment);
        }
    }
}

/// A NIC that belongs to no group.
pub fn draw_free_port(rng: &mut Rng, config: &Config, and: &GroupConfig) -> Option<Port> {
    let taken = |name: &IfName| {
        config.groups.iter().chain([and]).flat_map(|group| &group.members).any(|member| member.interface == *name)
    };
    let free: Vec<Port> = (0..PORTS).map(Port).filter(|port| !taken(&port.name())).collect();
    rng.pick(&free).copied()
}
