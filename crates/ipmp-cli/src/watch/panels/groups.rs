//! Groups: their state, how soon a failure is found, and who is in them.

use ipmp_control::{GroupState, Snapshot};
use ratatui::style::Style;
use ratatui::text::Span;

use super::{BAD, DOUBTFUL, GOOD, nothing};
use crate::rows::GroupRow;
use crate::watch::View;
use crate::watch::columns::{Column, Columns};
use crate::watch::panel::Text;

const COLUMNS: [Column; 4] = [
    Column { name: "GROUP", rank: None },
    Column { name: "GROUPNAME", rank: Some(1) },
    Column { name: "STATE", rank: None },
    Column { name: "FDT", rank: Some(2) },
];

/// Of the members at least.
const LEAST: usize = 16;

pub(super) fn text(view: &View, width: usize) -> Text {
    let rows: Vec<_> = view.told.iter().flat_map(|(_, snapshot)| rows(snapshot)).collect();
    let cells: Vec<_> = rows.iter().map(|(cells, _)| cells.clone()).collect();
    let columns = Columns::fit(&COLUMNS, &cells, width, LEAST);
    let lines = rows.into_iter().map(|(cells, members)| {
        let mut line = columns.row(&cells);
        line.push_span(members);
        line
    });
    let lines: Vec<_> = lines.collect();
    let lines = if lines.is_empty() { nothing("There is no group.") } else { lines };
    Text { heading: columns.heading(&COLUMNS, "INTERFACES"), lines }
}

fn rows(snapshot: &Snapshot) -> Vec<(Vec<Span<'static>>, String)> {
    let states = snapshot.groups.iter().filter(|group| !group.is_anonymous()).map(|group| group.state);
    let row = |(row, state): (GroupRow<'_>, GroupState)| {
        let mut values = row.values();
        let members = values.pop().unwrap_or_default();
        let mut cells: Vec<Span<'static>> = values.into_iter().map(Span::raw).collect();
        cells[2].style = style(state);
        (cells, members)
    };
    GroupRow::all(snapshot).into_iter().zip(states).map(row).collect()
}

fn style(state: GroupState) -> Style {
    match state {
        GroupState::Ok => GOOD,
        GroupState::Degraded => DOUBTFUL,
        GroupState::Failed => BAD,
    }
}
