//! A manual page: what the command line says about itself, verbs included, and more sections.

use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;

/// The page of a program, with `more` after it as it stands.
pub fn page(program: Command, more: &str) -> String {
    let verbs: Vec<_> = program.get_subcommands().map(|verb| section(program.get_name(), verb)).collect();
    let man = manual(program.subcommand_value_name("COMMAND"));
    let mut page = DEFINITIONS.to_owned();
    page += &written(|out| man.render_title(out));
    page += &written(|out| man.render_name_section(out));
    page += &written(|out| man.render_synopsis_section(out));
    page += &written(|out| man.render_description_section(out));
    page += &written(|out| man.render_options_section(out));
    if !verbs.is_empty() {
        page += &format!(".SH COMMANDS\n{}", verbs.concat());
    }
    page + more
}

/// What the text of the generator relies on: an apostrophe. It defines it before each section.
const DEFINITIONS: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

fn manual(program: Command) -> Man {
    let (title, source) = (program.get_name().to_uppercase(), format!("ipmpd {}", env!("CARGO_PKG_VERSION")));
    Man::new(program).title(title).section("8").source(source).manual("IP network multipathing")
}

/// How a verb is used, what it does, and its options.
fn section(program: &str, verb: &Command) -> String {
    let mut verb = verb.clone().bin_name(format!("{program} {}", verb.get_name())).disable_help_flag(true);
    let usage = verb.render_usage().to_string();
    let about = verb.get_long_about().or(verb.get_about()).map(ToString::to_string).unwrap_or_default();
    let head = format!(
        ".SS {}\n.B {}\n.PP\n{}\n",
        escaped(verb.get_name()),
        escaped(usage.trim_start_matches("Usage: ")),
        escaped(&about).replace("\n\n", ".\n.PP\n")
    );
    if verb.get_arguments().next().is_none() {
        return head;
    }
    let man = manual(verb);
    head + written(|out| man.render_options_section(out)).trim_start_matches(".SH OPTIONS\n")
}

/// A text of which no character is a command.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

fn written(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut text = Vec::new();
    write(&mut text).unwrap();
    String::from_utf8(text).unwrap().replace(DEFINITIONS, "")
}
