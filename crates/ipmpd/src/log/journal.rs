//! The journal's native protocol (systemd, "Native Journal Protocol"): a datagram an entry, each field its
//! name, a newline, the length of the value in 64 bits, the value, a newline.

use std::io;
use std::os::linux::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use super::line::Line;

/// Where journald listens.
pub const SOCKET: &str = "/run/systemd/journal/socket";

/// Whether stderr is connected to the journal: `JOURNAL_STREAM` names its device and inode (systemd.exec(5)).
pub fn is_stderr() -> bool {
    let named = std::env::var("JOURNAL_STREAM").ok().and_then(|stream| {
        let (device, inode) = stream.split_once(':')?;
        Some((device.parse::<u64>().ok()?, inode.parse::<u64>().ok()?))
    });
    let stderr = std::fs::metadata("/proc/self/fd/2").ok().map(|file| (file.st_dev(), file.st_ino()));
    named.is_some() && named == stderr
}

/// A way to the journal.
pub struct Journal {
    socket: UnixDatagram,
    path: std::path::PathBuf,
}

impl Journal {
    /// Fails where nobody listens.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        // An empty entry is discarded by journald.
        socket.send_to(&[], &path)?;
        Ok(Self { socket, path: path.as_ref().to_owned() })
    }

    /// Not connected for good: journald may be restarted.
    pub fn send(&self, line: &Line) -> io::Result<()> {
        self.socket.send_to(&entry(line), &self.path).map(drop)
    }
}

fn entry(line: &Line) -> Vec<u8> {
    let mut entry = Vec::with_capacity(512);
    put(&mut entry, "MESSAGE", &line.message());
    put(&mut entry, "PRIORITY", &line.level().priority().to_string());
    put(&mut entry, "SYSLOG_IDENTIFIER", "ipmpd");
    // 3 is "daemon" (RFC 5424, section 6.2.1).
    put(&mut entry, "SYSLOG_FACILITY", "3");
    if let Some(id) = line.id() {
        put(&mut entry, "MESSAGE_ID", id);
    }
    put(&mut entry, "IPMP_EVENT", line.event());
    for (name, value) in line.fields() {
        put(&mut entry, &format!("IPMP_{}", name.to_ascii_uppercase()), &value);
    }
    entry
}

fn put(entry: &mut Vec<u8>, name: &str, value: &str) {
    entry.extend_from_slice(name.as_bytes());
    entry.push(b'\n');
    entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    entry.extend_from_slice(value.as_bytes());
    entry.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ipmp_core::Notice;
    use ipmp_core::notice::Reason;

    use super::*;

    /// What journald would read.
    fn decode(mut entry: &[u8]) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        while !entry.is_empty() {
            let name_end = entry.iter().position(|&b| b == b'\n').unwrap();
            let (name, rest) = (&entry[..name_end], &entry[name_end + 1..]);
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            let value = &rest[8..8 + length];
            assert_eq!(rest[8 + length], b'\n');
            fields.insert(String::from_utf8(name.into()).unwrap(), String::from_utf8(value.into()).unwrap());
            entry = &rest[9 + length..];
        }
        fields
    }

    #[test]
    fn an_entry_has_id_priority_and_fields_in_capitals() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let journald = UnixDatagram::bind(&path).unwrap();
        let journal = Journal::open(&path).unwrap();
        let notice = Notice::GroupFailed {
            group: "acctg".parse().unwrap(),
            interface: "eth0".parse().unwrap(),
            reason: Reason::NoCarrier,
        };
        journal.send(&Line::from(notice.clone())).unwrap();
        let mut buffer = [0; 4096];
        assert_eq!(journald.recv(&mut buffer).unwrap(), 0, "the greeting");
        let length = journald.recv(&mut buffer).unwrap();
        let fields = decode(&buffer[..length]);
        assert_eq!(fields["MESSAGE"], "All IP interfaces in group acctg are now unusable: no carrier");
        assert_eq!(fields["PRIORITY"], "2");
        assert_eq!(fields["MESSAGE_ID"], notice.message_id());
        assert_eq!(fields["IPMP_EVENT"], "group_failed");
        assert_eq!(fields["IPMP_GROUP"], "acctg");
        assert_eq!(fields["IPMP_INTERFACE"], "eth0");
        assert_eq!(fields["IPMP_REASON"], "no carrier");
    }

    #[test]
    fn nobody_there_is_an_error() {
        assert!(Journal::open(tempfile::tempdir().unwrap().path().join("socket")).is_err());
    }
}
