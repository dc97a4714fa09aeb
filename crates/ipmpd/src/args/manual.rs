//! The manual page and the completions of `ipmpd` are made of its real command line, and of what stands in `manual/`
//! besides. `UPDATE=1 cargo test -p ipmpd --bin ipmpd manual` writes them anew.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use super::Args;

/// Defined before each section by the generator; once is enough.
const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

fn page() -> String {
    let source = format!("ipmpd {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(Args::command().subcommand_value_name("COMMAND").after_help(None::<&str>));
    let man = man.title("IPMPD").section("8").source(source).manual("IP network multipathing");
    let parts = [
        written(|out| man.render_title(out)),
        written(|out| man.render_name_section(out)),
        written(|out| man.render_synopsis_section(out)),
        include_str!("manual/description.roff").to_owned(),
        written(|out| man.render_options_section(out)),
        include_str!("manual/rest.roff").to_owned(),
    ];
    APOSTROPHE.to_owned() + &parts.concat()
}

fn written(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut text = Vec::new();
    write(&mut text).unwrap();
    String::from_utf8(text).unwrap().replace(APOSTROPHE, "")
}

/// Whether a file of `docs` is this text, which it is after an update.
fn is_up_to_date(file: &str, text: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).unwrap();
    }
    fs::read_to_string(&path).unwrap_or_default() == text
}

#[test]
fn the_manual_page_says_what_the_daemon_understands() {
    assert!(is_up_to_date("man/ipmpd.8", &page()), "docs/man/ipmpd.8 is out of date; write it with UPDATE=1");
}

#[test]
fn shells_complete_what_the_daemon_understands() {
    for (shell, file) in [(Shell::Bash, "ipmpd.bash"), (Shell::Zsh, "_ipmpd"), (Shell::Fish, "ipmpd.fish")] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Args::command(), "ipmpd", &mut script);
        let script = String::from_utf8(script).unwrap();
        assert!(is_up_to_date(&format!("completions/{file}"), &script), "docs/completions/{file} is out of date");
    }
}
