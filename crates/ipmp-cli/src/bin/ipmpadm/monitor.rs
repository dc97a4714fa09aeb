//! `ipmpadm monitor`: events as they happen.

use ipmp_control::Client;

pub fn carry_out(_client: Client, _json: bool, _after: Option<u64>) -> Result<String, String> {
    Err("not built yet".into())
}
