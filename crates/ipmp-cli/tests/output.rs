//! What `ipmpstat` shows, to the letter.

use insta::assert_snapshot;
use ipmp_cli::explain::Explanation;
use ipmp_cli::names::Names;
use ipmp_cli::rows::{AddressRow, GroupRow, InterfaceRow, ProbeRow, TargetRow, json};
use ipmp_cli::table::{BadFields, Field, SCREEN_WIDTH, Selection, human, parsable};
use ipmp_control::{Probe, ProbeKind, ProbeOutcome, Snapshot};

/// Two groups: one with a fault, an idle standby, a member that is not probed, one that is emptied, two that have no
/// test address, and data addresses that are not ours yet; one that is out of service, named so that parsing is put
/// to the test. And an interface in no group.
fn snapshot() -> Snapshot {
    serde_json::from_str(include_str!("snapshot.json")).unwrap()
}

fn table(fields: &[Field], list: Option<&str>, rows: &[Vec<String>]) -> String {
    let selection = match list {
        None => Selection::fitting(fields, SCREEN_WIDTH),
        Some(list) => {
            let (selection, unknown) = Selection::human(fields, list).unwrap();
            assert!(unknown.is_empty(), "{unknown:?}");
            selection
        }
    };
    human(fields, &selection, rows, None)
}

fn lines(fields: &[Field], list: &str, rows: &[Vec<String>]) -> String {
    parsable(&Selection::parsable(fields, Some(list)).unwrap(), rows)
}

fn addresses() -> Vec<Vec<String>> {
    AddressRow::all(&snapshot()).iter().map(|row| row.values(&Names::default())).collect()
}

fn groups() -> Vec<Vec<String>> {
    GroupRow::all(&snapshot()).iter().map(GroupRow::values).collect()
}

fn interfaces() -> Vec<Vec<String>> {
    InterfaceRow::all(&snapshot()).iter().map(InterfaceRow::values).collect()
}

fn targets() -> Vec<Vec<String>> {
    TargetRow::all(&snapshot()).iter().map(|row| row.values(&Names::default())).collect()
}

#[test]
fn people_read_columns() {
    assert_snapshot!("addresses", table(AddressRow::FIELDS, None, &addresses()));
    assert_snapshot!("groups", table(GroupRow::FIELDS, None, &groups()));
    assert_snapshot!("interfaces", table(InterfaceRow::FIELDS, None, &interfaces()));
    assert_snapshot!("targets", table(TargetRow::FIELDS, None, &targets()));
}

#[test]
fn fields_come_in_the_order_asked_for() {
    assert_snapshot!("groups_in_order", table(GroupRow::FIELDS, Some("interfaces,STATE,Group"), &groups()));
    assert_snapshot!("interfaces_all", table(InterfaceRow::FIELDS, Some("all"), &interfaces()));
    assert_snapshot!("addresses_all", table(AddressRow::FIELDS, Some("all"), &addresses()));
    assert_snapshot!("targets_all", table(TargetRow::FIELDS, Some("all"), &targets()));
    assert_snapshot!("interfaces_families", table(InterfaceRow::FIELDS, Some("interface,health,kind"), &interfaces()));
    assert_snapshot!(
        "interfaces_why",
        table(InterfaceRow::FIELDS, Some("interface,state,since,reason"), &interfaces())
    );
}

#[test]
fn programs_read_lines() {
    assert_snapshot!("parsable_groups", lines(GroupRow::FIELDS, "group,groupname,fdt,interfaces", &groups()));
    assert_snapshot!("parsable_addresses", lines(AddressRow::FIELDS, "address,inbound,outbound", &addresses()));
    // A value that stands alone needs no escaping.
    assert_snapshot!("parsable_address", lines(AddressRow::FIELDS, "address", &addresses()));
    assert_snapshot!("parsable_interfaces", lines(InterfaceRow::FIELDS, "interface,flags,state", &interfaces()));
    assert_snapshot!("parsable_targets", lines(TargetRow::FIELDS, "interface,testaddr,targets", &targets()));
    assert_snapshot!("parsable_kinds", lines(TargetRow::FIELDS, "interface,family,kind,health,mode", &targets()));
    assert_snapshot!("parsable_claims", lines(AddressRow::FIELDS, "address,state,claim,takenby", &addresses()));
}

#[test]
fn json_has_it_all() {
    let snapshot = snapshot();
    assert_snapshot!("addresses_json", json(&AddressRow::all(&snapshot)[3..]));
    assert_snapshot!("groups_json", json(&GroupRow::all(&snapshot)));
    assert_snapshot!("interfaces_json", json(&InterfaceRow::all(&snapshot)[..2]));
    assert_snapshot!("ungrouped_json", json(&InterfaceRow::all(&snapshot)[9..]));
    assert_snapshot!("targets_json", json(&TargetRow::all(&snapshot)[1..4]));
    assert_snapshot!("family_failed_json", json(&InterfaceRow::all(&snapshot)[5..6]));
}

/// One answered, one lost, and one that was sent before anybody watched.
fn probes() -> [Probe; 3] {
    let answered = Probe {
        probe: 411,
        interface: "eth0".to_owned(),
        kind: ProbeKind::Icmp,
        target: "192.0.2.1".parse().unwrap(),
        sent_us: 372_100,
        outcome: ProbeOutcome::Acked,
        network_rtt_us: Some(308),
        rtt_us: Some(441),
        average_rtt_us: Some(402),
        rtt_deviation_us: Some(31),
    };
    let lost = Probe {
        probe: 412,
        interface: "eth1".to_owned(),
        kind: ProbeKind::Ndp,
        target: "2001:db8:1234:5678::9".parse().unwrap(),
        sent_us: 1_801_000,
        outcome: ProbeOutcome::Lost,
        network_rtt_us: None,
        rtt_us: None,
        ..answered.clone()
    };
    let first = Probe { probe: 7, sent_us: -620_400, average_rtt_us: None, rtt_deviation_us: None, ..lost.clone() };
    [answered, lost, first]
}

#[test]
fn probes_are_lines() {
    let probes = probes();
    let rows: Vec<_> = probes.iter().map(|probe| ProbeRow::from(probe).values(&Names::default())).collect();
    assert_snapshot!("probes", table(ProbeRow::FIELDS, None, &rows));
    assert_snapshot!("probes_all", table(ProbeRow::FIELDS, Some("all"), &rows));
    assert_snapshot!("parsable_probes", lines(ProbeRow::FIELDS, "time,interface,rtt,target,rttdev,kind", &rows));
    assert_snapshot!("probes_json", probes.iter().map(|probe| ProbeRow::from(probe).json()).collect::<String>());
}

#[test]
fn a_member_is_explained() {
    let mut snapshot = snapshot();
    for interface in ["eth0", "eth1", "eth2", "eth3", "eth4", "eth6", "eth7", "enp129s0f1np1", "eth5", "wlan0"] {
        let explanation = Explanation::of(&snapshot, interface).unwrap();
        assert_snapshot!(format!("explain_{interface}"), explanation.to_string());
    }
    assert_snapshot!("explain_json", json(&Explanation::of(&snapshot, "eth1").unwrap()));
    assert!(Explanation::of(&snapshot, "eth9").is_none());
    // The group of two has another name than its interface.
    snapshot.groups[0].name = "ipmp0".to_owned();
    let text = Explanation::of(&snapshot, "eth2").unwrap().to_string();
    assert!(text.starts_with("eth2 in group ipmp0: ok for 1d\n"), "{text}");
}

#[test]
fn false_alarms_are_told_as_precisely_as_they_are_known() {
    let mut snapshot = snapshot();
    for (times, told) in [(0.0, "none"), (1e-9, "fewer than 0.01"), (0.5, "0.50"), (99.994, "99.99"), (1e6, "1000000")]
    {
        snapshot.groups[0].false_failures_per_year = Some(times);
        let text = Explanation::of(&snapshot, "eth0").unwrap().to_string();
        assert!(text.contains(&format!("false alarms: {told} a year")), "{text}");
    }
}

#[test]
fn the_heading_returns_on_each_screen() {
    let rows: Vec<_> = (0..5).map(|n| vec![n.to_string()]).collect();
    let fields = [Field { name: "N", width: 4 }];
    let selection = Selection::fitting(&fields, SCREEN_WIDTH);
    assert_eq!(human(&fields, &selection, &rows, Some(3)), "N\n0\n1\nN\n2\n3\nN\n4\n");
    assert_eq!(human(&fields, &selection, &rows, Some(6)), "N\n0\n1\n2\n3\n4\n");
    // A screen of one line has no room for it, and one of none is no screen.
    assert_eq!(human(&fields, &selection, &rows[..2], Some(1)), "N\n0\n1\n");
    assert_eq!(human(&fields, &selection, &rows[..2], Some(0)), "N\n0\n1\n");
}

#[test]
fn without_a_list_the_fields_fit_the_screen() {
    let fields = [Field { name: "A", width: 40 }, Field { name: "B", width: 40 }, Field { name: "C", width: 1 }];
    let row = [vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]];
    assert!(!table(&fields, None, &row).contains('C'));
    assert!(table(&fields, Some("all"), &row).contains('C'));
    let wide = |width| human(&fields, &Selection::fitting(&fields, width), &row, None);
    assert!(!wide(80).contains('C'));
    assert!(wide(81).contains('C'));
}

#[test]
fn lists_of_fields_are_checked() {
    let fields = GroupRow::FIELDS;
    let (_, unknown) = Selection::human(fields, "group,colour,,state").unwrap();
    assert_eq!(unknown, ["colour", ""]);
    assert_eq!(Selection::human(fields, "colour").unwrap_err(), BadFields::NoneValid);
    assert_eq!(Selection::parsable(fields, Some("group,colour")).unwrap_err(), BadFields::Unknown("colour".into()));
    for list in [None, Some(""), Some("all"), Some("ALL")] {
        assert_eq!(Selection::parsable(fields, list).unwrap_err(), BadFields::Unnamed);
    }
}
