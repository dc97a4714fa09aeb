//! Events, the last first: how long ago, how grave, and the sentence.

use std::time::Duration;

use ipmp_control::Event;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{BAD, DOUBTFUL, FAINT, nothing};
use crate::watch::columns::{Column, Columns, wrap};
use crate::watch::panel::Text;
use crate::watch::{Source, View};
use crate::words;

const COLUMNS: [Column; 2] = [Column { name: "AGO", rank: Some(2) }, Column { name: "LEVEL", rank: Some(1) }];

/// Of the sentence at least.
const LEAST: usize = 24;

pub(super) fn text(view: &View, now: Duration, width: usize) -> Text {
    let rows: Vec<_> = view.events.iter().map(|event| row(event, now)).collect();
    let columns = Columns::fit(&COLUMNS, &rows, width, LEAST);
    let lines: Vec<_> =
        rows.iter().zip(&view.events).flat_map(|(cells, event)| lines(&columns, cells, event)).collect();
    let lines = match &view.trouble[Source::Events as usize] {
        _ if !lines.is_empty() => lines,
        Some(why) => nothing(why),
        None => nothing("Nothing has happened."),
    };
    Text { heading: columns.heading(&COLUMNS, "EVENT"), lines }
}

fn row(event: &Event, now: Duration) -> Vec<Span<'static>> {
    let ago = now.saturating_sub(Duration::from_micros(event.time_us)).as_millis();
    let ago = words::span(u64::try_from(ago).unwrap_or(u64::MAX));
    vec![Span::raw(ago), Span::styled(event.level.clone(), style(&event.level))]
}

/// The sentence beside the columns, on as many lines as it takes.
fn lines(columns: &Columns, cells: &[Span<'static>], event: &Event) -> Vec<Line<'static>> {
    let row = columns.row(cells);
    let indent = Line::from(" ".repeat(row.width()));
    let beside = std::iter::once(row).chain(std::iter::repeat(indent));
    let sentence = wrap(&event.text(), columns.rest);
    let lines = beside.zip(sentence).map(|(mut line, words)| {
        line.push_span(Span::raw(words));
        line
    });
    lines.collect()
}

/// By the words that the daemon's log has for levels.
fn style(level: &str) -> Style {
    match level {
        "critical" | "error" => BAD,
        "warning" => DOUBTFUL,
        "debug" => FAINT,
        _ => Style::new(),
    }
}
