//! What was typed.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use ipmp_core::notice::Level;

use crate::log::Format;

const DEMO_HELP: &str = "\
Builds a private network (a host with two NICs, a switch, a router, two clients), runs the daemon on
the host, and while packets flow pulls a cable, kills a path silently and takes a member offline.
Each is repaired. Prints what the daemon says, and how many packets were lost for how long.

Takes less than 30 seconds. Runs as root, and as an ordinary user where user namespaces are allowed.
Nothing outside is touched, and nothing is left behind. The exit code is 0 if all went as it should.";

const AFTER_HELP: &str = "\
Runs in the foreground. SIGHUP reads the configuration again; SIGTERM ends the daemon and leaves
addresses, routes and traffic as they are.";

/// IP network multipathing: keeps the addresses of this host when a NIC, cable, port or path dies
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, after_help = AFTER_HELP)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct Args {
    /// The configuration; conf.d/*.toml beside it is read too
    #[arg(long, value_name = "FILE", default_value = "/etc/ipmpd/ipmpd.toml")]
    pub config: PathBuf,

    /// Only check the configuration: exit 0 if it can be used, 1 if not; touches nothing
    #[arg(long)]
    pub check: bool,

    /// Where the control socket is, and what outlives a restart
    #[arg(long, value_name = "DIR", env = ipmp_control::RUNTIME_DIR_VARIABLE, hide_env_values = true,
          default_value = ipmp_control::DEFAULT_RUNTIME_DIR)]
    pub runtime_dir: PathBuf,

    /// How to log; auto is the journal where stderr is the journal, else text
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Auto)]
    pub log_format: Format,

    /// The least grave level to log: critical, error, warning, notice, info, debug
    #[arg(long, value_name = "LEVEL", default_value_t = Level::Info)]
    pub log_level: Level,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do instead of being the daemon.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show in a private network how traffic survives; touches nothing else, leaves nothing behind
    #[command(after_help = DEMO_HELP)]
    Demo,
}

#[cfg(test)]
mod manual;
