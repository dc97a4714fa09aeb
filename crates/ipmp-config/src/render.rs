//! Findings as people see them: the message, the line with the offending part marked, and what was
//! expected, in the manner of the Rust compiler.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Snippet};

use crate::finding::{Finding, Findings, Severity};
use crate::source::Place;

/// Most bytes of a file that are shown for a finding: marks further apart are shown each on its own, and
/// of a longer line only the place is named.
const SHOWN_MAX: usize = 4096;

pub(crate) fn plain(findings: &Findings) -> String {
    render(findings, &Renderer::plain())
}

pub(crate) fn coloured(findings: &Findings) -> String {
    render(findings, &Renderer::styled())
}

fn render(findings: &Findings, renderer: &Renderer) -> String {
    let mut text = String::new();
    for finding in findings {
        text += &one(finding, renderer);
        text += "\n\n";
    }
    text + &findings.summary() + "\n"
}

fn one(finding: &Finding, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = level.primary_title(&finding.message).elements(elements(finding));
    if let Some(expected) = &finding.expected {
        group = group.element(Level::NOTE.message(format!("expected {expected}")));
    }
    renderer.render(&[group])
}

/// What is marked in the lines of a file, and what is written beside the mark.
type Mark<'a> = (&'a Place, AnnotationKind, Option<&'a str>);

fn elements(finding: &Finding) -> Vec<Element<'_>> {
    let Some(place) = &finding.place else { return vec![Origin::path(&finding.file).into()] };
    let primary: Mark = (place, AnnotationKind::Primary, None);
    let Some((other, what)) = &finding.related else { return vec![lines(&[primary])] };
    let context: Mark = (other, AnnotationKind::Context, Some(what));
    let together = Arc::ptr_eq(&place.source, &other.source) && extent(&[primary, context]).len() <= SHOWN_MAX;
    if together { vec![lines(&[primary, context])] } else { vec![lines(&[primary]), lines(&[context])] }
}

/// The lines from the first mark to the last.
fn extent(marks: &[Mark]) -> Range<usize> {
    let lines = || marks.iter().map(|(place, ..)| place.line());
    lines().map(|line| line.start).min().unwrap_or(0)..lines().map(|line| line.end).max().unwrap_or(0)
}

/// Marks in one file.
fn lines<'a>(marks: &[Mark<'a>]) -> Element<'a> {
    let (first, ..) = marks.iter().min_by_key(|(place, ..)| place.span.start).expect("a mark at least");
    let (name, position, shown) = (&first.source.name, first.position(), extent(marks));
    if shown.len() > SHOWN_MAX {
        return Origin::path(name).line(position.line).char_column(position.column).into();
    }
    let annotations = marks.iter().map(|(place, kind, label)| {
        let end = place.span.end.min(place.line().end);
        kind.span(place.span.start - shown.start..end - shown.start).label(*label)
    });
    let snippet = Snippet::source(&first.source.text[shown.clone()]).path(name).line_start(position.line);
    snippet.annotations(annotations).into()
}
