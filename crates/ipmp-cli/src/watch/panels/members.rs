//! Members: whether they work, why not, and how long round trips took of late.

use std::time::Duration;

use ipmp_control::{Group, Member, MemberState};
use ratatui::style::Style;
use ratatui::symbols::bar;
use ratatui::text::{Line, Span};

use super::{BAD, DOUBTFUL, FAINT, GOOD, below, nothing};
use crate::watch::columns::{Column, Columns};
use crate::watch::panel::Text;
use crate::watch::{Second, View};
use crate::words;

const COLUMNS: [Column; 7] = [
    Column { name: "INTERFACE", rank: None },
    Column { name: "GROUP", rank: Some(1) },
    Column { name: "STATE", rank: None },
    Column { name: "SINCE", rank: Some(3) },
    Column { name: "USED", rank: Some(2) },
    Column { name: "LOSS", rank: Some(5) },
    Column { name: "RTT", rank: Some(6) },
];

/// Seconds of history at least.
const LEAST: usize = 12;

const BARS: [&str; 8] = [
    bar::ONE_EIGHTH,
    bar::ONE_QUARTER,
    bar::THREE_EIGHTHS,
    bar::HALF,
    bar::FIVE_EIGHTHS,
    bar::THREE_QUARTERS,
    bar::SEVEN_EIGHTHS,
    bar::FULL,
];

pub(super) fn text(view: &View, now: Duration, width: usize) -> Text {
    let told = view.told.iter().flat_map(|(at, snapshot)| snapshot.groups.iter().map(move |group| (*at, group)));
    let members: Vec<_> =
        told.flat_map(|(at, group)| group.members.iter().map(move |member| (at, group, member))).collect();
    let rows: Vec<_> = members.iter().map(|(at, group, member)| row(group, member, now.saturating_sub(*at))).collect();
    let columns = Columns::fit(&COLUMNS, &rows, width, LEAST);
    let longest_us = view.histories.longest_us(now, columns.rest);
    let lines = rows.iter().zip(&members).flat_map(|(cells, (_, _, member))| {
        let mut line = columns.row(cells);
        let history = view.histories.of(&member.interface, now, columns.rest);
        line.extend(history.into_iter().map(|second| column(second, longest_us)));
        std::iter::once(line).chain(why(member, width))
    });
    let lines: Vec<_> = lines.collect();
    let lines = if lines.is_empty() { nothing("There is no member.") } else { lines };
    // The scale is the same for all, so that they can be compared.
    let scale =
        longest_us.map_or_else(|| "HISTORY".to_owned(), |us| format!("≤ {}, {}s", words::millis(us), columns.rest));
    Text { heading: columns.heading(&COLUMNS, &scale), lines }
}

fn row(group: &Group, member: &Member, since: Duration) -> Vec<Span<'static>> {
    let since_ms = member.since_ms.saturating_add(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    let loss = member.probing.iter().filter_map(|probing| probing.loss).max_by(f64::total_cmp);
    let last = member.probing.iter().filter_map(|probing| probing.last_reply).min_by_key(|last| last.age_ms);
    let none = || Span::styled("--", FAINT);
    vec![
        Span::raw(member.interface.clone()),
        if group.is_anonymous() { none() } else { Span::raw(group.interface.clone()) },
        Span::styled(words::member_state(member.state), style(member.state)),
        Span::raw(words::span(since_ms)),
        used(member),
        loss.map_or_else(none, lost),
        last.map_or_else(none, |last| Span::raw(words::millis(last.rtt_us))),
    ]
}

fn style(state: MemberState) -> Style {
    match state {
        MemberState::Ok => GOOD,
        MemberState::Degraded | MemberState::Unknown => DOUBTFUL,
        MemberState::Failed => BAD,
        MemberState::Offline => FAINT,
    }
}

/// Whether it carries traffic.
fn used(member: &Member) -> Span<'static> {
    match (member.active, member.inactive) {
        (true, _) => Span::raw("yes"),
        (false, true) => Span::styled("idle", FAINT),
        (false, false) => Span::styled("no", DOUBTFUL),
    }
}

fn lost(share: f64) -> Span<'static> {
    let shown = format!("{:.1}%", share * 100.0);
    let style = if shown == "0.0%" { Style::new() } else { DOUBTFUL };
    Span::styled(shown, style)
}

/// A second of the history: a bar for its longest round trip, in another colour where a probe was lost; a cross where
/// all were.
fn column(second: Option<Second>, longest_us: Option<u64>) -> Span<'static> {
    let Some(second) = second else { return Span::raw(" ") };
    let Some(rtt_us) = second.rtt_us else { return Span::styled("×", BAD) };
    let eighths = (rtt_us.saturating_mul(8)).div_ceil(longest_us.unwrap_or(rtt_us).max(1)).clamp(1, 8);
    Span::styled(BARS[eighths as usize - 1], if second.lost { DOUBTFUL } else { GOOD })
}

/// Why it does not work as it should, and what it waits for.
fn why(member: &Member, width: usize) -> Vec<Line<'static>> {
    if member.state == MemberState::Ok && member.waits_for.is_none() {
        return Vec::new();
    }
    let waiting = member.waits_for.as_ref().map(|waiting| format!("; waits for {}", waiting.text));
    below(&format!("{}{}", member.reason.text, waiting.unwrap_or_default()), width).collect()
}
