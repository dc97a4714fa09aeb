//! The checkers can fail: the core is made to misbehave, and the rule that this breaks is named.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use ipmp_core::kernel::{AddressInfo, AddressKey, ROUTE_METRIC, Route, RouteKey, Scope, Tunables};
use ipmp_core::notice::Reason;
use ipmp_core::{
    Action, AddressCheck, Change, Config, Event, Family, GroupConfig, Instant, Notice, Transaction, TransactionId,
};
use ipmp_sim::invariants::{at_home, holds_nothing};
use ipmp_sim::network::{Host, Path};
use ipmp_sim::site::{self, Port};
use ipmp_sim::stage::{Stage, group, group_of, untested};
use ipmp_sim::trace::Keep;
use ipmp_sim::{Deed, Rule};

const FDT: Duration = Duration::from_secs(2);

/// Asks for changes that the core never thought of.
fn apply(changes: Vec<Change>) -> Action {
    Action::Apply(Transaction { id: TransactionId(u64::MAX), changes })
}

fn breaks(stage: &mut Stage, within: Duration, rule: Rule) {
    match stage.run_for(within) {
        Ok(()) => panic!("nothing was noticed of a broken rule: {}", rule.sentence()),
        Err(violation) => assert_eq!(violation.rule, rule, "{violation}"),
    }
}

/// From now on the kernel is asked for nothing.
fn idle_mover(stage: &mut Stage) {
    let is_apply = |action: &mut Action| !matches!(action, Action::Apply(_));
    stage.meddler.actions = Some(Box::new(move |_, actions: &mut Vec<Action>| actions.retain_mut(is_apply)));
}

/// From now on every transaction is changed before it is carried out.
fn edit_transactions(stage: &mut Stage, edit: impl Fn(&mut Vec<Change>) + 'static) {
    stage.meddler.actions = Some(Box::new(move |_, actions: &mut Vec<Action>| {
        for action in actions {
            if let Action::Apply(transaction) = action {
                edit(&mut transaction.changes);
            }
        }
    }));
}

/// Asks for something once, at the next occasion.
fn inject_once(stage: &mut Stage, changes: Vec<Change>) {
    let mut once = Some(apply(changes));
    stage.meddler.actions = Some(Box::new(move |_, actions: &mut Vec<Action>| actions.extend(once.take())));
}

fn default_route(stage: &Stage, ports: &[Port]) -> Route {
    let via = Some(site::host(0, 1));
    let leg = |port: &Port| ipmp_core::kernel::Leg { index: stage.kernel.index_of(*port).unwrap(), via };
    let to = "0.0.0.0/0".parse().unwrap();
    Route {
        key: RouteKey { to, metric: ROUTE_METRIC, ours: true },
        scope: Scope::Global,
        legs: ports.iter().map(leg).collect(),
    }
}

#[test]
fn an_address_left_on_a_dead_link() {
    let mut stage = Stage::of(1, group(2, 2, FDT));
    idle_mover(&mut stage);
    stage.does(Deed::Cable(Port(0), false));
    breaks(&mut stage, Duration::from_secs(3), Rule::Reachable);
}

#[test]
fn an_address_left_on_a_dead_path() {
    let mut stage = Stage::of(2, group(2, 2, FDT));
    idle_mover(&mut stage);
    stage.cuts(Port(0));
    breaks(&mut stage, FDT + Duration::from_secs(1), Rule::Reachable);
}

#[test]
fn a_way_out_left_on_a_dead_path() {
    let mut stage = Stage::of(3, group(1, 2, FDT));
    edit_transactions(&mut stage, |changes| changes.retain(|change| !matches!(change, Change::PutRoute { .. })));
    stage.cuts(Port(0));
    breaks(&mut stage, FDT + Duration::from_secs(1), Rule::Reachable);
}

#[test]
fn an_address_that_somebody_took_and_nobody_put_back() {
    let mut stage = Stage::of(4, group(1, 2, FDT));
    idle_mover(&mut stage);
    let place = stage.places()[0];
    let index = stage.kernel.index_of(place).unwrap();
    let key = AddressKey { index, address: site::host(0, 50).into() };
    let now = stage.now;
    stage.checks.address_taken(key, now);
    stage.kernel.delete_address(key);
    breaks(&mut stage, Duration::from_secs(2), Rule::Reachable);
}

#[test]
fn break_before_make() {
    let mut stage = Stage::of(5, group(2, 2, FDT));
    edit_transactions(&mut stage, |changes| {
        changes.sort_by_key(|change| !matches!(change, Change::DeleteAddress(_)));
    });
    stage.cuts(Port(0));
    breaks(&mut stage, FDT + Duration::from_secs(1), Rule::NeverOnNone);
}

#[test]
fn a_hand_over_without_an_end() {
    let mut stage = Stage::of(6, group(2, 2, FDT));
    edit_transactions(&mut stage, |changes| changes.retain(|change| !matches!(change, Change::DeleteAddress(_))));
    stage.cuts(Port(0));
    // The address is on the dead member and on the living one, which is no harm to reachability.
    breaks(&mut stage, FDT + Duration::from_secs(2), Rule::NeverOnNone);
}

#[test]
fn hands_on_a_foreign_address() {
    let mut stage = Stage::of(7, group(1, 2, FDT));
    let key = AddressKey { index: stage.kernel.index_of(Port(0)).unwrap(), address: site::host(0, 99).into() };
    stage.kernel.add_address(key, AddressInfo { scope: Scope::Global, ours: false, tentative: false });
    inject_once(&mut stage, vec![Change::DeleteAddress(key)]);
    breaks(&mut stage, Duration::from_secs(2), Rule::ForeignUntouched);
}

#[test]
fn hands_on_a_foreign_route() {
    let mut stage = Stage::of(8, group(1, 2, FDT));
    let route = default_route(&stage, &[Port(0)]);
    let key = RouteKey { metric: 0, ours: false, ..route.key };
    stage.kernel.put_route(Route { key, ..route });
    inject_once(&mut stage, vec![Change::DeleteRoute(key)]);
    breaks(&mut stage, Duration::from_secs(2), Rule::ForeignUntouched);
}

/// A route in place of ours, whichever legs that has.
fn put_over(route: Route) -> Change {
    Change::PutRoute { present: route.legs.clone(), route }
}

#[test]
fn a_move_because_of_an_outage() {
    let mut stage = Stage::of(9, group(2, 3, FDT));
    let route = default_route(&stage, &[Port(0)]);
    let mut once = Some(apply(vec![put_over(route)]));
    stage.meddler.actions = Some(Box::new(move |_, actions: &mut Vec<Action>| {
        if actions.iter().any(|action| matches!(action, Action::Notify(Notice::GroupFailed { .. }))) {
            actions.extend(once.take());
        }
    }));
    stage.does(Deed::Dark(0, true));
    breaks(&mut stage, FDT * 2, Rule::OutageMovesNothing);
}

#[test]
fn a_change_without_a_reason() {
    let mut stage = Stage::of(10, group(2, 2, FDT));
    stage.plays(Duration::from_secs(600));
    let route = default_route(&stage, &[Port(0), Port(1)]);
    inject_once(&mut stage, vec![put_over(route)]);
    breaks(&mut stage, Duration::from_secs(2), Rule::Steady);
}

#[test]
fn changes_without_end() {
    let mut stage = Stage::of(11, group(1, 2, FDT));
    let route = default_route(&stage, &[Port(0), Port(1)]);
    stage.meddler.actions = Some(Box::new(move |_, actions: &mut Vec<Action>| {
        actions.push(apply(vec![put_over(route.clone())]));
    }));
    breaks(&mut stage, Duration::from_secs(60), Rule::Steady);
}

/// From now on the core is told of no answer to a probe of a port, which the world knows have come.
fn deafen(stage: &mut Stage, port: Port) {
    let mine = Rc::new(RefCell::new(BTreeSet::new()));
    let sent = mine.clone();
    stage.meddler.actions = Some(Box::new(move |_, actions: &mut Vec<Action>| {
        for action in actions {
            if let Action::SendProbe { probe, member, .. } = action
                && *member == port.name()
            {
                sent.borrow_mut().insert(*probe);
            }
        }
    }));
    stage.meddler.event = Some(Box::new(move |_: Instant, event: Event| match &event {
        Event::Reply { probe, .. } if mine.borrow().contains(probe) => None,
        _ => Some(event),
    }));
}

#[test]
fn a_failure_without_losses() {
    let mut stage = Stage::of(12, group(1, 2, FDT));
    deafen(&mut stage, Port(0));
    breaks(&mut stage, Duration::from_secs(60), Rule::VerdictsJust);
}

/// Tells something once, at the next occasion.
fn tell_once(stage: &mut Stage, notices: Vec<Notice>) {
    let mut once = Some(notices);
    stage.meddler.actions = Some(Box::new(move |_, actions: &mut Vec<Action>| {
        actions.extend(once.take().into_iter().flatten().map(Action::Notify));
    }));
}

fn failed(port: Port, reason: Reason) -> Notice {
    Notice::InterfaceFailed { interface: port.name(), group: "ipmp0".parse().unwrap(), reason }
}

#[test]
fn a_failure_that_is_not_confirmed() {
    let mut stage = Stage::of(18, group(1, 2, FDT));
    stage.cuts(Port(0));
    stage.plays(FDT / 2);
    // Some are lost, and not all that it takes.
    let reason = Reason::ProbesLost { lost: 21, targets: vec![], last_reply: None };
    tell_once(&mut stage, vec![failed(Port(0), reason)]);
    breaks(&mut stage, Duration::from_secs(1), Rule::VerdictsJust);
}

#[test]
fn a_failure_by_large_probes() {
    let mut stage = Stage::of(19, group(1, 2, FDT));
    stage.meddler.actions = Some(Box::new(|_, actions: &mut Vec<Action>| {
        for action in actions {
            if let Action::SendProbe { length, .. } = action {
                *length = Some(1500);
            }
        }
    }));
    stage.does(Deed::Path(Port(0), Path { mtu: 1400, ..Path::default() }));
    breaks(&mut stage, FDT * 2, Rule::VerdictsJust);
}

#[test]
fn a_failure_detection_time_that_is_raised_for_nothing() {
    let raised = |now: Duration| Notice::FdtRaised {
        interface: Port(0).name(),
        group: "ipmp0".parse().unwrap(),
        family: Family::V4,
        wanted: FDT,
        now,
    };
    let mut stage = Stage::of(20, group(1, 2, FDT));
    tell_once(&mut stage, vec![raised(FDT * 2)]);
    breaks(&mut stage, Duration::from_secs(1), Rule::VerdictsJust);

    let mut stage = Stage::of(20, group(1, 2, FDT));
    stage.does(Deed::Path(Port(0), Path { delay: FDT / 4, ..Path::default() }));
    tell_once(&mut stage, vec![raised(FDT * 11)]);
    breaks(&mut stage, Duration::from_secs(1), Rule::VerdictsJust);
}

#[test]
fn a_repair_in_spite_of_a_penalty() {
    let mut stage = Stage::of(21, group(1, 2, FDT));
    let repaired = Notice::InterfaceRepaired {
        interface: Port(0).name(),
        group: "ipmp0".parse().unwrap(),
        reason: Reason::LinkUp,
    };
    let mut story = vec![failed(Port(0), Reason::LinkUp); 3];
    story.push(repaired);
    tell_once(&mut stage, story);
    breaks(&mut stage, Duration::from_secs(1), Rule::Steady);
}

#[test]
fn a_twin_that_carries_on() {
    let mut stage = Stage::of(22, group(2, 2, FDT));
    idle_mover(&mut stage);
    stage.does(Deed::Mac(Port(1), Port(0).mac()));
    let end = stage.now + Duration::from_secs(20);
    let violation = stage.run_until(end).expect_err("it carries on");
    assert!(matches!(violation.rule, Rule::StandbysIdle | Rule::Reachable), "{violation}");
}

#[test]
fn hands_on_an_interface_in_no_group() {
    let mut stage = Stage::of(23, group(1, 2, FDT));
    let index = stage.kernel.index_of(Port(5)).unwrap();
    inject_once(&mut stage, vec![Change::Tune { index, tunables: Tunables::MEMBER }]);
    breaks(&mut stage, Duration::from_secs(2), Rule::ForeignUntouched);
}

#[test]
fn a_home_with_a_raised_failure_detection_time() {
    let mut stage = Stage::of(24, group(1, 2, FDT));
    for port in [Port(0), Port(1)] {
        stage.does(Deed::Path(port, Path { delay: FDT / 5, ..Path::default() }));
    }
    stage.plays(Duration::from_secs(60));
    let violation = at_home(&stage.scene()).expect_err("it is raised");
    assert!(violation.what.contains("failure detection time"), "{violation}");
}

#[test]
fn a_failure_that_is_not_found() {
    // Without data there is nothing that could be unreachable.
    let mut config = group(0, 2, FDT);
    config.gateways.clear();
    let mut stage = Stage::of(13, config);
    stage.meddler.event = Some(Box::new(|_: Instant, event: Event| match event {
        Event::ProbeSent { .. } => None,
        _ => Some(event),
    }));
    stage.cuts(Port(0));
    breaks(&mut stage, FDT * 3, Rule::VerdictsJust);
}

#[test]
fn a_standby_that_goes_on() {
    let mut config = group(2, 3, FDT);
    config.members[2].standby = true;
    let mut stage = Stage::of(14, config);
    stage.cuts(Port(0));
    stage.plays(FDT * 2);
    assert!(stage.ways_out().contains(&Port(2)), "{}", stage.told());
    idle_mover(&mut stage);
    stage.mends(Port(0));
    breaks(&mut stage, FDT * 3, Rule::StandbysIdle);
}

#[test]
fn an_offline_member_that_carries_on() {
    let mut stage = Stage::of(15, group(2, 2, FDT));
    idle_mover(&mut stage);
    stage.does(Deed::Service(Port(0), false));
    let end = stage.now + Duration::from_secs(20);
    let violation = stage.run_until(end).expect_err("it carries on");
    assert!(matches!(violation.rule, Rule::StandbysIdle | Rule::Reachable), "{violation}");
}

#[test]
fn something_left_behind() {
    let mut stage = Stage::of(16, group(2, 2, FDT));
    edit_transactions(&mut stage, |changes| changes.retain(|change| !matches!(change, Change::Tune { .. })));
    stage.reload(Config::default());
    stage.plays(Duration::from_secs(10));
    let violation = holds_nothing(&stage.scene()).expect_err("settings are left");
    assert_eq!(violation.rule, Rule::NothingLeft);
}

#[test]
fn a_home_that_is_not_one() {
    let mut stage = Stage::of(17, group(4, 2, FDT));
    at_home(&stage.scene()).expect("all is well");
    let index = stage.kernel.index_of(Port(1)).unwrap();
    let moved: Vec<AddressKey> = stage.kernel.addresses.keys().filter(|key| key.index == index).copied().collect();
    for key in moved {
        stage.kernel.delete_address(key);
    }
    let violation = at_home(&stage.scene()).expect_err("addresses are missing");
    assert_eq!(violation.rule, Rule::Home);
}

/// A group with both families, two addresses and two members each.
fn dual() -> GroupConfig {
    group_of(&[Family::V4, Family::V6], 2, 2, FDT)
}

#[test]
fn a_family_that_is_dead_and_stays() {
    for family in [Family::V4, Family::V6] {
        let mut stage = Stage::of(25, dual());
        idle_mover(&mut stage);
        stage.does(Deed::Path(Port(0), Path::dead_in(family)));
        breaks(&mut stage, FDT * 2, Rule::Reachable);
    }
}

#[test]
fn a_family_that_lives_and_is_moved() {
    let mut stage = Stage::of(26, dual());
    let living = stage.kernel.index_of(Port(0)).unwrap();
    let at = |index| move |key: &&AddressKey| key.index == index && key.address.addr().is_ipv4();
    let data = |key: &&AddressKey| stage.file.groups[0].addresses.iter().any(|net| net.addr() == key.address.addr());
    let key = *stage.kernel.addresses.keys().filter(at(living)).find(data).expect("it carries one");
    let other = AddressKey { index: stage.kernel.index_of(Port(1)).unwrap(), ..key };
    let moved = vec![Change::AddAddress { key: other, scope: Scope::Global }, Change::DeleteAddress(key)];
    let mut once = Some(apply(moved));
    stage.meddler.actions = Some(Box::new(move |_, actions: &mut Vec<Action>| {
        if actions.iter().any(|action| matches!(action, Action::Notify(Notice::FamilyFailed { .. }))) {
            actions.extend(once.take());
        }
    }));
    stage.plays(FDT * 10);
    stage.does(Deed::Path(Port(0), Path::dead_in(Family::V6)));
    breaks(&mut stage, FDT * 2, Rule::FamiliesApart);
}

#[test]
fn an_address_that_is_used_though_another_host_has_it() {
    for family in [Family::V4, Family::V6] {
        let net = site::data_address(family, 0, 5);
        let mut stage = Stage::of(27, group_of(&[family], 1, 2, FDT));
        stage.does(Deed::Stranger(net.addr(), true));
        stage.meddler.event = Some(Box::new(|_: Instant, event: Event| match event {
            Event::AddressTaken { .. } => None,
            _ => Some(event),
        }));
        let mut config = stage.file.clone();
        config.groups[0].addresses.push(net);
        stage.reload(config);
        breaks(&mut stage, Duration::from_secs(2), Rule::NoConflict);
    }
}

#[test]
fn an_address_that_is_used_before_it_is_asked_for() {
    let net = site::data_address(Family::V6, 0, 5);
    let mut stage = Stage::of(28, group_of(&[Family::V6], 1, 2, FDT));
    let key = AddressKey { index: stage.kernel.index_of(Port(0)).unwrap(), address: net.addr().into() };
    let mut config = stage.file.clone();
    config.groups[0].addresses.push(net);
    stage.reload(config);
    stage.plays(Duration::from_millis(100));
    inject_once(&mut stage, vec![Change::AddAddress { key, scope: Scope::Global }]);
    breaks(&mut stage, Duration::from_secs(1), Rule::NoConflict);
}

#[test]
fn an_address_that_is_never_used() {
    let net = site::data_address(Family::V4, 0, 5);
    let mut stage = Stage::of(29, group_of(&[Family::V4], 1, 2, FDT));
    edit_transactions(&mut stage, move |changes| {
        changes.retain(|change| !matches!(change, Change::AddAddress { key, .. } if key.address.addr() == net.addr()));
    });
    let mut config = stage.file.clone();
    config.groups[0].addresses.push(net);
    stage.reload(config);
    breaks(&mut stage, Duration::from_secs(5), Rule::Reachable);
}

#[test]
fn a_question_because_of_a_failover() {
    let mut stage = Stage::of(30, group_of(&[Family::V6], 2, 2, FDT));
    let (address, index) = (site::data_address(Family::V6, 0, 0).addr(), stage.kernel.index_of(Port(1)).unwrap());
    stage.meddler.actions = Some(Box::new(move |_, actions: &mut Vec<Action>| {
        if actions.iter().any(|action| matches!(action, Action::Notify(Notice::InterfaceFailed { .. }))) {
            actions.push(Action::CheckAddresses(vec![AddressCheck { index, mac: Port(1).mac(), address }]));
        }
    }));
    stage.does(Deed::Cable(Port(0), false));
    breaks(&mut stage, Duration::from_secs(2), Rule::NoConflict);
}

#[test]
fn one_of_two_that_is_accused_by_the_other() {
    let mut config = untested(group_of(&[Family::V4], 2, 2, FDT));
    (config.targets, config.gateways, config.targets_exclusive) = (Vec::new(), Vec::new(), false);
    let mut stage = Stage::on(31, config, Keep::Lines, |world| {
        for n in 1..=site::HOSTS {
            world.network.set_host(site::host(0, n), Host { multicast: false, ..Host::default() });
        }
    });
    stage.cuts(Port(0));
    stage.plays(FDT * 3);
    let reason = Reason::ProbesLost { lost: 21, targets: vec![], last_reply: None };
    tell_once(&mut stage, vec![failed(Port(0), reason)]);
    breaks(&mut stage, Duration::from_secs(1), Rule::StandInsTellNothing);
}

#[test]
fn ipv6_before_ipv4() {
    let mut stage = Stage::of(32, dual());
    edit_transactions(&mut stage, |changes| changes.reverse());
    stage.does(Deed::Cable(Port(0), false));
    breaks(&mut stage, Duration::from_secs(1), Rule::QuickFirst);
}

#[test]
fn too_much_ipv6_at_once() {
    let mut stage = Stage::of(33, dual());
    let index = stage.kernel.index_of(Port(0)).unwrap();
    let add = |n| AddressKey { index, address: site::data_address(Family::V6, 0, n).addr().into() };
    let many = (100..165).map(|n| Change::AddAddress { key: add(n), scope: Scope::Global }).collect();
    inject_once(&mut stage, many);
    breaks(&mut stage, Duration::from_secs(1), Rule::QuickFirst);
}
