//! The corpora of the fuzz targets, as ordinary tests.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

/// Gives each file of some directories, named from the root of the workspace, to a target, and names the one with
/// which it breaks.
fn run(target: fn(&[u8]), directories: &[&str]) {
    for directory in directories {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(directory);
        let mut files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        // What a configuration's findings should look like lies beside it.
        files.retain(|file| file.extension().is_none_or(|extension| extension != "snap"));
        files.sort();
        assert!(!files.is_empty(), "{} is empty", directory.display());
        for file in files {
            let bytes = fs::read(&file).unwrap();
            assert!(catch_unwind(|| target(&bytes)).is_ok(), "broken by {}", file.display());
        }
    }
}

#[test]
fn replies() {
    run(ipmp_corpora::reply, &["tests/fuzz/corpus/reply"]);
}

#[test]
fn frames() {
    run(ipmp_corpora::frame, &["tests/fuzz/corpus/frame"]);
}

#[test]
fn netlink_facts() {
    run(ipmp_corpora::netlink, &["tests/fuzz/corpus/netlink"]);
}

#[test]
fn configurations() {
    let directories = [
        "tests/fuzz/corpus/config",
        "config",
        "crates/ipmp-config/tests/good",
        "crates/ipmp-config/tests/warn",
        "crates/ipmp-config/tests/bad",
    ];
    run(ipmp_corpora::config, &directories);
}

#[test]
fn control_messages() {
    run(ipmp_corpora::control, &["tests/fuzz/corpus/control"]);
}
