//! Readable stories with exact expectations: what befalls a group, and what the core makes of it.

use std::time::Duration;

use ipmp_core::notice::Reason;
use ipmp_core::status::{GroupState, MemberState};
use ipmp_core::{Change, Command, Notice, ProbeMode, Refusal, Schedule};
use ipmp_sim::Deed;
use ipmp_sim::network::{Host, Path};
use ipmp_sim::site::{self, Port};
use ipmp_sim::stage::{Stage, group};
use ipmp_sim::world::Weather;

const FDT: Duration = Duration::from_secs(10);
const A: Port = Port(0);
const B: Port = Port(1);
const C: Port = Port(2);

fn failed(port: Port) -> impl Fn(&Notice) -> bool {
    move |notice| matches!(notice, Notice::InterfaceFailed { interface, .. } if *interface == port.name())
}

fn repaired(port: Port) -> impl Fn(&Notice) -> bool {
    move |notice| matches!(notice, Notice::InterfaceRepaired { interface, .. } if *interface == port.name())
}

fn any_verdict(notice: &Notice) -> bool {
    matches!(notice, Notice::InterfaceFailed { .. } | Notice::GroupFailed { .. })
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn a_path_that_dies_silently_is_found_in_time() {
    let schedules = [Schedule::Classic, Schedule::Confirm].into_iter().cycle();
    for ((seed, fdt), schedule) in
        (0..30).zip([100, 1_000, 10_000].map(Duration::from_millis).into_iter().cycle()).zip(schedules)
    {
        for (cut_in, cut_out) in [(true, true), (true, false), (false, true)] {
            let mut config = group(2, 2, fdt);
            config.detection.schedule = schedule;
            let mut stage = Stage::of(seed, config);
            let pause = stage.rng.span(Duration::ZERO, fdt);
            stage.plays(pause);
            stage.does(Deed::Path(A, Path { cut_in, cut_out, ..Path::default() }));
            let cut = stage.now;
            let found = stage.until(fdt * 2, failed(A)).since(cut);
            // An answer that was on its way when the path died may be the first loss.
            let earliest = match schedule {
                Schedule::Classic => (fdt / 7).mul_f64(4.5),
                Schedule::Confirm => fdt * 43 / 80,
            };
            assert!(
                found >= earliest - Duration::from_millis(2) && found <= fdt,
                "seed {seed}: {found:?} at {fdt:?}, {schedule:?}"
            );
            stage.plays(Duration::from_millis(200));
            assert_eq!(stage.places(), [B, B]);
            assert_eq!(stage.ways_out(), [B]);
        }
    }
}

#[test]
fn a_verdict_says_why() {
    let mut stage = Stage::of(1, group(2, 2, FDT));
    stage.cuts(A);
    stage.until(FDT * 2, failed(A));
    let (_, notice) = stage.notices.iter().find(|(_, notice)| failed(A)(notice)).unwrap();
    let Notice::InterfaceFailed { reason: Reason::ProbesLost { lost, targets, last_reply }, .. } = notice else {
        panic!("{notice:?}")
    };
    assert_eq!((*lost, targets.len()), (21, 2));
    let (ago, rtt) = last_reply.expect("there were replies before");
    assert!(ago > FDT / 2 && rtt < Duration::from_millis(1));
}

#[test]
fn a_pulled_cable_moves_everything_at_once() {
    let mut stage = Stage::of(2, group(4, 2, FDT));
    let before = stage.places();
    stage.does(Deed::Cable(A, false));
    let pulled = stage.now;
    let found = stage.until(seconds(1), failed(A));
    assert!(found.since(pulled) < Duration::from_millis(10));
    stage.plays(Duration::from_millis(100));
    assert_eq!(stage.places(), [B; 4]);
    // What was well placed stayed; what moved was announced, with its routes, in one transaction.
    let moved = before.iter().filter(|place| **place == A).count();
    let [(_, transaction)] = &stage.transactions[..] else { panic!("{:?}", stage.transactions) };
    let of = |kind: fn(&Change) -> bool| transaction.changes.iter().filter(|change| kind(change)).count();
    assert_eq!(of(|change| matches!(change, Change::AddAddress { .. })), moved);
    assert_eq!(of(|change| matches!(change, Change::DeleteAddress(_))), moved);
    assert_eq!(of(|change| matches!(change, Change::Announce(_))), moved);
    assert_eq!(of(|change| matches!(change, Change::PutRoute { .. })), 2);
}

#[test]
fn two_cables_of_a_dying_switch_are_both_known_soon() {
    let mut stage = Stage::of(3, group(3, 3, FDT));
    stage.does(Deed::Cable(A, false));
    stage.plays(Duration::from_millis(50));
    stage.does(Deed::Cable(B, false));
    let pulled = stage.now;
    // The kernel would tell of the second a second after the first.
    let found = stage.until(seconds(2), failed(B));
    assert!(found.since(pulled) <= Duration::from_millis(520), "{:?}", found.since(pulled));
    stage.plays(Duration::from_millis(100));
    assert_eq!(stage.places(), [C; 3]);
}

#[test]
fn an_outage_of_the_network_is_told_once_and_moves_nothing() {
    let mut stage = Stage::of(4, group(4, 3, FDT));
    let (places, ways) = (stage.places(), stage.ways_out());
    stage.does(Deed::Dark(0, true));
    stage.plays(FDT * 3);
    assert_eq!(stage.group_status().state, GroupState::Failed);
    assert_eq!(stage.count(|notice| matches!(notice, Notice::GroupFailed { .. })), 1);
    assert_eq!(stage.count(|notice| matches!(notice, Notice::InterfaceFailed { .. })), 0);
    stage.does(Deed::Dark(0, false));
    stage.plays(FDT * 3);
    assert_eq!(stage.group_status().state, GroupState::Ok);
    assert_eq!(stage.count(|notice| matches!(notice, Notice::GroupRecovered { .. })), 1);
    let moves = |change: &&&Change| !matches!(change, Change::SetCarrier { .. });
    assert_eq!(stage.changes().iter().filter(moves).count(), 0);
    assert_eq!((stage.places(), stage.ways_out()), (places, ways));
}

#[test]
fn an_outage_of_any_length_fails_no_member() {
    for seed in 0..40 {
        let mut stage = Stage::of(seed, group(2, 3, FDT));
        let interval = FDT / 7;
        stage.does(Deed::Dark(0, true));
        stage.plays(interval * 3 + (interval / 8) * seed as u32);
        stage.does(Deed::Dark(0, false));
        stage.plays(FDT * 3);
        assert_eq!(
            stage.count(|notice| matches!(notice, Notice::InterfaceFailed { .. })),
            0,
            "seed {seed}\n{}",
            stage.told()
        );
        assert_eq!(stage.group_status().state, GroupState::Ok, "seed {seed}");
    }
}

#[test]
fn a_member_that_stays_dead_after_an_outage_is_found() {
    let mut stage = Stage::of(5, group(2, 2, FDT));
    stage.does(Deed::Dark(0, true));
    stage.cuts(A);
    stage.plays(FDT * 3);
    stage.does(Deed::Dark(0, false));
    let back = stage.now;
    let found = stage.until(FDT * 2, failed(A));
    assert!(found.since(back) < (FDT / 7) * 9, "{:?}", found.since(back));
    stage.plays(seconds(20));
    assert_eq!(stage.places(), [B, B]);
}

#[test]
fn ten_replies_repair() {
    let mut stage = Stage::of(6, group(4, 2, FDT));
    let before = stage.places();
    stage.cuts(A);
    stage.plays(FDT * 2);
    assert_eq!(stage.places(), [B; 4]);
    stage.mends(A);
    let mended = stage.now;
    let repaired_at = stage.until(FDT * 2, repaired(A));
    let interval = FDT / 7;
    let took = repaired_at.since(mended);
    assert!(took >= interval * 9 && took <= interval.mul_f64(11.5), "{took:?}");
    let why = stage.notices.iter().find(|(_, notice)| repaired(A)(notice)).map(|(_, notice)| notice);
    assert!(
        matches!(why, Some(Notice::InterfaceRepaired { reason: Reason::ProbesAnswered { replies: 10, .. }, .. })),
        "{why:?}"
    );
    stage.plays(seconds(1));
    assert_eq!(stage.places().iter().filter(|place| **place == A).count(), 2, "was {before:?}");
    assert_eq!(stage.ways_out(), [A, B]);
}

#[test]
fn without_failback_the_repaired_member_idles() {
    let mut config = group(4, 2, FDT);
    config.failback = false;
    let mut stage = Stage::of(7, config);
    stage.cuts(A);
    stage.plays(FDT * 2);
    stage.forget();
    stage.mends(A);
    stage.until(FDT * 2, repaired(A));
    stage.plays(seconds(10));
    assert_eq!(stage.places(), [B; 4]);
    let member = stage.member_status(A);
    assert!(member.inactive && member.state == MemberState::Ok);
    assert_eq!(stage.group_status().state, GroupState::Ok);
    assert_eq!(stage.changes(), [] as [&Change; 0]);

    // Turned on again, the policy is applied to what is there (§14 #3).
    stage.reloads(|group| group.failback = true);
    stage.plays(seconds(2));
    assert!(stage.member_status(A).active);
    assert_eq!(stage.places().iter().filter(|place| **place == A).count(), 2);
}

#[test]
fn a_standby_serves_while_it_is_needed() {
    let mut config = group(4, 3, FDT);
    config.members[2].standby = true;
    let mut stage = Stage::of(8, config);
    assert!(!stage.places().contains(&C) && stage.ways_out() == [A, B]);
    assert!(stage.member_status(C).inactive);

    stage.does(Deed::Cable(A, false));
    stage.plays(Duration::from_millis(200));
    assert_eq!(stage.count(|notice| matches!(notice, Notice::StandbyActivated { .. })), 1);
    assert_eq!(stage.places().iter().filter(|place| **place == C).count(), 2);
    assert_eq!(stage.ways_out(), [B, C]);

    stage.does(Deed::Cable(A, true));
    stage.until(FDT * 2, |notice| matches!(notice, Notice::StandbyDeactivated { .. }));
    stage.plays(Duration::from_millis(200));
    assert_eq!(stage.places().iter().filter(|place| **place == A).count(), 2);
    assert_eq!(stage.ways_out(), [A, B]);
}

#[test]
fn of_standbys_alone_one_is_active() {
    let mut config = group(2, 2, FDT);
    config.members.iter_mut().for_each(|member| member.standby = true);
    let mut stage = Stage::of(9, config);
    let active = |stage: &Stage| stage.group_status().members.iter().filter(|member| member.active).count();
    assert_eq!(active(&stage), 1);
    stage.does(Deed::Cable(A, false));
    stage.does(Deed::Cable(B, false));
    stage.plays(seconds(10));
    stage.does(Deed::Cable(B, true));
    stage.plays(FDT * 2);
    assert_eq!((active(&stage), stage.places()), (1, vec![B, B]));
    stage.does(Deed::Cable(A, true));
    stage.plays(FDT * 2);
    assert_eq!(active(&stage), 1);
}

#[test]
fn without_any_link_nothing_is_withdrawn() {
    let mut stage = Stage::of(10, group(2, 2, FDT));
    stage.does(Deed::Cable(A, false));
    stage.plays(seconds(2));
    stage.forget();
    stage.does(Deed::Cable(B, false));
    stage.plays(seconds(5));
    assert_eq!(stage.count(|notice| matches!(notice, Notice::GroupFailed { .. })), 1);
    assert_eq!(stage.places(), [B, B]);
    // The first link that is back serves, before probes vouch for it: nobody does better.
    stage.does(Deed::Cable(A, true));
    stage.plays(seconds(2));
    assert_eq!((stage.places(), stage.ways_out()), (vec![A, A], vec![A]));
}

#[test]
fn a_restart_writes_nothing() {
    let mut stage = Stage::of(11, group(4, 3, FDT));
    stage.kill();
    stage.plays(seconds(5));
    stage.start();
    stage.plays(seconds(60));
    assert_eq!(stage.changes(), [] as [&Change; 0], "{}", stage.told());
    assert_eq!(stage.count(any_verdict), 0);
}

#[test]
fn a_path_that_died_while_the_daemon_was_down_is_found() {
    let mut stage = Stage::of(12, group(2, 2, FDT));
    stage.kill();
    stage.cuts(A);
    stage.plays(seconds(5));
    stage.start();
    let started = stage.now;
    // No quiet period for what was in use before.
    let found = stage.until(FDT * 2, failed(A));
    assert!(found.since(started) <= FDT + seconds(1), "{:?}", found.since(started));
    stage.plays(seconds(1));
    assert_eq!(stage.places(), [B, B]);
}

#[test]
fn a_member_that_had_failed_before_a_restart_has_still() {
    let mut stage = Stage::of(13, group(2, 2, FDT));
    stage.cuts(A);
    stage.plays(FDT * 2);
    stage.kill();
    stage.start();
    stage.forget();
    stage.plays(seconds(60));
    assert_eq!(stage.member_status(A).state, MemberState::Failed);
    assert_eq!(stage.changes(), [] as [&Change; 0]);
    stage.mends(A);
    stage.until(FDT * 2, repaired(A));
}

#[test]
fn a_reload_that_changes_nothing_writes_nothing() {
    let mut stage = Stage::of(14, group(4, 3, FDT));
    stage.reloads(|_| {});
    stage.plays(seconds(10));
    stage.reloads(|group| group.failure_detection_time = seconds(1));
    stage.plays(seconds(10));
    assert_eq!(stage.changes(), [] as [&Change; 0]);
    assert_eq!(stage.count(any_verdict), 0);
    stage.cuts(A);
    let cut = stage.now;
    let found = stage.until(seconds(2), failed(A));
    assert!(found.since(cut) <= seconds(1));
}

#[test]
fn a_stall_of_the_daemon_is_no_loss() {
    for machine in [false, true] {
        let mut stage = Stage::of(15, group(2, 2, seconds(1)));
        stage.stall(seconds(8), machine);
        stage.plays(seconds(30));
        assert_eq!(stage.count(any_verdict), 0, "{}", stage.told());
        assert_eq!(stage.changes(), [] as [&Change; 0]);
    }
}

#[test]
fn a_cut_during_a_stall_is_found_after_it() {
    let mut stage = Stage::of(16, group(2, 2, seconds(1)));
    stage.stall(seconds(8), false);
    stage.cuts(A);
    stage.plays(seconds(8));
    let resumed = stage.now;
    let found = stage.until(seconds(3), failed(A));
    assert!(found.since(resumed) <= Duration::from_millis(1_100), "{:?}", found.since(resumed));
}

#[test]
fn single_losses_are_no_failure() {
    let mut stage = Stage::of(17, group(2, 2, seconds(1)));
    for port in [A, B] {
        stage.does(Deed::Path(port, Path { loss: 0.05, ..Path::default() }));
    }
    stage.plays(seconds(600));
    assert_eq!(stage.count(any_verdict), 0);
}

#[test]
fn a_dead_target_is_no_dead_member() {
    let mut stage = Stage::of(19, group(2, 2, FDT));
    stage.does(Deed::Host(site::host(0, 2), Host::DEAD));
    stage.plays(seconds(120));
    assert_eq!(stage.count(any_verdict), 0);
    assert!(stage.count(|notice| matches!(notice, Notice::TargetDead { .. })) >= 2);
    assert_eq!(stage.changes(), [] as [&Change; 0]);
}

#[test]
fn a_link_that_flaps_is_held_where_nothing_is_probed() {
    let mut config = group(2, 2, FDT);
    config.detection.probe = ProbeMode::None;
    let mut stage = Stage::of(20, config);
    stage.plays(seconds(60));
    for _ in 0..4 {
        stage.does(Deed::Cable(A, false));
        stage.plays(seconds(2));
        stage.does(Deed::Cable(A, true));
        stage.plays(seconds(2));
    }
    assert_eq!(stage.count(repaired(A)), 2);
    assert_eq!(stage.count(|notice| matches!(notice, Notice::LinkFlapping { .. })), 1);
    assert_eq!(stage.places(), [B, B]);
    stage.plays(seconds(130));
    assert_eq!(stage.count(repaired(A)), 3);
    assert!(stage.places().contains(&A));
}

#[test]
fn a_nic_that_is_pulled_out_and_plugged_in_serves_again() {
    let mut stage = Stage::of(21, group(2, 2, FDT));
    let before = stage.kernel.index_of(A).unwrap();
    stage.does(Deed::Nic(A, false));
    stage.plays(Duration::from_millis(200));
    assert_eq!(stage.places(), [B, B]);
    stage.does(Deed::Nic(A, true));
    assert_ne!(stage.kernel.index_of(A), Some(before));
    stage.plays(seconds(60));
    assert!(stage.places().contains(&A));
    assert_eq!(stage.ways_out(), [A, B]);
}

#[test]
fn what_others_delete_is_mended_and_what_they_add_is_left() {
    let mut stage = Stage::of(22, group(2, 2, FDT));
    for _ in 0..4 {
        stage.does(Deed::ForeignDelete);
        stage.plays(seconds(20));
    }
    assert_eq!(stage.count(|notice| matches!(notice, Notice::Mended { .. })), 4);
    let (places, ways) = (stage.places(), stage.ways_out());
    assert_eq!((places.len(), ways), (2, vec![A, B]));
    let foreign = |stage: &Stage| stage.kernel.addresses.values().filter(|info| !info.ours).count();
    let before = foreign(&stage);
    stage.does(Deed::ForeignAdd(A));
    stage.forget();
    stage.plays(seconds(20));
    assert_eq!((foreign(&stage), stage.changes()), (before + 1, vec![]));
}

#[test]
fn a_refused_move_is_tried_again() {
    let mut stage = Stage::of(23, group(2, 2, FDT));
    stage.does(Deed::Weather(Weather { refuses: 1.0, ..Weather::FAIR }));
    stage.does(Deed::Cable(A, false));
    stage.plays(seconds(5));
    assert!(stage.count(|notice| matches!(notice, Notice::ChangeRefused { .. })) >= 1);
    stage.does(Deed::Weather(Weather::FAIR));
    stage.plays(seconds(10));
    assert_eq!((stage.places(), stage.ways_out()), (vec![B, B], vec![B]));
}

#[test]
fn offline_moves_first_and_answers_then() {
    let mut stage = Stage::of(24, group(2, 2, FDT));
    let request = stage.command(Command::Offline(A.name()));
    stage.plays(seconds(1));
    assert_eq!(stage.answers.get(&request), Some(&Ok(())));
    assert_eq!((stage.places(), stage.ways_out()), (vec![B, B], vec![B]));
    assert_eq!(stage.member_status(A).state, MemberState::Offline);

    let again = stage.command(Command::Offline(A.name()));
    let last = stage.command(Command::Offline(B.name()));
    stage.plays(seconds(1));
    assert_eq!(stage.answers[&again], Err(Refusal::AlreadyOffline(A.name())));
    assert_eq!(stage.answers[&last], Err(Refusal::MinimumRedundancy(B.name())));

    // A restart does not forget it.
    stage.kill();
    stage.start();
    stage.plays(seconds(60));
    assert_eq!(stage.member_status(A).state, MemberState::Offline);
    let online = stage.command(Command::Online(A.name()));
    stage.plays(seconds(60));
    assert_eq!(stage.answers[&online], Ok(()));
    assert!(stage.places().contains(&A));
}

#[test]
fn an_address_is_never_on_none_while_a_member_leaves() {
    let mut stage = Stage::of(25, group(4, 3, FDT));
    stage.reloads(|group| {
        group.members.remove(0);
    });
    stage.plays(seconds(5));
    let places = stage.places();
    assert!(!places.contains(&A), "{places:?}");
    assert_eq!(stage.ways_out(), [B, C]);
    // The member is as it was before it joined.
    let index = stage.kernel.index_of(A).unwrap();
    assert_eq!(stage.kernel.links[&index].tunables, Some(ipmp_sim::kernel::TUNABLES));
    assert!(!stage.kernel.addresses_of(index).any(|(_, info)| info.ours));
}

#[test]
fn a_renamed_nic_is_left_as_it_was_found() {
    let mut stage = Stage::of(26, group(2, 2, FDT));
    stage.does(Deed::Renamed(A, true));
    stage.plays(seconds(5));
    let index = stage.kernel.index_of(A).unwrap();
    assert_eq!(stage.kernel.links[&index].tunables, Some(ipmp_sim::kernel::TUNABLES));
    assert_eq!(stage.places(), [B, B]);
    stage.does(Deed::Renamed(A, false));
    stage.plays(seconds(60));
    assert!(stage.places().contains(&A));
}
