//! `ipmpstat`: shows what the daemon knows.

use std::process::ExitCode;

use clap::Parser;
use ipmp_cli::names::Names;
use ipmp_cli::program::{self, Daemon};
use ipmp_cli::rows::{self, AddressRow, GroupRow, InterfaceRow, TargetRow};
use ipmp_cli::table::{self, Field, Selection};
use ipmp_control::{Client, Snapshot};

const PROGRAM: &str = "ipmpstat";

/// Show the state of IPMP groups
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, override_usage = "ipmpstat [-n] [-o FIELD[,…] [-P] | --json] -a|-g|-i|-t")]
struct Args {
    /// Data addresses, the members they are bound to and leave by
    #[arg(short)]
    addresses: bool,
    /// Groups
    #[arg(short)]
    groups: bool,
    /// Interfaces, the members of groups
    #[arg(short)]
    interfaces: bool,
    /// Probes as they are answered or lost
    #[arg(short, hide = true)]
    probes: bool,
    /// Probe targets
    #[arg(short)]
    targets: bool,
    /// Show addresses as numbers, not as host names
    #[arg(short)]
    numeric: bool,
    /// Show these fields, or `all`
    #[arg(short = 'o', value_name = "FIELD[,…]")]
    fields: Option<String>,
    /// Parsable: no heading, `:` between fields, `\` before any in a value
    #[arg(short = 'P')]
    parsable: bool,
    /// All fields as JSON, addresses as numbers
    #[arg(long, conflicts_with_all = ["fields", "parsable"])]
    json: bool,
    #[command(flatten)]
    daemon: Daemon,
}

fn main() -> ExitCode {
    let args: Args = match program::parse(PROGRAM) {
        Ok(args) => args,
        Err(code) => return code,
    };
    match output(&args) {
        Ok(text) => program::print(PROGRAM, &text),
        Err(why) => program::fail(PROGRAM, why),
    }
}

/// What to show.
#[derive(Clone, Copy)]
enum Mode {
    Addresses,
    Groups,
    Interfaces,
    Targets,
}

impl Mode {
    fn of(args: &Args) -> Result<Self, String> {
        if args.probes {
            return Err("the output of probes (-p) is not available in this version".into());
        }
        match (args.addresses, args.groups, args.interfaces, args.targets) {
            (true, false, false, false) => Ok(Mode::Addresses),
            (false, true, false, false) => Ok(Mode::Groups),
            (false, false, true, false) => Ok(Mode::Interfaces),
            (false, false, false, true) => Ok(Mode::Targets),
            (false, false, false, false) => {
                Err("one of -a, -g, -i and -t must be given\n\nFor more information, try '--help'.".into())
            }
            _ => Err("only one output format may be specified".into()),
        }
    }

    fn fields(self) -> &'static [Field] {
        match self {
            Mode::Addresses => AddressRow::FIELDS,
            Mode::Groups => GroupRow::FIELDS,
            Mode::Interfaces => InterfaceRow::FIELDS,
            Mode::Targets => TargetRow::FIELDS,
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

fn output(args: &Args) -> Result<String, String> {
    let mode = Mode::of(args)?;
    if args.json {
        return Ok(mode.json(&snapshot(args)?));
    }
    let fields = mode.fields();
    if args.parsable {
        let selection = Selection::parsable(fields, args.fields.as_deref()).map_err(|bad| bad.to_string())?;
        return Ok(table::parsable(&selection, &mode.values(&snapshot(args)?, args.numeric)));
    }
    let (selection, unknown) = Selection::human(fields, args.fields.as_deref()).map_err(|bad| bad.to_string())?;
    for name in unknown {
        program::complain(PROGRAM, format_args!("warning: ignoring unknown output field \"{name}\""));
    }
    let height = terminal_size::terminal_size_of(std::io::stdout()).map(|(_, height)| usize::from(height.0));
    Ok(table::human(fields, &selection, &mode.values(&snapshot(args)?, args.numeric), height))
}

fn snapshot(args: &Args) -> Result<Snapshot, String> {
    Client::connect(&args.daemon.runtime_dir).and_then(|mut client| client.status()).map_err(|error| error.to_string())
}
