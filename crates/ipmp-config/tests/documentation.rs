//! The example and the page, held against the code.

use ipmp_config::check_text;

const PAGE: &str = include_str!("../../../docs/configuration.md");
const EXAMPLE: &str = include_str!("../../../config/ipmpd.toml");

/// The content of the first block fenced like this from here on, and what follows it.
fn block<'a>(page: &'a str, fence: &str) -> (&'a str, &'a str) {
    let (_, rest) = page.split_once(&format!("\n```{fence}\n")).unwrap_or_else(|| panic!("no block of {fence}"));
    rest.split_once("\n```").expect("a fence that ends")
}

#[test]
fn the_example_is_accepted_without_a_word() {
    let loaded = check_text("config/ipmpd.toml", EXAMPLE.as_bytes()).unwrap_or_else(|findings| panic!("{findings}"));
    assert!(loaded.findings.is_empty(), "{}", loaded.findings);
    assert!(!loaded.config.groups.is_empty());
}

/// The page shows a file with mistakes, then what the terminal says of it, then what the log says.
#[test]
fn the_output_on_the_page_is_real() {
    let (toml, rest) = block(PAGE, "toml refused");
    let (terminal, rest) = block(rest, "text");
    let (log, _) = block(rest, "text");
    let findings = check_text("/etc/ipmpd/ipmpd.toml", toml.as_bytes()).expect_err("mistakes");
    assert_eq!(terminal, findings.render().trim_end());
    let lines: Vec<_> = findings.iter().map(|finding| finding.one_line()).collect();
    assert_eq!(log, lines.join("\n"));
}
