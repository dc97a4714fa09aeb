//! The screen: a line that says how things stand, the panels, and a line that says which keys there are.

use std::time::Duration;

use ipmp_control::MemberState;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;

use super::panel::Text;
use super::panels;
use super::share::share;
use super::{Panel, Source, View};
use crate::words;

const HEAD: Style = Style::new().add_modifier(Modifier::BOLD);
const ALARM: Style = Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD);
const HEADING: Style = Style::new().fg(Color::White).bg(Color::DarkGray);
const FOCUSED: Style = Style::new().fg(Color::Black).bg(Color::Cyan).add_modifier(Modifier::BOLD);
const FOOT: Style = Style::new().fg(Color::DarkGray);

const KEYS: &str = "q quit  Tab next panel  ↑↓ PgUp PgDn Home End scroll";

/// Lines of a screen on which the panels need all there is.
const TINY: u16 = 4;

impl View {
    /// Draws it as it is at this moment, in spans since 1970.
    pub fn draw(&mut self, frame: &mut Frame<'_>, now: Duration) {
        let frills = if frame.area().height > TINY { 1 } else { 0 };
        let areas = Layout::vertical([Constraint::Length(frills), Constraint::Min(0), Constraint::Length(frills)]);
        let [head, middle, foot] = areas.areas(frame.area());
        frame.render_widget(self.head(now), head);
        self.draw_panels(frame, middle, now);
        frame.render_widget(self.foot(), foot);
    }

    fn draw_panels(&mut self, frame: &mut Frame<'_>, area: Rect, now: Duration) {
        let texts = Panel::ALL.map(|panel| panels::text(panel, self, now, usize::from(area.width)));
        let lines = texts.each_ref().map(|text| text.lines.len());
        self.stay(lines, area.width);
        let given = share(usize::from(area.height), lines.map(|lines| lines + 1), self.focus);
        let places = Layout::vertical(given.map(|lines| Constraint::Length(u16::try_from(lines).unwrap_or(u16::MAX))));
        let places: [Rect; 4] = places.areas(area);
        for ((panel, text), place) in Panel::ALL.into_iter().zip(texts).zip(places) {
            self.draw_panel(frame, place, panel, text);
        }
    }

    fn draw_panel(&mut self, frame: &mut Frame<'_>, place: Rect, panel: Panel, text: Text) {
        let (at, total) = (panel as usize, text.lines.len());
        let [heading, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(place);
        let seen = usize::from(rest.height);
        let above = self.above[at].min(total.saturating_sub(seen));
        (self.seen[at], self.above[at]) = (seen, above);

        let style = if panel == self.focus { FOCUSED } else { HEADING };
        frame.render_widget(Line::styled(text.heading, style).style(style), heading);
        if total > seen {
            let part = format!(" {}-{} of {total}", above + 1, above + seen);
            frame.render_widget(Line::styled(part, style).right_aligned(), heading);
        }
        let lines: Vec<_> = text.lines.into_iter().skip(above).take(seen).collect();
        frame.render_widget(ratatui::text::Text::from(lines), rest);
    }

    /// New events come at the beginning; who reads older ones goes on to see them.
    fn stay(&mut self, lines: [usize; 4], width: u16) {
        let events = Panel::Events as usize;
        let (before, as_wide) = (self.drawn.0[events], self.drawn.1 == width);
        if self.above[events] > 0 && as_wide {
            self.above[events] = self.above[events].saturating_add(lines[events].saturating_sub(before));
        }
        self.drawn = (lines, width);
    }

    /// Host, and how its members do; or why that is not known, and how old the rest is.
    fn head(&self, now: Duration) -> Line<'static> {
        let host = &self.host;
        let age = self.told.as_ref().map(|(at, _)| words::span(now.saturating_sub(*at).as_millis() as u64));
        match (&self.trouble[Source::Status as usize], &self.told, age) {
            (Some(why), _, Some(age)) => Line::styled(format!("{host} {age} ago: {why}"), ALARM),
            (Some(why), ..) => Line::styled(format!("{host}: {why}"), ALARM),
            (None, None, _) => Line::styled(format!("{host}: waiting for ipmpd"), HEAD),
            (None, Some((_, snapshot)), _) => {
                let groups = snapshot.groups.iter().filter(|group| !group.is_anonymous());
                let members: Vec<_> = groups.clone().flat_map(|group| &group.members).collect();
                let works = |state| !matches!(state, MemberState::Failed | MemberState::Offline);
                let usable = members.iter().filter(|member| works(member.state)).count();
                let (groups, all) = (groups.count(), members.len());
                Line::styled(format!("{host}: groups {groups}, members {all}, usable {usable}"), HEAD)
            }
        }
    }

    /// The keys, and why there is no history where that is so.
    fn foot(&self) -> Line<'static> {
        match (&self.trouble[Source::Status as usize], &self.trouble[Source::Probes as usize]) {
            (None, Some(why)) => Line::styled(format!("{KEYS}  |  {why}"), FOOT),
            _ => Line::styled(KEYS, FOOT),
        }
    }
}
