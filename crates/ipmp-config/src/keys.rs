//! The keys that may be written, table by table. The reader knows no others, and the documentation is
//! tested against this list.

use std::fmt;

/// A kind of table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// Outside of every table, in the main file.
    Main,
    /// Outside of every table, in a file of `conf.d`.
    ConfD,
    /// `[[group]]`
    Group,
    /// `[[group.member]]`
    Member,
    /// An element of `routes`.
    Route,
    /// `damping`
    Damping,
}

impl Section {
    /// All of them.
    pub(crate) const ALL: [Section; 6] =
        [Section::Main, Section::Group, Section::Member, Section::Route, Section::Damping, Section::ConfD];

    /// What may stand in it.
    pub(crate) const fn keys(self) -> &'static [&'static str] {
        match self {
            Section::Main => &[
                "failure-detection-time",
                "failure-detection-time-max",
                "probe",
                "probe-schedule",
                "degraded-loss-percent",
                "drain",
                "damping",
                "failback",
                "track-interfaces-only-with-groups",
                "admin-group",
                "group",
            ],
            Section::ConfD => &["group"],
            Section::Group => &[
                "interface",
                "name",
                "addresses",
                "down-addresses",
                "gateways",
                "routes",
                "failure-detection-time",
                "failure-detection-time-max",
                "probe",
                "probe-schedule",
                "degraded-loss-percent",
                "drain",
                "damping",
                "failback",
                "targets",
                "targets-exclusive",
                "member",
            ],
            Section::Member => &["interface", "test-addresses", "down-test-addresses", "standby"],
            Section::Route => &["to", "via"],
            Section::Damping => &["half-life", "suspend", "reuse"],
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Section::Main => "the head of the main file",
            Section::ConfD => "a file of conf.d",
            Section::Group => "[[group]]",
            Section::Member => "[[group.member]]",
            Section::Route => "a route",
            Section::Damping => "`damping`",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/configuration.md");
    const EXAMPLE: &str = include_str!("../../../config/ipmpd.toml");

    /// Whether the page has a heading of its own for the key within the chapter of its table.
    fn described(section: Section, key: &str) -> bool {
        let chapter = PAGE.split("\n## ").find(|chapter| chapter.lines().next() == Some(title(section)));
        chapter.unwrap_or_default().contains(&format!("\n### `{key}`\n"))
    }

    fn title(section: Section) -> &'static str {
        match section {
            Section::Main => "The head of the main file",
            Section::ConfD => "conf.d",
            Section::Group => "`[[group]]`",
            Section::Member => "`[[group.member]]`",
            Section::Route => "Elements of `routes`",
            Section::Damping => "Keys of `damping`",
        }
    }

    #[test]
    fn every_key_is_described_and_shown() {
        for section in Section::ALL {
            for key in section.keys() {
                let table = matches!(*key, "group" | "member");
                assert!(table || described(section, key), "docs/configuration.md: no heading for {key} of {section}");
                let shown = [format!("{key} = "), format!("{key}]]")];
                assert!(shown.iter().any(|text| EXAMPLE.contains(text)), "config/ipmpd.toml: {key} is not shown");
            }
        }
    }

    #[test]
    fn the_page_describes_no_other_keys() {
        for key in PAGE.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')) {
            assert!(Section::ALL.iter().any(|section| section.keys().contains(&key)), "no such key: {key}");
        }
    }
}
