//! What is told of a mistake, and all of them together. How they look over several lines is in `render`.

use std::fmt;

use crate::render;
use crate::source::Place;

/// Whether a finding makes the configuration unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It does; the configuration is refused whole.
    Error,
    /// It does not, but something is likely not as it was meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// A place in a file as editors count it: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

/// One thing that is wrong, or looks so.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The file, as it was named to the program.
    pub file: String,
    /// How grave it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What should be there instead, as a phrase that completes "expected ...".
    pub expected: Option<String>,
    /// What to mark.
    pub(crate) place: Option<Place>,
    /// Another place that it has to do with, and what is there.
    pub(crate) related: Option<(Place, String)>,
}

impl Finding {
    pub(crate) fn new(file: &str, severity: Severity, message: String) -> Self {
        Self { file: file.to_owned(), severity, message, expected: None, place: None, related: None }
    }

    /// Where in the file; none where the file as a whole is meant, as when it cannot be read.
    pub fn position(&self) -> Option<Position> {
        self.place.as_ref().map(Place::position)
    }

    /// What is wrong without the place, for who has not written that file: "... (expected ...)".
    pub fn sentence(&self) -> String {
        match &self.expected {
            Some(expected) => format!("{} (expected {expected})", self.message),
            None => self.message.clone(),
        }
    }

    /// All of it in one line, for logs: `file:line:column: error: message (expected ...)`.
    pub fn one_line(&self) -> String {
        let mut line = self.file.clone();
        if let Some(Position { line: number, column }) = self.position() {
            line += &format!(":{number}:{column}");
        }
        line += &format!(": {}: {}", self.severity, self.message);
        let related = self.related.as_ref().map(|(place, what)| {
            let Position { line, column } = place.position();
            format!("{what} at {}:{line}:{column}", place.source.name)
        });
        let expected = self.expected.as_ref().map(|expected| format!("expected {expected}"));
        let more: Vec<String> = related.into_iter().chain(expected).collect();
        if more.is_empty() { line } else { line + &format!(" ({})", more.join("; ")) }
    }
}

/// Most findings that are kept: nobody reads more, and a file of nonsense must not fill the log.
pub(crate) const FINDINGS_MAX: usize = 1000;

/// Everything that was found: file by file, and in each from top to bottom.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    list: Vec<Finding>,
    /// How many more there were.
    omitted: usize,
}

impl Findings {
    /// Errors come first where there are too many.
    pub(crate) fn new(mut list: Vec<Finding>) -> Self {
        let omitted = list.len().saturating_sub(FINDINGS_MAX);
        if omitted > 0 {
            list.sort_by_key(|finding| finding.severity);
            list.truncate(FINDINGS_MAX);
        }
        Self { list, omitted }
    }

    /// One after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.list.iter()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many of this severity are listed.
    pub fn count(&self, severity: Severity) -> usize {
        self.iter().filter(|finding| finding.severity == severity).count()
    }

    /// What is wrong, without places and each thing once: of a text that nobody has before his eyes.
    pub fn sentences(&self) -> String {
        let errors = self.iter().filter(|finding| finding.severity == Severity::Error);
        let mut sentences: Vec<_> = errors.map(Finding::sentence).collect();
        sentences.dedup();
        sentences.join("; ")
    }

    /// Those of which `before` has none that says the same.
    pub fn since(&self, before: &Findings) -> impl Iterator<Item = &Finding> {
        self.iter().filter(|finding| before.iter().all(|known| known.sentence() != finding.sentence()))
    }

    /// All of them with the lines that they are about, and a line that counts them; no colours.
    pub fn render(&self) -> String {
        render::plain(self)
    }

    /// The same with the colours of a terminal.
    pub fn render_in_colour(&self) -> String {
        render::coloured(self)
    }

    /// "2 errors, 1 warning".
    pub fn summary(&self) -> String {
        let count = |severity| match self.count(severity) {
            1 => format!("1 {severity}"),
            count => format!("{count} {severity}s"),
        };
        let all = format!("{}, {}", count(Severity::Error), count(Severity::Warning));
        if self.omitted == 0 { all } else { format!("{all}, and {} more that are not shown", self.omitted) }
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render())
    }
}

impl std::error::Error for Findings {}
