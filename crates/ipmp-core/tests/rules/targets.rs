//! Whom to probe (IPMP behaviour §3).

use ipmp_core::config::RouteConfig;
use ipmp_core::status::MemberState;
use ipmp_core::status::TargetMode;
use ipmp_core::status::TargetState::{Active, Dead, Slow, Unused};
use ipmp_core::{Event, GroupConfig, Instant};

use crate::bench::*;

/// A group that finds its targets by routes alone.
fn without_gateway() -> GroupConfig {
    GroupConfig { gateways: vec![], ..pair() }
}

/// A group with these targets and no others.
fn with_targets(lasts: impl IntoIterator<Item = u8>) -> GroupConfig {
    GroupConfig { targets: ips(lasts), targets_exclusive: true, ..pair() }
}

// Router targets.

#[test]
fn next_hops_of_routes_of_any_kind_are_routers() {
    let mut bench = Bench::running(without_gateway());
    bench.route("0.0.0.0/0", "192.0.2.1", "eth0");
    bench.route("198.51.100.0/24", "192.0.2.2", "eth0");
    bench.route("203.0.113.9/32", "192.0.2.3", "eth0");
    bench.run(s(1));
    let mut found = bench.targets("eth0", Active);
    found.sort();
    assert_eq!(found, ips([1, 2, 3]));
    assert_eq!(bench.probing("eth0").mode, TargetMode::Routes);
}

#[test]
fn routers_of_the_group_itself_are_routers() {
    let route = RouteConfig { to: "198.51.100.0/24".parse().unwrap(), via: ip("192.0.2.2") };
    let bench = Bench::running(GroupConfig { routes: vec![route], ..pair() });
    let mut found = bench.targets("eth0", Active);
    found.sort();
    assert_eq!(found, ips([1, 2]));
}

#[test]
fn a_next_hop_by_one_member_is_offered_to_all() {
    let mut bench = Bench::running(without_gateway());
    bench.route("0.0.0.0/0", "192.0.2.1", "eth0");
    assert_eq!(bench.targets("eth1", Active), ips([1]));
}

#[test]
fn own_addresses_are_rejected() {
    let mut bench = Bench::running(without_gateway());
    bench.plug("other0");
    bench.address("other0", "192.0.2.99/32");
    for (to, via) in [("10.1.0.0/16", "192.0.2.50"), ("10.2.0.0/16", "192.0.2.11"), ("10.3.0.0/16", "192.0.2.99")] {
        bench.route(to, via, "eth0");
    }
    bench.route("10.4.0.0/16", "192.0.2.7", "eth0");
    assert_eq!(bench.targets("eth0", Active), ips([7]), "a data address, a test address, that of another NIC");
}

#[test]
fn a_target_lies_in_the_subnet_of_the_test_address() {
    let mut group = pair();
    group.members[0].test_addresses = vec!["10.0.0.10/24".parse().unwrap()];
    group.members[1].test_addresses = vec!["10.0.0.11/24".parse().unwrap()];
    group.routes = vec![RouteConfig { to: "198.51.100.0/24".parse().unwrap(), via: ip("10.0.0.1") }];
    let bench = Bench::running(group);
    assert_eq!(bench.targets("eth0", Active), [ip("10.0.0.1")], "not the gateway 192.0.2.1");
}

#[test]
fn the_first_five_are_active_and_further_ones_are_spare() {
    let bench = Bench::running(with_targets(1..=7));
    assert_eq!(bench.targets("eth0", Active).len(), 5);
    assert_eq!(bench.targets("eth0", Unused), ips([6, 7]));
    let probed = |last| bench.probes.iter().any(|probe| probe.target == ips([last])[0]);
    assert!((1..=5).all(probed) && !(6..=7).any(probed));
}

#[test]
fn routes_are_read_again_when_they_change() {
    let mut bench = Bench::running(without_gateway());
    bench.route("10.1.0.0/16", "192.0.2.1", "eth0");
    assert_eq!(bench.targets("eth1", Active), ips([1]));
    bench.route("10.1.0.0/16", "192.0.2.2", "eth0");
    assert_eq!(bench.targets("eth1", Active), ips([2]));
}

#[test]
fn routers_that_vanish_are_deleted() {
    let mut bench = Bench::running(without_gateway());
    bench.route("10.1.0.0/16", "192.0.2.1", "eth0");
    bench.route("10.2.0.0/16", "192.0.2.2", "eth0");
    bench.unroute("10.1.0.0/16");
    assert_eq!(bench.targets("eth0", Active), ips([2]));
}

#[test]
fn routers_that_vanish_are_kept_while_the_group_is_failed() {
    let mut bench = Bench::running(without_gateway());
    bench.route("10.1.0.0/16", "192.0.2.1", "eth0");
    bench.run(s(3));
    bench.fate(nobody);
    bench.until(s(2), |bench| bench.times("group_failed") == 1);
    bench.unroute("10.1.0.0/16");
    bench.run(s(1));
    assert_eq!(bench.targets("eth0", Active), ips([1]));
    bench.fate(everybody);
    bench.until(s(3), |bench| bench.times("group_recovered") == 1);
}

/// Solaris puts new ones at the head of the list. Here explicit targets come first, then the group's own
/// routers: what the administrator named is what a member is judged by.
#[test]
fn named_targets_come_before_routers() {
    let bench = Bench::running(GroupConfig { targets: ips([9, 8, 7, 6]), ..pair() });
    let mut active = bench.targets("eth0", Active);
    active.sort();
    assert_eq!(active, ips([1, 6, 7, 8, 9]));
    let bench = Bench::running(GroupConfig { targets: ips([9, 8, 7, 6, 5]), ..pair() });
    assert_eq!(bench.targets("eth0", Unused), ips([1]));
}

/// The want of it is an operators' complaint (§14 #25).
#[test]
fn exclusive_targets_are_probed_alone() {
    let mut bench = Bench::running(with_targets([9]));
    bench.route("10.1.0.0/16", "192.0.2.2", "eth0");
    bench.run(s(1));
    assert_eq!(bench.targets("eth0", Active), ips([9]));
    assert!(bench.searches.is_empty());
}

// Host targets.

#[test]
fn hosts_are_looked_for_only_where_there_is_no_router() {
    let bench = Bench::running(pair());
    assert!(bench.searches.is_empty());
    let mut bench = Bench::new(without_gateway());
    bench.hosts = ips([7, 8]);
    bench.start();
    bench.run(s(1));
    let mut found = bench.targets("eth0", Active);
    found.sort();
    assert_eq!(found, ips([7, 8]));
    assert_eq!(bench.probing("eth0").mode, TargetMode::Multicast);
}

#[test]
fn a_router_wipes_out_the_hosts_and_the_two_are_never_mixed() {
    let mut bench = Bench::new(without_gateway());
    bench.hosts = ips([7, 8]);
    bench.start();
    bench.run(s(1));
    bench.route("10.1.0.0/16", "192.0.2.1", "eth0");
    assert_eq!(bench.probing("eth0").mode, TargetMode::Routes);
    assert_eq!(bench.targets("eth0", Active), ips([1]));
    bench.feed(Event::Discovered { member: "eth0".parse().unwrap(), address: ip("192.0.2.9") });
    assert_eq!(bench.targets("eth0", Active), ips([1]), "a belated answer");
}

#[test]
fn a_responder_is_offered_to_every_member_of_the_group() {
    let mut bench = Bench::running(without_gateway());
    bench.feed(Event::Discovered { member: "eth0".parse().unwrap(), address: ip("192.0.2.7") });
    assert_eq!(bench.targets("eth1", Active), ips([7]));
}

#[test]
fn a_responder_has_to_be_another_host_of_the_subnet() {
    let mut bench = Bench::running(without_gateway());
    for address in ["192.0.2.50", "192.0.2.11", "10.0.0.1", "0.0.0.0"] {
        bench.feed(Event::Discovered { member: "eth0".parse().unwrap(), address: ip(address) });
    }
    assert!(bench.probing("eth0").targets.is_empty());
}

#[test]
fn the_first_five_responders_win() {
    let mut bench = Bench::new(without_gateway());
    bench.hosts = ips(1..=7);
    bench.start();
    bench.run(s(1));
    let mut found = bench.targets("eth0", Active);
    found.sort();
    assert_eq!(found, ips(1..=5));
    assert!(bench.targets("eth0", Unused).is_empty(), "hosts are active or nothing");
}

/// Solaris copies only from members that are later in its list (§14 #12).
#[test]
fn a_new_member_takes_over_the_hosts_of_the_whole_group() {
    for late in ["eth0", "eth1"] {
        let mut bench = Bench::new(without_gateway());
        bench.unplug(late);
        bench.hosts = ips([7, 8]);
        bench.start();
        bench.run(s(2));
        bench.hosts.clear();
        bench.plug(late);
        bench.run(ms(1));
        assert_eq!(bench.targets(late, Active).len(), 2, "{late}");
    }
    let mut bench = Bench::new(without_gateway());
    bench.hosts = ips([7, 8]);
    bench.start();
    bench.run(s(2));
    bench.hosts.clear();
    bench.plug("eth2");
    bench.reload(|config| config.groups[0].members.push(tested(2)));
    assert_eq!(bench.targets("eth2", Active).len(), 2);
}

/// Solaris does so at each slot; on most links nobody answers, and once a second is enough.
#[test]
fn multicast_goes_once_a_second_while_there_are_no_targets() {
    let mut bench = Bench::running(without_gateway());
    bench.forget();
    bench.run(s(10));
    let searches = bench.searches.iter().filter(|(_, member)| member == "eth0").count();
    assert!((8..=10).contains(&searches), "{searches}");
    assert!(bench.probes.is_empty());
}

#[test]
fn multicast_goes_with_a_probe_each_second_while_only_one_host_is_known() {
    let mut bench = Bench::running(without_gateway());
    bench.hosts = ips([7]);
    bench.run(s(1));
    bench.forget();
    bench.run(s(10));
    let probes: Vec<Instant> = bench.sent_by("eth0").iter().map(|probe| probe.at).collect();
    let searches: Vec<Instant> = bench.searches.iter().filter(|(_, by)| by == "eth0").map(|(at, _)| *at).collect();
    assert!(searches.len() >= 6 && searches.iter().all(|at| probes.contains(at)), "{searches:?}");
    bench.hosts = ips([8]);
    bench.run(s(2));
    bench.forget();
    bench.run(s(2));
    assert!(bench.searches.is_empty(), "two are enough");
}

#[test]
fn a_host_that_is_dead_is_discarded_and_others_are_looked_for() {
    let mut bench = Bench::new(without_gateway());
    bench.hosts = ips([7, 8, 9]);
    bench.start();
    bench.run(s(3));
    bench.forget();
    bench.fate(dead("192.0.2.8"));
    bench.hosts = ips([6]);
    bench.until(s(5), |bench| bench.times("target_dead") == 1);
    bench.run(s(1));
    let mut found = bench.targets("eth0", Active);
    found.sort();
    assert_eq!(found, ips([6, 7, 9]));
    assert!(bench.targets("eth0", Dead).is_empty());
}

/// Solaris flushes the hosts of a group that fails. Here they are kept, since they may answer again, while
/// others are looked for; a newcomer takes the place of one that does not answer.
#[test]
fn a_failed_group_looks_for_other_hosts() {
    let mut bench = Bench::new(without_gateway());
    bench.hosts = ips(1..=5);
    bench.start();
    bench.run(s(3));
    bench.fate(|probe| if probe.target == ip("192.0.2.9") { QUICK } else { Fate::Never });
    bench.hosts = ips([9]);
    bench.until(s(3), |bench| bench.times("group_failed") == 1);
    bench.until(s(20), |bench| bench.times("group_recovered") == 1);
}

// States of targets.

#[test]
fn round_robin_is_strict() {
    let bench = Bench::running(with_targets([1, 2, 3]));
    let order: Vec<_> = bench.sent_by("eth0").iter().map(|probe| probe.target).collect();
    assert!(order.len() > 12);
    assert!(order.windows(4).all(|four| four[0] == four[3] && four[0] != four[1] && four[1] != four[2]));
}

#[test]
fn the_targets_are_shown_in_firing_order() {
    let mut bench = Bench::running(with_targets([1, 2, 3]));
    let next = bench.targets("eth0", Active);
    bench.forget();
    bench.run(3 * I + I / 2);
    let fired: Vec<_> = bench.sent_by("eth0").iter().map(|probe| probe.target).take(3).collect();
    assert_eq!(fired, next);
}

#[test]
fn five_losses_to_a_target_make_it_dead_while_others_answer() {
    let mut bench = Bench::running(with_targets([1, 2, 3]));
    bench.forget();
    bench.fate(dead("192.0.2.2"));
    bench.until(s(5), |bench| !bench.targets("eth0", Dead).is_empty());
    let lost = bench.sent_by("eth0").iter().filter(|probe| probe.target == ip("192.0.2.2")).count();
    assert_eq!(lost, 5);
    assert_eq!(bench.targets("eth0", Dead), ips([2]));
    assert!(bench.times("target_dead") >= 1 && bench.times("interface_failed") == 0);
}

#[test]
fn a_spare_takes_the_place_of_one_that_is_dead() {
    let mut bench = Bench::running(with_targets(1..=6));
    bench.fate(dead("192.0.2.2"));
    bench.until(s(8), |bench| !bench.targets("eth0", Dead).is_empty());
    assert!(bench.targets("eth0", Active).contains(&ip("192.0.2.6")));
    assert!(bench.targets("eth0", Unused).is_empty());
}

/// Solaris forgets to set the clock of a dead target, which is promoted at once (§14 #11).
#[test]
fn a_dead_target_is_slow_after_a_minute_and_probed_again_after_another() {
    let mut bench = Bench::running(with_targets([1, 2, 3]));
    bench.fate(dead("192.0.2.2"));
    bench.until(s(5), |bench| bench.targets("eth0", Dead) == ips([2]));
    let probed = |bench: &Bench| bench.sent_by("eth0").iter().any(|probe| probe.target == ip("192.0.2.2"));
    bench.run(s(1));
    bench.forget();
    bench.run(s(58));
    assert_eq!(bench.targets("eth0", Dead), ips([2]));
    bench.run(s(2));
    assert_eq!(bench.targets("eth0", Slow), ips([2]));
    bench.run(s(58));
    assert!(!probed(&bench) && bench.targets("eth0", Slow) == ips([2]));
    bench.run(s(3));
    assert!(probed(&bench));
}

/// Exceptional is: of four or more, all others take half an interval at most (§4).
#[test]
fn one_slow_target_of_four_rests_for_a_minute() {
    let mut bench = Bench::running(with_targets(1..=4));
    bench.fate(|probe| Fate::After(if probe.target == ip("192.0.2.3") { ms(130) } else { ms(1) }));
    bench.until(s(20), |bench| bench.targets("eth0", Slow) == ips([3]));
    assert!(bench.times("target_slow") >= 1 && bench.times("fdt_raised") == 0);
    bench.fate(everybody);
    bench.run(s(59));
    assert_eq!(bench.targets("eth0", Slow), ips([3]));
    bench.run(s(2));
    assert_eq!(bench.targets("eth0", Active).len(), 4);
}

#[test]
fn a_host_that_is_slow_alone_is_discarded() {
    let mut bench = Bench::new(without_gateway());
    bench.hosts = ips(1..=4);
    bench.start();
    bench.run(s(3));
    bench.fate(|probe| Fate::After(if probe.target == ip("192.0.2.3") { ms(130) } else { ms(1) }));
    bench.hosts = vec![];
    bench.forget();
    bench.until(s(20), |bench| bench.targets("eth0", Active).len() == 3);
    bench.until(2 * I, |bench| !bench.searches.is_empty());
}

/// An answer that comes after all: it lives. Solaris leaves it alone for its two minutes.
#[test]
fn a_dead_target_that_answers_late_is_active_again() {
    let mut bench = Bench::running(with_targets([1, 2, 3]));
    bench.fate(|probe| if probe.target == ip("192.0.2.2") { Fate::After(ms(300)) } else { QUICK });
    bench.run(s(10));
    bench.fate(everybody);
    bench.run(s(2));
    assert_eq!(bench.targets("eth0", Active).len(), 3);
}

#[test]
fn marking_a_target_forgets_its_round_trips() {
    let mut bench = Bench::running(with_targets([1, 2, 3]));
    let rtt = |bench: &Bench| {
        bench.probing("eth0").targets.into_iter().find(|target| target.address == ip("192.0.2.2")).unwrap().rtt
    };
    assert!(rtt(&bench).is_some());
    bench.fate(dead("192.0.2.2"));
    bench.until(s(5), |bench| bench.targets("eth0", Dead) == ips([2]));
    assert_eq!(rtt(&bench), None);
}

/// The order is that of Solaris: spare ones, then those that were slow, then those that were dead; those
/// that rested longest go first.
#[test]
fn a_list_without_an_active_target_is_refilled_up_to_three() {
    let mut bench = Bench::running(with_targets(1..=5));
    for (number, last) in (2..=5).enumerate() {
        bench
            .fate(move |probe| if (2..=last).any(|dead| probe.target == ips([dead])[0]) { Fate::Never } else { QUICK });
        bench.until(s(9), |bench| bench.targets("eth0", Dead).len() == number + 1);
    }
    bench.reload(|config| config.groups[0].targets = ips(2..=5));
    bench.forget();
    bench.fate(everybody);
    bench.run(s(1));
    let mut probed: Vec<_> = bench.sent_by("eth0").iter().map(|probe| probe.target).collect();
    probed.sort();
    probed.dedup();
    assert_eq!(probed, ips(2..=4));
}

#[test]
fn slow_targets_are_tried_again_before_dead_ones() {
    let mut bench = Bench::running(with_targets(1..=5));
    let is = |probe: &Probe, last: u8| probe.target == ips([last])[0];
    bench.fate(move |probe| Fate::After(if is(probe, 5) { ms(130) } else { ms(1) }));
    bench.until(s(20), |bench| bench.targets("eth0", Slow) == ips([5]));
    for (number, last) in (2..=4).enumerate() {
        bench.fate(move |probe| if (2..=last).any(|dead| is(probe, dead)) { Fate::Never } else { QUICK });
        bench.until(s(9), |bench| bench.targets("eth0", Dead).len() == number + 1);
    }
    bench.reload(|config| config.groups[0].targets = ips(2..=5));
    bench.forget();
    bench.fate(everybody);
    bench.run(s(1));
    let probed = |last| bench.sent_by("eth0").iter().any(|probe| is(probe, last));
    assert!(probed(5) && probed(2) && probed(3) && !probed(4), "the slow one, and those that were dead first");
}

#[test]
fn the_only_target_is_never_given_up() {
    let mut bench = Bench::running(with_targets([1, 2]));
    bench.fate(silent("eth0"));
    bench.until(s(2), |bench| bench.is("eth0", MemberState::Failed));
    bench.forget();
    bench.run(s(1));
    assert!(bench.sent_by("eth0").len() > 5);
}

#[test]
fn a_member_without_targets_is_unknown_and_carries_data_all_the_same() {
    let mut bench = Bench::running(without_gateway());
    assert!(bench.is("eth0", MemberState::Unknown) && bench.is("eth1", MemberState::Unknown));
    assert_eq!((bench.carries("eth0"), bench.carries("eth1")), (1, 1));
    bench.carrier("eth0", false);
    assert_eq!((bench.carries("eth0"), bench.carries("eth1")), (0, 2));
}
