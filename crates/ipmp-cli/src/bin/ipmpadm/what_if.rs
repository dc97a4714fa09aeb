//! `ipmpadm what-if`: where everything would go.

use ipmp_control::Client;

pub fn carry_out(_client: &mut Client, _fail: &[String], _json: bool) -> Result<String, String> {
    Err("not built yet".into())
}
