//! A screen as a picture: each cell as the terminal has it.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// Of a cell, in pixels.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;

/// Around the screen.
const MARGIN: f64 = 10.0;

const BACKGROUND: &str = "#1b1f27";
const FOREGROUND: &str = "#d5d8de";

/// The picture.
pub fn picture(screen: &Buffer) -> String {
    let (columns, lines) = (screen.area.width, screen.area.height);
    let (width, height) = (f64::from(columns) * WIDTH + 2.0 * MARGIN, f64::from(lines) * HEIGHT + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" width=\"{width:.0}\" \
         xml:space=\"preserve\" font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <title>ipmpstat --watch</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for line in 0..lines {
        for (first, run) in runs(screen, line) {
            svg += &drawn(first, line, &run);
        }
    }
    svg + "</svg>\n"
}

/// Cells of a line that look alike, with the column of the first.
fn runs(screen: &Buffer, line: u16) -> Vec<(u16, Vec<&Cell>)> {
    let mut runs: Vec<(u16, Vec<&Cell>)> = Vec::new();
    for column in 0..screen.area.width {
        let cell = &screen[(column, line)];
        match runs.last_mut() {
            Some((_, run)) if run[0].style() == cell.style() => run.push(cell),
            _ => runs.push((column, vec![cell])),
        }
    }
    runs
}

fn drawn(column: u16, line: u16, run: &[&Cell]) -> String {
    let (x, y) = (MARGIN + f64::from(column) * WIDTH, MARGIN + f64::from(line) * HEIGHT);
    let wide = |cells: usize| cells as f64 * WIDTH;
    let mut drawn = String::new();
    if let Some(fill) = colour(run[0].bg) {
        let width = wide(run.len());
        drawn +=
            &format!("<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\" fill=\"{fill}\"/>\n");
    }
    let text: String = run.iter().map(|cell| cell.symbol()).collect();
    let before = text.chars().take_while(|c| *c == ' ').count();
    let text = text.trim();
    if !text.is_empty() {
        let (x, width) = (x + wide(before), wide(text.chars().count()));
        let fill = colour(run[0].fg).unwrap_or(FOREGROUND);
        let weight = if run[0].modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        // The length is told because fonts differ, and columns must not.
        drawn += &format!(
            "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" fill=\"{fill}\"{weight}>{text}</text>\n",
            y + 0.76 * HEIGHT
        );
    }
    drawn
}

/// None for that of the terminal itself.
fn colour(colour: Color) -> Option<&'static str> {
    Some(match colour {
        Color::Reset => return None,
        Color::Black => "#10131a",
        Color::Red => "#f0626b",
        Color::Green => "#7cc36e",
        Color::Yellow => "#e5b94e",
        Color::Cyan => "#5bb8c9",
        Color::White => "#f4f5f7",
        Color::DarkGray => "#5d6470",
        other => panic!("{other} has no colour in pictures"),
    })
}
