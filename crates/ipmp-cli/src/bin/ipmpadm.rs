//! `ipmpadm`: changes what the daemon does, and has it explain itself.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ipmp_cli::explain::Explanation;
use ipmp_cli::program::{self, Daemon};
use ipmp_cli::rows;
use ipmp_control::{Client, Error, Refusal};

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
    /// Tell what the daemon knows of a member, why it is what it is, and what it waits for
    Explain {
        /// The member
        #[arg(value_name = "IF")]
        interface: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Have the daemon read its configuration again, and report the outcome
    Reload,
}

fn main() -> ExitCode {
    program::run(PROGRAM, carry_out)
}

fn carry_out(args: &Args) -> Result<String, Error> {
    let mut client = Client::connect(&args.daemon.runtime_dir)?;
    match &args.verb {
        Verb::Offline { interface } => client.offline(interface).map(|()| String::new()),
        Verb::Online { interface } => client.online(interface).map(|()| String::new()),
        Verb::Explain { interface, json } => explain(&mut client, interface, *json),
        Verb::Reload => client.reload().map(|()| "The configuration is read and in force.\n".to_owned()),
    }
}

fn explain(client: &mut Client, interface: &str, json: bool) -> Result<String, Error> {
    let snapshot = client.status()?;
    let unknown = || Error::Refused(Refusal::UnknownInterface { interface: interface.to_owned() });
    let explanation = Explanation::of(&snapshot, interface).ok_or_else(unknown)?;
    Ok(if json { rows::json(&explanation) } else { explanation.to_string() })
}
