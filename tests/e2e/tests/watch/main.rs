//! `ipmpstat --watch` in a real terminal, with a real daemon: it shows what happens, and gives the terminal back.

mod terminal;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use ipmp_e2e::{PATIENCE, Site, Story, binary};
use ipmp_lab::{Result, wait_until};
use nix::sys::signal::Signal;

use terminal::Terminal;

ipmp_e2e::in_two_cases!(what_happens_is_on_the_screen);
ipmp_e2e::in_cases!(a_daemon_may_come_and_go: ipv4);
ipmp_e2e::in_cases!(the_terminal_is_given_back: ipv4);
ipmp_e2e::in_cases!(a_view_that_sleeps_holds_nothing_up_and_catches_up: dual_bare);

const WIDE: u16 = 110;

fn view(site: &Site) -> Command {
    let mut command = site.daemon.client(binary("ipmpstat"));
    command.args(["--watch", "-n"]);
    command
}

fn begin(site: &Site) -> Terminal {
    Terminal::start(view(site), 40, WIDE)
}

fn what_happens_is_on_the_screen(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let mut terminal = begin(&site);
    for line in [["ipmp0", "acctg"], ["eth0", "ok"], ["eth1", "ok"], ["INTERFACE", "RTT"]] {
        terminal.wait_line(line[0], line[1]);
    }
    for family in site.families {
        terminal.wait_line(&family.data_address(0).to_string(), "up");
    }
    // Probes of both members, and what happened before anybody watched.
    for member in ["eth0", "eth1"] {
        let is_bar = |c: char| ('▁'..='█').contains(&c);
        let drawn = |line: &str| line.starts_with(member) && line.contains(is_bar);
        terminal.wait("round trips", |screen| screen.contents().lines().any(drawn));
    }
    terminal.wait("the beginning", |screen| screen.contents().contains("ipmpd is ready"));

    let mark = site.daemon.mark();
    site.network.members[0].set_carrier(false)?;
    site.wait_event(mark, "interface_failed", "eth0")?;
    terminal.wait_line("eth0", "failed");
    terminal.wait_line("    no carrier", "");
    terminal.wait_line("ipmp0", "eth1 [eth0]");
    terminal.wait("the event", |screen| {
        screen.contents().contains("IP interface failure detected on eth0 of group acctg: no carrier")
    });
    site.network.members[0].set_carrier(true)?;
    site.wait_event(mark, "interface_repaired", "eth0")?;
    terminal.wait_line("eth0", "ok");

    resizing(&mut terminal);
    terminal.press("q");
    assert_eq!(terminal.wait_end().code(), Some(0));
    Ok(())
}

/// A small screen has less, and nothing that is cut in two or left behind.
fn resizing(terminal: &mut Terminal) {
    for (lines, columns) in [(12, 60), (5, 30), (50, 200), (24, 80)] {
        terminal.resize(lines, columns);
        terminal.wait("the keys on the last line", |screen| {
            let rows: Vec<_> = screen.rows(0, columns).collect();
            let headings = rows.iter().filter(|row| row.starts_with("INTERFACE")).count();
            rows.last().is_some_and(|row| row.starts_with("q quit")) && headings == 1
        });
    }
}

fn a_daemon_may_come_and_go(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let mut terminal = begin(&site);
    terminal.wait_line("eth0", "ok");
    site.daemon.stop(PATIENCE)?;
    // What was known stays.
    terminal.wait("the absence to be told", |screen| {
        let text = screen.contents();
        let head = text.lines().next().unwrap_or_default();
        head.contains("s ago: cannot contact ipmpd") && text.contains("\neth0 ")
    });
    let mut late = begin(&site);
    late.wait("the absence to be told", |screen| screen.contents().contains("cannot contact ipmpd"));

    site.daemon.start_ready(PATIENCE)?;
    for terminal in [&mut terminal, &mut late] {
        terminal.wait("all to be well", |screen| screen.contents().contains("members 2, usable 2"));
        terminal.wait("the new events", |screen| screen.contents().contains("ipmpd is ready"));
    }
    // The old ones are still there.
    terminal.wait("the old events", |screen| screen.contents().matches("ipmpd is ready").count() == 2);

    // It leaves nothing with the daemon, however it ends.
    late.hang_up();
    terminal.signal(Signal::SIGKILL);
    terminal.wait_end();
    let alone = connections(&site);
    let mut again = begin(&site);
    again.wait("all to be well", |screen| screen.contents().contains("members 2, usable 2"));
    wait_until(PATIENCE, "three connections", || Ok(connections(&site) == alone + 3))?;
    again.signal(Signal::SIGKILL);
    again.wait_end();
    wait_until(PATIENCE, "no connection to be left", || Ok(connections(&site) == alone))
}

fn a_view_that_sleeps_holds_nothing_up_and_catches_up(story: Story) -> Result<()> {
    let story = Story { detection: Duration::from_millis(50), ..story };
    let mut site = story.begin()?;
    let mut terminal = begin(&site);
    terminal.wait_line("eth0", "ok");
    terminal.signal(Signal::SIGSTOP);
    wait_until(PATIENCE, "it to stop", || Ok(terminal.is_stopped()))?;
    let mark = site.daemon.mark();
    for member in [0, 1] {
        let name = format!("eth{member}");
        site.network.members[member].silence()?;
        site.wait_event(mark, "interface_failed", &name)?;
        site.network.members[member].mend()?;
        site.wait_event(mark, "interface_repaired", &name)?;
    }
    terminal.signal(Signal::SIGCONT);
    for member in ["eth0", "eth1"] {
        let sentence = format!("IP interface repair detected on {member}");
        terminal.wait("what it has slept through", |screen| screen.contents().contains(&sentence));
    }
    terminal.wait_line("eth0", "ok");
    terminal.press("q");
    assert_eq!(terminal.wait_end().code(), Some(0));
    Ok(())
}

/// How much the daemon has open.
fn connections(site: &Site) -> usize {
    let pid = site.daemon.pid().expect("it runs");
    fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").count()
}

/// What ends it, or has it wait.
enum Deed {
    Key(&'static str),
    Signal(Signal),
}

fn the_terminal_is_given_back(story: Story) -> Result<()> {
    let site = story.begin()?;
    for (deed, code, signal) in [
        (Deed::Key("q"), Some(0), None),
        (Deed::Key("\u{1b}"), Some(0), None),
        (Deed::Key("\u{3}"), Some(0), None),
        (Deed::Signal(Signal::SIGTERM), None, Some(Signal::SIGTERM)),
        (Deed::Signal(Signal::SIGINT), None, Some(Signal::SIGINT)),
        (Deed::Signal(Signal::SIGHUP), None, Some(Signal::SIGHUP)),
    ] {
        let mut terminal = Terminal::start(Command::new("true"), 24, 80);
        terminal.wait_end();
        let before = terminal.modes();

        let mut terminal = Terminal::start(view(&site), 24, 80);
        terminal.wait_line("eth0", "ok");
        assert!(terminal.screen().alternate_screen() && terminal.screen().hide_cursor());
        assert_ne!(terminal.modes(), before);
        match deed {
            Deed::Key(key) => terminal.press(key),
            Deed::Signal(signal) => terminal.signal(signal),
        }
        let ended = terminal.wait_end();
        assert_eq!((ended.code(), ended.signal()), (code, signal.map(|signal| signal as i32)));
        assert_given_back(&terminal, &before);
    }
    stopped_and_continued(&site)?;

    let mut terminal = begin(&site);
    terminal.wait_line("eth0", "ok");
    let ended = terminal.hang_up();
    assert!(!ended.success(), "{ended}");
    Ok(())
}

/// As by ^Z and `fg`, twice.
fn stopped_and_continued(site: &Site) -> Result<()> {
    let mut terminal = begin(site);
    terminal.wait_line("eth0", "ok");
    for by_key in [true, false] {
        if by_key {
            terminal.press("\u{1a}");
        } else {
            terminal.signal(Signal::SIGTSTP);
        }
        terminal.wait("the screen to be given back", |screen| !screen.alternate_screen() && !screen.hide_cursor());
        wait_until(PATIENCE, "it to stop", || Ok(terminal.is_stopped()))?;
        terminal.signal(Signal::SIGCONT);
        terminal.wait("the screen to be taken again", |screen| {
            screen.alternate_screen() && screen.contents().contains("\neth0 ")
        });
    }
    terminal.press("q");
    assert_eq!(terminal.wait_end().code(), Some(0));
    Ok(())
}

fn assert_given_back(terminal: &Terminal, before: &terminal::Modes) {
    assert!(!terminal.screen().alternate_screen(), "the other screen is back");
    assert!(!terminal.screen().hide_cursor(), "the cursor is back");
    assert_eq!(&terminal.modes(), before);
}
