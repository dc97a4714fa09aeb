//! A configuration file.

use ipmp_config::{Finding, Findings, Loaded, Severity, check_text};
use ipmp_core::Config;

/// Takes the bytes for `ipmpd.toml`. It is refused if and only if there is an error in it, each finding names a
/// place in the text and fits on a line, and whoever looks twice finds the same.
pub fn config(text: &[u8]) {
    let (config, findings) = check(text);
    assert_eq!(config.is_none(), findings.count(Severity::Error) > 0, "refused if and only if there is an error");
    let lines = text.split(|byte| *byte == b'\n').count();
    for finding in &findings {
        is_well_said(finding, lines);
    }
    let (again, found_again) = check(text);
    assert_eq!(config, again);
    let lines = |findings: &Findings| findings.iter().map(Finding::one_line).collect::<Vec<_>>();
    assert_eq!(lines(&findings), lines(&found_again));
    // Rendering them with the lines that they are about is work of its own.
    findings.render();
}

fn check(text: &[u8]) -> (Option<Config>, Findings) {
    match check_text("ipmpd.toml", text) {
        Ok(Loaded { config, findings, .. }) => (Some(config), findings),
        Err(findings) => (None, findings),
    }
}

fn is_well_said(finding: &Finding, lines: usize) {
    let position = finding.position().expect("a place in the text");
    assert!((1..=lines).contains(&position.line) && position.column > 0, "{position:?} of {lines} lines");
    let line = finding.one_line();
    assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
}
