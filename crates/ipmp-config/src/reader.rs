//! Tables as parsed → values of the type that belongs there. Whatever is of another type, or under a key
//! that does not exist, is reported and left out.

use std::fmt::Display;
use std::ops::{Deref, Range, RangeInclusive};
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::keys::Section;
use crate::report::Report;
use crate::source::{At, Place, Source};
use crate::suggest;
use crate::value::{self, Bounds, Fault, quoted};

/// What could be read of an array.
#[derive(Debug)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    /// Whether there is more that could not be read, so that nothing follows from what is missing.
    pub(crate) lost: bool,
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

/// One table.
pub(crate) struct Table<'a> {
    source: &'a Arc<Source>,
    section: Section,
    entries: &'a DeTable<'a>,
    /// Its header, or all of it where it is written in braces.
    pub(crate) place: Place,
}

impl<'a> Table<'a> {
    /// Takes the table in and reports the keys that it should not have.
    pub(crate) fn new(
        source: &'a Arc<Source>,
        section: Section,
        entries: &'a DeTable<'a>,
        span: Range<usize>,
        report: &mut Report,
    ) -> Self {
        let table = Self { source, section, entries, place: Place::new(source, span) };
        for key in table.unknown_keys() {
            table.unknown(key.get_ref(), &table.at(key.span()), report);
        }
        table
    }

    /// A string that has to be there.
    pub(crate) fn required<T>(
        &self,
        key: &str,
        parse: fn(&str) -> Result<T, Fault>,
        report: &mut Report,
    ) -> Option<At<T>> {
        if self.get(key).is_none() && !self.may_hide(key, report) {
            report
                .error(&self.place, format!("{} without `{key}`", self.section))
                .expected(format!("`{key} = \"...\"`"));
        }
        self.optional(key, parse, report)
    }

    /// A string.
    pub(crate) fn optional<T>(
        &self,
        key: &str,
        parse: fn(&str) -> Result<T, Fault>,
        report: &mut Report,
    ) -> Option<At<T>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(text) => self.parsed(parse(text), value.span(), report),
            _ => self.wrong_type(key, value, "a string in quotes", report),
        }
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self, key: &str, report: &mut Report) -> Option<At<bool>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Boolean(on) => Some(At { value: *on, place: self.at(value.span()) }),
            _ => self.wrong_type(key, value, "`true` or `false`", report),
        }
    }

    /// A time within bounds.
    pub(crate) fn time(&self, key: &str, bounds: &Bounds, report: &mut Report) -> Option<At<Duration>> {
        let value = self.get(key)?;
        let time = match value.get_ref() {
            DeValue::String(text) => value::time(text, bounds),
            DeValue::Integer(millis) => value::millis(millis, bounds),
            _ => return self.wrong_type(key, value, value::DURATION, report),
        };
        self.parsed(time, value.span(), report)
    }

    /// A whole number within bounds.
    pub(crate) fn number<T>(&self, key: &str, bounds: RangeInclusive<T>, report: &mut Report) -> Option<At<T>>
    where
        T: Copy + Display + PartialOrd + TryFrom<i64>,
    {
        let expected = format!("a number from {} to {}", bounds.start(), bounds.end());
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Integer(number) => self.parsed(value::number(key, number, bounds, expected), value.span(), report),
            _ => self.wrong_type(key, value, &expected, report),
        }
    }

    /// A table, in braces or under a header of its own.
    pub(crate) fn table(&self, key: &str, section: Section, expected: &str, report: &mut Report) -> Option<Table<'a>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Table(entries) => Some(Table::new(self.source, section, entries, value.span(), report)),
            _ => self.wrong_type(key, value, expected, report),
        }
    }

    /// An array of strings, at most `most` of them.
    pub(crate) fn strings<T>(
        &self,
        key: &str,
        most: usize,
        parse: fn(&str) -> Result<T, Fault>,
        report: &mut Report,
    ) -> List<At<T>> {
        let expected = "an array of strings, such as [\"...\", \"...\"]";
        let errors = report.errors();
        let items = self.items(key, most, expected, report).iter().filter_map(|item| match item.get_ref() {
            DeValue::String(text) => self.parsed(parse(text), item.span(), report),
            _ => self.wrong_type(key, item, expected, report),
        });
        List { items: items.collect(), lost: report.errors() > errors || self.may_hide(key, report) }
    }

    /// An array of tables, at most `most` of them.
    pub(crate) fn tables(
        &self,
        key: &str,
        section: Section,
        most: usize,
        expected: &str,
        report: &mut Report,
    ) -> List<Table<'a>> {
        let errors = report.errors();
        let items = self.items(key, most, expected, report).iter().filter_map(|item| match item.get_ref() {
            DeValue::Table(entries) => Some(Table::new(self.source, section, entries, item.span(), report)),
            _ => self.wrong_type(key, item, expected, report),
        });
        List { items: items.collect(), lost: report.errors() > errors || self.may_hide(key, report) }
    }

    /// The elements of an array. A single table where there should be an array of them is reported and
    /// taken for the only one, so that what is wrong inside is found too.
    fn items(&self, key: &str, most: usize, expected: &str, report: &mut Report) -> &'a [Spanned<DeValue<'a>>] {
        let Some(value) = self.get(key) else { return &[] };
        match value.get_ref() {
            DeValue::Array(array) => {
                if let Some(item) = array.get(most) {
                    let message = format!("`{key}` has {} elements", array.len());
                    report.error(&self.at(item.span()), message).expected(format!("at most {most}"));
                }
                let items: &[_] = array;
                &items[..items.len().min(most)]
            }
            DeValue::Table(_) if matches!(key, "group" | "member" | "routes") => {
                self.wrong_type::<()>(key, value, expected, report);
                std::slice::from_ref(value)
            }
            _ => {
                self.wrong_type::<()>(key, value, expected, report);
                &[]
            }
        }
    }

    /// Whether the key may be there all the same: misspelt, in a line that could not be read, or under a
    /// header that could not.
    pub(crate) fn may_hide(&self, key: &str, report: &Report) -> bool {
        if self.unknown_keys().any(|unknown| suggest::near(self.section, unknown.get_ref()) == Some(key)) {
            return true;
        }
        let text = &self.source.text[self.place.span.end..];
        let next = if self.section == Section::Group { "\n[[group]]" } else { "\n[" };
        let end = text.find(next).map_or(self.source.text.len(), |length| self.place.span.end + length);
        let extent = Place { source: self.source.clone(), span: self.place.span.start..end };
        report.garbled_lines(&extent).any(|line| line.contains(key) || line.trim_start().starts_with('['))
    }

    fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        debug_assert!(self.section.keys().contains(&key), "{key} is not a key of {}", self.section);
        self.entries.get(key)
    }

    fn at(&self, span: Range<usize>) -> Place {
        Place::new(self.source, span)
    }

    fn parsed<T>(&self, parsed: Result<T, Fault>, span: Range<usize>, report: &mut Report) -> Option<At<T>> {
        let place = self.at(span);
        match parsed {
            Ok(value) => Some(At { value, place }),
            Err(Fault { message, expected }) => {
                report.error(&place, message).expected(expected);
                None
            }
        }
    }

    fn wrong_type<T>(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str, report: &mut Report) -> Option<T> {
        let place = self.at(value.span());
        let message = format!("`{key}` cannot be {}", type_name(value.get_ref()));
        report.error(&place, message).expected(expected);
        None
    }

    fn unknown_keys(&self) -> impl Iterator<Item = &'a Spanned<DeString<'a>>> {
        let known = self.section.keys();
        self.entries.keys().filter(move |key| !known.contains(&key.get_ref().as_ref()))
    }

    fn unknown(&self, key: &str, place: &Place, report: &mut Report) {
        let Self { section, .. } = self;
        let message = format!("unknown key {} in {section}", quoted(key));
        if let Some(meant) = suggest::near(*section, key) {
            report.error(place, format!("{message}; did you mean `{meant}`?")).expected(format!("`{meant}`"));
            return;
        }
        let others: Vec<String> = suggest::elsewhere(*section, key).map(|other| other.to_string()).collect();
        if !others.is_empty() {
            report.error(place, message).expected(format!("this key in {}", others.join(" or ")));
        } else {
            let keys: Vec<String> = section.keys().iter().map(|key| format!("`{key}`")).collect();
            report.error(place, message).expected(format!("one of {}", keys.join(", ")));
        }
    }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time of day",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
