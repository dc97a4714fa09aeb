//! The states of a member, row by row, and who of those that work is active (IPMP behaviour §6).

use ipmp_core::status::{GroupState, MemberState, ProbeState, TargetState::Active, Waiting};
use ipmp_core::{Change, Config, GroupConfig, Mac, MemberConfig, Refusal};

use crate::bench::*;

/// One member that carries data, and a standby.
fn with_standby() -> GroupConfig {
    group([tested(0), standby(tested(1))])
}

/// What one of its members is, edited.
fn member(config: &mut Config, number: usize) -> &mut MemberConfig {
    &mut config.groups[0].members[number]
}

/// Is answered again, long enough to be repaired.
fn mend(bench: &mut Bench) {
    bench.fate(everybody);
    bench.run(s(3));
}

fn no_failback(group: GroupConfig) -> GroupConfig {
    GroupConfig { failback: false, ..group }
}

// Discovered.

#[test]
fn members_that_are_found_together_work_at_once() {
    let mut bench = Bench::new(pair());
    bench.start();
    bench.run(s(1));
    assert!(bench.is("eth0", MemberState::Ok) && bench.is("eth1", MemberState::Ok));
    assert_eq!((bench.carries("eth0"), bench.carries("eth1")), (1, 1));
}

/// Solaris uses it at once, as far as its link is up. Here it earns its place by ten replies, since the group
/// works without it, and an address that is moved to a dead path is lost for as long as that takes to find.
#[test]
fn a_member_that_comes_to_a_working_group_has_to_earn_its_place() {
    let mut bench = Bench::new(pair());
    bench.unplug("eth1");
    bench.start();
    bench.run(s(3));
    bench.plug("eth1");
    assert!(bench.is("eth1", MemberState::Failed) && bench.carries("eth1") == 0);
    assert!(matches!(bench.member("eth1").waits_for, Some(Waiting::Replies { need: 10, .. })));
    bench.until(s(3), |bench| bench.is("eth1", MemberState::Ok));
    assert_eq!(bench.carries("eth1"), 1);
}

#[test]
fn a_member_that_is_added_to_a_working_group_has_to_earn_its_place() {
    let mut bench = Bench::running(group([tested(0)]));
    bench.plug("eth1");
    bench.reload(|config| config.groups[0].members.push(tested(1)));
    assert!(bench.is("eth1", MemberState::Failed) && bench.carries("eth1") == 0);
    bench.until(s(3), |bench| bench.is("eth1", MemberState::Ok));
    assert!(bench.active() == ["eth0", "eth1"] && bench.carries("eth1") == 1);
}

#[test]
fn without_a_test_address_it_is_used_as_soon_as_it_comes() {
    let mut bench = Bench::new(linked([untested(0), untested(1)]));
    bench.unplug("eth1");
    bench.start();
    bench.run(s(3));
    bench.plug("eth1");
    assert!(bench.is("eth1", MemberState::Ok) && bench.carries("eth1") == 1);
}

#[test]
fn a_member_that_is_offline_is_offline_after_a_restart() {
    let mut bench = Bench::running(pair());
    bench.offline("eth0").unwrap();
    bench.start();
    bench.run(s(3));
    assert!(bench.is("eth0", MemberState::Offline) && bench.carries("eth0") == 0);
    bench.online("eth0").unwrap();
}

/// Solaris forgets everything: it clears every failure and is blind for 40 s (§14 #2).
#[test]
fn a_restart_forgets_no_failure() {
    let mut bench = Bench::running(pair());
    fail(&mut bench, "eth0");
    bench.forget();
    bench.start();
    bench.run(s(3));
    assert!(bench.is("eth0", MemberState::Failed) && bench.is("eth1", MemberState::Ok));
    assert!(!bench.changes.iter().any(|change| matches!(change, Change::AddAddress { .. })), "{:?}", bench.changes);
}

#[test]
fn after_a_restart_a_dead_path_is_found_as_soon_as_before() {
    let mut bench = Bench::running(pair());
    bench.fate(silent("eth0"));
    bench.start();
    bench.until(F + I, |bench| bench.is("eth0", MemberState::Failed));
}

#[test]
fn a_reload_forgets_nothing() {
    let mut bench = Bench::running(pair());
    fail(&mut bench, "eth0");
    let before = bench.member("eth0");
    bench.forget();
    bench.reload(|config| config.groups[0].gateways.push(ip("192.0.2.2")));
    let after = bench.member("eth0");
    assert_eq!((before.state, before.since, before.penalty), (after.state, after.since, after.penalty));
    assert!(bench.told().is_empty());
}

// Link down, link up.

#[test]
fn a_lost_link_fails_a_member_that_works_or_is_unknown() {
    for gateways in [ips([1]), vec![]] {
        let mut bench = Bench::running(GroupConfig { gateways, ..pair() });
        bench.carrier("eth0", false);
        assert!(bench.is("eth0", MemberState::Failed) && bench.times("interface_failed") == 1);
    }
}

#[test]
fn a_lost_link_of_a_failed_member_is_no_second_failure() {
    let mut bench = Bench::running(pair());
    fail(&mut bench, "eth0");
    bench.carrier("eth0", false);
    assert_eq!((bench.times("link_down"), bench.times("interface_failed")), (1, 1));
}

#[test]
fn a_member_that_is_offline_stays_so_whatever_its_link_does() {
    let mut bench = Bench::running(pair());
    bench.offline("eth0").unwrap();
    bench.carrier("eth0", false);
    assert!(bench.is("eth0", MemberState::Offline));
    bench.carrier("eth0", true);
    bench.run(s(3));
    assert!(bench.is("eth0", MemberState::Offline) && bench.carries("eth0") == 0);
    assert!(bench.is("eth1", MemberState::Ok));
}

#[test]
fn with_a_test_address_a_link_that_comes_up_takes_ten_replies() {
    let mut bench = Bench::running(pair());
    bench.carrier("eth0", false);
    bench.run(s(1));
    bench.carrier("eth0", true);
    assert!(bench.is("eth0", MemberState::Failed));
    let took = bench.until(s(3), |bench| bench.is("eth0", MemberState::Ok));
    assert!(took >= 9 * I, "{took:?}");
}

// Losses and replies.

#[test]
fn a_standby_that_idles_fails_and_is_no_longer_inactive() {
    let mut bench = Bench::running(with_standby());
    assert!(bench.member("eth1").inactive);
    fail(&mut bench, "eth1");
    assert!(!bench.member("eth1").inactive);
    assert_eq!((bench.active(), bench.times("standby_activated")), (vec!["eth0".to_owned()], 0));
}

#[test]
fn a_standby_takes_the_place_of_an_active_member_that_fails() {
    let mut bench = Bench::running(with_standby());
    fail(&mut bench, "eth0");
    assert_eq!((bench.active(), bench.carries("eth1")), (vec!["eth1".to_owned()], 2));
    assert_eq!(bench.times("standby_activated"), 1);
}

// Test addresses and targets.

#[test]
fn a_test_address_that_appears_without_targets_makes_it_unknown() {
    let mut bench = Bench::running(GroupConfig { gateways: vec![], ..bare([untested(0), untested(1)]) });
    assert!(bench.is("eth0", MemberState::Ok) && bench.member("eth0").probe == ProbeState::Disabled);
    bench.reload(|config| *member(config, 0) = tested(0));
    bench.run(s(1));
    assert!(bench.is("eth0", MemberState::Unknown) && bench.member("eth0").active);
    assert_eq!(bench.times("test_address_configured"), 1);
}

#[test]
fn a_test_address_that_appears_finds_the_routers_that_are_there() {
    let mut bench = Bench::running(GroupConfig { gateways: vec![], ..group([untested(0), untested(1)]) });
    bench.route("10.1.0.0/16", "192.0.2.1", "eth0");
    bench.reload(|config| *member(config, 0) = tested(0));
    assert_eq!(bench.targets("eth0", Active), ips([1]));
}

#[test]
fn the_first_target_makes_an_unknown_member_ok() {
    let mut bench = Bench::running(GroupConfig { gateways: vec![], ..pair() });
    bench.route("10.1.0.0/16", "192.0.2.1", "eth0");
    assert!(bench.is("eth0", MemberState::Ok) && bench.told().is_empty());
}

#[test]
fn the_last_target_that_goes_makes_it_unknown() {
    let mut bench = Bench::running(GroupConfig { gateways: vec![], ..pair() });
    bench.route("10.1.0.0/16", "192.0.2.1", "eth0");
    bench.run(s(3));
    bench.unroute("10.1.0.0/16");
    assert!(bench.is("eth0", MemberState::Unknown) && bench.carries("eth0") == 1);
}

/// Solaris calls it unknown and keeps its flag of failure; so does this, in one word.
#[test]
fn a_failed_member_that_loses_its_last_target_stays_failed() {
    let mut bench = Bench::running(pair());
    fail(&mut bench, "eth0");
    bench.reload(|config| config.groups[0].gateways.clear());
    bench.run(s(60));
    assert!(bench.is("eth0", MemberState::Failed));
    assert_eq!(bench.member("eth0").waits_for, Some(Waiting::Targets));
    bench.fate(everybody);
    bench.reload(|config| config.groups[0].gateways = ips([1]));
    bench.until(s(3), |bench| bench.is("eth0", MemberState::Ok));
}

#[test]
fn without_its_test_address_a_member_goes_on_by_its_link() {
    let mut bench = Bench::running(bare([tested(0), tested(1)]));
    bench.reload(|config| member(config, 0).test_addresses.clear());
    bench.forget();
    bench.fate(nobody);
    bench.run(ms(500));
    assert!(bench.is("eth0", MemberState::Ok) && bench.member("eth0").probe == ProbeState::Disabled);
    assert!(bench.sent_by("eth0").is_empty());
}

#[test]
fn without_its_test_address_a_failed_member_with_a_link_is_repaired() {
    let mut bench = Bench::running(bare([tested(0), tested(1)]));
    fail(&mut bench, "eth0");
    bench.reload(|config| member(config, 0).test_addresses.clear());
    assert!(bench.is("eth0", MemberState::Ok) && bench.times("interface_repaired") == 1);
}

#[test]
fn a_missing_test_address_is_told_once_after_twenty_seconds() {
    let mut bench = Bench::new(bare([tested(0), untested(1)]));
    bench.start();
    bench.run(s(19));
    assert_eq!(bench.times("test_address_missing"), 0);
    bench.run(s(60));
    assert_eq!(bench.times("test_address_missing"), 1);
    bench.reload(|config| *member(config, 1) = tested(1));
    assert_eq!(bench.times("test_address_configured"), 1);
}

#[test]
fn a_test_address_that_is_not_unique_is_not_probed_from() {
    let mut bench = Bench::running(pair());
    bench.plug("other0");
    bench.address("other0", "192.0.2.10/24");
    assert_eq!(bench.times("test_address_duplicate"), 1);
    bench.forget();
    bench.run(s(2));
    assert!(bench.sent_by("eth0").is_empty());
    assert!(bench.member("eth0").probe == ProbeState::Disabled);
    assert!(bench.is("eth0", MemberState::Ok) && bench.carries("eth0") == 1);
    bench.unaddress("other0", "192.0.2.10/24");
    assert_eq!(bench.times("test_address_configured"), 1);
    bench.run(s(1));
    assert!(!bench.sent_by("eth0").is_empty());
}

// Offline and online.

#[test]
fn offline_empties_a_member_before_it_is_answered_and_stops_its_probes() {
    let mut bench = Bench::running(pair());
    bench.forget();
    bench.offline("eth0").unwrap();
    assert!(bench.is("eth0", MemberState::Offline));
    assert_eq!((bench.carries("eth0"), bench.carries("eth1")), (0, 2));
    bench.run(s(3));
    assert!(bench.sent_by("eth0").is_empty());
    assert_eq!(bench.told(), ["offline", "address_moved"]);
}

/// An address is on two members for a moment, never on none.
#[test]
fn offline_makes_before_it_breaks() {
    let mut bench = Bench::running(pair());
    bench.forget();
    bench.offline("eth0").unwrap();
    let data = ips([50, 51]);
    let at = |wanted: &dyn Fn(&Change) -> bool| bench.changes.iter().position(wanted);
    let added = at(&|change| matches!(change, Change::AddAddress { key, .. } if data.contains(&key.address.addr())));
    let deleted = at(&|change| matches!(change, Change::DeleteAddress(key) if data.contains(&key.address.addr())));
    assert!(added.unwrap() < deleted.unwrap());
}

#[test]
fn offline_activates_another() {
    let mut bench = Bench::running(with_standby());
    bench.offline("eth0").unwrap();
    assert_eq!(bench.active(), ["eth1"]);
}

#[test]
fn offline_of_a_standby_clears_inactive() {
    let mut bench = Bench::running(with_standby());
    bench.offline("eth1").unwrap();
    assert!(!bench.member("eth1").inactive && bench.is("eth1", MemberState::Offline));
    assert_eq!(bench.active(), ["eth0"]);
}

#[test]
fn offline_is_refused_where_no_other_functions() {
    let mut bench = Bench::running(pair());
    fail(&mut bench, "eth1");
    assert!(matches!(bench.offline("eth0"), Err(Refusal::MinimumRedundancy(_))));
    assert!(bench.is("eth0", MemberState::Ok));
    assert!(bench.offline("eth1").is_ok(), "a failed one may go");
}

/// In a failed group it takes another that is not offline; here with a link, since only that could carry data.
#[test]
fn offline_in_a_failed_group_takes_another_with_a_link() {
    let mut bench = Bench::running(pair());
    bench.fate(nobody);
    bench.until(s(2), |bench| bench.group_state() == GroupState::Failed);
    assert!(bench.offline("eth0").is_ok());
    let mut bench = Bench::running(pair());
    bench.carrier("eth1", false);
    bench.carrier("eth0", false);
    assert!(matches!(bench.offline("eth0"), Err(Refusal::MinimumRedundancy(_))));
}

/// Solaris closes the link's handle twice (§14 #19).
#[test]
fn offline_and_online_are_refused_where_they_change_nothing() {
    let mut bench = Bench::running(pair());
    assert!(matches!(bench.online("eth0"), Err(Refusal::NotOffline(_))));
    bench.offline("eth0").unwrap();
    assert!(matches!(bench.offline("eth0"), Err(Refusal::AlreadyOffline(_))));
    fail(&mut bench, "eth1");
    assert!(matches!(bench.online("eth1"), Err(Refusal::NotOffline(_))));
    assert!(matches!(bench.offline("eth7"), Err(Refusal::UnknownInterface(_))));
}

/// What was done to its cables meanwhile nobody knows: where probes can tell, it earns its place.
#[test]
fn online_takes_ten_replies_or_a_link() {
    let mut bench = Bench::running(pair());
    bench.offline("eth0").unwrap();
    bench.run(s(10));
    bench.online("eth0").unwrap();
    assert!(bench.is("eth0", MemberState::Failed));
    bench.until(s(3), |bench| bench.is("eth0", MemberState::Ok));
    assert_eq!(bench.carries("eth0"), 1);
    let mut bench = Bench::running(linked([untested(0), untested(1)]));
    bench.offline("eth0").unwrap();
    bench.online("eth0").unwrap();
    assert!(bench.is("eth0", MemberState::Ok) && bench.carries("eth0") == 1);
}

#[test]
fn online_of_a_failed_member_leaves_it_failed() {
    let mut bench = Bench::running(pair());
    fail(&mut bench, "eth0");
    bench.offline("eth0").unwrap();
    bench.online("eth0").unwrap();
    bench.run(s(10));
    assert!(bench.is("eth0", MemberState::Failed));
}

#[test]
fn online_gives_a_missing_test_address_its_grace_anew() {
    let mut bench = Bench::running(bare([tested(0), untested(1)]));
    bench.run(s(30));
    bench.offline("eth1").unwrap();
    bench.run(s(30));
    bench.online("eth1").unwrap();
    bench.run(s(19));
    assert_eq!(bench.times("test_address_missing"), 1);
    bench.run(s(2));
    assert_eq!(bench.times("test_address_missing"), 2);
}

// Hardware addresses.

const TWIN: Option<Mac> = Some(Mac([2, 0, 0, 0, 0, 99]));

fn make_twins(bench: &mut Bench, first: &str, second: &str) {
    bench.link(first, |link| link.mac = TWIN);
    bench.run(s(1));
    bench.link(second, |link| link.mac = TWIN);
}

#[test]
fn of_two_with_the_same_hardware_address_the_later_one_goes() {
    for (first, second) in [("eth0", "eth1"), ("eth1", "eth0")] {
        let mut bench = Bench::running(pair());
        make_twins(&mut bench, first, second);
        assert!(bench.is(second, MemberState::Offline) && bench.is(first, MemberState::Ok));
        assert_eq!((bench.carries(first), bench.carries(second)), (2, 0));
        assert_eq!(bench.times("duplicate_hwaddr"), 1);
        assert_eq!(bench.member(second).waits_for, Some(Waiting::HardwareAddress));
    }
}

#[test]
fn a_duplicate_hardware_address_is_found_at_discovery() {
    let mut bench = Bench::new(pair());
    bench.link("eth0", |link| link.mac = TWIN);
    bench.link("eth1", |link| link.mac = TWIN);
    bench.start();
    assert!(bench.is("eth0", MemberState::Ok) && bench.is("eth1", MemberState::Offline));
}

/// The least of evils: nothing can be received by both.
#[test]
fn a_duplicate_hardware_address_needs_no_redundancy() {
    let mut bench = Bench::running(pair());
    bench.link("eth0", |link| link.mac = TWIN);
    fail(&mut bench, "eth0");
    bench.link("eth1", |link| link.mac = TWIN);
    assert!(bench.is("eth1", MemberState::Offline) && bench.group_state() == GroupState::Failed);
}

#[test]
fn a_unique_hardware_address_brings_it_back() {
    let mut bench = Bench::running(pair());
    make_twins(&mut bench, "eth0", "eth1");
    bench.link("eth1", |link| link.mac = Some(Mac([2, 0, 0, 0, 0, 98])));
    bench.run(s(3));
    assert!(bench.is("eth1", MemberState::Ok) && bench.carries("eth1") == 1);
    assert_eq!(bench.times("duplicate_hwaddr_resolved"), 1);
}

#[test]
fn the_twin_that_leaves_brings_it_back() {
    let mut bench = Bench::running(group([tested(0), tested(1), tested(2)]));
    make_twins(&mut bench, "eth0", "eth1");
    bench.unplug("eth0");
    bench.run(s(3));
    assert!(bench.is("eth1", MemberState::Ok));
}

#[test]
fn the_twin_that_is_removed_brings_it_back() {
    let mut bench = Bench::running(group([tested(0), tested(1), tested(2)]));
    make_twins(&mut bench, "eth0", "eth1");
    bench.reload(|config| drop(config.groups[0].members.remove(0)));
    bench.run(s(3));
    assert!(bench.is("eth1", MemberState::Ok));
}

/// The one that comes online is the later one, whichever had the address first.
#[test]
fn online_is_refused_while_the_twin_that_took_over_serves() {
    let mut bench = Bench::running(group([tested(0), tested(1), tested(2)]));
    make_twins(&mut bench, "eth0", "eth1");
    bench.offline("eth0").unwrap();
    bench.run(s(3));
    assert!(matches!(bench.online("eth0"), Err(Refusal::DuplicateHardwareAddress(_))));
    assert!(bench.is("eth0", MemberState::Offline) && bench.is("eth1", MemberState::Ok));
}

#[test]
fn the_twin_that_goes_offline_brings_it_back() {
    let mut bench = Bench::running(group([tested(0), tested(1), tested(2)]));
    make_twins(&mut bench, "eth0", "eth1");
    bench.offline("eth0").unwrap();
    bench.run(s(3));
    assert!(bench.is("eth1", MemberState::Ok));
}

#[test]
fn online_is_refused_while_another_has_the_hardware_address() {
    let mut bench = Bench::running(group([tested(0), tested(1), tested(2)]));
    bench.offline("eth1").unwrap();
    make_twins(&mut bench, "eth0", "eth1");
    assert!(matches!(bench.online("eth1"), Err(Refusal::DuplicateHardwareAddress(_))));
    assert!(bench.is("eth1", MemberState::Offline));
}

// Standby set and cleared.

#[test]
fn standby_set_on_a_surplus_member_makes_it_idle() {
    let mut bench = Bench::running(pair());
    bench.reload(|config| member(config, 1).standby = true);
    assert_eq!((bench.active(), bench.carries("eth0")), (vec!["eth0".to_owned()], 2));
    assert!(bench.member("eth1").inactive);
}

#[test]
fn standby_set_on_the_only_one_that_works_leaves_it_active() {
    let mut bench = Bench::running(pair());
    fail(&mut bench, "eth0");
    bench.reload(|config| member(config, 1).standby = true);
    assert_eq!(bench.active(), ["eth1"]);
    mend(&mut bench);
    assert_eq!(bench.active(), ["eth0"]);
}

#[test]
fn standby_cleared_makes_it_active() {
    let mut bench = Bench::running(with_standby());
    bench.reload(|config| member(config, 1).standby = false);
    assert_eq!(bench.active(), ["eth0", "eth1"]);
    assert_eq!(bench.carries("eth1"), 1);
}

// Members that come, go and change group.

#[test]
fn a_nic_that_is_unplugged_fails_and_comes_back_under_another_number() {
    let mut bench = Bench::running(with_standby());
    bench.unplug("eth0");
    assert!(bench.is("eth0", MemberState::Failed) && bench.active() == ["eth1"]);
    bench.plug("eth0");
    bench.run(s(3));
    assert!(bench.is("eth0", MemberState::Ok) && bench.active() == ["eth0"]);
    assert_eq!((bench.carries("eth0"), bench.times("interface_appeared")), (2, 1));
}

#[test]
fn a_member_that_is_removed_leaves_its_place_to_a_standby() {
    let mut bench = Bench::running(group([tested(0), standby(tested(1)), standby(tested(2))]));
    bench.reload(|config| drop(config.groups[0].members.remove(0)));
    assert_eq!(bench.active(), ["eth1"]);
    assert_eq!((bench.carries("eth0"), bench.carries("eth1")), (0, 2));
}

#[test]
fn a_standby_in_service_that_is_removed_leaves_its_place_to_another() {
    let mut bench = Bench::running(group([tested(0), standby(tested(1)), standby(tested(2))]));
    fail(&mut bench, "eth0");
    let (stood_in, spare) = if bench.active() == ["eth1"] { (1, "eth2") } else { (2, "eth1") };
    bench.reload(|config| drop(config.groups[0].members.remove(stood_in)));
    assert_eq!(bench.active(), [spare]);
}

#[test]
fn a_member_changes_group_by_leaving_one_and_joining_the_other() {
    let mut bench = Bench::running(group([tested(0), tested(1), tested(2)]));
    let test = "198.51.100.12/24".parse().unwrap();
    let other = GroupConfig {
        interface: "ipmp1".parse().unwrap(),
        name: "other".parse().unwrap(),
        addresses: vec!["198.51.100.50/24".parse().unwrap()],
        gateways: vec![ip("198.51.100.1")],
        ..group([MemberConfig { test_addresses: vec![test], ..tested(2) }])
    };
    bench.reload(|config| {
        config.groups[0].members.pop();
        config.groups.push(other);
    });
    bench.run(s(3));
    assert!(bench.is("eth2", MemberState::Ok) && bench.targets("eth2", Active) == [ip("198.51.100.1")]);
    assert_eq!((bench.carries("eth0"), bench.carries("eth1"), bench.carries("eth2")), (1, 1, 1));
}

// To running: who is active once it works again.

#[test]
fn a_standby_that_is_repaired_idles_while_enough_are_active() {
    let mut bench = Bench::running(with_standby());
    fail(&mut bench, "eth1");
    mend(&mut bench);
    assert!(bench.member("eth1").inactive && bench.active() == ["eth0"]);
}

#[test]
fn a_standby_that_is_repaired_is_active_while_too_few_are() {
    let mut bench = Bench::running(group([tested(0), tested(1), standby(tested(2))]));
    fail(&mut bench, "eth2");
    bench.carrier("eth0", false);
    mend(&mut bench);
    assert_eq!(bench.active(), ["eth1", "eth2"]);
}

#[test]
fn with_failback_a_repaired_member_is_active_and_its_standby_idles() {
    let mut bench = Bench::running(with_standby());
    fail(&mut bench, "eth0");
    mend(&mut bench);
    assert_eq!((bench.active(), bench.carries("eth0")), (vec!["eth0".to_owned()], 2));
    assert_eq!(bench.times("standby_deactivated"), 1);
}

#[test]
fn without_failback_a_repaired_member_idles() {
    let mut bench = Bench::running(no_failback(with_standby()));
    fail(&mut bench, "eth0");
    mend(&mut bench);
    assert_eq!(bench.times("interface_repaired"), 1);
    assert!(bench.member("eth0").inactive && bench.active() == ["eth1"]);
}

#[test]
fn without_failback_a_repaired_member_of_a_failed_group_is_active() {
    let mut bench = Bench::running(no_failback(with_standby()));
    bench.carrier("eth1", false);
    bench.carrier("eth0", false);
    bench.carrier("eth0", true);
    bench.run(s(3));
    assert_eq!(bench.active(), ["eth0"]);
}

#[test]
fn without_failback_a_member_found_first_is_active() {
    let mut bench = Bench::running(no_failback(pair()));
    assert_eq!(bench.active(), ["eth0", "eth1"]);
    bench.plug("eth2");
    bench.reload(|config| config.groups[0].members.push(tested(2)));
    bench.run(s(3));
    assert_eq!(bench.active(), ["eth0", "eth1", "eth2"]);
}

#[test]
fn without_failback_a_member_that_comes_online_is_active() {
    for members in [pair(), group([untested(0), untested(1)])] {
        let mut bench = Bench::running(no_failback(members));
        bench.offline("eth0").unwrap();
        bench.online("eth0").unwrap();
        bench.run(s(3));
        assert_eq!((bench.active().len(), bench.carries("eth0")), (2, 1));
    }
}

#[test]
fn without_failback_one_that_lost_its_link_while_offline_is_active_once_it_is_online() {
    let mut bench = Bench::running(no_failback(pair()));
    bench.offline("eth1").unwrap();
    bench.carrier("eth1", false);
    bench.run(s(1));
    bench.carrier("eth1", true);
    bench.run(s(1));
    bench.online("eth1").unwrap();
    bench.until(s(5), |bench| bench.is("eth1", MemberState::Ok));
    assert_eq!(bench.active(), ["eth0", "eth1"]);
}

/// Solaris looks at a change of it only where a member is failed (§14 #3).
#[test]
fn failback_that_is_switched_on_applies_at_once() {
    let mut bench = Bench::running(no_failback(with_standby()));
    fail(&mut bench, "eth0");
    mend(&mut bench);
    bench.reload(|config| config.groups[0].failback = true);
    assert_eq!((bench.active(), bench.carries("eth0")), (vec!["eth0".to_owned()], 2));
}

// Balance.

#[test]
fn as_many_are_active_as_are_no_standbys() {
    let mut bench = Bench::running(group([tested(0), tested(1), standby(tested(2)), standby(tested(3))]));
    assert_eq!(bench.active(), ["eth0", "eth1"]);
    bench.carrier("eth0", false);
    assert_eq!(bench.active(), ["eth1", "eth2"]);
    bench.carrier("eth1", false);
    assert_eq!(bench.active(), ["eth2", "eth3"]);
    bench.carrier("eth0", true);
    bench.run(s(3));
    assert_eq!(bench.active().len(), 2);
    assert!(bench.member("eth0").active);
}

#[test]
fn a_standby_is_activated_before_one_that_idles_for_want_of_failback() {
    let members = [tested(0), tested(1), standby(tested(2)), standby(tested(3))];
    let mut bench = Bench::running(no_failback(group(members)));
    fail(&mut bench, "eth0");
    mend(&mut bench);
    assert!(bench.active() == ["eth1", "eth2"] && bench.member("eth0").inactive && bench.member("eth3").inactive);
    fail(&mut bench, "eth1");
    assert_eq!(bench.active(), ["eth2", "eth3"]);
    mend(&mut bench);
    fail(&mut bench, "eth2");
    assert_eq!(bench.active(), ["eth0", "eth3"]);
}

#[test]
fn one_that_idles_for_want_of_failback_is_activated_where_there_is_no_standby() {
    let mut bench = Bench::running(no_failback(pair()));
    fail(&mut bench, "eth0");
    mend(&mut bench);
    assert_eq!(bench.active(), ["eth1"]);
    fail(&mut bench, "eth1");
    assert_eq!((bench.active(), bench.carries("eth0")), (vec!["eth0".to_owned()], 2));
}

/// Solaris leaves the first one that is repaired inactive: it works, and nobody carries data (§14 #4).
#[test]
fn of_standbys_alone_one_is_active() {
    let mut bench = Bench::running(group([standby(tested(0)), standby(tested(1))]));
    assert_eq!(bench.active().len(), 1);
    bench.carrier("eth0", false);
    bench.carrier("eth1", false);
    bench.run(s(1));
    bench.carrier("eth1", true);
    bench.run(s(3));
    assert_eq!((bench.active(), bench.carries("eth1")), (vec!["eth1".to_owned()], 2));
}
