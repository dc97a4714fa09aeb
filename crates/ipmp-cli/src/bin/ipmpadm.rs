//! `ipmpadm`: changes what the daemon does.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ipmp_cli::program::{self, Daemon};
use ipmp_control::{Client, Error};

const PROGRAM: &str = "ipmpadm";

/// Administer IPMP groups
#[derive(Parser, Debug)]
#[command(name = PROGRAM, version, arg_required_else_help = false)]
struct Args {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    daemon: Daemon,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Take a member out of service; its data addresses move to other members of the group
    Offline {
        /// The member
        #[arg(value_name = "IF")]
        interface: String,
    },
    /// Take a member back into service
    Online {
        /// The member
        #[arg(value_name = "IF")]
        interface: String,
    },
    /// Have the daemon read its configuration again, and report the outcome
    Reload,
}

fn main() -> ExitCode {
    let args: Args = match program::parse(PROGRAM) {
        Ok(args) => args,
        Err(code) => return code,
    };
    match carry_out(&args) {
        Ok(said) => program::print(PROGRAM, said),
        Err(error) => program::fail(PROGRAM, error),
    }
}

fn carry_out(args: &Args) -> Result<&'static str, Error> {
    let mut client = Client::connect(&args.daemon.runtime_dir)?;
    match &args.verb {
        Verb::Offline { interface } => client.offline(interface).map(|()| ""),
        Verb::Online { interface } => client.online(interface).map(|()| ""),
        Verb::Reload => client.reload().map(|()| "The configuration is read and in force.\n"),
    }
}
