//! The thread that makes dumps: one at a time, at a bounded rate.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use ipmp_core::kernel::Snapshot;
use ipmp_netlink::{Error, dump};
use tokio::sync::mpsc;

/// How long one dump may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Dumps do not begin more often than this.
const INTERVAL: Duration = Duration::from_millis(100);

/// The far end of the thread. It makes a dump for every duration sent, after waiting that long.
pub(crate) struct Dumper {
    pub(crate) requests: SyncSender<Duration>,
    pub(crate) results: mpsc::Receiver<Result<Snapshot, Error>>,
}

/// Starts the thread, in the network namespace of the caller; it ends when the far end is dropped.
pub(crate) fn start() -> io::Result<Dumper> {
    // At most one dump is asked for at a time, so one place is room enough in both directions.
    let (requests, inbox) = sync_channel(1);
    let (outbox, results) = mpsc::channel(1);
    thread::Builder::new().name("ipmp-dump".into()).spawn(move || run(&inbox, &outbox))?;
    Ok(Dumper { requests, results })
}

fn run(inbox: &Receiver<Duration>, outbox: &mpsc::Sender<Result<Snapshot, Error>>) {
    let mut not_before = Instant::now();
    while let Ok(delay) = inbox.recv() {
        let rest = not_before.saturating_duration_since(Instant::now());
        thread::sleep(delay.max(rest));
        not_before = Instant::now() + INTERVAL;
        if outbox.blocking_send(dump(DEADLINE)).is_err() {
            return;
        }
    }
}
