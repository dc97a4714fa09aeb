//! `ipmpstat -p`: a line for each probe as it is answered or lost, until somebody has seen enough.

use std::convert::Infallible;
use std::io::{self, ErrorKind, Write};
use std::slice;

use ipmp_cli::names::Names;
use ipmp_cli::program;
use ipmp_cli::rows::ProbeRow;
use ipmp_cli::table::{self, Columns, Selection};
use ipmp_control::Client;

use crate::{Layout, PROGRAM, screen_height, screen_width};

/// Shows probes until the reader of standard output leaves, which is no failure, or the daemon does, which is
/// one. An interrupt ends the program between two lines, as each is written at once.
pub fn show(client: Client, layout: &Layout, numeric: bool) -> Result<(), String> {
    let fitting = Selection::fitting(ProbeRow::FIELDS, screen_width());
    let lines = match layout {
        Layout::Json => Lines::Json,
        Layout::Parsable(selection) => Lines::Parsable(selection),
        Layout::Human(selection) => {
            let selection = selection.as_ref().unwrap_or(&fitting);
            Lines::Human(Columns::new(ProbeRow::FIELDS, selection, screen_height()))
        }
    };
    match follow(client, lines, numeric) {
        Err(End::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(End::Output(error)) => Err(format!("cannot write: {error}")),
        Err(End::Daemon(error)) => Err(error.to_string()),
    }
}

/// Why there are no more lines.
enum End {
    Output(io::Error),
    Daemon(ipmp_control::Error),
}

/// How a probe becomes a line.
enum Lines<'a> {
    Json,
    Parsable(&'a Selection),
    Human(Columns<'a>),
}

fn follow(client: Client, mut lines: Lines<'_>, numeric: bool) -> Result<Infallible, End> {
    let mut watch = client.watch().map_err(End::Daemon)?;
    let mut names = Names::default();
    put(&lines.heading())?;
    loop {
        let told = watch.fetch().map_err(End::Daemon)?;
        if told.missed > 0 {
            program::complain(PROGRAM, format_args!("warning: {} probes came too fast to be shown", told.missed));
        }
        for probe in &told.probes {
            let row = ProbeRow::from(probe);
            if !numeric && !matches!(lines, Lines::Json) {
                names.learn([row.address()]);
            }
            put(&lines.line(&row, &names))?;
        }
    }
}

impl Lines<'_> {
    fn heading(&self) -> String {
        match self {
            Lines::Json | Lines::Parsable(_) => String::new(),
            Lines::Human(columns) => columns.heading(),
        }
    }

    fn line(&mut self, row: &ProbeRow<'_>, names: &Names) -> String {
        match self {
            Lines::Json => row.json(),
            Lines::Parsable(selection) => table::parsable(selection, slice::from_ref(&row.values(names))),
            Lines::Human(columns) => columns.row(&row.values(names)),
        }
    }
}

fn put(text: &str) -> Result<(), End> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(End::Output)
}
