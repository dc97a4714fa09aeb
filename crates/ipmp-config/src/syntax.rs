//! TOML syntax: as much of a broken file as can still be read, so that what is wrong with the rest of it
//! is found in the same run.
//!
//! The TOML parser recovers from nearly everything. Three kinds of mistakes make it lose the rest of the
//! file, or take it for something else: a line that is no assignment, a bracket that is never closed,
//! and a table header that is not. Their lines are blanked, and the file is parsed again.

use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue, Error};

use crate::report::Report;
use crate::source::{Place, Source, on_boundaries};

/// Most mistakes of the three kinds that are looked behind; each costs one more run of the parser.
const BLANKED_MAX: usize = 50;

/// What is said of a word without quotes, which the parser takes for a string all the same.
pub(crate) const UNQUOTED: &str = "string values must be quoted";

/// What is said of an address without quotes.
const ADDRESS_UNQUOTED: &str = "an address must be quoted";

/// Reports all mistakes of syntax, and gives a text that parses far enough: that of the source with blanks
/// in it, so that all places are the same.
pub(crate) fn readable(source: &Arc<Source>, report: &mut Report) -> String {
    let mut text = source.text.clone();
    for _ in 0..BLANKED_MAX {
        let Some(lost) = first_lost(&text) else { break };
        for (span, message) in &lost.errors {
            tell(source, span.clone(), message, report);
        }
        let blanks: String = text[lost.lines.clone()].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect();
        text.replace_range(lost.lines, &blanks);
    }
    for error in DeTable::parse_recoverable(&text).1 {
        tell(source, span_of(&error, &text), error.message(), report);
    }
    text
}

fn tell(source: &Arc<Source>, span: Range<usize>, message: &str, report: &mut Report) {
    let (span, message) = match bare_address(&source.text, span.start) {
        Some(address) => (address, ADDRESS_UNQUOTED),
        None => (span, message),
    };
    let place = Place::new(source, span);
    let written = &source.text[place.span.clone()];
    let (message, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    match message {
        UNQUOTED if written.is_empty() => {
            report.garbled(&place, "the value is missing").expected("a value after `=`");
        }
        UNQUOTED | ADDRESS_UNQUOTED => {
            report.garbled(&place, message).expected(format!("{written:?}"));
        }
        _ if matches!(expected, "" | "nothing") => {
            report.garbled(&place, message);
        }
        _ => {
            report.garbled(&place, message).expected(expected);
        }
    }
}

/// The address that this byte is in the middle of. Without quotes the parser takes it for a number or a
/// time of day, and complains of that.
fn bare_address(text: &str, at: usize) -> Option<Range<usize>> {
    let outside = |c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '/'));
    let start =
        text[..at].rfind(outside).map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8));
    let end = text[at..].find(outside).map_or(text.len(), |length| at + length);
    let address = text[start..end].split('/').next()?;
    address.parse::<std::net::IpAddr>().ok().map(|_| start..end)
}

/// The three kinds.
enum Mistake {
    NoAssignment,
    OpenHeader,
    OpenBracket,
}

/// A mistake that makes the parser lose its way.
struct Lost {
    /// What to say of it.
    errors: Vec<(Range<usize>, String)>,
    /// What has to be blanked so that the rest can be read.
    lines: Range<usize>,
}

/// The first mistake of the three kinds.
fn first_lost(text: &str) -> Option<Lost> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut errors: Vec<_> = errors.iter().map(|error| (span_of(error, text), error.message().to_owned())).collect();
    errors.sort_by_key(|(span, _)| span.start);
    // What has to be done is found out for the first of them alone: there may be thousands.
    let starts = errors.iter().filter_map(|(span, message)| {
        let start = match mistake(message)? {
            Mistake::OpenBracket => value_around(document.get_ref(), span.start)?,
            Mistake::NoAssignment | Mistake::OpenHeader => span.start,
        };
        Some((start, message))
    });
    let (start, message) = starts.min_by_key(|(start, _)| line_start(text, *start))?;
    Some(match mistake(message)? {
        Mistake::NoAssignment => no_assignment(text, start, &errors),
        Mistake::OpenHeader => open_header(text, start, message),
        Mistake::OpenBracket => open_bracket(text, start, message, &errors),
    })
}

/// Which of the three kinds the parser complains of, if any.
fn mistake(message: &str) -> Option<Mistake> {
    if message.starts_with("key with no value") {
        Some(Mistake::NoAssignment)
    } else if message.starts_with("unclosed array table") || message.starts_with("unclosed table") {
        Some(Mistake::OpenHeader)
    } else if message.starts_with("unclosed") {
        Some(Mistake::OpenBracket)
    } else {
        None
    }
}

/// A line that is neither an assignment nor a header ends the parser's run.
fn no_assignment(text: &str, at: usize, errors: &[(Range<usize>, String)]) -> Lost {
    let lines = line_start(text, at)..line_end(text, at);
    let errors = errors.iter().filter(|(span, _)| lines.contains(&span.start) || span.start == lines.end);
    Lost { errors: errors.cloned().collect(), lines }
}

/// What follows an open header would land in another table, so it is left unread up to the next group.
fn open_header(text: &str, at: usize, message: &str) -> Lost {
    let end = line_end(text, at);
    let next = text[end..].find("\n[[group]]").map_or(text.len(), |length| end + length);
    Lost { errors: vec![(at..at, message.to_owned())], lines: line_start(text, at)..next }
}

/// An open bracket swallows everything up to the end of the file. The first thing inside that cannot be
/// part of the value tells where it should have ended.
fn open_bracket(text: &str, start: usize, message: &str, errors: &[(Range<usize>, String)]) -> Lost {
    let first = errors.iter().find(|(span, _)| span.start >= start);
    let (first_at, _) = first.map_or((text.len(), message), |(span, message)| (span.start, message));
    if first_at <= line_end(text, start) {
        let lines = line_start(text, start)..line_end(text, start);
        return Lost { errors: first.cloned().into_iter().collect(), lines };
    }
    Lost {
        errors: vec![(start..start + 1, message.to_owned())],
        lines: line_start(text, start)..line_start(text, first_at),
    }
}

/// Start of the outermost value that holds this byte. Tables with a header are looked through: their
/// span is only the header.
fn value_around(table: &DeTable<'_>, at: usize) -> Option<usize> {
    let mut found = None;
    let mut tables = vec![table];
    while let Some(table) = tables.pop() {
        for value in table.values() {
            let span = value.span();
            if span.start < at && at <= span.end {
                found = found.into_iter().chain([span.start]).min();
            }
            match value.get_ref() {
                DeValue::Table(table) => tables.push(table),
                DeValue::Array(array) => tables.extend(array.iter().filter_map(|item| item.get_ref().as_table())),
                _ => {}
            }
        }
    }
    found
}

fn span_of(error: &Error, text: &str) -> Range<usize> {
    on_boundaries(text, error.span().unwrap_or(text.len()..text.len()))
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |length| at + length)
}
