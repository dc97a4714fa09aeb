//! `docs/messages.md` and the table of messages in the core say the same, in both directions.
//!
//! `UPDATE=1 cargo test -p ipmp-tidy --test messages` writes the part of the page that comes from the table,
//! and keeps what people wrote; a new message then has placeholders, which this test does not accept.

use std::fs;

use ipmp_core::notice::{MESSAGES, Message};
use ipmp_tidy::{read, root};

const PAGE: &str = "docs/messages.md";

const PLACEHOLDER: &str = "*Meaning:* ?\n\n*What to do:* ?\n";

/// The head of a section, as it comes from the table.
fn head(message: &Message) -> String {
    let fields: Vec<_> = message.fields.iter().map(|field| format!("`{field}`")).collect();
    let fields = if fields.is_empty() { "none".to_owned() } else { fields.join(", ") };
    format!(
        "### {}\n\n- Level: {}\n- Sentence: `{}`\n- Fields: {fields}\n- MESSAGE_ID: `{}`\n\n",
        message.event, message.level, message.sentence, message.id
    )
}

/// What people wrote about a message.
fn prose<'a>(page: &'a str, event: &str) -> Option<&'a str> {
    let section = page.split("### ").skip(1).find(|section| section.lines().next() == Some(event))?;
    section.find("*Meaning:*").map(|start| section[start..].trim_end())
}

#[test]
fn the_page_is_the_table() {
    let page = read(PAGE);
    let mut wanted = page.split("### ").next().unwrap_or_default().to_owned();
    for message in MESSAGES {
        let prose = prose(&page, message.event).unwrap_or(PLACEHOLDER.trim_end());
        wanted += &format!("{}{prose}\n\n", head(message));
    }
    let wanted = wanted.trim_end().to_owned() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        fs::write(root().join(PAGE), &wanted).unwrap();
    }
    let page = read(PAGE);
    let differing = page.lines().zip(wanted.lines()).find(|(page, wanted)| page != wanted);
    assert!(page == wanted, "{PAGE} differs from the table, first at {differing:?}; write it with UPDATE=1");
}

#[test]
fn every_message_says_what_it_means_and_what_to_do() {
    let page = read(PAGE);
    for message in MESSAGES {
        let prose = prose(&page, message.event).unwrap_or_default();
        let (meaning, to_do) = prose.split_once("*What to do:*").unwrap_or_default();
        let written = |text: &str| text.trim().len() > "*Meaning:*".len() + 10;
        assert!(written(meaning), "{}: no meaning", message.event);
        assert!(to_do.trim().len() >= "Nothing.".len(), "{}: nothing is said about what to do", message.event);
    }
}
