//! What paths are probed with: test addresses, link-local addresses, data addresses, or none at all.

use std::net::Ipv6Addr;

use ipmp_core::Family::{V4, V6};
use ipmp_core::status::{MemberState, TargetMode, TargetState::Active};
use ipmp_core::{Detection, GroupConfig, Mac, Means, ProbeKind, ProbeMode};

use crate::bench::*;

fn probed(probe: ProbeMode, group: GroupConfig) -> Bench {
    let detection = Detection { probe, ..group.detection };
    Bench::running(GroupConfig { detection, ..group })
}

/// By what means a member is probed now, in the order of families.
fn means(bench: &Bench, name: &str) -> Vec<Means> {
    let open = |family| {
        let of = |prober: &&ipmp_core::Prober| prober.member.as_str() == name && prober.family() == family;
        bench.probers.iter().rev().find(of).map(|prober| prober.means)
    };
    [V4, V6].into_iter().filter_map(open).collect()
}

const MAC: Mac = Mac([2, 0, 0, 0, 0, 2]);
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);

#[test]
fn without_a_test_address_it_is_arp_and_neighbour_solicitations() {
    let bench = probed(ProbeMode::Auto, dual());
    assert_eq!(means(&bench, "eth0"), [Means::Arp(MAC), Means::Ndp(MAC, LINK_LOCAL)]);
    assert_eq!((bench.family("eth0", V4).kind, bench.family("eth0", V6).kind), (ProbeKind::Arp, ProbeKind::Ndp));
    assert_eq!(
        (bench.family("eth0", V4).test_address, bench.family("eth0", V6).test_address),
        (None, Some(LINK_LOCAL.into()))
    );
    assert_eq!(bench.targets("eth0", Active), ips([1]));
    assert_eq!(bench.family("eth0", V6).targets[0].address, ip("fe80::1"));
}

#[test]
fn with_a_test_address_it_is_icmp_from_it() {
    let bench = probed(ProbeMode::Auto, pair());
    assert_eq!(means(&bench, "eth0"), [Means::Icmp(ip("192.0.2.10"))]);
}

#[test]
fn arp_may_be_wanted_whatever_addresses_there_are() {
    let bench = probed(ProbeMode::Arp, pair());
    assert_eq!(means(&bench, "eth0"), [Means::Arp(MAC)]);
}

#[test]
fn icmp_goes_from_a_data_address_while_there_is_one_and_else_by_arp() {
    let mut bench = probed(ProbeMode::Icmp, group([untested(0), untested(1)]));
    let data = bench.carried("eth0", V4)[0];
    assert_eq!(means(&bench, "eth0"), [Means::Icmp(data)]);
    fail(&mut bench, "eth0");
    bench.run(ms(10));
    assert_eq!(means(&bench, "eth0"), [Means::Arp(MAC)]);
    bench.fate(everybody);
    bench.until(s(5), |bench| bench.is("eth0", MemberState::Ok));
    bench.run(s(1));
    assert!(matches!(means(&bench, "eth0")[..], [Means::Icmp(_)]));
    assert_eq!(bench.times("interface_failed"), 1);
}

#[test]
fn icmpv6_goes_from_the_link_local_address() {
    let bench = probed(ProbeMode::Icmp, dual());
    assert_eq!(means(&bench, "eth0")[1], Means::Icmp(LINK_LOCAL.into()));
}

#[test]
fn nothing_may_be_wanted() {
    let bench = probed(ProbeMode::None, dual());
    assert!(bench.probes.is_empty() && bench.member("eth0").probing.is_empty() && bench.told().is_empty());
    assert!(bench.is("eth0", MemberState::Ok));
}

#[test]
fn a_tentative_address_sends_nothing() {
    let mut bench = Bench::new(dual());
    bench.link_local("eth0", "fe80::2/64", true);
    bench.start();
    bench.run(s(2));
    assert_eq!(means(&bench, "eth0"), [Means::Arp(MAC)]);
    bench.link_local("eth0", "fe80::2/64", false);
    assert_eq!(means(&bench, "eth0").len(), 2);
}

#[test]
fn another_hardware_address_is_another_prober() {
    let mut bench = probed(ProbeMode::Arp, pair());
    let other = Mac([2, 0, 0, 0, 0, 99]);
    bench.link("eth0", |link| link.mac = Some(other));
    assert_eq!(means(&bench, "eth0"), [Means::Arp(other)]);
    bench.run(s(5));
    assert!(bench.is("eth0", MemberState::Ok) && bench.times("interface_failed") == 0);
}

#[test]
fn there_are_no_large_arp_probes() {
    let mut bench = probed(ProbeMode::Auto, group([untested(0), untested(1)]));
    bench.run(s(60));
    assert!(!bench.probes.is_empty() && bench.probes.iter().all(|probe| probe.length.is_none()));
}

/// Not every device heeds requests without a sender, and nobody asked for them.
#[test]
fn link_probes_that_nobody_ever_answered_say_nothing() {
    let mut bench = Bench::new(group([untested(0), untested(1)]));
    bench.fate(nobody);
    bench.start();
    bench.run(s(60));
    assert!(bench.is("eth0", MemberState::Unknown) && bench.is("eth1", MemberState::Unknown));
    assert!(bench.told().is_empty() && bench.carries("eth0") == 1, "{:?}", bench.told());
    bench.fate(silent("eth1"));
    bench.until(s(2), |bench| bench.is("eth1", MemberState::Failed));
    assert!(bench.is("eth0", MemberState::Ok));
    bench.fate(nobody);
    bench.until(s(2), |bench| bench.times("group_failed") == 1);
}

#[test]
fn that_nothing_is_probed_is_not_told_where_it_is_wanted() {
    let mut bench = probed(ProbeMode::None, group([untested(0), untested(1)]));
    bench.run(s(60));
    assert!(bench.told().is_empty());
}

// Nobody to probe but the other members.

fn alone(members: usize) -> GroupConfig {
    let addresses = (0..members).map(|n| format!("192.0.2.{}/24", 50 + n).parse().unwrap()).collect();
    GroupConfig { gateways: vec![], addresses, ..group((0..members as u8).map(untested)) }
}

/// Nobody answers a member, nor is anybody answered by it.
fn cut_off(bench: &mut Bench, name: &'static str) {
    let its = bench.carried(name, V4);
    bench.fate(move |probe| if probe.member == name || its.contains(&probe.target) { Fate::Never } else { QUICK });
}

#[test]
fn where_there_is_nobody_else_data_addresses_on_other_members_are_probed() {
    let bench = Bench::running(alone(3));
    let probing = bench.probing("eth0");
    assert_eq!((probing.mode, probing.kind), (TargetMode::Transitive, ProbeKind::Transitive));
    let mut others = [bench.carried("eth1", V4), bench.carried("eth2", V4)].concat();
    let mut targets = bench.targets("eth0", Active);
    others.sort();
    targets.sort();
    assert_eq!(targets, others);
    assert!(bench.is("eth0", MemberState::Ok));
}

#[test]
fn of_three_the_one_that_the_others_do_not_hear_has_failed() {
    let mut bench = Bench::running(alone(3));
    cut_off(&mut bench, "eth0");
    bench.until(2 * F, |bench| bench.is("eth0", MemberState::Failed));
    assert_eq!((bench.carries("eth0"), bench.times("interface_failed")), (0, 1));
}

#[test]
fn two_that_do_not_hear_each_other_are_unknown_and_nothing_moves() {
    let mut bench = Bench::running(alone(2));
    bench.forget();
    cut_off(&mut bench, "eth0");
    bench.run(s(30));
    assert!(bench.is("eth0", MemberState::Unknown) && bench.is("eth1", MemberState::Unknown));
    assert!(bench.changes.is_empty() && bench.told().is_empty(), "{:?}", bench.told());
    bench.fate(everybody);
    bench.run(s(2));
    assert!(bench.is("eth0", MemberState::Ok));
}

#[test]
fn a_router_that_appears_is_probed_instead() {
    let mut bench = Bench::running(alone(2));
    bench.route("10.1.0.0/16", "192.0.2.1", "eth0");
    assert_eq!((bench.probing("eth1").mode, bench.targets("eth1", Active)), (TargetMode::Routes, ips([1])));
}
