//! `if_mpadm`: takes a member out of service and back, by the name that it has on Solaris.

use std::process::ExitCode;

use clap::Parser;
use ipmp_cli::program::{self, Daemon};
use ipmp_control::{Client, Error};

const PROGRAM: &str = "if_mpadm";

/// Take a member of an IPMP group out of service, or back into it
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, override_usage = "if_mpadm -d IF | -r IF")]
struct Args {
    /// Detach: take the member offline; its data addresses move to other members of the group
    #[arg(short, value_name = "IF", conflicts_with = "reattach", required_unless_present = "reattach")]
    detach: Option<String>,
    /// Reattach: take it back online
    #[arg(short, value_name = "IF")]
    reattach: Option<String>,
    #[command(flatten)]
    daemon: Daemon,
}

fn main() -> ExitCode {
    program::run(PROGRAM, |args| carry_out(args).map(|()| String::new()).map_err(|error| format!("fatal: {error}")))
}

fn carry_out(args: &Args) -> Result<(), Error> {
    let mut client = Client::connect(&args.daemon.runtime_dir)?;
    match (&args.detach, &args.reattach) {
        (Some(interface), _) => client.offline(interface),
        (None, Some(interface)) => client.online(interface),
        (None, None) => unreachable!("the command line requires one"),
    }
}
