//! `ipmpadm ifconfig`: the Solaris command.

use ipmp_control::Client;

pub fn carry_out(_client: &mut Client, _words: &[String]) -> Result<String, String> {
    Err("not built yet".into())
}
