//! The command line of `if_mpadm`.

use clap::Parser;

use crate::program::Daemon;

/// Take a member of an IPMP group out of service, or back into it
#[derive(Parser, Debug)]
#[command(name = "if_mpadm", version, override_usage = "if_mpadm -d IF | -r IF")]
pub struct IfMpadm {
    /// Detach: take the member offline; its data addresses move to other members of the group
    #[arg(short, value_name = "IF", conflicts_with = "reattach", required_unless_present = "reattach")]
    pub detach: Option<String>,
    /// Reattach: take it back online
    #[arg(short, value_name = "IF")]
    pub reattach: Option<String>,
    /// Where the daemon is
    #[command(flatten)]
    pub daemon: Daemon,
}
