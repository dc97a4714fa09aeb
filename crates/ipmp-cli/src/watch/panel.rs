//! The panels, and the text of one.

use ratatui::text::Line;

/// A part of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Panel {
    /// Groups.
    Groups,
    /// Members, and interfaces in no group.
    #[default]
    Members,
    /// Data addresses.
    Addresses,
    /// Events, the last first.
    Events,
}

impl Panel {
    /// All, from top to bottom.
    pub const ALL: [Panel; 4] = [Panel::Groups, Panel::Members, Panel::Addresses, Panel::Events];

    /// The one below, and after the last the first.
    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    /// The one above.
    pub fn previous(self) -> Self {
        Self::ALL[(self as usize + Self::ALL.len() - 1) % Self::ALL.len()]
    }
}

/// What a panel shows, for a certain width.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// The names of its columns, in one line.
    pub heading: String,
    /// The rest.
    pub lines: Vec<Line<'static>>,
}
