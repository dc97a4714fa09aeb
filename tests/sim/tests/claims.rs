//! Stories of data addresses that another host has.

use std::time::Duration;

use ipmp_core::kernel::{AddressInfo, AddressKey, Scope};
use ipmp_core::status::Claim;
use ipmp_core::{Action, Family, Instant, Notice};
use ipmp_sim::Deed;
use ipmp_sim::operator::STRANGER;
use ipmp_sim::site::{self, Port};
use ipmp_sim::stage::{Stage, group_of};
use ipmp_sim::trace::Keep;

const FDT: Duration = Duration::from_secs(10);
const EACH: [Family; 2] = [Family::V4, Family::V6];

fn told_over(notice: &Notice) -> bool {
    matches!(notice, Notice::AddressConflictOver { .. })
}

#[test]
fn an_address_that_is_taken_at_the_start_is_used_when_it_is_free() {
    for family in EACH {
        let taken = site::data_address(family, 0, 0).addr();
        let mut stage = Stage::on(1, group_of(&[family], 2, 2, FDT), Keep::Lines, |world| {
            world.network.set_stranger(taken, Some(STRANGER));
        });
        let other = site::data_address(family, 0, 1).addr();
        assert_eq!((stage.holders(taken), stage.holders(other).len()), (vec![], 1));
        let anywhere = |stage: &Stage| stage.kernel.addresses.keys().any(|key| key.address.addr() == taken);
        assert!(!anywhere(&stage), "nor is it anchored");
        let claim = |stage: &Stage| stage.group_status().addresses[0].claim;
        assert_eq!(claim(&stage), Claim::Taken(STRANGER));
        stage.plays(Duration::from_secs(60));
        assert_eq!(stage.count(|notice| matches!(notice, Notice::AddressConflict { .. })), 0, "it was told before");

        stage.does(Deed::Stranger(taken, false));
        let free = stage.now;
        let over = stage.until(Duration::from_secs(20), told_over);
        assert!(over.since(free) <= Duration::from_millis(10_700), "{:?}", over.since(free));
        stage.plays(Duration::from_millis(200));
        assert_eq!((stage.holders(taken).len(), claim(&stage)), (1, Claim::Ours));
    }
}

#[test]
fn whoever_takes_an_address_while_it_is_asked_for_has_it() {
    for family in EACH {
        let address = site::data_address(family, 0, 5).addr();
        let mut stage = Stage::of(2, group_of(&[family], 2, 2, FDT));
        stage.reloads(|group| group.addresses.push(site::data_address(family, 0, 5)));
        stage.plays(Duration::from_millis(300));
        stage.does(Deed::Stranger(address, true));
        let conflict = |notice: &Notice| matches!(notice, Notice::AddressConflict { by, .. } if *by == STRANGER);
        stage.until(Duration::from_secs(1), conflict);
        stage.plays(Duration::from_secs(30));
        assert_eq!(stage.holders(address), []);
        stage.does(Deed::Stranger(address, false));
        stage.until(Duration::from_secs(20), told_over);
    }
}

#[test]
fn nothing_is_asked_of_an_address_that_moves_or_was_there() {
    let mut stage = Stage::of(3, group_of(&EACH, 2, 2, FDT));
    let asked = |_: Instant, actions: &mut Vec<Action>| {
        assert!(!actions.iter().any(|action| matches!(action, Action::CheckAddresses(list) if !list.is_empty())));
    };
    stage.meddler.actions = Some(Box::new(asked));
    stage.does(Deed::Cable(Port(0), false));
    stage.plays(FDT);
    stage.does(Deed::Cable(Port(0), true));
    stage.plays(FDT * 3);
    stage.kill();
    stage.start();
    stage.plays(FDT);
    assert!(stage.places().contains(&Port(0)));
}

#[test]
fn this_host_itself_is_no_stranger() {
    for family in EACH {
        let net = site::data_address(family, 0, 5);
        let mut stage = Stage::of(4, group_of(&[family], 2, 2, FDT));
        let index = stage.kernel.index_of(Port(6)).expect("it is plugged");
        let info = AddressInfo { scope: Scope::Global, ours: false, tentative: false };
        stage.kernel.add_address(AddressKey { index, address: net }, info);
        stage.reloads(|group| group.addresses.push(net));
        stage.plays(Duration::from_secs(2));
        assert_eq!(stage.count(|notice| matches!(notice, Notice::AddressConflict { .. })), 0);
        assert_eq!(stage.holders(net.addr()).len(), 1);
    }
}
