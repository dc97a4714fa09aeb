//! What `docs/systemd.md` promises: its commands are run as they stand, and its figure is held.

use std::fs;

use crate::site::root;

fn page() -> String {
    fs::read_to_string(root().join("docs/systemd.md")).expect("docs/systemd.md is there")
}

/// The commands of a section: its first block of `sh`.
pub fn commands(section: &str) -> String {
    let page = page();
    let text = page.split("\n## ").find_map(|text| text.strip_prefix(section)?.strip_prefix('\n'));
    let text = text.unwrap_or_else(|| panic!("docs/systemd.md has no section \"{section}\""));
    let block = text.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    block.unwrap_or_else(|| panic!("section \"{section}\" of docs/systemd.md has no commands")).to_owned()
}

/// The exposure level that the page states.
pub fn exposure() -> f64 {
    let page = page();
    let figure = page.split("exposure level of **").nth(1).and_then(|rest| rest.split("**").next());
    figure.and_then(|figure| figure.parse().ok()).expect("docs/systemd.md states the exposure level")
}
