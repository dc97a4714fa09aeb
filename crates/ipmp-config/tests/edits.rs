//! What each edit makes of a file, and what is refused. The property at the end: whatever is done to a good file, it
//! stays one, and what was not meant stays as it was.

mod common;

use common::{Site, edits};
use ipmp_config::{Documents, Edit};

/// A main file as people write it: comments everywhere, several layouts.
const MAIN: &str = include_str!("edits/main.toml");
/// A file of `conf.d` in braces.
const BRACES: &str = include_str!("edits/braces.toml");

fn read(site: &Site) -> Documents {
    Documents::read(&site.main()).unwrap_or_else(|findings| panic!("{findings}"))
}

/// The lines that an edit takes away and adds, each stretch after the line before it.
fn told(before: &str, after: &str) -> String {
    let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    // How many lines the rests have in common, from each pair of places on.
    let mut common = vec![vec![0; after.len() + 1]; before.len() + 1];
    for (i, j) in (0..before.len()).rev().flat_map(|i| (0..after.len()).rev().map(move |j| (i, j))) {
        let skip = common[i + 1][j].max(common[i][j + 1]);
        common[i][j] = if before[i] == after[j] { 1 + common[i + 1][j + 1] } else { skip };
    }
    let (mut i, mut j, mut told, mut changing) = (0, 0, String::new(), false);
    while i < before.len() || j < after.len() {
        let context = if changing || i == 0 { String::new() } else { format!("  {}\n", before[i - 1]) };
        changing = true;
        if i < before.len() && j < after.len() && before[i] == after[j] {
            (i, j, changing) = (i + 1, j + 1, false);
        } else if j == after.len() || i < before.len() && common[i + 1][j] >= common[i][j + 1] {
            told += &format!("{context}- {}\n", before[i]);
            i += 1;
        } else {
            told += &format!("{context}+ {}\n", after[j]);
            j += 1;
        }
    }
    told
}

#[test]
fn edits_do_what_an_administrator_would() {
    let mut story = String::new();
    let site = Site::new(MAIN, &[("10-braces.toml", BRACES)]);
    let before = read(&site);
    for written in edits::STORIES {
        let mut documents = before.clone();
        let edits: Vec<_> = written.split("; ").map(edits::parse).collect();
        documents.edit_all(&edits).unwrap_or_else(|refusal| panic!("{written}: {refusal}"));
        documents.write_over(&before).expect("written");
        story += &format!("{written}\n");
        for (name, old) in [("ipmpd.toml", MAIN), ("conf.d/10-braces.toml", BRACES)] {
            let new = site.text(name);
            if new != old {
                story += &told(old, &new).lines().map(|line| format!("    {line}\n")).collect::<String>();
            }
        }
        story += "\n";
        before.write_over(&documents).expect("written back");
        assert_eq!((site.text("ipmpd.toml"), site.text("conf.d/10-braces.toml")), (MAIN.into(), BRACES.into()));
    }
    insta::assert_snapshot!(story);
}

#[test]
fn what_cannot_be_done_is_refused_with_a_reason() {
    let mut story = String::new();
    let site = Site::new(MAIN, &[("10-braces.toml", BRACES)]);
    let before = read(&site);
    for written in edits::REFUSALS {
        let mut documents = before.clone();
        let edits: Vec<_> = written.split("; ").map(edits::parse).collect();
        let refusal = documents.edit_all(&edits).err().unwrap_or_else(|| panic!("{written} is accepted"));
        assert_eq!(documents, before, "{written}: something has changed");
        story += &format!("{written}\n    {refusal}\n\n");
    }
    insta::assert_snapshot!(story);
}

#[test]
fn what_is_there_already_changes_nothing() {
    let site = Site::new(MAIN, &[("10-braces.toml", BRACES)]);
    let before = read(&site);
    for written in edits::WITHOUT_EFFECT {
        let mut documents = before.clone();
        documents.edit(&edits::parse(written)).unwrap_or_else(|refusal| panic!("{written}: {refusal}"));
        assert_eq!(documents, before, "{written}");
    }
}

#[test]
fn an_edit_and_its_inverse_leave_nothing_behind() {
    let site = Site::new(MAIN, &[("10-braces.toml", BRACES)]);
    let before = read(&site);
    for (there, back) in edits::PAIRS {
        let mut documents = before.clone();
        for written in [there, back] {
            documents.edit(&edits::parse(written)).unwrap_or_else(|refusal| panic!("{written}: {refusal}"));
        }
        assert_eq!(documents, before, "{there}; {back}");
    }
}

/// From nothing to a group and back, in files of every kind.
#[test]
fn files_of_other_kinds_are_edited_too() {
    for empty in
        ["", "# Nothing yet.\n", "\u{feff}# Nothing yet.\r\n\r\n# At all.\r\n", "failback = false", "group = []\n"]
    {
        let site = Site::new(empty, &[]);
        let mut documents = read(&site);
        let there = "create ipmp0; join ipmp0 eth0; add ipmp0 192.0.2.50/24; join ipmp0 eth1; set eth1 standby true";
        there.split("; ").for_each(|written| documents.edit(&edits::parse(written)).expect("possible"));
        let loaded = documents.check().unwrap_or_else(|findings| panic!("{empty:?}: {findings}"));
        assert!(loaded.findings.is_empty(), "{}", loaded.findings);
        let group = &loaded.config.groups[0];
        assert_eq!((group.members.len(), group.addresses.len()), (2, 1), "{empty:?}");
        assert!(group.members[1].standby);
        documents.write_over(&read(&site)).expect("written");
        let text = site.text("ipmpd.toml");
        assert!(text.starts_with(empty.trim_end_matches("]\n")), "{text:?}");
        assert_eq!(text.matches('\n').count(), text.matches(if empty.contains('\r') { "\r\n" } else { "\n" }).count());
        for written in ["leave eth0", "leave eth1", "delete ipmp0"] {
            documents.edit(&edits::parse(written)).expect("possible");
        }
        documents.write_over(&read(&site)).expect("written");
        assert_eq!(site.text("ipmpd.toml").trim_end(), empty.trim_end());
    }
}

#[test]
fn the_holder_of_an_address_is_known() {
    let documents = read(&Site::new(MAIN, &[("10-braces.toml", BRACES)]));
    let holder = |address: &str| documents.holder(address.parse().expect("an address")).map(|name| name.to_string());
    assert_eq!(holder("192.0.2.51").as_deref(), Ok("ipmp0"));
    assert_eq!(holder("2001:db8:0::50").as_deref(), Ok("ipmp0"));
    assert_eq!(holder("192.0.2.11").as_deref(), Ok("eth1"));
    assert_eq!(holder("198.51.100.52").as_deref(), Ok("net1"));
    assert!(holder("192.0.2.99").is_err());
    assert_eq!(
        holder("fe80::10"),
        Err("fe80::10 is an address of eth1 and of eth5; name the one that is meant".into())
    );
}

#[test]
fn edits_survive_being_kept() {
    let documents = read(&Site::new(MAIN, &[("10-braces.toml", BRACES)]));
    let kept = serde_json::to_string(&documents).expect("written");
    assert_eq!(serde_json::from_str::<Documents>(&kept).expect("read"), documents);
}

#[test]
fn what_changed_on_disk_is_noticed() {
    let site = Site::new(MAIN, &[("10-braces.toml", BRACES)]);
    let documents = read(&site);
    assert_eq!(documents.changed_on_disk(), None);
    site.write("conf.d/20-new.toml", "");
    assert_eq!(documents.changed_on_disk(), Some(site.path("conf.d/20-new.toml")));
    site.remove("conf.d/20-new.toml");
    site.write("conf.d/.hidden.toml", "");
    site.write("conf.d/README", "");
    assert_eq!(documents.changed_on_disk(), None);
    site.write("ipmpd.toml", &format!("{MAIN}\n"));
    assert_eq!(documents.changed_on_disk(), Some(site.path("ipmpd.toml")));
    site.remove("ipmpd.toml");
    assert_eq!(documents.changed_on_disk(), Some(site.path("ipmpd.toml")));
    site.write("ipmpd.toml", MAIN);
    site.remove("conf.d/10-braces.toml");
    assert_eq!(documents.changed_on_disk(), Some(site.path("conf.d/10-braces.toml")));
}

/// The order of edits that belong together does not matter.
#[test]
fn only_the_whole_is_checked() {
    let mut documents = read(&Site::new("", &[]));
    let edits = ["create ipmp0", "gateway ipmp0 192.0.2.1", "join ipmp0 eth0", "add ipmp0 192.0.2.50/24"];
    let edits: Vec<Edit> = edits.into_iter().map(edits::parse).collect();
    assert!(documents.edit_all(&edits[..3]).is_err());
    let loaded = documents.edit_all(&edits).unwrap_or_else(|refusal| panic!("{refusal}"));
    assert!(loaded.findings.is_empty(), "{}", loaded.findings);
}
