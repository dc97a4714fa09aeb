//! A host with two groups: one with a fault, an idle standby and a member without a test address; one that
//! is taken out of service in part, named so that parsing is put to the test.

use ipmp_control::Snapshot;

/// As the daemon says it.
pub const SNAPSHOT: &str = include_str!("snapshot.json");

/// The same, understood.
pub fn snapshot() -> Snapshot {
    serde_json::from_str(SNAPSHOT).unwrap()
}
