//! A NIC that the host lives on joins a group and gets everything back, on a kernel that refuses, forgets and is slow, by
//! a daemon that is killed: the host is reachable at every moment.

use std::time::Duration;

use ipmp_core::kernel::{AddressInfo, AddressKey, Leg, Route, RouteKey, Scope};
use ipmp_core::{Config, Family, Foreign, ForeignKey, GroupConfig, Handover};
use ipmp_sim::Deed;
use ipmp_sim::kernel::handover::connected;
use ipmp_sim::rng::Rng;
use ipmp_sim::site::Port;
use ipmp_sim::stage::{Stage, group_of, untested};
use ipmp_sim::trace::Keep;
use ipmp_sim::world::{Weather, World};
use ipnet::IpNet;

const FDT: Duration = Duration::from_secs(10);
const A: Port = Port(0);
const SEEDS: u64 = 60;

/// A group of two members, with an address and a router in each of these families.
fn group(families: &[Family]) -> GroupConfig {
    untested(group_of(families, 1, 2, FDT))
}

fn everywhere(net: &IpNet) -> IpNet {
    IpNet::new_assert(net.addr(), 0).trunc()
}

/// Gives the first NIC all addresses and default routes of the group, as an administrator would; what that is.
fn furnish(world: &mut World, group: &GroupConfig) -> Vec<Foreign> {
    let index = world.kernel.index_of(A).expect("it is plugged");
    let mut handed = Vec::new();
    for (net, router) in group.addresses.iter().zip(&group.gateways) {
        let key = AddressKey { index, address: *net };
        world.kernel.add_address(key, AddressInfo { scope: Scope::Global, ours: false, tentative: false });
        let on_link = connected(key);
        world.kernel.put_route(on_link.clone());
        let default = RouteKey { to: everywhere(net), metric: on_link.key.metric * 4, ours: false };
        let legs = vec![Leg { index, via: Some(*router) }];
        world.kernel.put_route(Route { key: default, scope: Scope::Global, legs: legs.clone() });
        handed.extend([ForeignKey::Address(key), ForeignKey::Route(default, legs)]);
        if net.addr().is_ipv6() {
            handed.push(ForeignKey::Route(on_link.key, on_link.legs));
        }
    }
    handed.into_iter().map(|key| Foreign { key, message: Vec::new() }).collect()
}

/// Every address is on a NIC, and there is a way to its link and to everywhere else.
fn reachable(world: &World, group: &GroupConfig) -> bool {
    let carried = |net: &IpNet| {
        (0..2).any(|n| world.kernel.index_of(Port(n)).is_some_and(|index| world.kernel.has_address(index, net.addr())))
    };
    let leads = |to: IpNet| world.kernel.routes.values().any(|route| route.key.to == to && !route.legs.is_empty());
    group.addresses.iter().all(|net| carried(net) && leads(net.trunc()) && leads(everywhere(net)))
}

fn foreign(world: &World) -> usize {
    let global = |info: &&AddressInfo| !info.ours && info.scope == Scope::Global;
    let addresses = world.kernel.addresses.values().filter(global).count();
    addresses + world.kernel.routes.keys().filter(|key| !key.ours && key.to.addr().to_string() != "fe80::").count()
}

fn ours(world: &World) -> usize {
    let addresses = world.kernel.addresses.values().filter(|info| info.ours).count();
    addresses + world.kernel.routes.keys().filter(|key| key.ours).count()
}

/// Has the file say this, in bad weather and with a daemon that is killed now and then, until it is in force.
fn comes_about(stage: &mut Stage, config: Config, group: &GroupConfig, rng: &mut Rng, seed: u64) {
    let share = |rng: &mut Rng, most: f64| if rng.chance(0.5) { most } else { 0.0 };
    let weather = Weather {
        refuses: share(rng, 0.2),
        loses_acks: share(rng, 0.1),
        forgets: share(rng, 0.1),
        slowness: rng.span(Duration::ZERO, Duration::from_millis(20)),
        ..Weather::FAIR
    };
    stage.does(Deed::Weather(weather));
    stage.0.reload(config);
    let always = |stage: &mut Stage, millis: usize| {
        let unreachable = stage.0.run_while(Duration::from_millis(millis as u64), |world| reachable(world, group));
        match unreachable {
            Ok(false) => {}
            Ok(true) => panic!("seed {seed}: the host is unreachable\n{}", stage.told()),
            Err(violation) => panic!("seed {seed}: {violation}\n{}", stage.told()),
        }
    };
    for _ in 0..rng.between(0, 4) {
        always(stage, rng.between(0, 60));
        stage.does(Deed::Kill);
        always(stage, rng.between(0, 200));
        stage.does(Deed::Start);
    }
    always(stage, 3000);
    stage.does(Deed::Weather(Weather::FAIR));
    always(stage, 60_000);
}

#[test]
fn a_host_is_reachable_while_everything_changes_hands_and_back() {
    for seed in 0..SEEDS {
        let rng = &mut Rng::stream(seed, "handover");
        let families: &[Family] = match rng.between(0, 2) {
            0 => &[Family::V4],
            1 => &[Family::V6],
            _ => &[Family::V4, Family::V6],
        };
        let group = group(families);
        let mut stage = Stage(World::new(seed, Keep::Lines));
        let handed = furnish(&mut stage, &group);
        let before = foreign(&stage);
        stage.start();
        stage.plays(Duration::from_secs(5));
        assert_eq!(foreign(&stage), before, "seed {seed}: nobody has handed anything over");

        let handover = Handover { take: handed, give: Vec::new() };
        let undone = Config { handover: handover.inverse(), ..Config::default() };
        let done = Config { groups: vec![group.clone()], handover, ..Config::default() };
        comes_about(&mut stage, done, &group, rng, seed);
        assert_eq!(foreign(&stage), 0, "seed {seed}: all of it is the group's\n{}", stage.told());

        comes_about(&mut stage, undone, &group, rng, seed);
        assert_eq!((foreign(&stage), ours(&stage)), (before, 0), "seed {seed}: all is as before\n{}", stage.told());
    }
}
