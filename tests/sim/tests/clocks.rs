//! Stories of rules that need time: quiet periods, targets that rest, failure detection times that are
//! raised and lowered, penalties, and clocks that jump (IPMP behaviour, §3 to §5).

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ipmp_core::notice::{Grey, Reason};
use ipmp_core::status::{GroupState, MemberState, ProbingStatus, TargetState};
use ipmp_core::{Action, Change, Family, Instant, Notice, ProbeOutcome, Schedule};
use ipmp_sim::Deed;
use ipmp_sim::network::{Host, Path};
use ipmp_sim::site::{self, Port};
use ipmp_sim::stage::{Stage, group};

const FDT: Duration = Duration::from_secs(1);
const A: Port = Port(0);
const B: Port = Port(1);
const BOTH: [Schedule; 2] = [Schedule::Classic, Schedule::Confirm];

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn failed(port: Port) -> impl Fn(&Notice) -> bool {
    move |notice| matches!(notice, Notice::InterfaceFailed { interface, .. } if *interface == port.name())
}

fn repaired(port: Port) -> impl Fn(&Notice) -> bool {
    move |notice| matches!(notice, Notice::InterfaceRepaired { interface, .. } if *interface == port.name())
}

fn any_verdict(notice: &Notice) -> bool {
    matches!(notice, Notice::InterfaceFailed { .. } | Notice::GroupFailed { .. })
}

/// Two members, four targets, by this schedule.
fn stage(seed: u64, schedule: Schedule) -> Stage {
    let mut config = group(2, 2, FDT);
    config.detection.schedule = schedule;
    config.targets = (1..=4).map(|n| site::host(0, n)).collect();
    Stage::of(seed, config)
}

fn probing(stage: &Stage, port: Port) -> ProbingStatus {
    stage.member_status(port).probing.remove(0)
}

fn target(stage: &Stage, port: Port, number: u8) -> TargetState {
    let targets = probing(stage, port).targets;
    targets.iter().find(|target| target.address == site::host(0, number)).expect("a target").state
}

fn in_force(stage: &Stage) -> Duration {
    stage.group_status().failure_detection_time.expect("it probes")
}

/// §4: the quiet period is armed on link-up, and ended by the first reply (§14 #13).
#[test]
fn a_link_that_comes_up_gets_a_quiet_period_until_the_first_reply() {
    for (seed, schedule) in (1..).zip(BOTH) {
        // Both links go, so that the first that is back serves before it is proven.
        let mut stage = stage(seed, schedule);
        stage.does(Deed::Path(A, Path::dead()));
        stage.does(Deed::Cable(A, false));
        stage.plays(seconds(2));
        stage.does(Deed::Cable(A, true));
        let back = stage.now;
        stage.forget();
        // It has not been answered since, and goes on as it is; then spanning tree is done, and it is repaired.
        stage.plays(seconds(30));
        assert_eq!(stage.count(any_verdict), 0, "{}", stage.told());
        stage.mends(A);
        let proven = stage.until(seconds(5), repaired(A));
        assert!(proven.since(back) >= seconds(30));
        // Its quiet period is over with its first reply: a path that dies now is found in time.
        stage.cuts(A);
        let cut = stage.now;
        let found = stage.until(FDT * 2, failed(A));
        assert!(found.since(cut) <= FDT, "{:?}", found.since(cut));
    }
}

/// §4: without a reply the quiet period lasts 40 s, in which no loss fails the member.
#[test]
fn a_quiet_period_without_a_reply_lasts_forty_seconds() {
    for (seed, schedule) in (3..).zip(BOTH) {
        let mut stage = stage(seed, schedule);
        // A blink: down and up again too soon to be told apart.
        stage.does(Deed::Cable(B, false));
        stage.plays(millis(10));
        stage.does(Deed::Cable(A, false));
        stage.does(Deed::Cable(A, true));
        stage.does(Deed::Path(A, Path::dead()));
        let blinked = stage.now;
        stage.does(Deed::Cable(B, true));
        stage.forget();
        let found = stage.until(seconds(60), failed(A)).since(blinked);
        assert!(found >= seconds(39) && found <= seconds(42) + FDT, "{found:?}");
    }
}

/// §4: slower than the interval, the network raises the failure detection time; fast again, it is lowered.
#[test]
fn the_failure_detection_time_is_raised_and_lowered() {
    for (seed, schedule) in (5..).zip(BOTH) {
        let mut stage = stage(seed, schedule);
        for port in [A, B] {
            stage.does(Deed::Path(port, Path { delay: millis(200), jitter: millis(20), ..Path::default() }));
        }
        stage.until(seconds(30), |notice| matches!(notice, Notice::FdtRaised { .. }));
        stage.plays(seconds(60));
        assert_eq!(stage.count(any_verdict), 0, "{}", stage.told());
        let raised = in_force(&stage);
        assert!(raised > FDT * 2 && raised <= FDT * 10, "{raised:?}");
        // What is promised now is kept.
        stage.cuts(A);
        let cut = stage.now;
        let found = stage.until(raised * 2, failed(A)).since(cut);
        assert!(found <= raised, "{found:?} at {raised:?}");
        stage.mends(A);
        stage.mends(B);
        stage.until(seconds(300), |notice| matches!(notice, Notice::FdtImproved { now, .. } if *now == FDT));
        assert_eq!(in_force(&stage), FDT);
    }
}

/// A network that becomes so slow at once that verdicts fall before its first answer is heard all the same,
/// and the failure detection time follows it.
#[test]
fn a_network_that_becomes_slower_than_any_verdict_recovers() {
    for (seed, schedule) in (80..).zip(BOTH) {
        let mut stage = stage(seed, schedule);
        for port in [A, B] {
            stage.does(Deed::Path(port, Path { delay: millis(900), jitter: millis(20), ..Path::default() }));
        }
        stage.until(seconds(60), |notice| matches!(notice, Notice::FdtRaised { .. }));
        stage.plays(seconds(60));
        assert_eq!(stage.group_status().state, GroupState::Ok, "{}", stage.told());
        assert_eq!(stage.count(|notice| matches!(notice, Notice::InterfaceFailed { .. })), 0);
    }
}

/// §14 #10: there is a ceiling, which is told; each group has its own.
#[test]
fn the_failure_detection_time_has_a_ceiling_in_each_group() {
    let mut config = group(2, 2, FDT);
    config.detection.failure_detection_time_max = Some(FDT * 2);
    let mut stage = Stage::of(7, config);
    let mut file = stage.file.clone();
    let mut other = site::group(1, FDT);
    other.members = [Port(4), Port(5)].map(|port| site::member(&[Family::V4], 1, port)).to_vec();
    file.groups.push(other);
    stage.reload(file);
    stage.plays(seconds(10));
    for port in [A, B] {
        stage.does(Deed::Path(port, Path { delay: millis(350), jitter: millis(20), ..Path::default() }));
    }
    stage.until(seconds(60), |notice| matches!(notice, Notice::FdtLimited { .. }));
    stage.plays(seconds(60));
    assert_eq!(in_force(&stage), FDT * 2);
    assert_eq!(stage.status().groups[1].failure_detection_time, Some(FDT));
    assert_eq!(stage.count(|notice| matches!(notice, Notice::FdtLimited { .. })), 1);
}

/// §4: one slow target of four is the exception: it rests, and nothing is raised.
#[test]
fn one_slow_target_rests_instead_of_slowing_everybody() {
    for (seed, schedule) in (8..).zip(BOTH) {
        let mut stage = stage(seed, schedule);
        stage.does(Deed::Host(site::host(0, 3), Host { delay: millis(300), ..Host::default() }));
        stage.until(seconds(60), |notice| matches!(notice, Notice::TargetSlow { .. }));
        stage.plays(seconds(30));
        assert_eq!(stage.count(|notice| matches!(notice, Notice::FdtRaised { .. })), 0);
        assert_eq!(stage.count(any_verdict), 0);
        assert_eq!(in_force(&stage), FDT);
        assert_eq!((target(&stage, A, 3), target(&stage, A, 1)), (TargetState::Slow, TargetState::Active));
        stage.does(Deed::Host(site::host(0, 3), Host::default()));
        stage.plays(seconds(100));
        assert_eq!(target(&stage, A, 3), TargetState::Active);
    }
}

/// §3: a dead target is dead for a minute, then slow for another, and then probed again (§14 #11).
#[test]
fn a_dead_target_rests_two_minutes() {
    for (seed, schedule) in (10..).zip(BOTH) {
        let mut stage = stage(seed, schedule);
        stage.does(Deed::Host(site::host(0, 2), Host::DEAD));
        let dead = |notice: &Notice| {
            matches!(notice, Notice::TargetDead { interface, target, .. }
                if *interface == A.name() && *target == site::host(0, 2))
        };
        let marked = stage.until(seconds(60), dead);
        let after = |stage: &mut Stage, span: u64| {
            let end = marked + seconds(span);
            let left = end.since(stage.now);
            stage.plays(left);
            target(stage, A, 2)
        };
        assert_eq!(after(&mut stage, 55), TargetState::Dead);
        assert_eq!(after(&mut stage, 65), TargetState::Slow);
        stage.does(Deed::Host(site::host(0, 2), Host::default()));
        assert_eq!(after(&mut stage, 115), TargetState::Slow);
        assert_eq!(after(&mut stage, 125), TargetState::Active);
        assert_eq!(stage.count(any_verdict), 0);
        assert_eq!(stage.changes(), [] as [&Change; 0]);
    }
}

/// §3: a router that answers seldom is no reason to fail anybody, as long as others answer.
#[test]
fn a_target_that_limits_its_answers_fails_nobody() {
    for (seed, schedule) in (12..).zip(BOTH) {
        let mut stage = stage(seed, schedule);
        stage.does(Deed::Host(site::host(0, 1), Host { answers_a_second: Some(1), ..Host::default() }));
        stage.plays(seconds(300));
        assert_eq!(stage.count(any_verdict), 0);
        assert_eq!(stage.changes(), [] as [&Change; 0]);
    }
}

/// §4: a reply that comes after its probe was declared lost redeems it, and ends the run.
#[test]
fn late_replies_redeem() {
    for (seed, schedule) in (14..).zip(BOTH) {
        let mut stage = stage(seed, schedule);
        stage.does(Deed::Path(A, Path { delay: FDT / 7 + millis(30), jitter: millis(5), ..Path::default() }));
        stage.plays(seconds(20));
        assert_eq!(stage.count(any_verdict), 0, "{}", stage.told());
        let counts = probing(&stage, A).counts;
        assert!(counts.late > 0, "{counts:?}");
        // What is under way at the end may be lost until its reply comes.
        assert!(counts.lost <= 2, "{counts:?}");
    }
}

/// A suspended machine finds its clock hours later: nothing is judged by what it could not see.
#[test]
fn a_machine_that_slept_judges_nobody() {
    for (seed, schedule) in (16..).zip(BOTH) {
        for hours in [1, 24, 1_000] {
            let mut stage = stage(seed, schedule);
            stage.does(Deed::Stall(seconds(3_600 * hours), true));
            stage.plays(seconds(3_600 * hours + 60));
            assert_eq!(stage.count(any_verdict), 0, "{}", stage.told());
            assert_eq!(stage.changes(), [] as [&Change; 0]);
            assert_eq!(stage.count(|notice| matches!(notice, Notice::DaemonLate { .. })), 1);
            assert_eq!(stage.group_status().state, GroupState::Ok);
        }
    }
}

/// A path that died meanwhile is found after it.
#[test]
fn what_broke_while_the_machine_slept_is_found() {
    for (seed, schedule) in (18..).zip(BOTH) {
        let mut stage = stage(seed, schedule);
        stage.does(Deed::Stall(seconds(3_600), true));
        stage.cuts(A);
        stage.plays(seconds(3_600));
        let awake = stage.now;
        let found = stage.until(FDT * 3, failed(A)).since(awake);
        assert!(found <= FDT + millis(100), "{found:?}");
    }
}

/// A member that fails again and again is kept out, its penalty falls, and it comes back when it is below
/// the limit (RFC 2439).
#[test]
fn a_member_that_fails_again_and_again_is_kept_out() {
    for (seed, schedule) in (20..).zip(BOTH) {
        let mut stage = stage(seed, schedule);
        for times in 1..=3 {
            stage.cuts(A);
            stage.until(FDT * 2, failed(A));
            stage.mends(A);
            stage.forget();
            if times < 3 {
                stage.until(FDT * 3, repaired(A));
                stage.forget();
            }
        }
        let kept_out = stage.now;
        stage.plays(seconds(20));
        let member = stage.member_status(A);
        assert_eq!(member.state, MemberState::Failed);
        assert!((1_000..3_000).contains(&member.penalty), "{}", member.penalty);
        assert_eq!(stage.count(|notice| matches!(notice, Notice::RepairSuspended { .. })), 1);
        assert_eq!(stage.places(), [B, B]);
        let back = stage.until(seconds(120), repaired(A)).since(kept_out);
        // Nearly three thousand, halved every minute, is a thousand after a minute and a half.
        assert!(back >= seconds(80) && back <= seconds(96), "{back:?}");
        assert!(stage.member_status(A).penalty < 1_000);
    }
}

/// Nobody is kept out while there is nothing better.
#[test]
fn the_only_member_that_works_is_never_kept_out() {
    for (seed, schedule) in (22..).zip(BOTH) {
        let mut stage = stage(seed, schedule);
        for _ in 0..3 {
            stage.does(Deed::Cable(A, false));
            stage.plays(seconds(1));
            stage.does(Deed::Cable(A, true));
            stage.plays(seconds(4));
        }
        assert_eq!(stage.member_status(A).state, MemberState::Failed);
        stage.does(Deed::Cable(B, false));
        stage.plays(seconds(2));
        assert_eq!(stage.member_status(A).state, MemberState::Ok);
        assert_eq!((stage.places(), stage.ways_out()), (vec![A, A], vec![A]));
    }
}

/// §5: the first loss of one against the last success of the others. Where the others were answered later,
/// it is the member; where nobody was, it is the network, however little apart they began to lose.
#[test]
fn the_member_or_the_network_is_told_by_first_loss_against_last_success() {
    for seed in 24..44 {
        for schedule in BOTH {
            let mut stage = stage(seed, schedule);
            let pause = stage.rng.span(Duration::ZERO, FDT);
            stage.plays(pause);
            // The path of one dies, and half a detection later the whole network does.
            stage.cuts(A);
            let later = stage.rng.span(FDT / 2, FDT * 6 / 10);
            stage.plays(later);
            stage.does(Deed::Dark(0, true));
            stage.plays(FDT * 2);
            assert!(matches!(last(&stage), Notice::GroupFailed { .. }), "{}", stage.told());
            assert_eq!(stage.group_status().state, GroupState::Failed);
            assert_eq!(stage.count(failed(B)), 0, "{}", stage.told());
        }
    }
}

/// The last verdict that was told.
fn last(stage: &Stage) -> Notice {
    let verdicts = stage.notices.iter().rev().map(|(_, notice)| notice);
    verdicts.into_iter().find(|notice| any_verdict(notice)).expect("there is one").clone()
}

/// A network that dies is found within the failure detection time too.
#[test]
fn an_outage_is_found_in_time() {
    for seed in 44..54 {
        let mut stage = stage(seed, Schedule::Confirm);
        let pause = stage.rng.span(Duration::ZERO, FDT);
        stage.plays(pause);
        stage.does(Deed::Dark(0, true));
        let dark = stage.now;
        let told = stage.until(FDT * 2, |notice| matches!(notice, Notice::GroupFailed { .. }));
        assert!(told.since(dark) <= FDT, "{:?}", told.since(dark));
    }
}

/// When a member at rest has its first loss, the others are asked at once, unless they have just been.
#[test]
fn others_are_asked_at_the_first_loss() {
    for seed in 54..64 {
        let mut stage = stage(seed, Schedule::Confirm);
        let pause = stage.rng.span(Duration::ZERO, FDT);
        stage.plays(pause);
        let (losses, asked) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
        let (lost, sent) = (losses.clone(), asked.clone());
        stage.meddler.actions = Some(Box::new(move |now, actions: &mut Vec<Action>| {
            for action in actions {
                match action {
                    Action::Probed(report) if report.member == A.name() && report.outcome == ProbeOutcome::Lost => {
                        lost.borrow_mut().push(now);
                    }
                    Action::SendProbe { member, .. } if *member == B.name() => sent.borrow_mut().push(now),
                    _ => {}
                }
            }
        }));
        stage.cuts(A);
        stage.until(FDT * 2, failed(A));
        let first = *losses.borrow().first().expect("there are losses");
        let just_now = FDT / 32;
        let near = |when: &&Instant| first.since(**when) <= just_now && when.since(first) <= millis(2);
        assert!(asked.borrow().iter().any(|when| near(&when)), "seed {seed}: {first:?}, {:?}", asked.borrow());
    }
}

/// What is wrong with a member that works is told, and where it is to be drained it is emptied without a
/// failure, while a better one exists.
#[test]
fn a_grey_member_is_emptied_where_that_is_wanted() {
    let lossy = Path::lossy(0.3);
    let corrupting = Path { corrupt: 0.3, ..Path::default() };
    let narrow = Path { mtu: 1400, ..Path::default() };
    let far = Path { delay: millis(30), ..Path::default() };
    for (seed, path) in (64..).zip([lossy, corrupting, narrow, far]) {
        for drain in [false, true] {
            let mut config = group(2, 2, FDT);
            config.detection.drain = drain;
            let mut stage = Stage::of(seed, config);
            stage.plays(seconds(120));
            stage.forget();
            stage.does(Deed::Path(A, path.clone()));
            stage.until(seconds(200), |notice| matches!(notice, Notice::InterfaceDegraded { .. }));
            stage.plays(seconds(2));
            let member = stage.member_status(A);
            assert_eq!((member.state, member.drained), (MemberState::Degraded, drain), "{path:?}");
            let right = matches!(
                (&member.reason, path.loss > 0.0, path.corrupt > 0.0, path.mtu < 1500),
                (Reason::Grey(Grey::Loss { .. }), true, ..)
                    | (Reason::Grey(Grey::Corrupt { .. } | Grey::Loss { .. }), _, true, _)
                    | (Reason::Grey(Grey::Large { .. }), _, _, true)
                    | (Reason::Grey(Grey::Slow { .. }), false, false, false)
            );
            assert!(right, "{:?} on {path:?}", member.reason);
            let emptied = !stage.places().contains(&A) && stage.ways_out() == [B];
            assert_eq!(emptied, drain, "{path:?}");
            // With nothing better it serves again.
            stage.does(Deed::Cable(B, false));
            stage.plays(seconds(1));
            assert_eq!((stage.places(), stage.ways_out()), (vec![A, A], vec![A]), "{path:?}");
            assert_eq!(stage.count(failed(A)), 0, "{path:?}\n{}", stage.told());
        }
    }
}

/// §6: of two members with the same hardware address the one that got it later goes out of service by
/// itself, and comes back when it is unique.
#[test]
fn a_twin_goes_out_of_service_and_comes_back() {
    let mut stage = stage(70, Schedule::Confirm);
    stage.does(Deed::Mac(B, A.mac()));
    stage.plays(seconds(1));
    let twin = stage.member_status(B);
    assert!(twin.hwaddr_duplicate && twin.state == MemberState::Offline);
    assert_eq!((stage.places(), stage.ways_out()), (vec![A, A], vec![A]));
    stage.does(Deed::Mac(B, B.mac()));
    stage.until(seconds(1), |notice| matches!(notice, Notice::DuplicateHwaddrResolved { .. }));
    stage.plays(FDT * 3);
    assert_eq!(stage.member_status(B).state, MemberState::Ok);
    assert_eq!(stage.ways_out(), [A, B]);
}

/// §3: hosts are found by multicast only where there is no router and no explicit target.
#[test]
fn hosts_are_found_where_there_is_no_router() {
    let mut config = group(2, 2, FDT);
    (config.gateways, config.targets, config.targets_exclusive) = (vec![], vec![], false);
    let mut stage = Stage::of(71, config);
    assert_eq!(probing(&stage, A).targets.len(), usize::from(site::HOSTS));
    stage.cuts(A);
    let cut = stage.now;
    let found = stage.until(FDT * 2, failed(A)).since(cut);
    assert!(found <= FDT, "{found:?}");
    stage.mends(A);
    stage.until(FDT * 3, repaired(A));
    // Explicit targets take their place.
    stage.reloads(|group| group.targets = vec![site::host(0, 1)]);
    stage.plays(seconds(5));
    assert_eq!(probing(&stage, A).targets.len(), 1);
    assert_eq!(stage.count(any_verdict), 1);
}

/// §9: interfaces in no group are watched and reported, and nothing of them is touched.
#[test]
fn interfaces_in_no_group_are_watched() {
    let config = group(2, 2, FDT);
    let mut stage = Stage::of(72, config);
    let watched = Port(5);
    stage.give_own_address(watched, 0);
    let mut file = stage.file.clone();
    file.track_all_interfaces = true;
    stage.reload(file);
    stage.plays(seconds(20));
    let status = stage.status();
    let anonymous = status.groups.last().expect("it is shown");
    assert!(anonymous.name.is_anonymous());
    assert!(anonymous.members.iter().any(|member| member.interface == watched.name() && member.active));
    stage.forget();
    stage.cuts(watched);
    stage.until(FDT * 2, failed(watched));
    stage.mends(watched);
    stage.until(FDT * 4, repaired(watched));
    assert_eq!(stage.changes(), [] as [&Change; 0]);
}
