//! `ipmpadm check`: what is wrong with this host, or with a configuration.

use std::path::Path;

use ipmp_cli::program::Daemon;

pub fn carry_out(_daemon: &Daemon, _file: Option<&Path>, _json: bool) -> Result<String, String> {
    Err("not built yet".into())
}
