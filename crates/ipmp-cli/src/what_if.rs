//! `ipmpadm what-if`: two moments, now and as it would be, → text. It never talks to the daemon.

use ipmp_control::{Address, Forecast, Group, Leg, Snapshot};

use crate::words;

/// What changes and what stays: groups, addresses, routes, and what that takes.
pub fn text(now: &Snapshot, then: &Forecast) -> String {
    let groups = then.groups.iter().filter(|group| !group.is_anonymous());
    let states = groups.clone().map(|group| [group.name.clone(), state(find(now, group)), state(Some(group))]);
    let addresses = groups.flat_map(|group| {
        let before = find(now, group);
        group.addresses.iter().map(move |address| {
            let was = before.and_then(|group| group.addresses.iter().find(|was| was.address == address.address));
            [address.address.to_string(), was.map(place).unwrap_or_default(), place(address)]
        })
    });
    let routes = then.routes.iter().map(|route| [route.to.clone(), list(&route.legs)]);
    let changes = then.changes.iter().map(|change| [change.clone()]);
    [
        table(["GROUP", "NOW", "THEN"], states),
        table(["ADDRESS", "NOW", "THEN"], addresses),
        table(["ROUTE", "THEN BY"], routes),
        table(["CHANGES, IN THIS ORDER"], changes),
    ]
    .join("\n")
}

fn find<'a>(snapshot: &'a Snapshot, group: &Group) -> Option<&'a Group> {
    snapshot.groups.iter().find(|known| known.interface == group.interface)
}

fn state(group: Option<&Group>) -> String {
    group.map(|group| words::group_state(group.state).to_owned()).unwrap_or_default()
}

/// The member that has it; none where it cannot be reached.
fn place(address: &Address) -> String {
    address.inbound.clone().unwrap_or_default()
}

fn list(legs: &[Leg]) -> String {
    let leg = |leg: &Leg| match &leg.via {
        Some(router) => format!("{} via {router}", leg.interface),
        None => leg.interface.clone(),
    };
    legs.iter().map(leg).collect::<Vec<_>>().join(", ")
}

/// Columns as wide as what is in them; an empty value shows as `--`, and a table without rows as one.
fn table<const N: usize>(heading: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let shown = |value: String| if value.is_empty() { "--".to_owned() } else { value };
    let mut lines: Vec<_> = std::iter::once(heading.map(str::to_owned)).chain(rows.map(|row| row.map(shown))).collect();
    if lines.len() == 1 {
        lines.push([const { String::new() }; N].map(shown));
    }
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..N).map(width).collect();
    let line = |values: &[String; N]| {
        let padded = values.iter().zip(&widths).map(|(value, width)| format!("{value:width$}  "));
        padded.collect::<String>().trim_end().to_owned() + "\n"
    };
    lines.iter().map(line).collect()
}
