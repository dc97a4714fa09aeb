//! The manual pages and the completions of the programs are made of their real command lines, and of what is said here
//! besides. `UPDATE=1 cargo test -p ipmp-cli --test manual` writes them anew.

mod page;

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use ipmp_cli::args::{IfMpadm, Ipmpadm, Ipmpstat};

/// What the pages say besides, in their own language; in the order of the programs.
const MORE: [&str; 3] = [include_str!("ipmpadm.roff"), include_str!("ipmpstat.roff"), include_str!("if_mpadm.roff")];

fn programs() -> [Command; 3] {
    [Ipmpadm::command(), Ipmpstat::command(), IfMpadm::command()]
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
fn manual_pages_say_what_the_programs_understand() {
    for (program, more) in programs().into_iter().zip(MORE) {
        let file = format!("man/{}.8", program.get_name());
        let text = page::page(program, more);
        assert!(is_up_to_date(&file, &text), "docs/{file} is not what the program understands; write it with UPDATE=1");
    }
}

#[test]
fn every_verb_and_every_option_is_in_the_page() {
    let page = page::page(Ipmpadm::command(), MORE[0]);
    for verb in Ipmpadm::command().get_subcommands() {
        assert!(page.contains(&format!("\n.SS {}\n", verb.get_name().replace('-', "\\-"))), "{}", verb.get_name());
        for option in verb.get_arguments().filter_map(|argument| argument.get_long()) {
            assert!(page.contains(&format!("\\-\\-{}", option.replace('-', "\\-"))), "{option}");
        }
    }
}

#[test]
fn shells_complete_what_the_programs_understand() {
    for mut program in programs() {
        let name = program.get_name().to_owned();
        for (shell, file) in [
            (Shell::Bash, format!("completions/{name}.bash")),
            (Shell::Zsh, format!("completions/_{name}")),
            (Shell::Fish, format!("completions/{name}.fish")),
        ] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut program, &name, &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(
                is_up_to_date(&file, &script),
                "docs/{file} is not what the program understands; write it with UPDATE=1"
            );
        }
    }
}
