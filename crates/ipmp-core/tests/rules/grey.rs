//! Members that work, but not well, and what their loss means. Solaris knows nothing of them.

use ipmp_core::notice::{Grey, Reason};
use ipmp_core::status::MemberState;
use ipmp_core::{Detection, Event, Family, GroupConfig, ReplyFault};

use crate::bench::*;

fn with(edit: impl FnOnce(&mut Detection)) -> GroupConfig {
    let mut group = pair();
    edit(&mut group.detection);
    group
}

/// Of the probes of eth0 each so-manieth is lost.
fn loses_each(nth: usize) -> impl FnMut(&Probe) -> Fate {
    let mut number = 0;
    move |probe| {
        number += usize::from(probe.member == "eth0");
        if probe.member == "eth0" && number % nth == 0 { Fate::Never } else { QUICK }
    }
}

fn grey(bench: &Bench) -> Option<Grey> {
    match bench.member("eth0").reason {
        Reason::Grey(grey) => Some(grey),
        _ => None,
    }
}

#[test]
fn a_member_that_loses_many_probes_is_degraded_and_goes_on_carrying_data() {
    let mut bench = Bench::running(pair());
    bench.fate(loses_each(5));
    bench.until(s(30), |bench| bench.is("eth0", MemberState::Degraded));
    assert!(matches!(grey(&bench), Some(Grey::Loss { percent: 10..=20 })));
    assert!(bench.times("interface_degraded") == 1 && bench.carries("eth0") == 1);
    bench.fate(everybody);
    bench.until(s(30), |bench| bench.is("eth0", MemberState::Ok));
    assert_eq!(bench.times("interface_improved"), 1);
}

#[test]
fn a_failure_accounts_for_its_losses_and_a_repaired_member_is_not_degraded() {
    let mut bench = Bench::running(pair());
    bench.fate(silent("eth0"));
    bench.run(s(30));
    bench.fate(everybody);
    bench.run(s(20));
    assert!(bench.is("eth0", MemberState::Ok));
    assert_eq!((bench.times("interface_degraded"), bench.times("false_failures_expected")), (0, 0));
}

#[test]
fn what_is_many_is_configured() {
    for (percent, degraded) in [(30, false), (15, true)] {
        let mut bench = Bench::running(with(|detection| detection.degraded_loss_percent = percent));
        bench.fate(loses_each(5));
        bench.run(s(30));
        assert_eq!(bench.is("eth0", MemberState::Degraded), degraded, "{percent}");
    }
}

#[test]
fn a_member_that_loses_large_packets_alone_is_degraded() {
    let mut bench = Bench::running(pair());
    bench.fate(|probe| if probe.member == "eth0" && probe.length == Some(1500) { Fate::Never } else { QUICK });
    bench.until(s(20), |bench| bench.is("eth0", MemberState::Degraded));
    assert_eq!(grey(&bench), Some(Grey::Large { length: 1500 }));
}

/// Some hosts do not answer them at all: then it is not the member.
#[test]
fn large_packets_that_no_member_gets_answered_degrade_nobody() {
    let mut bench = Bench::new(pair());
    bench.fate(|probe| if probe.length.is_some() { Fate::Never } else { QUICK });
    bench.start();
    bench.run(s(60));
    assert!(bench.is("eth0", MemberState::Ok) && bench.is("eth1", MemberState::Ok));
}

#[test]
fn a_member_whose_round_trips_take_much_longer_than_they_used_to_is_degraded() {
    let mut bench = Bench::running(pair());
    bench.run(s(20));
    bench.fate(|probe| if probe.member == "eth0" { Fate::After(ms(20)) } else { QUICK });
    bench.until(s(30), |bench| bench.is("eth0", MemberState::Degraded));
    assert!(matches!(grey(&bench), Some(Grey::Slow { rtt, usual }) if rtt > ms(10) && usual < ms(1)));
    bench.fate(everybody);
    bench.until(s(60), |bench| bench.is("eth0", MemberState::Ok));
}

#[test]
fn a_member_with_corrupted_replies_is_degraded() {
    let mut bench = Bench::running(pair());
    let corrupt = Event::BadReply { member: "eth0".parse().unwrap(), family: Family::V4, fault: ReplyFault::Corrupt };
    (0..3).for_each(|_| bench.feed(corrupt.clone()));
    bench.run(I);
    assert_eq!(grey(&bench), Some(Grey::Corrupt { replies: 3 }));
    bench.until(s(30), |bench| bench.is("eth0", MemberState::Ok));
}

#[test]
fn with_drain_a_degraded_member_is_emptied_while_a_better_one_exists() {
    let mut bench = Bench::running(with(|detection| detection.drain = true));
    bench.fate(loses_each(5));
    bench.until(s(30), |bench| bench.member("eth0").drained);
    assert_eq!((bench.carries("eth0"), bench.carries("eth1"), bench.times("interface_drained")), (0, 2, 1));
    bench.carrier("eth1", false);
    assert_eq!((bench.carries("eth0"), bench.times("interface_undrained")), (2, 1));
}

#[test]
fn a_standby_takes_the_place_of_one_that_is_drained() {
    let detection = Detection { drain: true, ..pair().detection };
    let mut bench = Bench::running(GroupConfig { detection, ..group([tested(0), standby(tested(1))]) });
    bench.fate(loses_each(5));
    bench.until(s(30), |bench| bench.member("eth0").drained);
    assert_eq!((bench.active(), bench.carries("eth1")), (vec!["eth1".to_owned()], 2));
    bench.fate(everybody);
    bench.until(s(40), |bench| bench.active() == ["eth0"]);
}

#[test]
fn a_loss_that_would_fail_members_by_chance_is_told() {
    let mut bench = Bench::running(pair());
    bench.fate(loses_each(4));
    bench.until(s(30), |bench| bench.times("false_failures_expected") == 1);
    assert!(bench.group().false_failures_per_year.unwrap() > 100.0);
    let mut bench = Bench::running(with(|detection| *detection = Detection::default()));
    bench.fate(loses_each(4));
    bench.run(s(120));
    assert_eq!(bench.times("false_failures_expected"), 0, "the other schedule bears it");
}
