//! `if_mpadm`: takes a member out of service and back, by the name that it has on Solaris.

use std::process::ExitCode;

use ipmp_cli::args::IfMpadm;
use ipmp_cli::program;
use ipmp_control::{Client, Error};

const PROGRAM: &str = "if_mpadm";

fn main() -> ExitCode {
    program::run(PROGRAM, |args| carry_out(args).map(|()| String::new()).map_err(|error| format!("fatal: {error}")))
}

fn carry_out(args: &IfMpadm) -> Result<(), Error> {
    let mut client = Client::connect(&args.daemon.runtime_dir)?;
    match (&args.detach, &args.reattach) {
        (Some(interface), _) => client.offline(interface),
        (None, Some(interface)) => client.online(interface),
        (None, None) => unreachable!("the command line requires one"),
    }
}
