//! `ipmpstat`: shows what the daemon knows.

mod probes;
mod screen;
mod sources;
mod watch;

use std::process::ExitCode;

use ipmp_cli::args::Ipmpstat;
use ipmp_cli::names::Names;
use ipmp_cli::program;
use ipmp_cli::rows::{self, AddressRow, GroupRow, InterfaceRow, ProbeRow, TargetRow};
use ipmp_cli::table::{self, Field, SCREEN_WIDTH, Selection};
use ipmp_control::{Client, Error, Snapshot};

const PROGRAM: &str = "ipmpstat";

fn main() -> ExitCode {
    program::run(PROGRAM, carry_out)
}

/// What to show: what becomes of probes, or one moment of something.
enum Output {
    Probes,
    Status(Mode),
}

#[derive(Clone, Copy)]
enum Mode {
    Addresses,
    Groups,
    Interfaces,
    Targets,
}

/// In which shape.
enum Layout {
    Json,
    Parsable(Selection),
    /// With the fields that were asked for; else with those that fit.
    Human(Option<Selection>),
}

fn carry_out(args: &Ipmpstat) -> Result<String, String> {
    if args.watch {
        return watch::show(&args.daemon.runtime_dir, args.numeric).map(|()| String::new());
    }
    let output = Output::of(args)?;
    let fields = match &output {
        Output::Probes => ProbeRow::FIELDS,
        Output::Status(mode) => mode.fields(),
    };
    let layout = Layout::of(args, fields)?;
    let client = Client::connect(&args.daemon.runtime_dir).map_err(|error| error.to_string())?;
    match output {
        Output::Probes => probes::show(client, &layout, args.numeric).map(|()| String::new()),
        Output::Status(mode) => mode.show(client, &layout, args.numeric).map_err(|error| error.to_string()),
    }
}

impl Output {
    fn of(args: &Ipmpstat) -> Result<Self, String> {
        let asked = [
            (args.addresses, Output::Status(Mode::Addresses)),
            (args.groups, Output::Status(Mode::Groups)),
            (args.interfaces, Output::Status(Mode::Interfaces)),
            (args.probes, Output::Probes),
            (args.targets, Output::Status(Mode::Targets)),
        ];
        let mut asked = asked.into_iter().filter_map(|(asked, output)| asked.then_some(output));
        match (asked.next(), asked.next()) {
            (Some(output), None) => Ok(output),
            (None, _) => {
                Err("one of -a, -g, -i, -p, -t and --watch must be given\n\nFor more information, try '--help'.".into())
            }
            (Some(_), Some(_)) => Err("only one output format may be specified".into()),
        }
    }
}

impl Layout {
    fn of(args: &Ipmpstat, fields: &[Field]) -> Result<Self, String> {
        if args.json {
            return Ok(Layout::Json);
        }
        let list = args.fields.as_deref();
        if args.parsable {
            return Selection::parsable(fields, list).map(Layout::Parsable).map_err(|bad| bad.to_string());
        }
        let Some(list) = list else { return Ok(Layout::Human(None)) };
        let (selection, unknown) = Selection::human(fields, list).map_err(|bad| bad.to_string())?;
        for name in unknown {
            program::complain(PROGRAM, format_args!("warning: ignoring unknown output field \"{name}\""));
        }
        Ok(Layout::Human(Some(selection)))
    }
}

impl Mode {
    fn show(self, mut client: Client, layout: &Layout, numeric: bool) -> Result<String, Error> {
        let snapshot = client.status()?;
        Ok(match layout {
            Layout::Json => self.json(&snapshot),
            Layout::Parsable(selection) => table::parsable(selection, &self.values(&snapshot, numeric)),
            Layout::Human(selection) => {
                let selection = selection.clone().unwrap_or_else(|| self.selection(&snapshot));
                table::human(self.fields(), &selection, &self.values(&snapshot, numeric), screen_height())
            }
        })
    }

    fn fields(self) -> &'static [Field] {
        match self {
            Mode::Addresses => AddressRow::FIELDS,
            Mode::Groups => GroupRow::FIELDS,
            Mode::Interfaces => InterfaceRow::FIELDS,
            Mode::Targets => TargetRow::FIELDS,
        }
    }

    /// What fits the screen; and all of the data addresses, where it is not as it should be with one of them.
    fn selection(self, snapshot: &Snapshot) -> Selection {
        match self {
            Mode::Addresses if !AddressRow::all(snapshot).iter().all(AddressRow::is_ours) => {
                Selection::all(self.fields())
            }
            _ => Selection::fitting(self.fields(), screen_width()),
        }
    }

    fn values(self, snapshot: &Snapshot, numeric: bool) -> Vec<Vec<String>> {
        match self {
            Mode::Addresses => {
                let rows = AddressRow::all(snapshot);
                let names =
                    if numeric { Names::default() } else { Names::of(rows.iter().flat_map(AddressRow::addresses)) };
                rows.iter().map(|row| row.values(&names)).collect()
            }
            Mode::Groups => GroupRow::all(snapshot).iter().map(GroupRow::values).collect(),
            Mode::Interfaces => InterfaceRow::all(snapshot).iter().map(InterfaceRow::values).collect(),
            Mode::Targets => {
                let rows = TargetRow::all(snapshot);
                let names =
                    if numeric { Names::default() } else { Names::of(rows.iter().flat_map(TargetRow::addresses)) };
                rows.iter().map(|row| row.values(&names)).collect()
            }
        }
    }

    fn json(self, snapshot: &Snapshot) -> String {
        match self {
            Mode::Addresses => rows::json(&AddressRow::all(snapshot)),
            Mode::Groups => rows::json(&GroupRow::all(snapshot)),
            Mode::Interfaces => rows::json(&InterfaceRow::all(snapshot)),
            Mode::Targets => rows::json(&TargetRow::all(snapshot)),
        }
    }
}

/// Columns of the terminal, if it is one that has more than the least.
fn screen_width() -> usize {
    let width = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    width.unwrap_or_default().max(SCREEN_WIDTH)
}

/// Lines of the terminal, if it is one.
fn screen_height() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(_, height)| usize::from(height.0))
}
