//! Interfaces in no group (IPMP behaviour §9).

use ipmp_core::status::{GroupState, MemberState, TargetState::Active};
use ipmp_core::{Change, Detection, Mac, Refusal, Schedule};

use crate::bench::*;

/// A group, and beside it two NICs of the host's own on two LANs with a router each.
fn tracking() -> Bench {
    let mut bench = Bench::new(pair());
    for (name, address, router, to) in [
        ("lan0", "198.51.100.7/24", "198.51.100.1", "0.0.0.0/0"),
        ("lan1", "203.0.113.7/24", "203.0.113.1", "10.0.0.0/8"),
    ] {
        bench.plug(name);
        bench.address(name, address);
        bench.route(to, router, name);
    }
    bench.config.track_all_interfaces = true;
    bench.config.detection = Detection { schedule: Schedule::Classic, ..Detection::default() };
    bench.start();
    bench.run(s(3));
    bench.forget();
    bench
}

fn touched(bench: &Bench) -> bool {
    let nics = [bench.index("lan0"), bench.index("lan1")];
    bench.changes.iter().any(|change| match change {
        Change::SetUp(index) | Change::Tune { index, .. } => nics.contains(index),
        Change::AddAddress { key, .. } | Change::DeleteAddress(key) => nics.contains(&key.index),
        Change::PutRoute { route, .. } => route.legs.iter().any(|leg| nics.contains(&leg.index)),
        _ => false,
    })
}

#[test]
fn interfaces_in_no_group_are_left_alone_by_default() {
    let mut bench = tracking();
    bench.reload(|config| config.track_all_interfaces = false);
    bench.forget();
    bench.carrier("lan0", false);
    bench.run(s(10));
    assert!(bench.told().is_empty() && bench.sent_by("lan0").is_empty() && bench.sent_by("lan1").is_empty());
}

#[test]
fn failures_and_repairs_by_probes_are_reported() {
    let mut bench = tracking();
    assert!(bench.is("lan0", MemberState::Ok));
    bench.fate(silent("lan0"));
    bench.until(F, |bench| bench.is("lan0", MemberState::Failed));
    bench.fate(everybody);
    bench.run(s(3));
    assert_eq!(bench.times("interface_failed"), 1);
    assert_eq!(bench.times("interface_repaired"), 1);
}

#[test]
fn failures_and_repairs_by_links_are_reported() {
    let mut bench = tracking();
    bench.carrier("lan0", false);
    assert_eq!(bench.told(), ["link_down", "interface_failed"]);
    bench.carrier("lan0", true);
    bench.run(s(3));
    assert_eq!(bench.told()[2..], ["link_up", "interface_repaired"]);
}

/// There is nobody to be compared with: each is judged alone, and the state of the whole is always ok.
#[test]
fn each_is_judged_alone() {
    let mut bench = tracking();
    bench.fate(|probe| if probe.member.starts_with("lan") { Fate::Never } else { QUICK });
    bench.run(s(2));
    assert!(bench.is("lan0", MemberState::Failed) && bench.is("lan1", MemberState::Failed));
    assert_eq!((bench.times("interface_failed"), bench.times("group_failed")), (2, 0));
    assert!(bench.ungrouped().is_some_and(|group| group.state == GroupState::Ok));
}

#[test]
fn nothing_is_moved_or_touched() {
    let mut bench = tracking();
    bench.fate(silent("lan0"));
    bench.run(s(5));
    bench.carrier("lan1", false);
    bench.run(s(5));
    assert!(!touched(&bench), "{:?}", bench.changes);
}

#[test]
fn none_is_ever_inactive() {
    let mut bench = tracking();
    bench.fate(silent("lan0"));
    bench.run(s(2));
    bench.fate(everybody);
    bench.run(s(3));
    assert!(!bench.member("lan0").inactive && !bench.member("lan1").inactive);
}

#[test]
fn targets_are_not_shared() {
    let bench = tracking();
    assert_eq!(bench.targets("lan0", Active), [ip("198.51.100.1")]);
    assert_eq!(bench.targets("lan1", Active), [ip("203.0.113.1")]);
}

#[test]
fn hosts_are_looked_for_where_there_is_no_router() {
    let mut bench = tracking();
    bench.unroute("0.0.0.0/0");
    bench.hosts = vec![ip("198.51.100.9")];
    bench.run(s(2));
    assert_eq!(bench.targets("lan0", Active), [ip("198.51.100.9")]);
    assert_eq!(bench.targets("lan1", Active), [ip("203.0.113.1")]);
}

#[test]
fn hardware_addresses_need_not_be_unique() {
    let mut bench = tracking();
    bench.link("lan0", |link| link.mac = Some(Mac([2, 0, 0, 0, 0, 99])));
    bench.link("lan1", |link| link.mac = Some(Mac([2, 0, 0, 0, 0, 99])));
    bench.run(s(3));
    assert!(bench.is("lan0", MemberState::Ok) && bench.is("lan1", MemberState::Ok));
    assert_eq!(bench.times("duplicate_hwaddr"), 0);
}

#[test]
fn addresses_need_not_be_unique() {
    let mut bench = tracking();
    bench.address("lan1", "198.51.100.7/24");
    bench.run(s(3));
    assert!(bench.is("lan0", MemberState::Ok));
    assert_eq!(bench.times("test_address_duplicate"), 0);
}

#[test]
fn nothing_is_told_of_detection_times() {
    let mut bench = tracking();
    bench.fate(|probe| if probe.member.starts_with("lan") { Fate::After(ms(130)) } else { QUICK });
    bench.run(s(20));
    assert_eq!(bench.times("fdt_raised"), 0);
}

#[test]
fn none_can_be_taken_offline() {
    let mut bench = tracking();
    assert!(matches!(bench.offline("lan0"), Err(Refusal::MinimumRedundancy(_) | Refusal::UnknownInterface(_))));
}

#[test]
fn interfaces_without_many_hosts_are_not_watched() {
    let mut bench = tracking();
    bench.link("lan0", |link| link.multi_access = false);
    bench.forget();
    bench.carrier("lan0", false);
    bench.run(s(3));
    assert!(bench.told().is_empty() && bench.sent_by("lan0").is_empty());
}

#[test]
fn an_interface_that_joins_a_group_is_in_no_other() {
    let mut bench = tracking();
    bench.plug("eth2");
    bench.run(s(1));
    bench.reload(|config| config.groups[0].members.push(tested(2)));
    bench.run(s(5));
    let names = |members: Vec<ipmp_core::status::MemberStatus>| members.into_iter().map(|member| member.interface);
    assert!(names(bench.group().members).any(|name| name.as_str() == "eth2"));
    assert!(names(bench.ungrouped().unwrap().members).all(|name| name.as_str() != "eth2"));
}
