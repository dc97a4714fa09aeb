//! Fields in columns for people, or in lines for programs to parse (IPMP behaviour, §12).

use std::fmt;

/// A column that can be asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name and heading.
    pub name: &'static str,
    /// How many columns of the screen it takes, the space before the next one included.
    pub width: usize,
}

/// Fields that were asked for, as positions among all fields of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(Vec<usize>);

/// Why a list of fields is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadFields {
    /// Not one of them is a field of this output.
    NoneValid,
    /// Parsable output has just the fields that its reader knows of: each named, and each known.
    Unknown(String),
    /// They have to be named.
    Unnamed,
}

impl fmt::Display for BadFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadFields::NoneValid => f.write_str("no valid output fields"),
            BadFields::Unknown(name) => write!(f, "unknown output field \"{name}\""),
            BadFields::Unnamed => f.write_str("parsable output (-P) needs -o with the names of fields"),
        }
    }
}

/// Columns that a screen has at least, and that are filled where there is none (§12).
pub const SCREEN_WIDTH: usize = 80;

impl Selection {
    /// The first fields that fit a screen.
    pub fn fitting(fields: &[Field], width: usize) -> Self {
        let fits = |&last: &usize| fields[..=last].iter().map(|field| field.width).sum::<usize>() <= width;
        Self((0..fields.len()).take_while(fits).collect())
    }

    /// All fields.
    pub fn all(fields: &[Field]) -> Self {
        Self((0..fields.len()).collect())
    }

    /// The fields of a list, for people to read, and the names that are none; `all` for all.
    pub fn human(fields: &[Field], list: &str) -> Result<(Self, Vec<String>), BadFields> {
        if list.eq_ignore_ascii_case("all") {
            return Ok((Self::all(fields), Vec::new()));
        }
        let mut unknown = Vec::new();
        let mut known = Vec::new();
        for name in list.split(',') {
            match position(fields, name) {
                Some(at) => known.push(at),
                None => unknown.push(name.to_owned()),
            }
        }
        if known.is_empty() { Err(BadFields::NoneValid) } else { Ok((Self(known), unknown)) }
    }

    /// The fields for a program to parse.
    pub fn parsable(fields: &[Field], list: Option<&str>) -> Result<Self, BadFields> {
        let list =
            list.filter(|list| !list.is_empty() && !list.eq_ignore_ascii_case("all")).ok_or(BadFields::Unnamed)?;
        let known = |name: &str| position(fields, name).ok_or_else(|| BadFields::Unknown(name.to_owned()));
        list.split(',').map(known).collect::<Result<_, _>>().map(Self)
    }
}

fn position(fields: &[Field], name: &str) -> Option<usize> {
    fields.iter().position(|field| field.name.eq_ignore_ascii_case(name))
}

/// Columns with a heading, repeated at the top of each screen of `height` lines. An empty value shows as `--`.
/// One that is too long for its column is shown whole; the next ones move until there is room again.
pub fn human(fields: &[Field], selection: &Selection, rows: &[Vec<String>], height: Option<usize>) -> String {
    let mut columns = Columns::new(fields, selection, height);
    let heading = columns.heading();
    rows.iter().fold(heading, |screens, row| screens + &columns.row(row))
}

/// The same as [`human`] for who has one row at a time.
#[derive(Debug)]
pub struct Columns<'a> {
    fields: &'a [Field],
    selection: &'a Selection,
    height: Option<usize>,
    rows: usize,
}

impl<'a> Columns<'a> {
    /// No row so far.
    pub fn new(fields: &'a [Field], selection: &'a Selection, height: Option<usize>) -> Self {
        Self { fields, selection, height, rows: 0 }
    }

    /// The heading.
    pub fn heading(&self) -> String {
        self.line(self.selection.0.iter().map(|&at| self.fields[at].name))
    }

    /// The next row, after the heading where a screen begins with it.
    pub fn row(&mut self, values: &[String]) -> String {
        let full =
            self.rows > 0 && self.height.is_some_and(|height| height > 1 && self.rows.is_multiple_of(height - 1));
        self.rows += 1;
        let heading = if full { self.heading() } else { String::new() };
        let shown = |&at: &usize| if values[at].is_empty() { "--" } else { values[at].as_str() };
        heading + &self.line(self.selection.0.iter().map(shown))
    }

    fn line<'v>(&self, values: impl Iterator<Item = &'v str>) -> String {
        let (mut line, mut length, mut column) = (String::new(), 0, 0);
        for (value, &at) in values.zip(&self.selection.0) {
            let gap = if length == 0 { 0 } else { column.max(length + 1) - length };
            line.extend(std::iter::repeat_n(' ', gap));
            line.push_str(value);
            length += gap + value.chars().count();
            column += self.fields[at].width;
        }
        line + "\n"
    }
}

/// A line a row, with `:` between values, and an empty value as nothing. Among several fields, `:` and `\` in a
/// value have a `\` before them.
pub fn parsable(selection: &Selection, rows: &[Vec<String>]) -> String {
    let alone = selection.0.len() == 1;
    let escaped = |value: &str| value.replace('\\', "\\\\").replace(':', "\\:");
    let value = |value: &String| if alone { value.clone() } else { escaped(value) };
    let line = |row: &Vec<String>| selection.0.iter().map(|&at| value(&row[at])).collect::<Vec<_>>().join(":") + "\n";
    rows.iter().map(line).collect()
}
