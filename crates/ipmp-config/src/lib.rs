//! Configuration: TOML as people write it → a checked [`ipmp_core::Config`], with everything that is
//! wrong in it found in one run.
//!
//! It knows the files, their syntax and every rule that can be told from them alone, and how to change them
//! as an administrator would. It does not know this host: whether an interface exists or a target answers is
//! not its business, and it reads and writes nothing but the files.
//!
//! ```text
//!  FILE, conf.d/*.toml → source → syntax → written (with places) → rules → checked → Config
//!           ↑ ↓             \________\__________\________________/
//!        documents                         Findings
//!           ↑
//!         edit
//! ```

mod checked;
mod documents;
mod edit;
mod finding;
mod keys;
mod reader;
mod render;
mod report;
mod rules;
mod settings;
pub mod solaris;
mod source;
mod suggest;
mod syntax;
mod value;
mod written;

use std::path::Path;

use ipmp_core::Config;

pub use documents::Documents;
pub use edit::Edit;
pub use finding::{Finding, Findings, Position, Severity};
pub use value::FAILURE_DETECTION_TIME_MAX;

use report::Report;
use source::{Source, Sources};

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What is configured.
    pub config: Config,
    /// Warnings; no errors.
    pub findings: Findings,
    /// `admin-group`: the system group whose members may change things, beside root and the daemon's user.
    pub admin_group: Option<String>,
}

/// Reads the main file `path` and `conf.d/*.toml` beside it.
///
/// # Errors
///
/// Everything that was found, if there is an error among it: a configuration is taken whole or not at all.
pub fn load(path: &Path) -> Result<Loaded, Findings> {
    Documents::read(path)?.check()
}

/// Checks a main file that is at hand already. `file_name` only names it in the findings.
///
/// # Errors
///
/// As [`load`].
pub fn check_text(file_name: &str, text: &[u8]) -> Result<Loaded, Findings> {
    let mut report = Report::default();
    let main = Source::decode(Path::new(file_name), text, &mut report);
    check(&Sources { main: Some(main), conf_d: Vec::new() }, report)
}

fn check(sources: &Sources, mut report: Report) -> Result<Loaded, Findings> {
    let written = written::read(sources, &mut report);
    rules::check(&written, &mut report);
    let refused = report.errors() > 0;
    let findings = report.into_findings();
    if refused { Err(findings) } else { Ok(checked::loaded(written, findings)) }
}
