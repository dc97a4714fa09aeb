//! The text of each panel.

mod addresses;
mod events;
mod groups;
mod members;

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::columns::wrap;
use super::panel::Text;
use super::{Panel, View};

use std::time::Duration;

/// What a panel shows on a screen of this width.
pub(super) fn text(panel: Panel, view: &View, now: Duration, width: usize) -> Text {
    match panel {
        Panel::Groups => groups::text(view, width),
        Panel::Members => members::text(view, now, width),
        Panel::Addresses => addresses::text(view, width),
        Panel::Events => events::text(view, now, width),
    }
}

const GOOD: Style = Style::new().fg(Color::Green);
const DOUBTFUL: Style = Style::new().fg(Color::Yellow);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
const FAINT: Style = Style::new().fg(Color::DarkGray);

/// A phrase below a row, on as many lines as it takes.
fn below(phrase: &str, width: usize) -> impl Iterator<Item = Line<'static>> {
    const INDENT: &str = "    ";
    let lines = wrap(phrase, width.saturating_sub(INDENT.len()));
    lines.into_iter().map(|line| Line::from(vec![Span::raw(INDENT), Span::styled(line, FAINT)]))
}

/// What stands where there is nothing to show.
fn nothing(phrase: &str) -> Vec<Line<'static>> {
    vec![Line::styled(phrase.to_owned(), FAINT)]
}
