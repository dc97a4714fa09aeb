//! Nothing that stands in a file makes the reader panic, or lose its sense of what is an error.

use ipmp_config::{Severity, check_text};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../../config/ipmpd.toml");
const ALL_KEYS: &str = include_str!("warn/all-keys.toml");

/// Reads it, looks at everything that is said of it, and holds it against what always is so.
fn survives(bytes: &[u8]) {
    let result = check_text("random.toml", bytes);
    let (refused, findings) = match &result {
        Ok(loaded) => (false, &loaded.findings),
        Err(findings) => (true, findings),
    };
    assert_eq!(refused, findings.count(Severity::Error) > 0, "refused if and only if there is an error");
    let lines = bytes.split(|byte| *byte == b'\n').count();
    for finding in findings {
        let position = finding.position().expect("a place in the text");
        assert!((1..=lines).contains(&position.line) && position.column > 0, "{position:?}");
        let line = finding.one_line();
        assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
    }
    findings.render();
    findings.render_in_colour();
}

/// Pieces of which files are made, to come near to what means something.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "[[group]]\n",
        "[[group.member]]\n",
        "[group]\n",
        "interface = ",
        "name = ",
        "addresses = [",
        "gateways = [",
        "routes = [{ to = ",
        ", via = ",
        " }]\n",
        "targets = [",
        "test-addresses = [",
        "standby = true\n",
        "failure-detection-time = ",
        "failure-detection-time-max = ",
        "probe = \"none\"\n",
        "damping = { suspend = ",
        ", reuse = ",
        "[group.damping]\n",
        "failback = false\n",
        "targets-exclusive = true\n",
        "\"ipmp0\"\n",
        "\"eth0\"\n",
        "\"192.0.2.50/24\"",
        "\"192.0.2.1\"",
        "\"fe80::1/64\"",
        "\"2001:db8::1\"",
        "\"2001:db8::50/64\"",
        "\"10s\"\n",
        "19\n",
        "192.0.2.1",
        "]\n",
        ", ",
        "\n",
        "=",
        "\"",
        "'''",
        "{",
        "}",
        "#",
        "\r\n",
        "\t",
        "ü",
        "\u{0}",
        "\u{1b}",
        "\u{feff}",
        "\u{2028}",
        "member = ",
        "group = ",
        ".",
        "1979-05-27",
        "1e9",
        "nan",
    ];
    prop_oneof![
        9 => proptest::sample::select(pieces.to_vec()).prop_map(String::from),
        1 => any::<String>(),
    ]
}

/// A good file with a few stretches replaced.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let file = prop_oneof![Just(EXAMPLE), Just(ALL_KEYS)];
    let edit = (any::<prop::sample::Index>(), 0..20usize, piece());
    (file, prop::collection::vec(edit, 1..8)).prop_map(|(file, edits)| {
        let mut bytes = file.as_bytes().to_vec();
        for (at, length, text) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, text.into_bytes());
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        survives(&bytes);
    }

    #[test]
    fn any_text(text in any::<String>()) {
        survives(text.as_bytes());
    }

    #[test]
    fn any_pieces(pieces in prop::collection::vec(piece(), 0..60)) {
        survives(pieces.concat().as_bytes());
    }

    #[test]
    fn good_files_gone_wrong(bytes in mutated()) {
        survives(&bytes);
    }
}

#[test]
fn a_file_of_nothing_but_mistakes_is_cut_short() {
    let text = format!("[[group]]\ninterface = \"ipmp0\"\naddresses = [{}]\n", "\"nonsense\",\n".repeat(9000));
    let findings = check_text("nonsense.toml", text.as_bytes()).expect_err("is refused");
    assert_eq!(findings.iter().count(), 1000);
    assert_eq!(findings.summary(), "1000 errors, 0 warnings, and 8000 more that are not shown");
}

/// Thousands of mistakes of each kind; were each held against all others, this would take minutes.
#[test]
fn what_is_no_configuration_at_all_is_refused() {
    for piece in [&b"no assignment\n"[..], b"\"\n", b"\xff", b"\xff\n", b"[[group]]\nno assignment\n"] {
        let findings = check_text("noise.toml", &piece.repeat(20_000 / piece.len())).expect_err("is refused");
        assert!(findings.iter().count() <= 1000);
    }
}
