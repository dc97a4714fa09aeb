//! How the demo looks: plain text of eighty columns, with a little colour on a terminal.
//!
//! Whether there is colour is decided as by every other program: not in a pipe, not with `NO_COLOR`.

use std::io::{self, Stdout, Write};
use std::time::{Duration, SystemTime};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use ipmp_lab::{LogLine, Report};

use super::site::{CONFIG, Measured};

/// What there is to be seen.
const OPENING: &str = "\
ipmpd demo: a host keeps its addresses when a cable, a port or a path dies

               +--------+
    host  eth0-|        |- router -------- remote 198.51.100.7
          eth1-| switch |  192.0.2.1
               |        |- client
               +--------+  192.0.2.7

Two flows of 1000 packets a second each. A packet has arrived when it is back:
  inbound   the client asks 192.0.2.50, the host answers
  outbound  the host asks the remote client from 192.0.2.51 by the router

The host is configured by this file. With a failure detection time of 1 s each
member probes the router twice a second, by ARP: no address of its own is
needed. Twenty more probes confirm a loss: if none is answered the member has
failed. Ten replies in a row repair it.

";

const COLUMNS: usize = 80;

/// Where the text of the timeline begins.
const INDENT: usize = 9;

/// A pause of the sender that a reader of the table should know of.
const STALL_WORTH_TELLING: Duration = Duration::from_millis(20);

const HEADING: Style = Style::new().bold();
const DEED: Style = AnsiColor::Cyan.on_default().bold();
const RESULT: Style = Style::new().bold();
const ASIDE: Style = Style::new().dimmed();
const GRAVE: Style = AnsiColor::Red.on_default();
const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
const GOOD: Style = AnsiColor::Green.on_default();

/// Standard output, and since when the time is counted.
pub struct Screen {
    out: AutoStream<Stdout>,
    start: SystemTime,
}

impl Screen {
    /// The time counts from here.
    pub fn new() -> Self {
        Self { out: AutoStream::auto(io::stdout()), start: SystemTime::now() }
    }

    /// What there is to be seen, and how the host is configured.
    pub fn opening(&mut self) -> io::Result<()> {
        self.text(OPENING)?;
        CONFIG.lines().try_for_each(|line| writeln!(self.out, "{}", format!("  {line}").trim_end()))
    }

    /// Text as it is.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        write!(self.out, "{text}")
    }

    /// What comes next.
    pub fn heading(&mut self, title: &str) -> io::Result<()> {
        writeln!(self.out, "\n{HEADING}{title}{HEADING:#}")
    }

    /// Something that is done.
    pub fn deed(&mut self, at: SystemTime, sentence: &str) -> io::Result<()> {
        self.entry(at, DEED, "", sentence)
    }

    /// What the daemon says, if an administrator would want to know.
    pub fn logged(&mut self, line: &LogLine) -> io::Result<()> {
        let style = match line.field("level") {
            Some("critical" | "error") => GRAVE,
            Some("warning") => DOUBTFUL,
            Some("info" | "debug") => return Ok(()),
            _ if line.notification().is_some() => return Ok(()),
            _ if matches!(line.event(), Some("interface_repaired" | "online")) => GOOD,
            _ => Style::new(),
        };
        let sentence = match (line.field("message"), line.field("reason")) {
            (Some(message), Some(reason)) => format!("{message}: {reason}"),
            (Some(message), None) => message.to_owned(),
            // Not a line of the log: the last words of a daemon that could not start.
            (None, _) => line.to_string(),
        };
        self.entry(line.at(), style, "  ipmpd: ", &sentence)
    }

    /// What a command printed.
    pub fn shown(&mut self, command: &str, output: &str) -> io::Result<()> {
        writeln!(self.out, "{:INDENT$}{ASIDE}$ {command}{ASIDE:#}", "")?;
        output.lines().try_for_each(|line| writeln!(self.out, "{:INDENT$}{}", "", line.trim_end()))
    }

    /// What became of the packets of both flows, in a line.
    pub fn measured(&mut self, measured: &Measured) -> io::Result<()> {
        let flows = [&measured.inbound, &measured.outbound];
        let sum = |count: fn(&Report) -> u64| flows.into_iter().map(count).sum::<u64>();
        let (sent, lost) = (sum(|flow| flow.sent), sum(|flow| flow.lost));
        let gap = millis(flows.into_iter().map(|flow| flow.longest_gap).max().unwrap_or_default());
        writeln!(self.out, "{:INDENT$}{RESULT}{sent} packets sent, {lost} lost, longest gap {gap}{RESULT:#}", "")
    }

    /// What became of the packets, for each deed and direction.
    pub fn table(&mut self, rows: &[(String, Measured)]) -> io::Result<()> {
        self.heading(&format!("{:26}{:>24}{:>27}", "All packets", "inbound", "outbound"))?;
        let columns = format!("{:>7}{:>7}{:>13}", "sent", "lost", "longest gap");
        writeln!(self.out, "{ASIDE}{:25}{columns}{columns}{ASIDE:#}", "")?;
        for (deed, Measured { inbound, outbound }) in rows {
            writeln!(self.out, "{deed:25}{}{}", columns_of(inbound), columns_of(outbound))?;
        }
        let stall = rows.iter().flat_map(|(_, both)| [both.inbound.longest_stall, both.outbound.longest_stall]).max();
        writeln!(self.out, "\nPackets are 1 ms apart: a gap of 1 ms is none.")?;
        match stall {
            Some(stall) if stall >= STALL_WORTH_TELLING => {
                let stall = millis(stall);
                writeln!(self.out, "This machine was busy and kept the senders waiting for up to {stall}:")?;
                writeln!(self.out, "take shorter gaps for its own.")
            }
            _ => Ok(()),
        }
    }

    /// A line of the timeline, with further ones below its text if it is long.
    fn entry(&mut self, at: SystemTime, style: Style, who: &str, sentence: &str) -> io::Result<()> {
        let seconds = at.duration_since(self.start).unwrap_or_default().as_secs_f64();
        let indent = INDENT + who.len();
        for (number, line) in wrap(sentence, COLUMNS - indent).iter().enumerate() {
            let margin = if number == 0 { format!("{seconds:7.3}  {who}") } else { " ".repeat(indent) };
            writeln!(self.out, "{ASIDE}{margin}{ASIDE:#}{style}{line}{style:#}")?;
        }
        Ok(())
    }
}

/// The three columns of a flow.
fn columns_of(flow: &Report) -> String {
    format!("{:>7}{:>7}{:>13}", flow.sent, flow.lost, millis(flow.longest_gap))
}

fn millis(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1e3)
}

/// Breaks at spaces; a word that is too long for a line gets one of its own.
fn wrap(sentence: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in sentence.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_lose_no_word() {
        assert_eq!(wrap("a path that dies silently", 11), ["a path that", "dies", "silently"]);
        assert_eq!(wrap("a 192.0.2.50-and-more b", 5), ["a", "192.0.2.50-and-more", "b"]);
        assert_eq!(wrap("", 5), [""; 0]);
    }

    #[test]
    fn what_is_fixed_fits_the_screen() {
        let lines = OPENING.lines().chain(CONFIG.lines());
        assert_eq!(lines.filter(|line| line.chars().count() + 2 > COLUMNS).collect::<Vec<_>>(), [""; 0]);
    }
}
