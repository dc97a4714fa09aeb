//! Every kind of mistake: a file each, and beside it what is said of it, word for word.
//! `INSTA_UPDATE=always cargo test -p ipmp-config` writes the texts anew; read them before keeping them.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use ipmp_config::{Findings, Loaded, Severity, check_text, load};

fn files(directory: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory of this crate");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    assert!(!files.is_empty(), "no *.{extension} in {directory}");
    files
}

fn check_file(path: &Path) -> Result<Loaded, Findings> {
    let name = path.file_name().expect("a file").to_str().expect("ASCII");
    check_text(name, &std::fs::read(path).expect("readable"))
}

/// As the terminal shows them, then as the log does.
fn both_renderings(findings: &Findings) -> String {
    let mut text = findings.render();
    for finding in findings {
        write!(text, "\n{}", finding.one_line()).expect("memory");
    }
    text
}

fn assert_beside(path: &Path, text: &str) {
    let directory = std::env::current_dir().expect("the crate").join(path.parent().expect("a directory"));
    let name = path.file_stem().expect("a name").to_str().expect("ASCII").to_owned();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(directory);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn bad_files_are_refused_with_every_reason() {
    for path in files("tests/bad", "toml") {
        let findings = check_file(&path).err().unwrap_or_else(|| panic!("{} is accepted", path.display()));
        assert!(findings.count(Severity::Error) > 0, "{}: refused without an error", path.display());
        assert!(findings.iter().all(|finding| finding.position().is_some()), "{}: a place is missing", path.display());
        assert_beside(&path, &both_renderings(&findings));
    }
}

#[test]
fn doubtful_files_are_accepted_with_warnings() {
    for path in files("tests/warn", "toml") {
        let loaded = check_file(&path).unwrap_or_else(|findings| panic!("{findings}"));
        assert!(!loaded.findings.is_empty(), "{}: nothing is said", path.display());
        assert_beside(&path, &both_renderings(&loaded.findings));
    }
}

#[test]
fn good_files_are_read_as_meant() {
    for path in files("tests/good", "toml") {
        let loaded = check_file(&path).unwrap_or_else(|findings| panic!("{findings}"));
        assert!(loaded.findings.is_empty(), "{}", loaded.findings);
        assert_beside(&path, &format!("{:#?}", loaded.config));
    }
}

#[test]
fn the_group_of_administrators_is_read() {
    let path = Path::new("tests/good/down-addresses.toml");
    let loaded = check_file(path).unwrap_or_else(|findings| panic!("{findings}"));
    assert_eq!(loaded.admin_group.as_deref(), Some("netadmin"));
    let none = check_text("empty.toml", b"").unwrap_or_else(|findings| panic!("{findings}"));
    assert_eq!(none.admin_group, None);
}

#[test]
fn no_snapshot_outlives_its_file() {
    for directory in ["tests/bad", "tests/warn", "tests/good"] {
        let stems = |extension| -> BTreeSet<_> {
            files(directory, extension).iter().map(|path| path.file_stem().expect("a name").to_owned()).collect()
        };
        assert_eq!(stems("toml"), stems("snap"), "{directory}");
    }
}

#[test]
fn groups_of_conf_d_follow_by_name_and_obey_the_main_file() {
    let loaded = load(Path::new("tests/dirs/good/ipmpd.toml")).unwrap_or_else(|findings| panic!("{findings}"));
    assert!(loaded.findings.is_empty(), "{}", loaded.findings);
    let groups: Vec<_> = loaded
        .config
        .groups
        .iter()
        .map(|group| (group.interface.as_str(), group.failure_detection_time.as_millis()))
        .collect();
    assert_eq!(groups, [("ipmp0", 2000), ("ipmp1", 2000), ("ipmp2", 2000)]);
}

#[test]
fn mistakes_of_all_files_are_found_together() {
    let findings = load(Path::new("tests/dirs/bad/ipmpd.toml")).expect_err("is refused");
    assert_beside(Path::new("tests/dirs/bad.snap"), &both_renderings(&findings));
}

#[test]
fn a_main_file_that_is_missing_does_not_hide_the_rest() {
    let findings = load(Path::new("tests/dirs/no-main/ipmpd.toml")).expect_err("is refused");
    assert_beside(Path::new("tests/dirs/no-main.snap"), &both_renderings(&findings));
}
