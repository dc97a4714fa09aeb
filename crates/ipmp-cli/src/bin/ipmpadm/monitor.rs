//! `ipmpadm monitor`: a line for each event as it happens, until somebody has seen enough.

use std::convert::Infallible;
use std::io::{self, ErrorKind, Write};

use ipmp_cli::program;
use ipmp_cli::rows::EventRow;
use ipmp_control::Client;

use crate::PROGRAM;

/// Prints events until the reader of standard output leaves, which is no failure, or the daemon does, which is one. An
/// interrupt ends the program between two lines, as each is written at once.
pub fn carry_out(client: Client, json: bool, after: Option<u64>) -> Result<String, String> {
    match follow(client, json, after) {
        Err(End::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(String::new()),
        Err(End::Output(error)) => Err(format!("cannot write: {error}")),
        Err(End::Daemon(error)) => Err(error.to_string()),
    }
}

/// Why there are no more lines.
enum End {
    Output(io::Error),
    Daemon(ipmp_control::Error),
}

fn follow(client: Client, json: bool, after: Option<u64>) -> Result<Infallible, End> {
    let mut watch = client.events(after).map_err(End::Daemon)?;
    loop {
        let told = watch.fetch().map_err(End::Daemon)?;
        if told.missed > 0 {
            program::complain(PROGRAM, format_args!("warning: {} events are not kept any more", told.missed));
        }
        for event in &told.events {
            let row = EventRow(event);
            put(&if json { row.json() } else { row.text() }).map_err(End::Output)?;
        }
    }
}

fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}
