//! The command line of `ipmpstat`.

use clap::Parser;

use crate::program::Daemon;

/// Show the state of IPMP groups
#[derive(Parser, Debug)]
#[command(
    name = "ipmpstat",
    version,
    override_usage = "ipmpstat [-n] [-o FIELD[,…] [-P] | --json] -a|-g|-i|-p|-t\n       ipmpstat [-n] --watch"
)]
pub struct Ipmpstat {
    /// Data addresses, the members they are bound to and leave by
    #[arg(short)]
    pub addresses: bool,
    /// Groups
    #[arg(short)]
    pub groups: bool,
    /// Interfaces, the members of groups
    #[arg(short)]
    pub interfaces: bool,
    /// Probes as they are answered or lost, until interrupted
    #[arg(short)]
    pub probes: bool,
    /// Probe targets, and what is sent to them
    #[arg(short)]
    pub targets: bool,
    /// Show addresses as numbers, not as host names
    #[arg(short)]
    pub numeric: bool,
    /// Show these fields, or `all`; else those that fit the screen
    #[arg(short = 'o', value_name = "FIELD[,…]")]
    pub fields: Option<String>,
    /// Parsable: no heading, `:` between fields, `\` before any in a value
    #[arg(short = 'P')]
    pub parsable: bool,
    /// All fields as JSON, addresses as numbers; of probes an object a line
    #[arg(long, conflicts_with_all = ["fields", "parsable"])]
    pub json: bool,
    /// A live view of everything on the full screen
    #[arg(long, conflicts_with_all = ["addresses", "groups", "interfaces", "probes", "targets", "fields", "parsable", "json"])]
    pub watch: bool,
    /// Where the daemon is
    #[command(flatten)]
    pub daemon: Daemon,
}
