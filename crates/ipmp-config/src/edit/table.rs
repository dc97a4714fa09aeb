//! Keys and list items of one table, and tables as a whole, whichever way they are written.

use std::ops::Range;

use super::outline::{Entry, Form, List, Table};
use super::splice::{self, Splice};
use crate::keys::Section;

/// Gives a key a value.
///
/// # Errors
///
/// The key is written in a way that is not edited here.
pub(super) fn set(text: &str, table: &Table, key: &str, value: &str) -> Result<Vec<Splice>, String> {
    whole(table, key)?;
    Ok(match table.entry(key).and_then(|entry| entry.value.as_ref()) {
        Some(written) => vec![Splice::new(written.span.clone(), value)],
        None => add_entry(text, table, key, value),
    })
}

/// Takes a key away, if it is there.
///
/// # Errors
///
/// The key is written in a way that is not edited here.
pub(super) fn unset(text: &str, table: &Table, key: &str) -> Result<Vec<Splice>, String> {
    whole(table, key)?;
    Ok(table.entry(key).map_or_else(Vec::new, |entry| remove_entry(text, table, entry)))
}

/// Adds an item to the list of a key, which is made where it is missing.
pub(super) fn add_item(text: &str, table: &Table, key: &str, item: &str) -> Vec<Splice> {
    match table.list(key) {
        Some(list) => splice::push(text, list, item),
        None => add_entry(text, table, key, &format!("[{item}]")),
    }
}

/// Takes an item out of the list of a key. With the last one the key goes too, unless something is said about it.
pub(super) fn remove_item(text: &str, table: &Table, key: &str, index: usize) -> Vec<Splice> {
    let Some((entry, list)) = table.entry(key).zip(table.list(key)) else { return Vec::new() };
    if list.items.len() == 1 && !is_commented(text, table, entry) {
        return remove_entry(text, table, entry);
    }
    splice::remove(text, list, index)
}

/// What is said of a key stands at its lines or right above them.
fn is_commented(text: &str, table: &Table, entry: &Entry) -> bool {
    let lines = match table.form {
        Form::Headed(_) => splice::lines(text, &entry.span),
        Form::Inline(_) => entry.span.clone(),
    };
    text[lines.clone()].contains('#') || !comments_above(text, lines.start).is_empty()
}

/// A table of its own under a header, or one that stands under others, is left to its author.
fn whole(table: &Table, key: &str) -> Result<(), String> {
    let in_parts = table.entry(key).is_some_and(|entry| entry.value.is_none());
    if in_parts || table.is_apart(key) {
        return Err(format!(
            "`{key}` of {} is written in several lines; change it in the file, and then `ipmpadm reload`",
            table.interface()
        ));
    }
    Ok(())
}

/// After the keys that the documentation describes before it.
fn add_entry(text: &str, table: &Table, key: &str, value: &str) -> Vec<Splice> {
    let entry = format!("{key} = {value}");
    match &table.form {
        Form::Inline(list) => splice::push(text, list, &entry),
        Form::Headed(header) => {
            let order =
                |key: &str| Section::Group.keys().iter().chain(Section::Member.keys()).position(|known| *known == key);
            let before = table.entries.iter().filter(|entry| order(&entry.key) < order(key));
            let model = before.max_by_key(|entry| entry.span.end).map_or(header, |entry| &entry.span);
            let line = format!("{}{entry}", splice::indent(text, model.start));
            vec![splice::insert_lines(text, splice::next_line(text, model.end), &[line])]
        }
    }
}

fn remove_entry(text: &str, table: &Table, entry: &Entry) -> Vec<Splice> {
    match &table.form {
        Form::Headed(_) => vec![splice::remove_lines(text, &entry.span)],
        Form::Inline(list) => {
            let index = list.items.iter().position(|item| item.end == entry.span.end);
            index.map_or_else(Vec::new, |index| splice::remove(text, list, index))
        }
    }
}

/// Where tables of a kind are written.
pub(super) struct Home<'a> {
    /// What stands before each: `[[group.member]]`.
    pub(super) header: &'static str,
    /// Where they are in braces: the array.
    pub(super) list: Option<&'a List>,
    /// The table that they belong to; none for groups, which follow at the end.
    pub(super) of: Option<&'a Table>,
}

impl Home<'_> {
    /// One more of them, with these entries.
    pub(super) fn add(&self, text: &str, entries: &[String]) -> Vec<Splice> {
        let braces = || format!("{{ {} }}", entries.join(", "));
        if let Some(list) = self.list {
            return splice::push(text, list, &braces());
        }
        match self.of {
            Some(table @ Table { form: Form::Inline(_), .. }) => {
                add_entry(text, table, "member", &format!("[{}]", braces()))
            }
            _ => {
                let indent = self.indent(text);
                let lines = std::iter::once(self.header).chain(entries.iter().map(String::as_str));
                let lines: Vec<_> = lines.map(|line| format!("{indent}{line}")).collect();
                self.insert(text, lines)
            }
        }
    }

    /// One that stood elsewhere, with all that is said about it where both are written in lines.
    pub(super) fn adopt(&self, text: &str, from: &str, table: &Table) -> Vec<Splice> {
        let headed = |table: &Table| matches!(table.form, Form::Headed(_));
        if headed(table) && self.list.is_none() && self.of.is_none_or(headed) {
            return self.insert(text, from[with_comments(from, table.block())].lines().map(str::to_owned).collect());
        }
        let entries: Vec<_> = table.entries.iter().map(|entry| from[entry.span.clone()].to_owned()).collect();
        self.add(text, &entries)
    }

    /// After what is there, with an empty line in between.
    fn insert(&self, text: &str, mut lines: Vec<String>) -> Vec<Splice> {
        let at = self.end(text);
        let before = &text[..at];
        if !before.is_empty() && !before.lines().last().is_some_and(is_blank) {
            lines.insert(0, String::new());
        }
        vec![splice::insert_lines(text, at, &lines)]
    }

    fn end(&self, text: &str) -> usize {
        let Some(table) = self.of else { return text.len() };
        let end = table.blocks().map(|block| block.end).max().unwrap_or(0);
        let at = splice::next_line(text, end);
        // What is said right after the last line belongs to it, unless it is said of the next table.
        let after =
            at + text[at..].split_inclusive('\n').take_while(|line| is_comment(line)).map(str::len).sum::<usize>();
        let own = text[after..].lines().next().is_none_or(is_blank);
        if own { after } else { at }
    }

    fn indent<'t>(&self, text: &'t str) -> &'t str {
        let member = self.of.and_then(|table| table.members.last().or(Some(table)));
        member.map_or("", |table| splice::indent(text, table.block().start))
    }
}

/// Takes a table away, with what is said right above its header. `list` is the array of one in braces.
pub(super) fn remove(text: &str, table: &Table, list: Option<&List>) -> Vec<Splice> {
    match (&table.form, list) {
        (Form::Inline(braces), Some(list)) => {
            let index = list.items.iter().position(|item| *item == braces.span);
            index.map_or_else(Vec::new, |index| splice::remove(text, list, index))
        }
        _ => table.blocks().map(|block| Splice::new(with_blank(text, with_comments(text, block)), "")).collect(),
    }
}

/// The lines of a block, with the comments right above it. Those at the top of the file are the file's own.
fn with_comments(text: &str, block: Range<usize>) -> Range<usize> {
    let lines = splice::lines(text, &block);
    let comments = comments_above(text, lines.start);
    let start = if comments.start == 0 { lines.start } else { comments.start };
    start..lines.end
}

fn comments_above(text: &str, at: usize) -> Range<usize> {
    let above = text[..at].split_inclusive('\n').rev().take_while(|line| is_comment(line));
    at - above.map(str::len).sum::<usize>()..at
}

/// With the empty line that set it apart.
fn with_blank(text: &str, lines: Range<usize>) -> Range<usize> {
    let before = text[..lines.start].split_inclusive('\n').next_back().filter(|line| is_blank(line));
    let after = text[lines.end..].split_inclusive('\n').next().filter(|line| is_blank(line));
    match (before, after) {
        (Some(blank), _) => lines.start - blank.len()..lines.end,
        (None, Some(blank)) if lines.start == 0 => 0..lines.end + blank.len(),
        _ => lines,
    }
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}
