//! What `ipmpstat` shows, to the letter.

use insta::assert_snapshot;
use ipmp_cli::names::Names;
use ipmp_cli::rows::{AddressRow, GroupRow, InterfaceRow, TargetRow, json};
use ipmp_cli::table::{BadFields, Field, Selection, human, parsable};
use ipmp_control::Snapshot;

/// Two groups: one with a fault, an idle standby and a member without a test address; one that is partly out of
/// service, named so that parsing is put to the test.
fn snapshot() -> Snapshot {
    serde_json::from_str(include_str!("snapshot.json")).unwrap()
}

fn table(fields: &[Field], list: Option<&str>, rows: &[Vec<String>]) -> String {
    let (selection, unknown) = Selection::human(fields, list).unwrap();
    assert!(unknown.is_empty(), "{unknown:?}");
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
    assert_eq!(
        table(InterfaceRow::FIELDS, Some("all"), &interfaces()),
        table(InterfaceRow::FIELDS, None, &interfaces())
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
}

#[test]
fn json_has_it_all() {
    let snapshot = snapshot();
    assert_snapshot!("addresses_json", json(&AddressRow::all(&snapshot)[2..]));
    assert_snapshot!("groups_json", json(&GroupRow::all(&snapshot)));
    assert_snapshot!("interfaces_json", json(&InterfaceRow::all(&snapshot)[..2]));
    assert_snapshot!("targets_json", json(&TargetRow::all(&snapshot)[1..4]));
}

#[test]
fn the_heading_returns_on_each_screen() {
    let rows: Vec<_> = (0..5).map(|n| vec![n.to_string()]).collect();
    let fields = [Field { name: "N", width: 4 }];
    let (selection, _) = Selection::human(&fields, None).unwrap();
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
}

#[test]
fn lists_of_fields_are_checked() {
    let fields = GroupRow::FIELDS;
    let (_, unknown) = Selection::human(fields, Some("group,colour,,state")).unwrap();
    assert_eq!(unknown, ["colour", ""]);
    assert_eq!(Selection::human(fields, Some("colour")).unwrap_err(), BadFields::NoneValid);
    assert_eq!(Selection::parsable(fields, Some("group,colour")).unwrap_err(), BadFields::Unknown("colour".into()));
    for list in [None, Some(""), Some("all"), Some("ALL")] {
        assert_eq!(Selection::parsable(fields, list).unwrap_err(), BadFields::Unnamed);
    }
}
