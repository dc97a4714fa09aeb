//! When probes are sent, and what becomes of them (IPMP behaviour §4).

use std::collections::BTreeMap;
use std::time::Duration;

use ipmp_core::status::{GroupState, MemberState, TargetState::Active};
use ipmp_core::{Detection, Event, Family, GroupConfig, Notice, ProbeOutcome, ReplyFault, Schedule};

use crate::bench::*;

/// Two members by the schedule that is the default.
fn confirming() -> GroupConfig {
    GroupConfig { detection: Detection::default(), ..pair() }
}

/// A probe of this member is lost in each of so many slots; all others are answered.
fn loses(member: &'static str, mut count: usize) -> impl FnMut(&Probe) -> Fate {
    move |probe| {
        if probe.member == member && count > 0 {
            count -= 1;
            return Fate::Never;
        }
        QUICK
    }
}

/// Every probe takes as long as this.
fn after(rtt: Duration) -> impl FnMut(&Probe) -> Fate {
    move |_| Fate::After(rtt)
}

// The schedule.

#[test]
fn classic_probes_leave_a_random_moment_after_a_strictly_periodic_base() {
    let mut bench = Bench::running(pair());
    bench.forget();
    bench.run(100 * I);
    let gaps = bench.gaps("eth0");
    assert!((98..=101).contains(&gaps.len()), "the base does not drift: {}", gaps.len());
    assert!(gaps.iter().all(|gap| (I / 2..=3 * I / 2).contains(gap)));
    assert!(gaps.iter().any(|gap| *gap < I * 3 / 4) && gaps.iter().any(|gap| *gap > I * 5 / 4));
}

#[test]
fn members_are_spread_within_the_interval() {
    let mut bench = Bench::new(group((0..6).map(tested)));
    bench.start();
    bench.run(I);
    let mut firsts: Vec<_> = bench.probes.iter().map(|probe| probe.at).collect();
    firsts.dedup();
    assert!(firsts.len() >= 5, "{firsts:?}");
}

#[test]
fn at_rest_a_probe_leaves_every_three_intervals() {
    let mut bench = Bench::running(confirming());
    bench.forget();
    bench.run(300 * I);
    let gaps = bench.gaps("eth0");
    assert!((98..=101).contains(&gaps.len()), "{}", gaps.len());
    assert!(gaps.iter().all(|gap| gap.abs_diff(3 * I) <= F / 80 + ms(1)));
}

#[test]
fn the_first_loss_is_confirmed_by_twenty_probes_over_half_the_detection_time() {
    let mut bench = Bench::running(GroupConfig { targets: ips([2, 3]), ..confirming() });
    bench.forget();
    bench.fate(silent("eth0"));
    bench.until(F, |bench| bench.is("eth0", MemberState::Failed));
    let (gaps, probes) = (bench.gaps("eth0"), bench.sent_by("eth0"));
    let timeout = F / 32;
    assert!((0..=1).contains(&gaps[0].abs_diff(timeout).as_millis()), "the second leaves at once: {:?}", gaps[0]);
    let spacing = (F * 43 / 80 - 2 * timeout) / 19;
    let even = gaps[1..20].iter().all(|gap| gap.abs_diff(spacing) < ms(1));
    assert!(even, "{gaps:?}");
    let targets: Vec<_> = probes.iter().map(|probe| probe.target).collect();
    assert!(targets.windows(4).all(|four| four[0] == four[3] && four[0] != four[1] && four[1] != four[2]));
    let Some(Notice::InterfaceFailed { reason, .. }) =
        bench.notices.iter().find(|notice| notice.event() == "interface_failed")
    else {
        panic!("{:?}", bench.notices)
    };
    assert!(reason.to_string().starts_with("21 consecutive probes lost"), "{reason}");
}

#[test]
fn one_answer_ends_the_confirmation() {
    let mut bench = Bench::running(confirming());
    bench.forget();
    bench.fate(loses("eth0", 20));
    bench.run(F * 3);
    assert!(bench.is("eth0", MemberState::Ok) && bench.told().is_empty(), "{:?}", bench.told());
    let gaps = bench.gaps("eth0");
    assert!(gaps[gaps.len() - 1] > 2 * I, "back at rest");
}

#[test]
fn one_late_answer_ends_the_confirmation() {
    let mut bench = Bench::running(confirming());
    bench.forget();
    let mut count = 0;
    bench.fate(move |probe| {
        count += usize::from(probe.member == "eth0");
        match count {
            1 => Fate::After(F / 4),
            2..=9 if probe.member == "eth0" => Fate::Never,
            _ => QUICK,
        }
    });
    bench.run(F);
    assert!(bench.is("eth0", MemberState::Ok) && bench.told().is_empty());
    assert_eq!(bench.probing("eth0").counts.late, 1);
}

#[test]
fn a_path_that_dies_is_found_within_the_detection_time_whenever_it_dies() {
    for schedule in [Schedule::Classic, Schedule::Confirm] {
        for (f, moment) in [ms(20), F, s(60)].into_iter().flat_map(|f| (0..20).map(move |moment| (f, moment))) {
            let detection = Detection { schedule, ..Detection::default() };
            let mut bench = Bench::new(GroupConfig { detection, failure_detection_time: f, ..pair() });
            bench.start();
            bench.run(f * 3 + f * moment / 20);
            bench.fate(silent("eth0"));
            let took = bench.until(f, |bench| bench.is("eth0", MemberState::Failed));
            assert!(took > f / 2, "{schedule:?} {f:?}: {took:?}");
        }
    }
}

#[test]
fn a_failed_member_is_probed_each_interval() {
    let mut bench = Bench::running(confirming());
    bench.fate(silent("eth0"));
    bench.until(F, |bench| bench.is("eth0", MemberState::Failed));
    bench.run(I);
    bench.forget();
    bench.run(20 * I);
    assert!((19..=21).contains(&bench.sent_by("eth0").len()));
    assert!((6..=8).contains(&bench.sent_by("eth1").len()));
}

#[test]
fn an_unproven_member_is_probed_each_interval() {
    let mut bench = Bench::new(confirming());
    bench.unplug("eth0");
    bench.start();
    bench.run(s(3));
    bench.plug("eth0");
    bench.fate(silent("eth0"));
    bench.run(I);
    bench.forget();
    bench.run(20 * I);
    assert!((19..=21).contains(&bench.sent_by("eth0").len()));
}

#[test]
fn a_quiet_member_is_probed_each_interval() {
    let mut bench = Bench::new(confirming());
    bench.fate(nobody);
    bench.start();
    bench.run(s(1));
    bench.forget();
    bench.run(20 * I);
    assert!((19..=21).contains(&bench.sent_by("eth0").len()));
}

/// What they answer tells whether it is the member or the network, and there is no time to wait for it.
#[test]
fn at_the_first_loss_of_a_member_the_others_are_asked_at_once() {
    let mut bench = Bench::running(confirming());
    bench.forget();
    bench.fate(loses("eth0", 1));
    bench.until(F, |bench| bench.probing("eth0").counts.lost == 1);
    let asked = bench.sent_by("eth1").last().map(|probe| bench.now.since(probe.at));
    assert!(asked.is_some_and(|ago| ago < ms(40)), "{asked:?}");
}

#[test]
fn missed_slots_are_counted_and_not_made_up_for() {
    let mut bench = Bench::running(pair());
    bench.forget();
    bench.now = bench.now + 10 * I;
    bench.run(Duration::ZERO);
    assert_eq!(bench.sent_by("eth0").len(), 1);
    assert!((8..=10).contains(&bench.probing("eth0").counts.missed), "{}", bench.probing("eth0").counts.missed);
    bench.run(5 * I);
    assert!(bench.gaps("eth0").iter().all(|gap| *gap >= I / 2));
}

#[test]
fn without_a_link_there_are_no_probes() {
    let mut bench = Bench::running(pair());
    bench.carrier("eth0", false);
    bench.forget();
    bench.run(s(5));
    assert!(bench.sent_by("eth0").is_empty());
    bench.carrier("eth0", true);
    bench.run(3 * I);
    assert!(!bench.sent_by("eth0").is_empty());
}

// Judging.

#[test]
fn a_classic_probe_is_lost_when_unanswered_for_an_interval() {
    for (rtt, lost) in [(I - ms(1), 0), (I + ms(1), 1)] {
        let mut bench = Bench::running(pair());
        let mut late = loses("eth0", 1);
        bench.fate(move |probe| if let Fate::Never = late(probe) { Fate::After(rtt) } else { QUICK });
        bench.run(s(1));
        let counts = bench.probing("eth0").counts;
        assert_eq!((counts.late, counts.lost), (lost, 0), "{rtt:?}");
    }
}

/// Between F/32, for the sake of noisy hosts, and F/7; unknown round trips count as the longest.
#[test]
fn a_confirming_probe_is_lost_after_the_conservative_round_trip() {
    let mut bench = Bench::new(confirming());
    bench.fate(nobody);
    bench.start();
    bench.run(s(1));
    assert_eq!(bench.probing("eth0").timeout, I);
    bench.fate(everybody);
    bench.run(s(10));
    assert_eq!(bench.probing("eth0").timeout, F / 32);
    bench.fate(after(ms(50)));
    bench.run(s(60));
    let timeout = bench.probing("eth0").timeout;
    assert!((ms(50)..ms(70)).contains(&timeout), "{timeout:?}");
}

#[test]
fn the_longest_round_trip_of_the_active_targets_counts() {
    let mut bench = Bench::running(GroupConfig { targets: ips([2]), ..confirming() });
    bench.fate(|probe| Fate::After(if probe.target == ip("192.0.2.2") { ms(80) } else { ms(1) }));
    bench.run(s(60));
    let timeout = bench.probing("eth0").timeout;
    assert!((ms(80)..ms(110)).contains(&timeout), "{timeout:?}");
}

/// Solaris leaves it out (§14 #8).
#[test]
fn a_refused_probe_is_a_loss() {
    let mut bench = Bench::running(pair());
    bench.fate(|probe| if probe.member == "eth0" { Fate::Refused } else { QUICK });
    bench.until(F, |bench| bench.is("eth0", MemberState::Failed));
    assert!(bench.probing("eth0").counts.lost >= 5);
}

#[test]
fn a_late_reply_breaks_a_run_of_losses() {
    let mut bench = Bench::running(pair());
    let mut number = 0;
    bench.fate(move |probe| {
        number += usize::from(probe.member == "eth0");
        match probe.member.as_str() {
            "eth0" if number == 3 => Fate::After(I * 3 / 2),
            "eth0" if number < 7 => Fate::Never,
            _ => QUICK,
        }
    });
    bench.run(s(3));
    assert_eq!(bench.times("interface_failed"), 0);
    let counts = bench.probing("eth0").counts;
    assert_eq!((counts.late, counts.lost), (1, 5), "and it is no loss any more");
}

#[test]
fn what_answers_no_probe_is_told_apart_and_counted() {
    let mut bench = Bench::running(pair());
    let faults =
        [ReplyFault::Duplicate, ReplyFault::OutOfWindow, ReplyFault::Fake, ReplyFault::Corrupt, ReplyFault::Malformed];
    for (times, fault) in (1..).zip(faults) {
        let event = Event::BadReply { member: "eth0".parse().unwrap(), family: Family::V4, fault };
        (0..times).for_each(|_| bench.feed(event.clone()));
    }
    let counted: BTreeMap<_, _> = faults.into_iter().zip(1..).collect();
    assert_eq!(bench.probing("eth0").counts.bad, counted);
    assert!(bench.probing("eth1").counts.bad.is_empty());
}

#[test]
fn a_stall_of_the_daemon_voids_the_probes_that_it_overlaps() {
    for schedule in [Schedule::Classic, Schedule::Confirm] {
        let detection = Detection { schedule, ..Detection::default() };
        let mut bench = Bench::running(GroupConfig { detection, ..pair() });
        bench.forget();
        bench.fate(loses("eth0", 1));
        bench.until(F, |bench| !bench.sent_by("eth0").is_empty());
        bench.now = bench.now + s(30);
        bench.run(I / 4);
        let counts = bench.probing("eth0").counts;
        assert_eq!((counts.void, counts.lost), (1, 0), "{schedule:?}");
        assert_eq!(bench.times("daemon_late"), 1);
        bench.run(s(1));
        assert!(bench.is("eth0", MemberState::Ok));
    }
}

/// What had arrived while the daemon did not run was read before, and a reply counts from its own moment.
#[test]
fn a_reply_that_waited_for_the_daemon_is_no_late_one() {
    let mut bench = Bench::running(group([tested(0)]));
    bench.run(I / 2);
    bench.forget();
    bench.fate(after(ms(5)));
    bench.until(F, |bench| !bench.sent_by("eth0").is_empty());
    bench.now = bench.now + s(30);
    bench.run(I / 4);
    let counts = bench.probing("eth0").counts;
    assert_eq!((counts.late, counts.lost), (0, 0));
    let ProbeOutcome::Acked { network, total } = bench.reports[0].outcome else { panic!("{:?}", bench.reports[0]) };
    assert!(network == ms(5) && total >= s(30), "the network was quick, this host was not");
}

#[test]
fn a_reply_that_waited_long_tells_that_this_host_is_overloaded() {
    let mut bench = Bench::running(group([tested(0)]));
    bench.forget();
    bench.fate(after(ms(5)));
    bench.until(F, |bench| !bench.sent_by("eth0").is_empty());
    bench.now = bench.now + s(1);
    bench.run(I / 4);
    assert_eq!(bench.times("local_overload"), 1);
    bench.forget();
    bench.fate(after(ms(130)));
    bench.run(s(5));
    assert_eq!(bench.times("local_overload"), 0, "a slow network is none");
}

#[test]
fn every_probe_is_reported_once_judged() {
    let mut bench = Bench::running(pair());
    bench.run(ms(200));
    bench.forget();
    bench.fate(loses("eth0", 2));
    bench.run(s(2));
    let lost = bench.reports.iter().filter(|report| report.outcome == ProbeOutcome::Lost).count();
    assert_eq!(lost, 2);
    assert!(bench.reports.len().abs_diff(bench.probes.len()) <= 2);
}

#[test]
fn a_reply_counts_once() {
    let mut bench = Bench::running(pair());
    let (last, acked) = (bench.reports.last().unwrap().clone(), bench.probing("eth0").counts.acked);
    bench.feed(Event::Reply { probe: last.probe, received: bench.now });
    assert_eq!(bench.probing("eth0").counts.acked, acked);
}

#[test]
fn what_was_on_its_way_when_the_link_was_lost_counts_for_nothing() {
    let mut bench = Bench::running(pair());
    bench.run(ms(50));
    bench.fate(after(ms(50)));
    bench.forget();
    bench.until(F, |bench| !bench.sent_by("eth0").is_empty());
    let before = bench.probing("eth0").counts;
    bench.carrier("eth0", false);
    bench.run(ms(60));
    let after = bench.probing("eth0").counts;
    assert_eq!((before.acked, before.lost), (after.acked, after.lost));
}

/// Solaris turns them into losses at once; here they are lost when their time is over, which is the same.
#[test]
fn a_probe_to_a_target_that_is_deleted_is_lost() {
    let mut bench = Bench::running(GroupConfig { targets: ips([2]), ..pair() });
    bench.fate(dead("192.0.2.2"));
    bench.forget();
    bench.until(s(1), |bench| bench.sent_by("eth0").iter().any(|probe| probe.target == ip("192.0.2.2")));
    bench.reload(|config| config.groups[0].targets.clear());
    bench.run(2 * I);
    assert_eq!(bench.probing("eth0").counts.lost, 1);
    assert_eq!(bench.targets("eth0", Active), ips([1]));
}

// Round trips.

fn rtt(bench: &Bench) -> Option<(Duration, Duration)> {
    bench.probing("eth0").targets[0].rtt
}

/// Jacobson's estimator: the first sample m gives m and m/2; then the mean moves by an eighth and the
/// deviation by a quarter of the error. In whole milliseconds a LAN would be zero (§14 #17).
#[test]
fn round_trips_are_estimated_below_a_millisecond() {
    let us = Duration::from_micros;
    let mut bench = Bench::new(pair());
    let mut samples = [200, 280, 10].into_iter();
    bench.fate(move |probe| match probe.member.as_str() {
        "eth0" => samples.next().map_or(Fate::Never, |sample| Fate::After(us(sample))),
        _ => QUICK,
    });
    bench.start();
    for known in [(us(200), us(100)), (us(210), us(95)), (us(185), Duration::from_nanos(121_250))] {
        bench.until(s(1), |bench| rtt(bench) == Some(known));
    }
}

#[test]
fn one_suspect_round_trip_is_not_believed_and_a_second_one_is() {
    for (spikes, raised) in [(1, 0), (2, 1)] {
        let mut bench = Bench::running(group([tested(0)]));
        // A loss after them lets no newer reply overtake the last one.
        let mut fates = (0..spikes).map(|_| Fate::After(I - ms(1))).chain([Fate::Never]);
        bench.fate(move |probe| match probe.length {
            None => fates.next().unwrap_or(QUICK),
            Some(_) => Fate::Never,
        });
        bench.run(s(3));
        assert_eq!(bench.times("fdt_raised"), raised, "{spikes}");
    }
}

/// They would be measured while something is wrong.
#[test]
fn round_trips_of_a_failed_member_are_forgotten_and_not_measured() {
    let mut bench = Bench::running(pair());
    assert!(rtt(&bench).is_some());
    bench.fate(silent("eth0"));
    bench.until(F, |bench| bench.is("eth0", MemberState::Failed));
    assert_eq!(rtt(&bench), None);
    bench.fate(everybody);
    bench.run(5 * I);
    assert!(bench.is("eth0", MemberState::Failed) && rtt(&bench).is_none());
    bench.run(10 * I);
    assert!(bench.is("eth0", MemberState::Ok) && rtt(&bench).is_some());
}

#[test]
fn a_reply_older_than_another_of_the_same_target_is_not_measured() {
    let mut bench = Bench::running(group([tested(0)]));
    let known = rtt(&bench);
    let mut number = 0;
    bench.fate(move |_| {
        number += 1;
        match number {
            1 => Fate::After(I * 9 / 4),
            2 => QUICK,
            _ => Fate::Never,
        }
    });
    bench.until(F, |bench| bench.probing("eth0").counts.late == 1);
    assert!(rtt(&bench).unwrap().0 < ms(1), "{known:?} {:?}", rtt(&bench));
}

// The failure detection time follows the network.

fn detection_time(bench: &Bench) -> Duration {
    bench.group().failure_detection_time.unwrap()
}

#[test]
fn the_detection_time_is_raised_where_round_trips_are_longer_than_the_interval() {
    let mut bench = Bench::running(pair());
    bench.fate(after(ms(100)));
    bench.until(s(10), |bench| bench.times("fdt_raised") >= 1);
    let raised = detection_time(&bench);
    assert!(raised > F && raised <= 10 * F, "{raised:?}");
    bench.run(s(60));
    assert!(bench.is("eth0", MemberState::Ok) && bench.is("eth1", MemberState::Ok));
    assert_eq!(bench.group().failure_detection_time_wanted, F);
}

/// Twice the conservative round trip, times seven.
#[test]
fn the_raised_detection_time_is_seven_times_twice_the_conservative_round_trip() {
    let mut bench = Bench::running(group([tested(0)]));
    bench.fate(after(ms(130)));
    bench.until(s(10), |bench| bench.times("fdt_raised") == 1);
    let (mean, deviation) = rtt(&bench).unwrap();
    assert_eq!(detection_time(&bench), (mean + 4 * deviation) * 2 * 7);
}

/// Without a limit one slow network hides failures for good (§14 #10).
#[test]
fn the_detection_time_is_raised_to_its_limit_and_that_is_told() {
    let detection =
        Detection { schedule: Schedule::Classic, failure_detection_time_max: Some(F * 3 / 2), ..Detection::default() };
    let mut bench = Bench::running(GroupConfig { detection, ..pair() });
    bench.fate(after(ms(130)));
    bench.run(s(10));
    assert_eq!(detection_time(&bench), F * 3 / 2);
    assert_eq!(bench.times("fdt_limited"), 1);
}

#[test]
fn the_detection_time_is_raised_to_ten_times_itself_by_default() {
    let mut bench = Bench::running(pair());
    bench.fate(after(ms(140)));
    bench.run(s(5));
    bench.fate(after(s(1)));
    bench.run(s(60));
    assert_eq!(detection_time(&bench), 10 * F);
}

/// A network may become so slow at once that its answers come after the verdict: they are heard all the same.
#[test]
fn a_group_that_failed_because_its_network_is_slow_is_repaired_at_a_longer_detection_time() {
    let mut bench = Bench::running(pair());
    bench.fate(after(ms(1200)));
    bench.until(s(5), |bench| bench.group_state() == GroupState::Failed);
    bench.until(s(60), |bench| bench.group_state() == GroupState::Ok);
    assert!(detection_time(&bench) > F);
}

#[test]
fn the_detection_time_is_lowered_a_minute_after_it_was_raised() {
    let mut bench = Bench::running(pair());
    bench.fate(after(ms(130)));
    bench.until(s(10), |bench| bench.times("fdt_raised") >= 1);
    bench.fate(everybody);
    bench.run(s(50));
    assert!(detection_time(&bench) > F);
    bench.until(s(60), |bench| detection_time(bench) == F);
    assert!(bench.times("fdt_improved") >= 1);
}

#[test]
fn the_detection_time_stays_while_one_member_is_slow() {
    let mut bench = Bench::running(pair());
    bench.fate(after(ms(130)));
    bench.until(s(10), |bench| bench.times("fdt_raised") >= 1);
    bench.fate(|probe| if probe.member == "eth1" { Fate::After(ms(130)) } else { QUICK });
    bench.run(s(200));
    assert!(detection_time(&bench) > F);
}

/// Solaris has one clock for all groups (§14 #10).
#[test]
fn each_group_has_a_detection_time_of_its_own() {
    let mut bench = Bench::new(pair());
    let other = GroupConfig {
        interface: "ipmp1".parse().unwrap(),
        name: "slow".parse().unwrap(),
        addresses: vec![],
        ..group([tested(2), tested(3)])
    };
    bench.config.groups.push(other);
    bench.plug("eth2");
    bench.plug("eth3");
    bench.start();
    bench.run(s(3));
    bench.fate(|probe| if probe.member < "eth2".into() { QUICK } else { Fate::After(ms(130)) });
    bench.until(s(10), |bench| bench.times("fdt_raised") >= 1);
    assert_eq!(detection_time(&bench), F);
}

#[test]
fn one_target_that_is_slow_alone_does_not_raise_the_detection_time() {
    let mut bench = Bench::running(GroupConfig { targets: ips(2..=4), ..pair() });
    bench.fate(|probe| if probe.target == ip("192.0.2.3") { Fate::After(ms(135)) } else { QUICK });
    bench.run(s(30));
    assert_eq!((bench.times("fdt_raised"), detection_time(&bench)), (0, F));
    assert!(bench.times("target_slow") >= 1);
}
