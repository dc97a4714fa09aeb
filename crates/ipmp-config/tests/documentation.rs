//! The example and the page, held against the code.

use ipmp_config::check_text;

const PAGE: &str = include_str!("../../../docs/configuration.md");
const EXAMPLE: &str = include_str!("../../../config/ipmpd.toml");

/// The fenced blocks of the page: language and content.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let parts: Vec<_> = PAGE.split("\n```").collect();
    let blocks = parts.chunks(2).filter_map(|pair| pair.get(1)?.split_once('\n')).collect::<Vec<_>>();
    assert!(blocks.len() > 5, "the page has lost its examples");
    blocks
}

#[test]
fn the_example_is_accepted_without_a_word() {
    let loaded = check_text("config/ipmpd.toml", EXAMPLE.as_bytes()).unwrap_or_else(|findings| panic!("{findings}"));
    assert!(loaded.findings.is_empty(), "{}", loaded.findings);
    assert!(!loaded.config.groups.is_empty());
}

#[test]
fn the_toml_of_the_page_is_accepted_unless_output_follows() {
    let blocks = blocks();
    for (index, (language, text)) in blocks.iter().enumerate() {
        let output_follows = blocks.get(index + 1).is_some_and(|(language, _)| *language == "text");
        if *language == "toml" && !output_follows {
            let result = check_text("docs/configuration.md", text.as_bytes());
            result.unwrap_or_else(|findings| panic!("{findings}\nin:\n{text}"));
        }
    }
}

/// The page shows a file with mistakes, then what the terminal says of it, then what the log says.
#[test]
fn the_output_on_the_page_is_real() {
    let blocks = blocks();
    let [toml, terminal, log] = blocks
        .windows(3)
        .find(|three| matches!(three, [("toml", _), ("text", _), ("text", _)]))
        .expect("a file and two outputs")
        .to_vec()[..]
    else {
        unreachable!("a window of three")
    };
    let findings = check_text("/etc/ipmpd/ipmpd.toml", toml.1.as_bytes()).expect_err("mistakes");
    assert_eq!(terminal.1.trim(), findings.render().trim());
    let lines: Vec<_> = findings.iter().map(|finding| finding.one_line()).collect();
    assert_eq!(log.1.trim(), lines.join("\n"));
}
