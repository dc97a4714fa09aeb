//! Data addresses: where they are, and by which members traffic from them leaves.

use ipmp_control::{Address, Claim, Group};
use ratatui::text::Span;

use super::{BAD, DOUBTFUL, FAINT, GOOD, nothing};
use crate::watch::View;
use crate::watch::columns::{Column, Columns};
use crate::watch::panel::Text;

const COLUMNS: [Column; 4] = [
    Column { name: "ADDRESS", rank: None },
    Column { name: "STATE", rank: Some(2) },
    Column { name: "GROUP", rank: Some(1) },
    Column { name: "INBOUND", rank: None },
];

/// Of the members that traffic leaves by at least.
const LEAST: usize = 10;

pub(super) fn text(view: &View, width: usize) -> Text {
    let groups = view.told.iter().flat_map(|(_, snapshot)| &snapshot.groups);
    let all: Vec<_> = groups.flat_map(|group| group.addresses.iter().map(move |address| (group, address))).collect();
    let rows: Vec<_> = all.iter().map(|(group, address)| row(view, group, address)).collect();
    let columns = Columns::fit(&COLUMNS, &rows, width, LEAST);
    let lines = rows.iter().zip(&all).map(|(cells, (_, address))| {
        let mut line = columns.row(cells);
        line.push_span(last(address));
        line
    });
    let lines: Vec<_> = lines.collect();
    let lines = if lines.is_empty() { nothing("There is no data address.") } else { lines };
    Text { heading: columns.heading(&COLUMNS, "OUTBOUND"), lines }
}

fn row(view: &View, group: &Group, address: &Address) -> Vec<Span<'static>> {
    let (state, style) = match (address.claim, address.up) {
        (Claim::Taken, _) => ("taken", BAD),
        (Claim::Checking, _) => ("checking", DOUBTFUL),
        (Claim::Ours, true) => ("up", GOOD),
        (Claim::Ours, false) => ("down", FAINT),
    };
    let inbound = address.inbound.clone().map_or_else(|| Span::styled("--", FAINT), Span::raw);
    vec![
        Span::raw(view.names.show(address.address)),
        Span::styled(state, style),
        Span::raw(group.interface.clone()),
        inbound,
    ]
}

/// The ways out, or who else has it.
fn last(address: &Address) -> Span<'static> {
    match &address.taken_by {
        Some(other) => Span::styled(format!("{other} has it"), BAD),
        None => Span::raw(address.outbound.join(" ")),
    }
}
