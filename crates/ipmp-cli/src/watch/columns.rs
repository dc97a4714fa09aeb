//! Columns as wide as what is in them, the last with what is left of the screen. Where that is too little, columns go
//! that can be missed.

use ratatui::text::{Line, Span};

/// A column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Its heading.
    pub name: &'static str,
    /// The lower, the sooner it can be missed; none where it cannot.
    pub rank: Option<u8>,
}

/// Between columns.
const GAP: usize = 2;

/// Which columns there are, and how wide they are.
#[derive(Debug)]
pub(super) struct Columns {
    /// Place among all columns, and width with the gap.
    shown: Vec<(usize, usize)>,
    /// What is left for the last.
    pub rest: usize,
}

impl Columns {
    /// Makes room for a last column of `least` on a screen of `width`.
    pub fn fit(columns: &[Column], rows: &[Vec<Span<'static>>], width: usize, least: usize) -> Self {
        let wide = |place: usize| {
            let cells = rows.iter().map(|row| row[place].width());
            cells.chain([columns[place].name.len()]).max().unwrap_or_default() + GAP
        };
        let mut shown: Vec<_> = (0..columns.len()).map(|place| (place, wide(place))).collect();
        let taken = |shown: &[(usize, usize)]| shown.iter().map(|(_, width)| width).sum::<usize>();
        while taken(&shown) + least > width {
            let ranks = shown.iter().enumerate().filter_map(|(at, (place, _))| Some((columns[*place].rank?, at)));
            let Some((_, missed)) = ranks.min() else { break };
            shown.remove(missed);
        }
        let rest = width.saturating_sub(taken(&shown));
        Self { shown, rest }
    }

    /// The heading.
    pub fn heading(&self, columns: &[Column], last: &str) -> String {
        let names = self.shown.iter().map(|(place, width)| format!("{:<width$}", columns[*place].name));
        names.collect::<String>() + last
    }

    /// A row, without its last column.
    pub fn row(&self, cells: &[Span<'static>]) -> Line<'static> {
        let padded = self.shown.iter().flat_map(|(place, width)| {
            let cell = cells[*place].clone();
            let gap = " ".repeat(width.saturating_sub(cell.width()));
            [cell, Span::raw(gap)]
        });
        Line::from_iter(padded)
    }
}

/// Breaks a text between words into lines of a width; a word that is longer than a line is cut.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is one from the beginning");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] =
        [Column { name: "A", rank: None }, Column { name: "BB", rank: Some(1) }, Column { name: "C", rank: Some(2) }];

    fn fit(width: usize) -> String {
        let rows = [vec!["one".into(), "two".into(), "three".into()]];
        let columns = Columns::fit(&COLUMNS, &rows, width, 4);
        format!("{}|{}|{}", columns.heading(&COLUMNS, "REST"), columns.row(&rows[0]), columns.rest)
    }

    #[test]
    fn what_can_be_missed_goes_first() {
        assert_eq!(fit(30), "A    BB   C      REST|one  two  three  |13");
        assert_eq!(fit(21), "A    BB   C      REST|one  two  three  |4");
        assert_eq!(fit(20), "A    C      REST|one  three  |8");
        assert_eq!(fit(15), "A    REST|one  |10");
        assert_eq!(fit(3), "A    REST|one  |0");
    }

    #[test]
    fn texts_are_broken_between_words() {
        assert_eq!(wrap("all is well that ends well", 11), ["all is well", "that ends", "well"]);
        assert_eq!(wrap("incomprehensible", 5), ["incomprehensible"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
