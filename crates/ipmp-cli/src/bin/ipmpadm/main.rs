//! `ipmpadm`: changes what the daemon does, and has it explain itself.

mod changes;
mod check;
mod ifconfig;
mod import;
mod monitor;
mod what_if;

use std::fmt::Display;
use std::process::ExitCode;

use ipmp_cli::args::{Ipmpadm, Verb};
use ipmp_cli::explain::Explanation;
use ipmp_cli::program::{self, Output};
use ipmp_cli::rows;
use ipmp_control::{Client, Error, Refusal};

const PROGRAM: &str = "ipmpadm";

fn main() -> ExitCode {
    program::run(PROGRAM, carry_out)
}

fn carry_out(args: &Ipmpadm) -> Result<Output, String> {
    let connect = || Client::connect(&args.daemon.runtime_dir).map_err(sentence);
    let text = match &args.verb {
        Verb::CreateIpmp { .. }
        | Verb::DeleteIpmp { .. }
        | Verb::AddIpmp { .. }
        | Verb::RemoveIpmp { .. }
        | Verb::CreateAddr { .. }
        | Verb::DeleteAddr { .. }
        | Verb::Set { .. } => changes::carry_out(&mut connect()?, &args.verb),
        Verb::Ifconfig { words } => ifconfig::carry_out(&mut connect()?, words),
        Verb::Import { root } => import::carry_out(root),
        Verb::Check { file, json } => return check::carry_out(&args.daemon, file.as_deref(), *json),
        Verb::WhatIf { fail, json } => what_if::carry_out(&mut connect()?, fail, *json),
        Verb::Monitor { json, after } => monitor::carry_out(connect()?, *json, *after),
        Verb::Confirm => connect()?.confirm().map(|()| String::new()).map_err(sentence),
        Verb::Revert => connect()?.revert().map(|()| String::new()).map_err(sentence),
        Verb::Offline { interface } => connect()?.offline(interface).map(|()| String::new()).map_err(sentence),
        Verb::Online { interface } => connect()?.online(interface).map(|()| String::new()).map_err(sentence),
        Verb::Explain { interface, json } => explain(&mut connect()?, interface, *json).map_err(sentence),
        Verb::Reload => {
            connect()?.reload().map(|()| "The configuration is read and in force.\n".to_owned()).map_err(sentence)
        }
    };
    text.map(Output::from)
}

fn explain(client: &mut Client, interface: &str, json: bool) -> Result<String, Error> {
    let snapshot = client.status()?;
    let unknown = || Error::Refused(Refusal::UnknownInterface { interface: interface.to_owned() });
    let explanation = Explanation::of(&snapshot, interface).ok_or_else(unknown)?;
    Ok(if json { rows::json(&explanation) } else { explanation.to_string() })
}

fn sentence(error: impl Display) -> String {
    error.to_string()
}
