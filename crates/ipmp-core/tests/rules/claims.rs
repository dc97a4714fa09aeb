//! Who brings an address into a network asks first whether another host has it (RFC 5227, RFC 4862 §5.4).

use std::net::IpAddr;

use ipmp_core::kernel::{AddressKey, Fact, Link};
use ipmp_core::status::Claim;
use ipmp_core::{Event, Mac};

use crate::bench::*;

const RIVAL: Mac = Mac([2, 0, 0, 0, 0, 77]);

fn claim(bench: &Bench, address: &str) -> Claim {
    let addresses = bench.group().addresses;
    addresses.iter().find(|status| status.address == ip(address)).expect("a data address").claim
}

/// How often each address was asked for.
fn asked(bench: &Bench) -> Vec<IpAddr> {
    bench.checks.iter().map(|(_, address)| *address).collect()
}

#[test]
fn an_address_is_asked_for_three_times_before_it_is_bound() {
    let mut bench = Bench::new(pair());
    bench.start();
    assert_eq!((claim(&bench, "192.0.2.50"), bench.is_settled()), (Claim::Checking, false));
    bench.run(ms(599));
    assert_eq!(bench.carries("eth0") + bench.carries("eth1"), 0);
    bench.run(ms(2));
    assert_eq!((bench.carries("eth0"), bench.carries("eth1")), (1, 1));
    assert_eq!(asked(&bench), ["192.0.2.50", "192.0.2.51"].repeat(3).into_iter().map(ip).collect::<Vec<_>>());
    assert_eq!((claim(&bench, "192.0.2.50"), bench.is_settled()), (Claim::Ours, true));
}

#[test]
fn an_address_of_another_host_is_not_used_until_it_is_free() {
    let mut bench = Bench::new(pair());
    bench.rivals.insert(ip("192.0.2.50"), RIVAL);
    bench.start();
    bench.run(s(30));
    assert_eq!((claim(&bench, "192.0.2.50"), bench.is_settled()), (Claim::Taken(RIVAL), true));
    assert_eq!(bench.carries("eth0") + bench.carries("eth1"), 1, "the other one is ours");
    assert_eq!(bench.told(), ["address_conflict"], "once");
    let own = AddressKey::host(bench.index("ipmp0"), ip("192.0.2.50"));
    assert!(!bench.kernel.addresses.contains_key(&own), "nor is it anchored");
    bench.rivals.clear();
    bench.run(s(12));
    assert_eq!(bench.carries("eth0") + bench.carries("eth1"), 2);
    assert_eq!(bench.told(), ["address_conflict", "address_conflict_over"]);
}

#[test]
fn what_moves_among_the_members_is_not_asked_for() {
    let mut bench = Bench::running(pair());
    bench.forget();
    bench.carrier("eth0", false);
    assert_eq!(bench.carries("eth1"), 2);
    bench.run(s(30));
    assert!(bench.checks.is_empty());
}

#[test]
fn what_a_restart_finds_is_not_asked_for() {
    let mut bench = Bench::running(pair());
    bench.forget();
    bench.start();
    bench.run(s(3));
    assert!(bench.checks.is_empty());
}

#[test]
fn nor_is_what_it_finds_on_a_member_without_a_link() {
    let mut bench = Bench::running(pair());
    bench.forget();
    bench.kernel.learn(Fact::Link(Link { carrier: false, ..bench.kernel.links[&bench.index("eth0")].clone() }));
    bench.start();
    bench.run(s(3));
    assert!(bench.checks.is_empty() && bench.carries("eth1") == 2);
}

#[test]
fn a_nic_of_this_host_is_no_other_host() {
    let mut bench = Bench::new(pair());
    bench.plug("other0");
    let by = bench.kernel.links[&bench.index("other0")].mac.unwrap();
    bench.rivals.insert(ip("192.0.2.50"), by);
    bench.start();
    bench.run(s(1));
    assert_eq!(bench.carries("eth0") + bench.carries("eth1"), 2);
    assert!(bench.told().is_empty());
}

#[test]
fn nobody_is_asked_while_there_is_no_link() {
    let mut bench = Bench::new(pair());
    bench.carrier("eth0", false);
    bench.carrier("eth1", false);
    bench.start();
    bench.run(s(60));
    assert!(bench.checks.is_empty() && bench.is_settled());
    bench.carrier("eth0", true);
    bench.run(s(1));
    assert_eq!((bench.checks.len(), bench.carries("eth0")), (6, 2));
}

#[test]
fn an_address_in_use_is_kept_whatever_is_said() {
    let mut bench = Bench::running(pair());
    bench.feed(Event::AddressTaken { address: ip("192.0.2.50"), by: RIVAL });
    bench.run(s(30));
    assert_eq!((bench.carries("eth0"), bench.carries("eth1")), (1, 1));
}
