//! The terminal as a full screen, and given back as it was: at the end, on errors, on a panic, and while the program
//! is stopped.

use std::io::{self, IsTerminal, Stdout};
use std::panic;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};

/// A terminal that is a full screen for as long as this lives.
pub struct Screen {
    /// To draw on.
    pub terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    ///
    /// Standard output is none, or cannot be used as one.
    pub fn take() -> io::Result<Self> {
        if !io::stdout().is_terminal() {
            return Err(io::Error::other("standard output is none"));
        }
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            leave();
            before(what);
        }));
        let screen = Self { terminal: Terminal::new(CrosstermBackend::new(io::stdout()))? };
        enter()?;
        Ok(screen)
    }

    /// Gives the terminal back until `pause` returns.
    pub fn paused(&mut self, pause: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        leave();
        pause()?;
        enter()?;
        self.clear()
    }

    /// Has the next drawing draw everything. (`Terminal::clear` would ask the terminal where the cursor is, and the
    /// answer would come as if it were typed.)
    pub fn clear(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, Hide)
}

/// As far as there still is a terminal.
fn leave() {
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}
