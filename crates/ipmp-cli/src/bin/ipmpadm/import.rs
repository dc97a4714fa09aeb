//! `ipmpadm import`: the configuration of Solaris.

use std::path::Path;

use ipmp_cli::program;
use ipmp_config::solaris;

use crate::PROGRAM;

pub fn carry_out(root: &Path) -> Result<String, String> {
    let imported = solaris::import(root)?;
    for warning in imported.warnings {
        program::complain(PROGRAM, format_args!("warning: {warning}"));
    }
    Ok(imported.text)
}
