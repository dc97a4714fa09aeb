//! `ipmpadm what-if`: where everything would go.

use ipmp_cli::{rows, what_if};
use ipmp_control::Client;

use crate::sentence;

pub fn carry_out(client: &mut Client, fail: &[String], json: bool) -> Result<String, String> {
    let now = client.status().map_err(sentence)?;
    let then = client.what_if(fail).map_err(sentence)?;
    Ok(if json { rows::json(&then) } else { what_if::text(&now, &then) })
}
