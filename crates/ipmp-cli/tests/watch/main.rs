//! What `ipmpstat --watch` draws, to the letter, on screens of several sizes.

mod scene;
mod svg;

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use ipmp_cli::watch::{Key, Source, View, key};
use ipmp_control::Snapshot;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use scene::{NOW, everything};

fn screen(view: &mut View, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view.draw(frame, NOW)).unwrap();
    terminal.backend().buffer().clone()
}

/// The screen as text; what is beyond the last letter of a line is not shown.
fn text(screen: &Buffer) -> String {
    let symbols: Vec<_> = screen.content().iter().map(|cell| cell.symbol()).collect();
    let width = usize::from(screen.area.width).max(1);
    symbols.chunks(width).map(|line| line.concat().trim_end().to_owned() + "\n").collect()
}

fn shown(view: &mut View, width: u16, height: u16) -> String {
    text(&screen(view, width, height))
}

#[test]
fn everything_is_on_a_large_screen() {
    assert_snapshot!("160x50", shown(&mut scene::view(everything()), 160, 50));
    assert_snapshot!("100x44", shown(&mut scene::view(everything()), 100, 44));
}

#[test]
fn a_small_screen_has_what_matters() {
    assert_snapshot!("80x24", shown(&mut scene::view(everything()), 80, 24));
    assert_snapshot!("50x14", shown(&mut scene::view(everything()), 50, 14));
    assert_snapshot!("30x5", shown(&mut scene::view(everything()), 30, 5));
}

#[test]
fn no_size_is_too_small_or_too_large() {
    let mut view = scene::view(everything());
    for width in (0..12).chain([40, 300, 1000]) {
        for height in (0..12).chain([24, 200]) {
            screen(&mut view, width, height);
        }
    }
}

#[test]
fn what_does_not_fit_scrolls() {
    let mut view = scene::view(everything());
    let line = |view: &mut View, wanted: &str| shown(view, 80, 24).lines().position(|line| line.starts_with(wanted));
    assert!(line(&mut view, "eth0").is_some());
    assert!(line(&mut view, "wlan0").is_none());
    view.key(Key::End);
    assert!(line(&mut view, "eth0").is_none());
    assert!(line(&mut view, "wlan0").is_some());
    view.key(Key::Pages(-1));
    view.key(Key::Lines(-1));
    assert!(line(&mut view, "wlan0").is_none());
    view.key(Key::Home);
    assert!(line(&mut view, "eth0").is_some());
    // Up from the beginning goes nowhere.
    view.key(Key::Lines(-3));
    view.key(Key::Lines(1));
    assert!(line(&mut view, "eth0").is_none());

    // The panel with the focus is there, however small the screen.
    for heading in ["ADDRESS", "AGO", "GROUP", "INTERFACE"] {
        view.key(Key::Next);
        assert!(shown(&mut view, 60, 3).starts_with(heading), "{heading}");
    }
    view.key(Key::Previous);
    assert!(shown(&mut view, 60, 3).starts_with("GROUP"));
}

#[test]
fn while_nothing_is_known_that_is_said() {
    let mut view = View::new("web1");
    assert_snapshot!("waiting", shown(&mut view, 80, 12));
    view.trouble(Source::Status, "cannot contact ipmpd -- is IPMP in use?".to_owned());
    assert!(shown(&mut view, 80, 12).starts_with("web1: cannot contact ipmpd -- is IPMP in use?\n"));
}

#[test]
fn what_was_known_stays_and_is_called_old() {
    let mut view = scene::view(everything());
    view.trouble(Source::Status, "ipmpd has hung up".to_owned());
    let old = shown(&mut view, 100, 44);
    assert!(old.starts_with("web1 1s ago: ipmpd has hung up\nGROUP"), "{old}");
    assert!(old.contains("wlan0"), "{old}");
    view.status(NOW, everything());
    assert!(shown(&mut view, 100, 44).starts_with("web1: groups 2, members 9, usable 6\n"));
    view.trouble(Source::Probes, "no interface is probed".to_owned());
    assert!(shown(&mut view, 100, 44).ends_with("|  no interface is probed\n"));
}

#[test]
fn events_that_are_told_again_are_shown_once() {
    let mut view = scene::view(everything());
    let before = shown(&mut view, 160, 50);
    view.events(scene::events());
    assert_eq!(shown(&mut view, 160, 50), before);
}

#[test]
fn who_reads_old_events_goes_on_to_see_them() {
    let mut view = scene::view(everything());
    view.key(Key::Previous);
    view.key(Key::Previous);
    shown(&mut view, 80, 12);
    view.key(Key::End);
    let last = |view: &mut View| shown(view, 80, 12).lines().rev().nth(1).unwrap().to_owned();
    assert!(last(&mut view).contains("has started"));
    let mut new = scene::events();
    new.events.iter_mut().for_each(|event| event.number += 100);
    view.events(new.clone());
    assert!(last(&mut view).contains("has started"));
    view.key(Key::Home);
    let newest = last(&mut view);
    new.events.iter_mut().for_each(|event| event.message.insert_str(0, "new: "));
    view.events(new);
    assert_ne!(last(&mut view), newest);
}

#[test]
fn what_others_can_name_does_not_reach_the_terminal_as_it_is() {
    let mut snapshot = everything();
    snapshot.groups[0].members[1].reason.text = "\u{1b}[2J\u{7}\u{9b}31m".to_owned();
    let shown = shown(&mut scene::view(snapshot), 100, 44);
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
}

#[test]
fn keys_do_what_one_expects() {
    let plain = |code| key(&KeyEvent::new(code, KeyModifiers::NONE));
    let control = |letter| key(&KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL));
    assert_eq!([plain(KeyCode::Char('q')), plain(KeyCode::Esc), control('c')], [Some(Key::Quit); 3]);
    assert_eq!([plain(KeyCode::Down), plain(KeyCode::Char('j'))], [Some(Key::Lines(1)); 2]);
    assert_eq!([plain(KeyCode::Up), plain(KeyCode::Char('k'))], [Some(Key::Lines(-1)); 2]);
    assert_eq!((control('z'), control('l')), (Some(Key::Suspend), Some(Key::Redraw)));
    assert_eq!((plain(KeyCode::Char('x')), control('x')), (None, None));
    let released = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
    assert_eq!(key(&released), None);
}

/// One group, as it would be after that minute.
fn one_group() -> Snapshot {
    let mut snapshot = everything();
    snapshot.groups.truncate(1);
    snapshot.groups[0].members.retain(|member| ["eth0", "eth1", "eth2"].contains(&member.interface.as_str()));
    snapshot.groups[0].addresses.truncate(4);
    snapshot.groups[0].members[1].since_ms = 18_500;
    let waiting = snapshot.groups[0].members[1].waits_for.as_mut().unwrap();
    waiting.text = waiting.text.replace("of which 3", "of which 6");
    snapshot
}

/// `UPDATE=1 cargo test -p ipmp-cli --test watch` draws the picture anew.
#[test]
fn the_picture_of_the_readme_is_what_is_drawn() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/watch.svg");
    let drawn = svg::picture(&screen(&mut scene::view(one_group()), 100, 22));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, &drawn).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == drawn, "docs/watch.svg is not what is drawn; draw it with UPDATE=1");
}

#[test]
fn the_view_grows_no_more_than_it_may() {
    let mut view = scene::view(everything());
    for number in 0..3000 {
        let mut events = scene::events();
        events.events.iter_mut().for_each(|event| event.number += 10 + number * 5);
        view.events(events);
    }
    view.key(Key::Previous);
    view.key(Key::Previous);
    let shown = shown(&mut view, 300, 100);
    assert!(shown.contains(" of 1000"), "{shown}");
}
