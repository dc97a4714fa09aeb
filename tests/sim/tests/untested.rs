//! Stories of members without test addresses: probed by ARP and neighbour solicitations, and by each other.

use std::time::Duration;

use ipmp_core::status::{GroupState, MemberState, TargetMode};
use ipmp_core::{Family, GroupConfig, Notice, ProbeMode};
use ipmp_sim::Deed;
use ipmp_sim::network::Host;
use ipmp_sim::site::{self, Port};
use ipmp_sim::stage::{Stage, group_of, untested};
use ipmp_sim::trace::Keep;

const FDT: Duration = Duration::from_secs(10);
const A: Port = Port(0);
const B: Port = Port(1);
const C: Port = Port(2);
const EACH: [Family; 2] = [Family::V4, Family::V6];

fn failed(port: Port) -> impl Fn(&Notice) -> bool {
    move |notice| matches!(notice, Notice::InterfaceFailed { interface, .. } if *interface == port.name())
}

fn any_verdict(notice: &Notice) -> bool {
    matches!(notice, Notice::InterfaceFailed { .. } | Notice::GroupFailed { .. } | Notice::FamilyFailed { .. })
}

/// A network in which nobody answers to multicast.
fn deaf(group: GroupConfig) -> Stage {
    Stage::on(1, group, Keep::Lines, |world| {
        for n in 1..=site::HOSTS {
            world.network.set_host(site::host(0, n), Host { multicast: false, ..Host::default() });
        }
    })
}

/// A group of which nobody outside can be probed.
fn secluded(family: Family, members: u8) -> GroupConfig {
    let mut group = untested(group_of(&[family], members, members, FDT));
    (group.targets, group.gateways, group.targets_exclusive) = (Vec::new(), Vec::new(), false);
    group
}

#[test]
fn a_silent_path_is_found_without_any_test_address() {
    for family in EACH {
        let mut stage = Stage::of(1, untested(group_of(&[family], 2, 2, FDT)));
        assert_eq!(stage.group_status().state, GroupState::Ok);
        stage.cuts(A);
        let cut = stage.now;
        let found = stage.until(FDT * 2, failed(A)).since(cut);
        assert!(found <= FDT, "{found:?}");
        stage.plays(Duration::from_millis(200));
        assert_eq!((stage.places(), stage.ways_out_in(family)), (vec![B, B], vec![B]));
        stage.mends(A);
        stage.plays(FDT * 3);
        assert_eq!((stage.member_status(A).state, stage.ways_out_in(family)), (MemberState::Ok, vec![A, B]));
    }
}

#[test]
fn of_three_members_two_tell_which_is_dead() {
    for family in EACH {
        let mut stage = deaf(secluded(family, 3));
        for port in [A, B, C] {
            let member = stage.member_status(port);
            assert!(
                member.probing.iter().all(|probing| probing.mode == TargetMode::Transitive),
                "{:?}",
                member.probing
            );
            assert_eq!(member.state, MemberState::Ok);
        }
        stage.cuts(A);
        stage.until(FDT * 2, failed(A));
        stage.plays(FDT);
        assert!(!stage.places().contains(&A));
        assert_eq!(stage.count(any_verdict), 1, "{}", stage.told());
        stage.mends(A);
        stage.plays(FDT * 4);
        assert!(stage.places().contains(&A), "{}", stage.told());
    }
}

#[test]
fn of_two_members_none_is_accused() {
    for family in EACH {
        let mut stage = deaf(secluded(family, 2));
        let places = stage.places();
        stage.cuts(A);
        stage.plays(FDT * 4);
        assert_eq!((stage.count(any_verdict), stage.places()), (0, places), "{}", stage.told());
        assert_eq!(stage.member_status(A).state, MemberState::Unknown);
    }
}

#[test]
fn a_host_that_drops_echo_requests_is_a_target_all_the_same() {
    let dropping = Host { echo: false, ..Host::default() };
    let modes = [(ProbeMode::Auto, true), (ProbeMode::Icmp, false), (ProbeMode::Arp, true)];
    for family in EACH {
        for (probe, answered) in modes {
            let mut group = untested(group_of(&[family], 2, 2, FDT));
            group.detection.probe = probe;
            let mut stage = Stage::on(1, group, Keep::Lines, |_| {});
            for n in 1..=site::HOSTS {
                stage.does(Deed::Host(site::host(0, n), dropping));
            }
            let places = stage.places();
            stage.plays(FDT * 3);
            let state = if answered { GroupState::Ok } else { GroupState::Failed };
            assert_eq!(stage.group_status().state, state, "{family} {probe:?}\n{}", stage.told());
            assert_eq!(stage.places(), places, "{family} {probe:?}");
        }
    }
}

#[test]
fn a_host_that_answers_echo_requests_alone_needs_them() {
    let deaf_to_arp = Host { neighbour: false, ..Host::default() };
    for family in EACH {
        for (probe, state) in [(ProbeMode::Icmp, GroupState::Ok), (ProbeMode::Arp, GroupState::Failed)] {
            let mut group = group_of(&[family], 2, 2, FDT);
            group.detection.probe = probe;
            let mut stage = Stage::of(2, group);
            for n in 1..=site::HOSTS {
                stage.does(Deed::Host(site::host(0, n), deaf_to_arp));
            }
            stage.plays(FDT * 3);
            assert_eq!(stage.group_status().state, state, "{family} {probe:?}");
        }
    }
}

#[test]
fn without_probes_the_link_is_all_that_counts() {
    let mut group = group_of(&EACH, 2, 2, FDT);
    group.detection.probe = ProbeMode::None;
    let mut stage = Stage::of(3, group);
    stage.cuts(A);
    stage.plays(FDT * 3);
    assert_eq!((stage.count(any_verdict), stage.group_status().state), (0, GroupState::Ok));
    assert!(stage.daemon.probers.is_empty());
    stage.does(Deed::Cable(A, false));
    stage.plays(Duration::from_secs(1));
    assert_eq!(stage.places(), [B; 4]);
}
