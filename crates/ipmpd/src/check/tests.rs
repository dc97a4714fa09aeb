//! Facts → problems, in tables: each case is a group that is well but for one thing.

use ipmp_control::{
    Address, Claim, Family, FamilyHealth, Group, GroupState, LinkState, Member, MemberState, ProbeKind, ProbeState,
    Probing, Reason, Severity, Target, TargetMode, TargetState,
};
use ipmp_core::kernel::{AddressInfo, AddressKey, Fact, Inet6, Link, Scope, Tunables};
use ipmp_core::{IfIndex, Mac};
use proptest::prelude::*;

use super::*;

fn target(address: &str) -> Target {
    let address = address.parse().unwrap();
    Target { address, state: TargetState::Active, loss: Some(0.0), rtt_us: Some(80), rtt_deviation_us: Some(9) }
}

fn probing() -> Probing {
    Probing {
        family: Family::Inet,
        kind: ProbeKind::Arp,
        health: FamilyHealth::Ok,
        test_address: None,
        mode: TargetMode::Routes,
        targets: vec![target("192.0.2.1"), target("192.0.2.7")],
        run: None,
        loss: Some(0.0),
        timeout_us: 100_000,
        last_reply: None,
        sent: 100,
        acked: 100,
        lost: 0,
        void: 0,
        late: 0,
        missed: 0,
        large_sent: 0,
        large_lost: 0,
        bad: Default::default(),
    }
}

fn member(interface: &str) -> Member {
    let text = "no carrier".to_owned();
    Member {
        interface: interface.into(),
        active: true,
        inactive: false,
        standby: false,
        link: LinkState::Up,
        probe: ProbeState::Ok,
        state: MemberState::Ok,
        since_ms: 0,
        reason: Reason { kind: "no_carrier".into(), text, family: None },
        waits_for: None,
        hwaddr_duplicate: false,
        drained: false,
        penalty: 0,
        probing: vec![probing()],
    }
}

fn address(address: &str) -> Address {
    let address = address.parse().unwrap();
    Address { address, up: true, inbound: None, outbound: Vec::new(), claim: Claim::Ours, taken_by: None }
}

fn link(number: u32) -> Link {
    Link {
        index: IfIndex(number),
        name: format!("eth{}", number - 1).parse().unwrap(),
        mac: Some(Mac([2, 0, 0, 0, 0, number as u8])),
        up: true,
        carrier: true,
        carrier_downs: 0,
        mtu: 1500,
        multi_access: true,
        alias: None,
        tunables: Some(Tunables::MEMBER),
        inet6: Some(Inet6 { forwarding: false }),
    }
}

/// A group of eth0, eth1 and eth2 that is well, with an address of each family.
fn well() -> Facts {
    let names = ["eth0", "eth1", "eth2"];
    let group = Group {
        interface: "ipmp0".into(),
        name: "acctg".into(),
        state: GroupState::Ok,
        failure_detection_time_ms: Some(1000),
        failure_detection_time_wanted_ms: 1000,
        false_failures_per_year: None,
        penalty_suspend: 0,
        penalty_reuse: 0,
        penalty_half_life_ms: 0,
        members: names.map(member).into(),
        addresses: vec![address("192.0.2.50"), address("2001:db8::50")],
    };
    let mut facts = Facts { groups: vec![group], ..Facts::default() };
    (1..=3).for_each(|number| facts.kernel.learn(Fact::Link(link(number))));
    facts.hearing.tested = names.map(str::to_owned).into();
    for from in names {
        let others = names.into_iter().filter(|to| *to != from);
        facts.hearing.heard.extend(others.map(|to| (from.to_owned(), to.to_owned())));
    }
    facts
}

impl Facts {
    fn member(&mut self, number: usize) -> &mut Member {
        &mut self.groups[0].members[number]
    }

    /// A link as it is but for this.
    fn change(mut self, number: u32, change: impl FnOnce(&mut Link)) -> Self {
        change(self.kernel.links.get_mut(&IfIndex(number)).unwrap());
        self
    }

    fn fail(&mut self, number: usize) {
        self.member(number).state = MemberState::Failed;
    }

    fn deafen(mut self, deaf: impl Fn(&str, &str) -> bool) -> Self {
        self.hearing.heard.retain(|(from, to)| !deaf(from, to));
        self
    }

    fn foreign(mut self, number: u32, address: &str) -> Self {
        let key = AddressKey { index: IfIndex(number), address: address.parse().unwrap() };
        let info = AddressInfo { scope: Scope::Global, ours: false, tentative: false };
        self.kernel.learn(Fact::Address(key, info));
        self
    }
}

/// What is found, which is one thing.
fn found(facts: &Facts) -> (Severity, String, String, String) {
    let mut problems = rules::problems(facts);
    assert_eq!(problems.len(), 1, "{problems:?}");
    let Problem { severity, kind, subject, what, .. } = problems.remove(0);
    (severity, kind, subject, what)
}

fn assert_found(facts: &Facts, severity: Severity, kind: &str, subject: &str, words: &str) {
    let (is, of, about, what) = found(facts);
    assert_eq!((is, of.as_str(), about.as_str()), (severity, kind, subject), "{what}");
    assert!(what.contains(words), "{what:?} says nothing of {words:?}");
}

#[test]
fn where_all_is_well_nothing_is_found() {
    assert_eq!(rules::problems(&well()), []);
    assert_eq!(rules::problems(&Facts::default()), []);
}

#[test]
fn redundancy() {
    use Severity::{Error, Warning};
    let mut facts = well();
    facts.fail(0);
    assert_eq!(rules::problems(&facts), [], "two are enough");
    facts.fail(2);
    assert_found(
        &facts,
        Warning,
        "redundancy",
        "acctg",
        "eth1 is the last member of group acctg that works (eth0: no carrier;",
    );
    facts.fail(1);
    facts.groups[0].state = GroupState::Failed;
    assert_found(&facts, Error, "redundancy", "acctg", "No member of group acctg works");
    facts.groups[0].members.clear();
    assert_found(&facts, Error, "redundancy", "acctg", "no members");
    facts.groups[0].members = vec![member("eth0")];
    facts.groups[0].state = GroupState::Ok;
    assert_found(&facts, Warning, "redundancy", "acctg", "one member only, eth0");
}

#[test]
fn redundancy_of_a_family() {
    let mut facts = well();
    for number in 0..3 {
        let inet6 = Probing { family: Family::Inet6, health: FamilyHealth::Failed, ..probing() };
        facts.member(number).probing.push(inet6);
    }
    assert_found(&facts, Severity::Error, "redundancy", "acctg", "IPv6 works on no member of group acctg");
    facts.member(1).probing[1].health = FamilyHealth::Unknown;
    assert_found(
        &facts,
        Severity::Warning,
        "redundancy",
        "acctg",
        "eth1 is the last member of group acctg on which IPv6",
    );
    facts.member(2).probing[1].health = FamilyHealth::Ok;
    assert_eq!(rules::problems(&facts), [], "two are enough");
}

#[test]
fn hardware_addresses() {
    let facts = well().change(3, |link| link.mac = Some(Mac([2, 0, 0, 0, 0, 1])));
    assert_found(&facts, Severity::Error, "hardware_address", "acctg", "eth0 and eth2 have the same hardware address");
    // Links without one have none in common.
    let facts = well().change(1, |link| link.mac = None).change(2, |link| link.mac = None);
    assert_eq!(rules::problems(&facts), []);
}

#[test]
fn broadcast_domains() {
    let apart = well().deafen(|from, to| from == "eth2" || to == "eth2");
    assert_found(&apart, Severity::Error, "broadcast_domain", "acctg", "eth0 and eth1 | eth2");
    // By way of another is the same link: a switch that keeps two of its ports apart.
    let isolated = well().deafen(|from, to| from != "eth1" && to != "eth1");
    assert_eq!(rules::problems(&isolated).len(), 2, "each way");
    let one_way = well().deafen(|from, to| (from, to) == ("eth0", "eth2"));
    assert_found(&one_way, Severity::Warning, "broadcast_domain", "acctg", "eth2 does not hear the broadcasts of eth0");
    // Who could not listen proves nothing.
    let mut untested = well().deafen(|from, to| from == "eth2" || to == "eth2");
    untested.hearing.tested.remove("eth2");
    assert_eq!(rules::problems(&untested), []);
}

#[test]
fn mtus() {
    let facts = well().change(2, |link| link.mtu = 9000);
    assert_found(&facts, Severity::Warning, "mtu", "acctg", "eth0 1500, eth1 9000, eth2 1500");
}

#[test]
fn settings() {
    let facts = well().change(2, |link| link.tunables = Some(Tunables { rp_filter: 1, ..Tunables::MEMBER }));
    assert_found(&facts, Severity::Error, "sysctl", "eth1", "rp_filter is 1 and not 2");
    let facts = well().change(2, |link| link.inet6 = None);
    assert_found(&facts, Severity::Error, "sysctl", "eth1", "eth1 has no IPv6");
    let mut facts = facts;
    facts.groups[0].addresses.pop();
    assert_eq!(rules::problems(&facts), [], "nobody needs it");
}

#[test]
fn addresses() {
    let mut facts = well();
    (facts.groups[0].addresses[0].claim, facts.groups[0].addresses[0].taken_by) = (Claim::Taken, Some("02:aa".into()));
    assert_found(&facts, Severity::Error, "address_taken", "acctg", "Another host, 02:aa, has 192.0.2.50");
    let facts = well().foreign(3, "2001:db8::50/64").foreign(3, "2001:db8::51/64");
    assert_found(&facts, Severity::Error, "foreign_address", "eth2", "eth2 has 2001:db8::50/64");
}

#[test]
fn targets() {
    let mut facts = well();
    for number in 0..3 {
        facts.member(number).probing[0].targets[1].state = TargetState::Dead;
    }
    assert_found(
        &facts,
        Severity::Warning,
        "target_silent",
        "acctg",
        "192.0.2.7, a target of group acctg, does not answer the probes of eth0, eth1 and eth2.",
    );
    // Of a member that does not work, all targets are silent.
    let mut facts = well();
    facts.fail(0);
    facts.member(0).probing[0].targets[0].loss = Some(1.0);
    assert_eq!(rules::problems(&facts), []);
    // Whom nobody named may come and go; and a first loss says nothing.
    let mut facts = well();
    facts.member(0).probing[0].targets[0].loss = Some(1.0);
    facts.member(0).probing[0].mode = TargetMode::Multicast;
    facts.member(1).probing[0].targets[0].loss = Some(1.0);
    facts.member(1).probing[0].sent = 1;
    assert_eq!(rules::problems(&facts), []);
    facts.member(1).probing[0].sent = 10;
    assert_found(
        &facts,
        Severity::Warning,
        "target_silent",
        "acctg",
        "192.0.2.1, a target of group acctg, does not answer the probes of eth1.",
    );
    let mut facts = well();
    facts.member(2).probe = ProbeState::Unknown;
    assert_found(&facts, Severity::Warning, "no_target", "acctg", "nobody whom eth2 could probe");
}

/// Every kind is told of on the page, in whole sentences.
#[test]
fn what_is_found_is_documented() {
    let page = include_str!("../../../../docs/check.md");
    let kinds = [
        "redundancy",
        "hardware_address",
        "broadcast_domain",
        "mtu",
        "address_taken",
        "foreign_address",
        "sysctl",
        "target_silent",
        "no_target",
        "unchecked",
        "manager",
        "ipv6_addresses",
        "configuration",
    ];
    for kind in kinds {
        assert!(page.contains(&format!("| `{kind}` |")), "{kind}");
    }
}

proptest! {
    #[test]
    fn frames_name_their_sender_to_their_own_run_only(mac: [u8; 6], cookie: [u8; 16], other: [u8; 16], number: u16) {
        prop_assume!(cookie != other);
        let frame = hearing::frame(Mac(mac), &cookie, number);
        prop_assert_eq!(hearing::sender(&frame, &cookie), Some(usize::from(number)));
        prop_assert_eq!(hearing::sender(&frame, &other), None);
    }

    #[test]
    fn what_is_no_frame_of_ours_is_nobody(bytes in proptest::collection::vec(any::<u8>(), 0..64), cookie: [u8; 16]) {
        prop_assert_eq!(hearing::sender(&bytes, &cookie), None);
    }
}
