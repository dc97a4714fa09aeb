//! Who may use whom: the crates of the workspace as `docs/architecture.md` draws them. An arrow that is not
//! in the table is a decision; it is made here, and in the drawing, not by a line in a manifest.

use std::collections::{BTreeMap, BTreeSet};

/// Each crate, and what of ours it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("ipmp-core", &[]),
    ("ipmp-config", &["ipmp-core"]),
    ("ipmp-netlink", &["ipmp-core"]),
    ("ipmp-watch", &["ipmp-core", "ipmp-netlink"]),
    ("ipmp-mover", &["ipmp-core", "ipmp-netlink"]),
    ("ipmp-probe", &["ipmp-core"]),
    ("ipmp-control", &[]),
    (
        "ipmpd",
        &[
            "ipmp-config",
            "ipmp-control",
            "ipmp-core",
            // The demo runs in the namespaces of the lab.
            "ipmp-lab",
            "ipmp-mover",
            "ipmp-netlink",
            "ipmp-probe",
            "ipmp-watch",
        ],
    ),
    ("ipmp-cli", &["ipmp-config", "ipmp-control"]),
];

/// What the tests of any crate may use besides.
const TESTS_MAY_USE: &[&str] = &["ipmp-lab"];

/// The crates of `tests/`, which may use everything.
const TEST_CRATES: &[&str] =
    &["ipmp-corpora", "ipmp-e2e", "ipmp-fuzz", "ipmp-lab", "ipmp-service", "ipmp-sim", "ipmp-tidy"];

/// The crates of a directory: name, and what of ours they use, in the program and in tests.
fn crates(directory: &str) -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let manifests = ipmp_tidy::entries(directory).into_iter().map(|path| path.join("Cargo.toml"));
    manifests
        .filter(|path| ipmp_tidy::root().join(path).exists())
        .map(|path| {
            let manifest: toml::Table = ipmp_tidy::read(&path).parse().unwrap();
            let name = manifest["package"]["name"].as_str().unwrap().to_owned();
            let mut program = uses(&manifest, "dependencies");
            program.extend(uses(&manifest, "build-dependencies"));
            (name, (program, uses(&manifest, "dev-dependencies")))
        })
        .collect()
}

/// The keys of a section that name crates of ours.
fn uses(manifest: &toml::Table, section: &str) -> BTreeSet<String> {
    let table = manifest.get(section).and_then(toml::Value::as_table);
    table.into_iter().flat_map(toml::Table::keys).filter(|name| name.starts_with("ipmp")).cloned().collect()
}

#[test]
fn every_arrow_is_in_the_table() {
    let crates = crates("crates");
    let table: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    assert_eq!(
        crates.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        table.keys().copied().collect::<BTreeSet<_>>(),
        "the crates are not those of the table"
    );
    for (name, (program, tests)) in &crates {
        let allowed = table[name.as_str()];
        for used in program {
            assert!(allowed.contains(&used.as_str()), "{name} uses {used}, which the table does not allow");
        }
        for used in tests {
            let allowed = allowed.iter().chain(TESTS_MAY_USE).any(|allowed| allowed == used);
            assert!(allowed, "the tests of {name} use {used}, which the table does not allow");
        }
    }
}

#[test]
fn there_are_no_other_test_crates() {
    assert_eq!(crates("tests").into_keys().collect::<Vec<_>>(), TEST_CRATES);
}
