//! Failure and repair (IPMP behaviour §5). Members are probed in IPv4 alone so far, so the rules about the
//! other family have no test yet.

use std::time::Duration;

use ipmp_core::status::{GroupState, MemberState, Run, TargetState::Dead, Waiting};
use ipmp_core::{Change, Damping, Detection, GroupConfig, Notice, ProbeOutcome, Schedule};

use crate::bench::*;

/// The reason that was told with a message.
fn reason(bench: &Bench, event: &str) -> String {
    bench.notices.iter().find(|notice| notice.event() == event).and_then(Notice::reason).unwrap_or_default()
}

/// Whether addresses or routes have been touched.
fn moved(bench: &Bench) -> bool {
    bench.changes.iter().any(|change| !matches!(change, Change::SetCarrier { .. } | Change::Announce(_)))
}

/// A carrier that goes for a second.
fn flap(bench: &mut Bench, name: &str) {
    bench.carrier(name, false);
    bench.run(s(1));
    bench.carrier(name, true);
}

// Losses.

#[test]
fn five_losses_in_a_row_over_all_targets_are_a_failure() {
    let mut bench = Bench::running(GroupConfig { targets: ips([2, 3]), ..pair() });
    bench.forget();
    bench.fate(silent("eth0"));
    bench.until(F, |bench| bench.is("eth0", MemberState::Failed));
    let why = reason(&bench, "interface_failed");
    assert!(why.starts_with("5 consecutive probes lost to 192.0.2.1 192.0.2.2 192.0.2.3; last reply"), "{why}");
    assert_eq!(bench.group_state(), GroupState::Degraded);
}

#[test]
fn four_losses_in_a_row_are_none() {
    let mut bench = Bench::running(pair());
    bench.forget();
    for _ in 0..10 {
        let mut left = 4;
        bench.fate(move |probe| {
            let lost = probe.member == "eth0" && left > 0;
            left -= usize::from(lost);
            if lost { Fate::Never } else { QUICK }
        });
        bench.until(s(2), |bench| matches!(bench.probing("eth0").run, Some(Run::Losses(_))));
        bench.until(s(2), |bench| matches!(bench.probing("eth0").run, Some(Run::Replies(1..))));
    }
    assert_eq!(bench.times("interface_failed"), 0);
}

#[test]
fn one_bad_target_is_not_a_bad_member() {
    for schedule in [Schedule::Classic, Schedule::Confirm] {
        let detection = Detection { schedule, ..Detection::default() };
        let mut bench = Bench::running(GroupConfig { detection, targets: ips([2, 3]), ..pair() });
        bench.forget();
        bench.fate(dead("192.0.2.2"));
        bench.until(s(20), |bench| bench.targets("eth0", Dead) == ips([2]) && bench.targets("eth1", Dead) == ips([2]));
        bench.run(s(20));
        assert_eq!((bench.times("interface_failed"), bench.times("target_dead")), (0, 2), "{schedule:?}");
    }
}

#[test]
fn where_nothing_can_be_probed_a_member_is_unknown_and_never_failed() {
    let mut bench = Bench::running(GroupConfig { gateways: vec![], ..pair() });
    bench.fate(nobody);
    bench.run(s(300));
    assert!(bench.is("eth0", MemberState::Unknown) && bench.group_state() == GroupState::Ok);
    assert_eq!(bench.member("eth0").waits_for, Some(Waiting::Targets));
}

// The member, or the network?

#[test]
fn it_is_the_member_if_another_is_answered_after_its_first_loss() {
    let mut bench = Bench::running(pair());
    bench.forget();
    bench.fate(silent("eth0"));
    bench.until(F, |bench| bench.is("eth0", MemberState::Failed));
    assert_eq!((bench.times("interface_failed"), bench.times("group_failed")), (1, 0));
    assert_eq!((bench.carries("eth0"), bench.carries("eth1")), (0, 2));
}

/// Solaris takes every address away. Here nothing is moved or withdrawn: dead targets must not cut a LAN
/// that works. And the verdict waits for the others' next probes, so that none is taken for the culprit
/// because its own happened to be earlier.
#[test]
fn it_is_the_network_if_nobody_is_answered_and_then_nothing_is_moved() {
    for (schedule, moment) in [Schedule::Classic, Schedule::Confirm].iter().flat_map(|s| (0..25).map(move |m| (*s, m)))
    {
        let detection = Detection { schedule, ..Detection::default() };
        let mut bench = Bench::running(GroupConfig { detection, ..group([tested(0), tested(1), tested(2)]) });
        bench.run(F * moment / 25);
        bench.forget();
        bench.fate(nobody);
        bench.until(F * 3 / 2, |bench| bench.group_state() == GroupState::Failed);
        bench.run(s(30));
        assert_eq!((bench.times("group_failed"), bench.times("interface_failed")), (1, 0), "no member is accused");
        assert!(!moved(&bench), "{:?}", bench.changes);
        bench.fate(everybody);
        bench.run(s(5));
        assert_eq!(bench.times("group_recovered"), 1);
        assert!(bench.group_state() == GroupState::Ok && !moved(&bench));
    }
}

/// Solaris takes its answers from before for a proof that it works, and moves everything to a dead member.
#[test]
fn the_verdict_waits_for_another_that_has_just_begun_to_lose() {
    for (schedule, moment) in [Schedule::Classic, Schedule::Confirm].iter().flat_map(|s| (0..20).map(move |m| (*s, m)))
    {
        let detection = Detection { schedule, ..Detection::default() };
        let mut bench = Bench::running(GroupConfig { detection, ..pair() });
        bench.run(F * moment / 20);
        bench.forget();
        bench.fate(silent("eth0"));
        bench.run(F / 4);
        bench.fate(nobody);
        bench.run(s(3));
        assert_eq!(bench.told(), ["group_failed"], "{schedule:?} {moment}");
    }
}

#[test]
fn a_failure_of_the_network_activates_nobody() {
    let mut bench = Bench::running(group([tested(0), standby(tested(1))]));
    bench.forget();
    bench.fate(nobody);
    bench.run(s(30));
    bench.fate(everybody);
    bench.run(s(5));
    assert_eq!(bench.told().first(), Some(&"group_failed"));
    assert!(!moved(&bench) && bench.times("standby_activated") == 0 && bench.active() == ["eth0"]);
}

#[test]
fn another_without_a_link_is_no_evidence() {
    let mut bench = Bench::running(pair());
    bench.carrier("eth1", false);
    bench.run(s(1));
    bench.forget();
    bench.fate(silent("eth0"));
    bench.run(s(2));
    assert_eq!(bench.told(), ["group_failed"]);
    assert_eq!(bench.carries("eth0"), 2);
}

#[test]
fn another_that_is_judged_by_its_link_is_evidence() {
    let mut bench = Bench::running(group([tested(0), untested(1)]));
    bench.fate(silent("eth0"));
    bench.until(F, |bench| bench.times("interface_failed") == 1);
    assert_eq!(bench.carries("eth1"), 2);
}

/// Solaris ignores it, and fails the group (§14 #1).
#[test]
fn another_that_has_nobody_to_probe_is_evidence() {
    let mut group = pair();
    group.members[1].test_addresses = vec!["10.0.0.11/24".parse().unwrap()];
    let mut bench = Bench::running(group);
    assert!(bench.is("eth1", MemberState::Unknown));
    bench.fate(silent("eth0"));
    bench.until(F, |bench| bench.times("interface_failed") == 1);
    assert_eq!((bench.carries("eth1"), bench.times("group_failed")), (2, 0));
}

/// Solaris counts it where it has no test address (§14 #16).
#[test]
fn another_that_is_offline_is_no_evidence() {
    for other in [tested(1), untested(1)] {
        let mut bench = Bench::running(group([tested(0), other]));
        bench.offline("eth1").unwrap();
        bench.forget();
        bench.fate(silent("eth0"));
        bench.run(s(2));
        assert_eq!(bench.told(), ["group_failed"]);
    }
}

/// Solaris counts it (§14 #16). Once the group has failed nothing better is left, and it is repaired.
#[test]
fn another_that_is_held_for_flapping_is_no_evidence() {
    let mut bench = Bench::running(bare([tested(0), untested(1)]));
    (0..3).for_each(|_| flap(&mut bench, "eth1"));
    assert!(bench.is("eth1", MemberState::Failed));
    bench.forget();
    bench.fate(silent("eth0"));
    bench.until(s(2), |bench| bench.times("group_failed") == 1);
    assert_eq!(bench.times("interface_failed"), 0);
    assert!(bench.is("eth1", MemberState::Ok));
}

#[test]
fn another_that_is_failed_is_no_evidence() {
    let mut bench = Bench::running(pair());
    bench.fate(silent("eth1"));
    bench.until(F, |bench| bench.is("eth1", MemberState::Failed));
    bench.forget();
    bench.fate(nobody);
    bench.run(s(2));
    assert_eq!(bench.told(), ["group_failed"]);
}

/// Solaris fails every member with the group. Here each keeps what it carries; so one that stays silent when
/// others are answered again has to be found by losses of its own.
#[test]
fn a_member_that_an_outage_leaves_behind_fails() {
    for schedule in [Schedule::Classic, Schedule::Confirm] {
        let detection = Detection { schedule, ..Detection::default() };
        let mut bench = Bench::running(GroupConfig { detection, ..pair() });
        bench.fate(nobody);
        bench.run(s(10));
        bench.forget();
        bench.fate(silent("eth0"));
        bench.until(s(3), |bench| bench.times("interface_failed") == 1);
        bench.until(s(2), |bench| bench.is("eth1", MemberState::Ok));
        assert!(bench.is("eth0", MemberState::Failed) && bench.carries("eth1") == 2, "{schedule:?}");
    }
}

// Links.

#[test]
fn a_lost_link_fails_at_once() {
    let mut bench = Bench::running(pair());
    bench.carrier("eth0", false);
    assert!(bench.is("eth0", MemberState::Failed));
    assert_eq!((bench.carries("eth0"), bench.carries("eth1")), (0, 2));
    assert_eq!(bench.member("eth0").waits_for, Some(Waiting::Link));
    assert_eq!(reason(&bench, "interface_failed"), "no carrier");
}

#[test]
fn a_lost_link_fails_its_member_alone() {
    // Solaris fails the whole group where the other has targets no longer, or is offline (§14 #1).
    let mut bench = Bench::running(GroupConfig { gateways: vec![], ..pair() });
    bench.carrier("eth0", false);
    assert!(bench.is("eth1", MemberState::Unknown) && bench.times("group_failed") == 0);
    let mut bench = Bench::running(pair());
    bench.offline("eth0").unwrap();
    bench.carrier("eth0", false);
    assert!(bench.is("eth1", MemberState::Ok) && bench.times("group_failed") == 0);
}

#[test]
fn a_lost_link_clears_the_history() {
    let mut bench = Bench::running(pair());
    bench.fate(silent("eth0"));
    bench.until(F, |bench| bench.probing("eth0").run == Some(Run::Losses(3)));
    bench.carrier("eth0", false);
    assert_eq!(bench.probing("eth0").run, None);
}

#[test]
fn the_last_link_fails_the_group() {
    let mut bench = Bench::running(pair());
    bench.carrier("eth0", false);
    bench.carrier("eth1", false);
    assert_eq!((bench.group_state(), bench.times("group_failed")), (GroupState::Failed, 1));
}

// Repair.

#[test]
fn ten_replies_in_a_row_repair() {
    let mut bench = Bench::running(pair());
    bench.fate(silent("eth0"));
    bench.until(F, |bench| bench.is("eth0", MemberState::Failed));
    bench.run(2 * I);
    bench.forget();
    bench.fate(everybody);
    bench.until(s(2), |bench| bench.is("eth0", MemberState::Ok));
    let eth0 = bench.reports.iter().filter(|report| report.member.as_str() == "eth0");
    assert_eq!(eth0.filter(|report| matches!(report.outcome, ProbeOutcome::Acked { .. })).count(), 10);
    assert!(reason(&bench, "interface_repaired").starts_with("10 consecutive probes answered by 192.0.2.1"));
}

#[test]
fn nine_replies_in_a_row_do_not_repair() {
    let mut bench = Bench::running(pair());
    bench.fate(silent("eth0"));
    bench.until(F, |bench| bench.is("eth0", MemberState::Failed));
    bench.forget();
    let mut number = 0;
    bench.fate(move |probe| {
        number += usize::from(probe.member == "eth0");
        if probe.member == "eth0" && number % 9 == 0 { Fate::Never } else { QUICK }
    });
    bench.run(s(60));
    assert!(bench.is("eth0", MemberState::Failed));
}

#[test]
fn ten_replies_in_a_row_of_any_one_target_repair() {
    let mut bench = Bench::running(GroupConfig { targets: ips([2]), ..pair() });
    bench.fate(silent("eth0"));
    bench.until(F, |bench| bench.is("eth0", MemberState::Failed));
    bench.forget();
    bench.fate(dead("192.0.2.2"));
    bench.until(s(4), |bench| bench.is("eth0", MemberState::Ok));
    let answered = bench.sent_by("eth0").iter().filter(|probe| probe.target == ip("192.0.2.1")).count();
    assert!((10..=11).contains(&answered), "{answered}");
}

#[test]
fn without_a_test_address_a_link_repairs() {
    let mut bench = Bench::running(linked([untested(0), untested(1)]));
    bench.carrier("eth0", false);
    bench.run(s(5));
    bench.carrier("eth0", true);
    assert!(bench.is("eth0", MemberState::Ok) && bench.carries("eth0") == 1);
}

/// A spurious message of Solaris, when one that never failed finds its first target (§14 #14).
#[test]
fn what_never_failed_is_never_repaired() {
    let mut bench = Bench::running(GroupConfig { gateways: vec![], ..pair() });
    bench.route("10.1.0.0/16", "192.0.2.1", "eth0");
    bench.run(s(10));
    assert!(bench.is("eth0", MemberState::Ok) && bench.times("interface_repaired") == 0);
}

// Damping, in place of two link-ups a minute.

#[test]
fn the_third_failure_within_a_minute_suspends_repair() {
    let mut bench = Bench::running(linked([untested(0), untested(1)]));
    for repaired in 1..=2 {
        flap(&mut bench, "eth0");
        assert_eq!(bench.times("interface_repaired"), repaired);
        bench.run(s(10));
    }
    flap(&mut bench, "eth0");
    assert!(bench.is("eth0", MemberState::Failed));
    assert_eq!(bench.times("link_flapping"), 1);
    let Some(Waiting::Penalty { reuse: 1000, left }) = bench.member("eth0").waits_for else { panic!() };
    bench.forget();
    let took = bench.until(s(100), |bench| bench.is("eth0", MemberState::Ok));
    assert!(took.abs_diff(left) <= ms(1), "{took:?} {left:?}");
    assert!(bench.member("eth0").penalty <= 1000);
}

#[test]
fn a_failure_a_minute_does_not_suspend_repair() {
    let mut bench = Bench::running(linked([untested(0), untested(1)]));
    for _ in 0..10 {
        flap(&mut bench, "eth0");
        assert!(bench.is("eth0", MemberState::Ok));
        bench.run(s(61));
    }
}

/// Solaris damps only those without test addresses.
#[test]
fn members_with_test_addresses_are_damped_too() {
    let mut bench = Bench::running(pair());
    for failures in 1..=3 {
        bench.fate(silent("eth0"));
        bench.until(F, |bench| bench.times("interface_failed") == failures);
        bench.fate(everybody);
        bench.run(s(3));
    }
    assert_eq!((bench.times("interface_repaired"), bench.times("repair_suspended")), (2, 1));
    assert!(bench.is("eth0", MemberState::Failed));
    bench.until(s(100), |bench| bench.times("interface_repaired") == 3);
}

#[test]
fn the_penalty_grows_by_a_thousand_a_failure_and_halves_with_time() {
    let mut bench = Bench::running(group([untested(0), untested(1)]));
    bench.carrier("eth0", false);
    assert_eq!(bench.member("eth0").penalty, 1000);
    bench.carrier("eth0", true);
    bench.run(s(60));
    assert_eq!(bench.member("eth0").penalty, 500);
}

/// The limits are configured; a higher one takes more failures.
#[test]
fn repair_is_suspended_from_the_limit_that_is_configured_on() {
    for (suspend, flaps) in [(1500, 2), (3000, 4), (9000, 10)] {
        let damping = Damping { suspend, ..Damping::default() };
        let group = linked([untested(0), untested(1)]);
        let detection = Detection { damping, ..group.detection };
        let mut bench = Bench::running(GroupConfig { detection, ..group });
        for flapped in 1..=flaps {
            assert!(bench.is("eth0", MemberState::Ok), "{suspend}: {flapped}");
            bench.carrier("eth0", false);
            bench.run(ms(100));
            bench.carrier("eth0", true);
        }
        assert!(bench.is("eth0", MemberState::Failed), "{suspend}");
    }
}

#[test]
fn no_member_is_kept_out_while_no_other_works() {
    let mut bench = Bench::running(pair());
    for failures in 1..=3 {
        bench.fate(silent("eth0"));
        bench.until(F, |bench| bench.times("interface_failed") == failures);
        bench.fate(everybody);
        bench.run(s(3));
    }
    assert!(bench.is("eth0", MemberState::Failed));
    bench.carrier("eth1", false);
    assert_eq!((bench.times("interface_repaired"), bench.carries("eth0")), (3, 2));
}

#[test]
fn a_lost_link_is_never_damped() {
    let mut bench = Bench::running(linked([untested(0), untested(1)]));
    for failures in 1..=2 {
        flap(&mut bench, "eth0");
        assert_eq!(bench.times("interface_failed"), failures);
    }
    bench.carrier("eth0", false);
    assert!(bench.is("eth0", MemberState::Failed) && bench.carries("eth0") == 0);
}

#[test]
fn an_outage_of_the_network_counts_against_nobody() {
    let mut bench = Bench::running(pair());
    for outages in 1..=4 {
        bench.fate(nobody);
        bench.until(s(2), |bench| bench.times("group_failed") == outages);
        bench.fate(everybody);
        bench.until(s(3), |bench| bench.times("group_recovered") == outages);
        bench.run(s(1));
    }
    assert_eq!(bench.member("eth0").penalty, 0);
}

// Quiet period.

fn quiet_until_failure(bench: &mut Bench) -> Duration {
    bench.until(s(60), |bench| bench.times("interface_failed") + bench.times("group_failed") == 1)
}

#[test]
fn losses_do_not_count_for_forty_seconds_after_discovery() {
    let mut bench = Bench::new(pair());
    bench.fate(nobody);
    bench.start();
    let took = quiet_until_failure(&mut bench);
    assert!((s(40)..=s(41)).contains(&took), "{took:?}");
}

#[test]
fn the_first_reply_ends_the_quiet_period() {
    let mut bench = Bench::new(pair());
    let mut first = true;
    bench.fate(move |_| if std::mem::take(&mut first) { QUICK } else { Fate::Never });
    bench.start();
    bench.until(s(1), |bench| bench.probing("eth0").counts.acked + bench.probing("eth1").counts.acked == 1);
    let answered = if bench.probing("eth0").counts.acked == 1 { "eth0" } else { "eth1" };
    let other = if answered == "eth0" { "eth1" } else { "eth0" };
    bench.run(3 * I);
    assert!(matches!(bench.member(other).waits_for, Some(Waiting::QuietPeriod(_))));
    assert!(matches!(bench.member(answered).waits_for, Some(Waiting::Losses { .. })));
    bench.until(F, |bench| bench.times("group_failed") == 1);
}

/// Solaris arms it once for all, so that a switch that runs spanning tree after a link-up fails the member
/// (§14 #13). One whose carrier came back before anybody could tell goes on working, but may be in for that.
#[test]
fn the_quiet_period_is_armed_on_link_up_too() {
    let mut bench = Bench::running(pair());
    bench.link("eth0", |link| link.carrier_downs += 1);
    bench.fate(silent("eth0"));
    let took = quiet_until_failure(&mut bench);
    assert!((s(40)..=s(41)).contains(&took), "{took:?}");
}

#[test]
fn the_quiet_period_does_not_delay_a_lost_link() {
    let mut bench = Bench::new(pair());
    bench.fate(nobody);
    bench.start();
    bench.run(s(5));
    bench.carrier("eth0", false);
    assert!(bench.is("eth0", MemberState::Failed));
}

// What is told of groups.

#[test]
fn a_group_tells_once_that_it_fails_and_once_that_it_recovers() {
    let mut bench = Bench::running(group([untested(0), untested(1)]));
    for times in 1..=2 {
        bench.carrier("eth0", false);
        bench.carrier("eth1", false);
        bench.run(s(60));
        assert_eq!(bench.times("group_failed"), times);
        bench.carrier("eth1", true);
        bench.carrier("eth0", true);
        bench.run(s(60));
        assert_eq!(bench.times("group_recovered"), times);
    }
}

#[test]
fn a_group_that_was_never_usable_tells_nothing() {
    let mut bench = Bench::new(group([untested(0), untested(1)]));
    bench.carrier("eth0", false);
    bench.carrier("eth1", false);
    bench.start();
    bench.run(s(60));
    assert_eq!((bench.group_state(), bench.times("group_failed")), (GroupState::Failed, 0));
}

#[test]
fn a_member_without_a_family_of_the_others_is_reported_once() {
    let mut bench = Bench::running(pair());
    bench.link("eth1", |link| link.tunables = None);
    bench.run(s(60));
    assert_eq!(bench.times("inhomogeneous"), 1);
    bench.link("eth1", |link| link.tunables = Some(ipmp_core::kernel::Tunables::MEMBER));
    bench.run(s(60));
    assert_eq!((bench.times("inhomogeneous"), bench.times("homogeneous")), (1, 1));
}

#[test]
fn a_member_that_is_offline_is_not_reported_for_its_families() {
    let mut bench = Bench::running(pair());
    bench.offline("eth1").unwrap();
    bench.link("eth1", |link| link.tunables = None);
    bench.run(s(60));
    assert_eq!(bench.times("inhomogeneous"), 0);
}
