//! Stories of groups with IPv4 and IPv6: families that fail apart, and what is IPv6's own.

use std::net::Ipv6Addr;
use std::time::Duration;

use ipmp_core::notice::{Grey, Reason};
use ipmp_core::status::{FamilyHealth, GroupState, MemberState};
use ipmp_core::{Change, Family, Means, Notice};
use ipmp_sim::Deed;
use ipmp_sim::network::Path;
use ipmp_sim::site::{self, Port};
use ipmp_sim::stage::{Stage, group_of, untested};
use ipmp_sim::world::{DUPLICATES_SOUGHT, Weather};

const FDT: Duration = Duration::from_secs(10);
const A: Port = Port(0);
const B: Port = Port(1);
const BOTH: [Family; 2] = [Family::V4, Family::V6];

fn verdict(notice: &Notice) -> bool {
    matches!(notice, Notice::InterfaceFailed { .. } | Notice::GroupFailed { .. } | Notice::FamilyFailed { .. })
}

fn family_failed(port: Port, of: Family) -> impl Fn(&Notice) -> bool {
    move |notice| matches!(notice, Notice::FamilyFailed { interface, family, .. } if *interface == port.name() && *family == of)
}

fn family_repaired(port: Port, of: Family) -> impl Fn(&Notice) -> bool {
    move |notice| matches!(notice, Notice::FamilyRepaired { interface, family, .. } if *interface == port.name() && *family == of)
}

fn health(stage: &Stage, port: Port, of: Family) -> FamilyHealth {
    let member = stage.member_status(port);
    member.probing.iter().find(|probing| probing.family == of).expect("it is probed").health
}

#[test]
fn a_family_that_dies_takes_its_addresses_away_and_no_others() {
    for (dead, living) in [(Family::V4, Family::V6), (Family::V6, Family::V4)] {
        for config in [group_of(&BOTH, 2, 2, FDT), untested(group_of(&BOTH, 2, 2, FDT))] {
            let mut stage = Stage::of(1, config);
            let before = stage.places_in(living);
            assert!(before.contains(&A) && stage.places_in(dead).contains(&A));
            stage.does(Deed::Path(A, Path::dead_in(dead)));
            let cut = stage.now;
            let found = stage.until(FDT * 2, family_failed(A, dead));
            assert!(found.since(cut) <= FDT, "{:?}", found.since(cut));
            stage.plays(Duration::from_millis(200));
            assert_eq!(stage.places_in(dead), [B, B]);
            assert_eq!(stage.places_in(living), before);
            assert_eq!((stage.ways_out_in(dead), stage.ways_out_in(living)), (vec![B], vec![A, B]));
            let member = stage.member_status(A);
            assert_eq!((member.state, &member.reason), (MemberState::Degraded, &Reason::Grey(Grey::Family(dead))));
            assert_eq!((health(&stage, A, dead), health(&stage, A, living)), (FamilyHealth::Failed, FamilyHealth::Ok));

            stage.does(Deed::Path(A, Path::default()));
            let mended = stage.now;
            let took = stage.until(FDT * 6, family_repaired(A, dead)).since(mended);
            let interval = FDT / 7;
            assert!(took >= interval * 2 && took <= interval * 35, "{took:?}");
            stage.plays(Duration::from_secs(1));
            assert_eq!(stage.places_in(dead).iter().filter(|place| **place == A).count(), 1);
            assert_eq!(stage.places_in(living), before);
            assert_eq!((stage.ways_out_in(dead), stage.group_status().state), (vec![A, B], GroupState::Ok));
            assert_eq!(stage.count(|notice| matches!(notice, Notice::InterfaceFailed { .. })), 0);
        }
    }
}

#[test]
fn a_family_that_no_member_serves_moves_nothing() {
    let mut stage = Stage::of(2, group_of(&BOTH, 2, 2, FDT));
    let places = stage.places();
    for port in [A, B] {
        stage.does(Deed::Path(port, Path::dead_in(Family::V6)));
    }
    stage.plays(FDT * 3);
    assert_eq!((stage.places(), stage.count(verdict)), (places, 0), "{}", stage.told());
}

#[test]
fn a_path_that_dies_for_both_families_is_one_failure() {
    let mut stage = Stage::of(3, group_of(&BOTH, 2, 2, FDT));
    stage.cuts(A);
    stage.plays(FDT * 2);
    assert_eq!(stage.count(|notice| matches!(notice, Notice::InterfaceFailed { .. })), 1);
    assert_eq!(stage.count(|notice| matches!(notice, Notice::FamilyFailed { .. })), 0, "{}", stage.told());
    assert_eq!((stage.places(), stage.ways_out_in(Family::V6)), (vec![B; 4], vec![B]));
}

#[test]
fn nothing_is_sent_from_a_link_local_address_before_it_is_proven() {
    let mut stage = Stage::of(4, untested(group_of(&[Family::V6], 2, 2, FDT)));
    stage.does(Deed::Nic(A, false));
    stage.plays(Duration::from_secs(5));
    assert_eq!(stage.places(), [B, B]);
    stage.does(Deed::Nic(A, true));
    let link_local = site::link_local(A.mac());
    let probes = |stage: &Stage| stage.daemon.probers.get(&(A.name(), Family::V6)).map(|prober| prober.means);
    stage.plays(DUPLICATES_SOUGHT / 4);
    assert_eq!(probes(&stage), None, "it is tentative still");
    stage.plays(DUPLICATES_SOUGHT);
    assert!(matches!(probes(&stage), Some(Means::Ndp(mac, source)) if mac == A.mac() && link_local == source));
    stage.plays(FDT * 3);
    assert_eq!(stage.places().iter().filter(|place| **place == A).count(), 1);
    assert_eq!(stage.count(|notice| matches!(notice, Notice::FamilyFailed { .. })), 0);
}

#[test]
fn an_interface_that_was_down_gets_back_what_the_kernel_took() {
    let mut stage = Stage::of(5, group_of(&BOTH, 2, 2, FDT));
    stage.does(Deed::Up(A, false));
    stage.plays(Duration::from_secs(1));
    assert_eq!((stage.places(), stage.ways_out_in(Family::V6)), (vec![B; 4], vec![B]));
    stage.does(Deed::Up(A, true));
    stage.plays(FDT * 6);
    for family in BOTH {
        assert_eq!(stage.places_in(family).iter().filter(|place| **place == A).count(), 1);
        assert_eq!(stage.ways_out_in(family), [A, B]);
    }
}

#[test]
fn many_addresses_of_ipv6_hold_nothing_back() {
    let mut config = group_of(&[Family::V4], 2, 2, FDT);
    let many = (0..400u16).map(|n| site::net(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 7, n).into()));
    let mut stage = Stage::of(6, config.clone());
    config.addresses.extend(many);
    stage.reload(ipmp_core::Config { groups: vec![config], ..Default::default() });
    stage.does(Deed::Weather(Weather { slowness: Duration::from_millis(2), ..Weather::FAIR }));
    stage.plays(Duration::from_millis(900));
    stage.does(Deed::Cable(A, false));
    let pulled = stage.now;
    stage.plays(Duration::from_secs(20));
    // What was under way when the cable was pulled, and then what is to move.
    let begun: Vec<usize> = (0..stage.transactions.len()).filter(|n| stage.transactions[*n].0 >= pulled).collect();
    let moves = |change: &Change| matches!(change, Change::AddAddress { key, .. } if key.address.addr().is_ipv4());
    let first = begun.iter().position(|n| stage.transactions[*n].1.changes.iter().any(moves));
    assert_eq!(first, Some(0), "of {} transactions", begun.len());
    assert_eq!(stage.places_in(Family::V6), [B; 400]);
}
