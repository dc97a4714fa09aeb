//! IPv4 and IPv6 on one member: one may die alone (§14 #9, done better).

use ipmp_core::Family::{V4, V6};
use ipmp_core::kernel::{LAST_RESORT_METRIC, ROUTE_METRIC};
use ipmp_core::notice::{Grey, Reason};
use ipmp_core::status::{FamilyHealth, GroupState, MemberState, Waiting};
use ipmp_core::{Detection, GroupConfig, MemberConfig, ProbeMode, Schedule};

use crate::bench::*;

const DEFAULT: &str = "::/0";
const ON_LINK: &str = "2001:db8::/64";

#[test]
fn each_family_is_spread_over_the_members() {
    let bench = Bench::running(dual());
    for name in ["eth0", "eth1"] {
        assert_eq!((bench.carried(name, V4).len(), bench.carried(name, V6).len()), (1, 1), "{name}");
    }
    assert_eq!(bench.ways_out(DEFAULT, ROUTE_METRIC), ["eth0", "eth1"]);
    assert_eq!(bench.ways_out(ON_LINK, ROUTE_METRIC), ["eth0", "eth1"]);
    assert_eq!(bench.ways_out(ON_LINK, LAST_RESORT_METRIC), [""; 0], "no probe needs it");
}

#[test]
fn one_address_of_each_family_is_on_two_members() {
    let group = dual();
    let addresses = vec![group.addresses[0], group.addresses[2]];
    let bench = Bench::running(GroupConfig { addresses, ..group });
    assert_eq!((bench.carries("eth0"), bench.carries("eth1")), (1, 1));
}

#[test]
fn a_family_that_dies_on_a_member_leaves_it_and_the_other_stays() {
    let mut bench = Bench::running(dual());
    bench.fate(silent_in("eth0", V6));
    bench.until(F + ms(50), |bench| bench.carried("eth1", V6).len() == 2);
    assert_eq!((bench.carried("eth0", V4).len(), bench.carried("eth0", V6).len()), (1, 0));
    assert_eq!(
        (bench.ways_out(DEFAULT, ROUTE_METRIC), bench.ways_out("0.0.0.0/0", ROUTE_METRIC).len()),
        (vec!["eth1".to_owned()], 2)
    );
    assert_eq!(bench.told(), ["family_failed", "address_moved"]);
    assert!(bench.is("eth0", MemberState::Degraded) && bench.group_state() == GroupState::Ok);
    assert_eq!(bench.member("eth0").reason, Reason::Grey(Grey::Family(V6)));
    assert_eq!(bench.member("eth0").waits_for, Some(Waiting::Replies { have: 0, need: 10 }));
    assert_eq!(
        (bench.family("eth0", V6).health, bench.family("eth0", V4).health),
        (FamilyHealth::Failed, FamilyHealth::Ok)
    );
}

#[test]
fn a_standby_serves_a_family_that_no_active_member_can() {
    let mut bench = Bench::running(GroupConfig { members: vec![untested(0), standby(untested(1))], ..dual() });
    bench.fate(silent_in("eth0", V6));
    bench.until(F + ms(50), |bench| bench.carried("eth1", V6).len() == 2);
    assert_eq!(bench.active(), ["eth0", "eth1"]);
    assert_eq!(bench.carried("eth0", V4).len(), 2, "the standby is there for the dead family alone");
    bench.fate(everybody);
    bench.until(s(3), |bench| bench.carried("eth0", V6).len() == 2);
    assert_eq!(bench.active(), ["eth0"]);
}

#[test]
fn ten_replies_bring_a_family_back() {
    let mut bench = Bench::running(dual());
    bench.fate(silent_in("eth0", V4));
    bench.until(F + ms(50), |bench| bench.times("family_failed") == 1);
    bench.forget();
    bench.fate(everybody);
    bench.until(s(3), |bench| bench.times("family_repaired") == 1);
    assert_eq!((bench.carried("eth0", V4).len(), bench.carried("eth1", V4).len()), (1, 1));
    assert!(bench.is("eth0", MemberState::Ok));
}

#[test]
fn a_dead_family_is_asked_as_often_as_a_failed_member() {
    let group = dual();
    let detection = Detection { schedule: Schedule::Confirm, ..group.detection };
    let mut bench = Bench::running(GroupConfig { detection, ..group });
    bench.fate(silent_in("eth0", V6));
    bench.until(F + ms(50), |bench| bench.times("family_failed") == 1);
    bench.run(s(1));
    bench.forget();
    bench.run(s(10));
    let asked = bench.sent_by("eth0").iter().filter(|probe| probe.target.is_ipv6()).count();
    assert!((68..=72).contains(&asked), "{asked}");
    bench.fate(everybody);
    assert!(bench.until(s(3), |bench| bench.times("family_repaired") == 1) < 12 * I);
}

#[test]
fn a_family_that_is_dead_everywhere_moves_nowhere() {
    let mut bench = Bench::running(dual());
    bench.forget();
    bench.fate(|probe| if probe.target.is_ipv6() { Fate::Never } else { QUICK });
    bench.run(s(30));
    assert!(bench.told().iter().all(|told| *told != "family_failed") && bench.changes.is_empty());
}

#[test]
fn a_member_whose_families_die_together_fails_as_one() {
    let mut bench = Bench::running(dual());
    bench.fate(silent("eth0"));
    bench.until(F + ms(50), |bench| bench.is("eth0", MemberState::Failed));
    assert_eq!(bench.times("family_failed"), 0);
    assert_eq!(bench.carries("eth1"), 4);
}

#[test]
fn the_last_family_that_dies_fails_the_member() {
    let mut bench = Bench::running(dual());
    bench.fate(silent_in("eth0", V6));
    bench.until(F + ms(50), |bench| bench.times("family_failed") == 1);
    bench.fate(silent("eth0"));
    bench.until(F + ms(50), |bench| bench.is("eth0", MemberState::Failed));
    bench.fate(silent_in("eth0", V6));
    bench.until(s(5), |bench| bench.is("eth0", MemberState::Degraded));
    bench.run(s(2));
    assert_eq!((bench.carried("eth0", V4).len(), bench.carried("eth0", V6).len()), (1, 0));
}

#[test]
fn a_member_that_lacks_a_family_carries_none_of_it_and_that_is_told_once() {
    let mut bench = Bench::new(dual());
    bench.link("eth0", |link| link.inet6 = None);
    bench.start();
    bench.run(s(30));
    assert_eq!((bench.carried("eth0", V6).len(), bench.carried("eth1", V6).len()), (0, 2));
    assert_eq!(bench.told(), ["inhomogeneous"]);
    bench.link("eth0", |link| link.inet6 = Some(ipmp_core::kernel::Inet6 { forwarding: false }));
    bench.run(s(1));
    assert_eq!(bench.told(), ["inhomogeneous", "homogeneous", "address_moved"]);
    assert_eq!(bench.carried("eth0", V6).len(), 1);
}

/// A socket that is bound to a device finds on-link only what a route by that device says is.
#[test]
fn icmpv6_has_a_way_to_the_link_by_every_member_that_probes() {
    let test =
        |member: MemberConfig, address: &str| MemberConfig { test_addresses: vec![address.parse().unwrap()], ..member };
    let members = vec![test(untested(0), "2001:db8::10/64"), standby(test(untested(1), "2001:db8::11/64"))];
    let mut bench = Bench::running(GroupConfig { members, ..dual() });
    assert_eq!(bench.ways_out(ON_LINK, LAST_RESORT_METRIC), ["eth0", "eth1"]);
    assert_eq!(bench.ways_out(ON_LINK, ROUTE_METRIC), ["eth0"]);
    bench.offline("eth0").unwrap();
    assert_eq!(bench.ways_out(ON_LINK, LAST_RESORT_METRIC), ["eth1"]);
    bench.reload(|config| config.groups[0].detection.probe = ProbeMode::None);
    assert_eq!(bench.ways_out(ON_LINK, LAST_RESORT_METRIC), [""; 0]);
}

#[test]
fn many_ipv6_addresses_do_not_hold_back_ipv4() {
    let group = dual();
    let many = (0..1000u16).map(|n| format!("2001:db8::1:{n:x}/64").parse().unwrap());
    let mut bench =
        Bench::running(GroupConfig { addresses: group.addresses[..2].iter().copied().chain(many).collect(), ..group });
    bench.forget();
    bench.carrier("eth0", false);
    let added = |wanted: fn(&ipnet::IpNet) -> bool| {
        let add = |change: &ipmp_core::Change| matches!(change, ipmp_core::Change::AddAddress { key, .. } if wanted(&key.address));
        bench.changes.iter().position(add).expect("it is moved")
    };
    assert!(added(|net| matches!(net, ipnet::IpNet::V4(_))) < added(|net| matches!(net, ipnet::IpNet::V6(_))));
    assert!(bench.largest_transaction < 200, "{}", bench.largest_transaction);
    assert_eq!(bench.carries("eth1"), 1002);
}
