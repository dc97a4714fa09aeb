//! What stands where in the text of one file: groups, members, their keys and lists, as stretches of bytes.
//!
//! Text is changed by cutting and filling in stretches alone, so whatever is not meant stays as it is, byte for byte.

use std::ops::Range;

use toml_edit::{Document, InlineTable, Item, Key, TableLike, Value};

/// One file.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) groups: Vec<Table>,
    /// The array, where the groups are written as `group = [{ ... }]`.
    pub(super) group_list: Option<List>,
}

/// A group or a member.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) form: Form,
    /// What stands in it directly, in order.
    pub(super) entries: Vec<Entry>,
    /// Further tables of it under headers of their own, such as `[group.damping]`, with their keys; not its members.
    pub(super) others: Vec<(String, Range<usize>)>,
    /// Those of a group.
    pub(super) members: Vec<Table>,
    /// What its routes say, key by key.
    pub(super) routes: Vec<Vec<(String, String)>>,
}

/// How a table is written.
#[derive(Debug)]
pub(super) enum Form {
    /// Under a header, which is here.
    Headed(Range<usize>),
    /// In braces, as one of several in an array.
    Inline(List),
}

/// `key = value`.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    /// All of it.
    pub(super) span: Range<usize>,
    /// None where it is written in parts, such as `damping.half-life = "1m"`.
    pub(super) value: Option<Written>,
}

/// A value as it is written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) span: Range<usize>,
    pub(super) string: Option<String>,
    pub(super) list: Option<List>,
}

/// Something in brackets or braces, with commas in between.
#[derive(Debug)]
pub(super) struct List {
    /// With the brackets.
    pub(super) span: Range<usize>,
    pub(super) items: Vec<Range<usize>>,
    /// The items that are strings, as far as they are.
    pub(super) strings: Vec<Option<String>>,
}

impl Outline {
    /// None where the text is no TOML.
    pub(super) fn of(text: &str) -> Option<Self> {
        let document = Document::parse(text).ok()?;
        let groups = document.as_table().get("group");
        Some(Self { groups: tables(groups), group_list: groups.and_then(Item::as_value).and_then(list) })
    }
}

impl Table {
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Whether a key is written under a header of its own.
    pub(super) fn is_apart(&self, key: &str) -> bool {
        self.others.iter().any(|(other, _)| other == key)
    }

    /// The array under a key.
    pub(super) fn list(&self, key: &str) -> Option<&List> {
        self.entry(key)?.value.as_ref()?.list.as_ref()
    }

    /// The strings of an array.
    pub(super) fn strings(&self, key: &str) -> impl Iterator<Item = &str> {
        self.list(key).into_iter().flat_map(|list| &list.strings).flatten().map(String::as_str)
    }

    pub(super) fn string(&self, key: &str) -> Option<&str> {
        self.entry(key)?.value.as_ref()?.string.as_deref()
    }

    /// The IPMP interface, or that of the member.
    pub(super) fn interface(&self) -> &str {
        self.string("interface").unwrap_or_default()
    }

    /// From the header to the end of the last entry under it.
    pub(super) fn block(&self) -> Range<usize> {
        match &self.form {
            Form::Headed(header) => {
                header.start..self.entries.iter().fold(header.end, |end, entry| end.max(entry.span.end))
            }
            Form::Inline(list) => list.span.clone(),
        }
    }

    /// All stretches that belong to it, its members among them.
    pub(super) fn blocks(&self) -> impl Iterator<Item = Range<usize>> {
        let members = self.members.iter().filter(|member| matches!(member.form, Form::Headed(_)));
        let members = members.map(Table::block);
        std::iter::once(self.block()).chain(self.others.iter().map(|(_, block)| block.clone())).chain(members)
    }
}

fn tables(item: Option<&Item>) -> Vec<Table> {
    match item {
        Some(Item::ArrayOfTables(array)) => {
            array.iter().map(|table| read(table, Form::Headed(table.span().unwrap_or_default()))).collect()
        }
        Some(Item::Value(Value::Array(array))) => array
            .iter()
            .filter_map(Value::as_inline_table)
            .map(|table| read(table, Form::Inline(braces(table))))
            .collect(),
        _ => Vec::new(),
    }
}

fn read(table: &dyn TableLike, form: Form) -> Table {
    let mut found = Table {
        form,
        entries: Vec::new(),
        others: Vec::new(),
        members: tables(table.get("member")),
        routes: routes(table.get("routes")),
    };
    for (name, item) in table.iter() {
        let Some(start) = table.key(name).and_then(Key::span).map(|span| span.start) else { continue };
        let key = name.to_owned();
        match item {
            Item::Value(Value::InlineTable(parts)) if parts.is_dotted() => {
                found.entries.push(Entry { key, span: start..end(parts), value: None });
            }
            Item::Value(value) => {
                let span = value.span().unwrap_or_default();
                let written = Written { span: span.clone(), string: string(value), list: list(value) };
                found.entries.push(Entry { key, span: start..span.end, value: Some(written) });
            }
            Item::Table(parts) if parts.is_dotted() => {
                found.entries.push(Entry { key, span: start..end(parts), value: None });
            }
            Item::Table(other) => {
                let header = other.span().unwrap_or_default();
                found.others.push((key, header.start..end(other).max(header.end)));
            }
            Item::ArrayOfTables(others) if name != "member" => {
                found.others.extend(others.iter().map(|other| {
                    let header = other.span().unwrap_or_default();
                    (key.clone(), header.start..end(other).max(header.end))
                }));
            }
            Item::ArrayOfTables(_) | Item::None => {}
        }
    }
    found
}

fn routes(item: Option<&Item>) -> Vec<Vec<(String, String)>> {
    let strings = |table: &dyn TableLike| -> Vec<_> {
        table.iter().filter_map(|(key, item)| Some((key.to_owned(), item.as_str()?.to_owned()))).collect()
    };
    match item {
        Some(Item::Value(Value::Array(array))) => {
            array.iter().filter_map(Value::as_inline_table).map(|route| strings(route)).collect()
        }
        Some(Item::ArrayOfTables(array)) => array.iter().map(|route| strings(route)).collect(),
        _ => Vec::new(),
    }
}

/// Where the last of its values ends.
fn end(table: &dyn TableLike) -> usize {
    let ends = table.iter().map(|(_, item)| match item {
        Item::Table(table) => end(table),
        Item::Value(Value::InlineTable(table)) if table.is_dotted() => end(table),
        item => item.span().map_or(0, |span| span.end),
    });
    ends.max().unwrap_or(0)
}

fn string(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn list(value: &Value) -> Option<List> {
    match value {
        Value::Array(array) => Some(List {
            span: array.span().unwrap_or_default(),
            items: array.iter().map(|item| item.span().unwrap_or_default()).collect(),
            strings: array.iter().map(string).collect(),
        }),
        Value::InlineTable(table) => Some(braces(table)),
        _ => None,
    }
}

fn braces(table: &InlineTable) -> List {
    let of_key = |path: &[&Key]| path.last().and_then(|key| key.span()).map_or(0, |span| span.start);
    let values = table.get_values();
    let mut items: Vec<_> =
        values.iter().map(|(path, value)| of_key(path)..value.span().map_or(0, |span| span.end)).collect();
    items.sort_by_key(|item| item.end);
    List { span: table.span().unwrap_or_default(), strings: vec![None; items.len()], items }
}
