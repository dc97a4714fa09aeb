//! `docs/man/ipmpd.toml.5` is `docs/configuration.md` as a manual page.
//!
//! `UPDATE=1 cargo test -p ipmp-tidy --test manual` writes it anew.

use std::fs;

use ipmp_tidy::{read, root};

const SOURCE: &str = "docs/configuration.md";
const PAGE: &str = "docs/man/ipmpd.toml.5";

const HEAD: &str = "\
.TH IPMPD.TOML 5 \"\" \"ipmpd\" \"IP network multipathing\"
.SH NAME
ipmpd.toml \\- the configuration of ipmpd
.SH DESCRIPTION
";

const REST: &str = "\
.SH FILES
.TP
.I /etc/ipmpd/ipmpd.toml
The main file.
.TP
.I /etc/ipmpd/conf.d/*.toml
More groups.
.SH SEE ALSO
.BR ipmpd (8),
.BR ipmpadm (8),
.BR ipmpstat (8)
";

/// The page.
fn page(markdown: &str) -> String {
    let mut page = HEAD.to_owned();
    // The heading of the whole is in the head.
    let text = markdown.split_once('\n').map(|(_, text)| text).unwrap_or_default();
    for (number, part) in text.split("```").enumerate() {
        match number % 2 {
            0 => part
                .split("\n\n")
                .map(str::trim)
                .filter(|block| !block.is_empty())
                .for_each(|block| page += &prose(block)),
            _ => page += &example(part),
        }
    }
    page + REST
}

/// What stands in a code block, after the word for its language.
fn example(part: &str) -> String {
    let (_, lines) = part.split_once('\n').unwrap_or_default();
    let lines: String = lines.lines().map(|line| format!("{}\n", escaped(line))).collect();
    format!(".PP\n.RS 4\n.nf\n{lines}.fi\n.RE\n")
}

/// A heading, table, list or paragraph.
fn prose(block: &str) -> String {
    let (first, rest) = block.split_once('\n').unwrap_or((block, ""));
    if let Some(heading) = first.strip_prefix("### ") {
        return format!(".SS {}\n{}", escaped(&heading.replace('`', "")), following(rest));
    }
    if let Some(heading) = first.strip_prefix("## ") {
        return format!(".SH {}\n{}", escaped(&heading.replace('`', "")), following(rest));
    }
    if first.starts_with('|') {
        return table(block);
    }
    if first.starts_with("- ") {
        let items = format!("\n{block}");
        let items = items.split("\n- ").skip(1);
        return items.map(|item| format!(".IP \\(bu 2\n{}", sentence(item))).collect();
    }
    format!(".PP\n{}", sentence(block))
}

fn following(block: &str) -> String {
    if block.is_empty() { String::new() } else { prose(block) }
}

/// A paragraph for each row: what is in the first cell, and what the others say about it.
fn table(block: &str) -> String {
    let cells = |line: &str| -> Vec<String> {
        // A bar within a cell is written with a backslash.
        let line = line.trim().trim_matches('|').replace("\\|", "\u{0}");
        line.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
    };
    let rows = block.lines().skip(2).map(cells);
    rows.map(|row| format!(".TP\n{}{}", sentence(&row[0]), sentence(&row[1..].join("; ")))).collect()
}

/// Text with marks in it, on lines of its own.
fn sentence(text: &str) -> String {
    let text: Vec<_> = without_links(text).split_whitespace().map(str::to_owned).collect();
    let mut marked = String::new();
    for (number, part) in text.join(" ").split('`').enumerate() {
        let part = escaped(part);
        // Within code, two stars are no mark.
        marked += &if number % 2 == 1 { format!("\\fB{part}\\fR") } else { bold(&part) };
    }
    let control = marked.starts_with(['.', '\'']);
    format!("{}{marked}\n", if control { "\\&" } else { "" })
}

fn bold(text: &str) -> String {
    let parts = text.split("**").enumerate();
    parts.map(|(number, part)| if number % 2 == 1 { format!("\\fB{part}\\fR") } else { part.to_owned() }).collect()
}

/// Links lead nowhere on paper.
fn without_links(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("](") {
        let (outside, label) = before.rsplit_once('[').unwrap_or((before, ""));
        kept += outside;
        kept += label;
        rest = link.split_once(')').map(|(_, after)| after).unwrap_or_default();
    }
    kept + rest
}

/// Text of which no character is a command.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[test]
fn the_manual_page_is_the_page_of_the_documentation() {
    let wanted = page(&read(SOURCE));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(root().join(PAGE), &wanted).unwrap();
    }
    assert!(read(PAGE) == wanted, "{PAGE} is not {SOURCE}; write it with UPDATE=1");
}

#[test]
fn every_key_has_a_heading_in_it() {
    let page = page(&read(SOURCE));
    let keys: Vec<_> = read(SOURCE).lines().filter_map(|line| line.strip_prefix("### `").map(str::to_owned)).collect();
    assert!(keys.len() > 20, "the keys are headings of the third order");
    for key in keys {
        let key = key.trim_end_matches('`').replace('-', "\\-");
        assert!(page.lines().any(|line| line.strip_prefix(".SS ") == Some(&key)), "{key}");
    }
}

#[test]
fn marks_become_those_of_manual_pages() {
    let page = page(
        "# Title\n\nOf `a-b` and **all**, see [the\npage](x.md#y).\n\n## `[[group]]`\n\n- one\n- `two`\n  more\n\n| K | V |\n|---|---|\n| `k` | v \\| w |\n\n```toml\n.a = \"\\\\\"\n```\n",
    );
    let body = page.strip_prefix(HEAD).unwrap().strip_suffix(REST).unwrap();
    assert_eq!(
        body,
        ".PP\nOf \\fBa\\-b\\fR and \\fBall\\fR, see the page.\n.SH [[group]]\n.IP \\(bu 2\none\n.IP \\(bu 2\n\\fBtwo\\fR more\n\
         .TP\n\\fBk\\fR\nv | w\n.PP\n.RS 4\n.nf\n\\&.a = \"\\e\\e\"\n.fi\n.RE\n"
    );
}
