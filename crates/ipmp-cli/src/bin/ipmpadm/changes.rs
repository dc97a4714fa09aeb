//! The verbs that change the configuration.

use ipmp_cli::args::Verb;
use ipmp_control::Client;

pub fn carry_out(_client: &mut Client, _verb: &Verb) -> Result<String, String> {
    Err("not built yet".into())
}
