//! What was typed.

use std::path::PathBuf;

use clap::Parser;
use ipmp_core::notice::Level;

use crate::log::Format;

const AFTER_HELP: &str = "\
Runs in the foreground. SIGHUP reads the configuration again; SIGTERM ends the daemon and leaves
addresses, routes and traffic as they are.";

/// IP network multipathing: keeps the addresses of this host when a NIC, cable, port or path dies
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, after_help = AFTER_HELP)]
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
}
