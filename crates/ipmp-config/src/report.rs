//! Where the stages write down what they find.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::finding::{Finding, Findings, Severity};
use crate::source::Place;
use crate::syntax;

#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The files, in the order in which they are read.
    files: Vec<String>,
    findings: Vec<Finding>,
    /// What is wrong with the text itself; kept apart because whatever else is said about the same line
    /// follows from it.
    garbled: Vec<Finding>,
    errors: usize,
}

/// What may be added to a finding.
pub(crate) struct Details<'a>(&'a mut Finding);

impl Details<'_> {
    /// What should be there, as a phrase that completes "expected ...".
    pub(crate) fn expected(self, what: impl Into<String>) -> Self {
        self.0.expected = Some(what.into());
        self
    }

    /// Another place that it has to do with, and what is there.
    pub(crate) fn related(self, place: &Place, what: impl Into<String>) -> Self {
        self.0.related = Some((place.clone(), what.into()));
        self
    }
}

impl Report {
    /// This file is read next.
    pub(crate) fn file(&mut self, name: &str) {
        self.files.push(name.to_owned());
    }

    /// The file cannot be used at all.
    pub(crate) fn unreadable(&mut self, file: &str, reason: &str) {
        self.errors += 1;
        self.findings.push(Finding::new(file, Severity::Error, format!("cannot be read: {reason}")));
    }

    /// The text is not even TOML here.
    pub(crate) fn garbled(&mut self, place: &Place, message: impl Into<String>) -> Details<'_> {
        self.errors += 1;
        added(&mut self.garbled, place, Severity::Error, message.into())
    }

    /// Something is wrong here.
    pub(crate) fn error(&mut self, place: &Place, message: impl Into<String>) -> Details<'_> {
        self.errors += 1;
        added(&mut self.findings, place, Severity::Error, message.into())
    }

    /// Something looks wrong here.
    pub(crate) fn warning(&mut self, place: &Place, message: impl Into<String>) -> Details<'_> {
        added(&mut self.findings, place, Severity::Warning, message.into())
    }

    /// The lines in a stretch of a file whose text itself is wrong, so that they could not be read.
    pub(crate) fn garbled_lines(&self, stretch: &Place) -> impl Iterator<Item = &str> {
        let places = self.garbled.iter().filter(|finding| finding.message != syntax::UNQUOTED);
        let places = places.filter_map(|finding| finding.place.as_ref());
        let inside =
            |place: &&Place| Arc::ptr_eq(&place.source, &stretch.source) && stretch.span.contains(&place.line().start);
        places.filter(inside).map(|place| &place.source.text[place.line()])
    }

    /// How many errors there are so far.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// Everything, file by file and in each from top to bottom.
    pub(crate) fn into_findings(self) -> Findings {
        let Report { files, mut findings, mut garbled, .. } = self;
        let line =
            |finding: &Finding| finding.place.as_ref().map(|place| (place.source.name.clone(), place.line().start));
        let start =
            |finding: &Finding| finding.place.as_ref().map(|place| (place.source.name.clone(), place.span.start));
        // Of a word without quotes where no string belongs, the better thing to say is what does belong.
        let errors: BTreeSet<_> =
            findings.iter().filter(|finding| finding.severity == Severity::Error).map(start).collect();
        garbled.retain(|finding| finding.message != syntax::UNQUOTED || !errors.contains(&start(finding)));
        let garbled_lines: BTreeSet<_> = garbled.iter().filter_map(line).collect();
        if !garbled_lines.is_empty() {
            findings.retain(|finding| line(finding).is_none_or(|line| !garbled_lines.contains(&line)));
        }
        findings.extend(garbled);
        findings.sort_by_cached_key(|finding| {
            let file = files.iter().position(|file| *file == finding.file);
            (file, finding.place.as_ref().map(|place| place.span.start))
        });
        Findings::new(findings)
    }
}

fn added<'a>(to: &'a mut Vec<Finding>, place: &Place, severity: Severity, message: String) -> Details<'a> {
    let index = to.len();
    to.push(Finding { place: Some(place.clone()), ..Finding::new(&place.source.name, severity, message) });
    Details(&mut to[index])
}
