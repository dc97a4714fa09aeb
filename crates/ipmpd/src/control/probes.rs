//! The stream of probes, from the main loop to every client that watches.
//!
//! ```text
//!   main loop --Feed--> queue --Hub::forward--> ring --Watch--> each client
//! ```
//!
//! The main loop posts and goes on: what the queue cannot take is left out. It does not know how many watch,
//! only whether anybody does, and while nobody does a probe costs it the look at one number. The ring is on
//! the thread of the control server, and is as large for sixty clients as for one; who is slower than its
//! length is passed over. The reports are numbered, so that each client is told how many it has missed,
//! wherever that happened.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ipmp_core::ProbeReport;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc};

/// Reports that wait for the control server, which is behind by so many only where it does not get to run.
const QUEUE_MAX: usize = 1024;

/// Reports that are kept for clients: at a thousand a second a client may sleep for a second.
const RING_MAX: usize = 1024;

/// Reports told at once: about 16 KiB of text.
const BATCH_MAX: usize = 64;

/// A report and its place among all that were made while somebody watched.
#[derive(Clone, Debug)]
struct Numbered {
    number: u64,
    report: ProbeReport,
}

/// The main loop's end of the stream.
pub struct Feed {
    queue: mpsc::Sender<Numbered>,
    watchers: Arc<AtomicUsize>,
    /// How many reports there were while somebody watched.
    number: u64,
}

/// The server's end of it.
pub struct Source {
    queue: mpsc::Receiver<Numbered>,
    watchers: Arc<AtomicUsize>,
}

/// A stream that nobody watches yet.
pub fn stream() -> (Feed, Source) {
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    let watchers = Arc::new(AtomicUsize::new(0));
    (Feed { queue: sender, watchers: watchers.clone(), number: 0 }, Source { queue: receiver, watchers })
}

impl Feed {
    /// Shows what became of a probe to those who watch. Never waits.
    pub fn show(&mut self, report: ProbeReport) {
        if self.is_watched() {
            // What does not fit is missed by its number.
            let _ = self.queue.try_send(Numbered { number: self.number, report });
            self.number += 1;
        }
    }

    /// Whether anybody watches. A client that begins to asks the main loop for the status after it has counted
    /// itself, and so is seen here by the time it is answered.
    pub fn is_watched(&self) -> bool {
        self.watchers.load(Ordering::Relaxed) > 0
    }
}

/// Where the stream is divided among the clients.
pub struct Hub {
    ring: broadcast::Sender<Numbered>,
    watchers: Arc<AtomicUsize>,
    /// The number of the report that comes next.
    next: Cell<u64>,
}

impl Hub {
    /// A hub, and what is to be given to [`Hub::forward`].
    pub fn new(source: Source) -> (Rc<Self>, impl Future<Output = ()>) {
        let (ring, _) = broadcast::channel(RING_MAX);
        let hub = Rc::new(Self { ring, watchers: source.watchers, next: Cell::new(0) });
        (hub.clone(), hub.forward(source.queue))
    }

    /// Moves reports from the queue to the ring, until the main loop ends.
    async fn forward(self: Rc<Self>, mut queue: mpsc::Receiver<Numbered>) {
        while let Some(report) = queue.recv().await {
            self.next.set(report.number + 1);
            // The last client may just have left.
            let _ = self.ring.send(report);
        }
    }

    /// Begins to watch. What is reported once the main loop has answered another question is either told or
    /// counted.
    pub fn watch(&self) -> Watch {
        self.watchers.fetch_add(1, Ordering::Relaxed);
        Watch { ring: self.ring.subscribe(), watchers: self.watchers.clone(), next: self.next.get() }
    }
}

/// One client's view of the stream.
pub struct Watch {
    ring: broadcast::Receiver<Numbered>,
    watchers: Arc<AtomicUsize>,
    /// The number of the report that would be missed if another came.
    next: u64,
}

impl Watch {
    /// The next reports, at least one, and how many were missed before or among them. Nothing is lost where
    /// the wait is given up.
    pub async fn next(&mut self) -> (u64, Vec<ProbeReport>) {
        let first = loop {
            match self.ring.recv().await {
                Ok(report) => break report,
                Err(RecvError::Lagged(_)) => {}
                // The main loop has ended, and the server is about to.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        };
        let (mut missed, mut reports) = (0, Vec::new());
        let mut take = |Numbered { number, report }| {
            missed += number - self.next;
            self.next = number + 1;
            reports.push(report);
            reports.len()
        };
        let mut length = take(first);
        while length < BATCH_MAX {
            match self.ring.try_recv() {
                Ok(report) => length = take(report),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        (missed, reports)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use ipmp_core::{Instant, ProbeId, ProbeOutcome};
    use tokio::runtime::Builder;
    use tokio::task::LocalSet;

    use super::*;

    fn report(number: u64) -> ProbeReport {
        ProbeReport {
            probe: ProbeId(number),
            member: "eth0".parse().unwrap(),
            kind: ipmp_core::ProbeKind::Icmp,
            target: "192.0.2.1".parse().unwrap(),
            sent: Instant::from_nanos(number),
            outcome: ProbeOutcome::Lost,
            rtt: None,
        }
    }

    fn run(test: impl AsyncFnOnce()) {
        let runtime = Builder::new_current_thread().build().unwrap();
        LocalSet::new().block_on(&runtime, test());
    }

    /// What a watcher has counted and seen by the time of this report.
    async fn seen(watch: &mut Watch, last: u64) -> (u64, Vec<u64>) {
        let (mut missed, mut seen) = (0, Vec::new());
        while seen.last() != Some(&last) {
            let (more, reports) = watch.next().await;
            assert!((1..=BATCH_MAX).contains(&reports.len()));
            missed += more;
            seen.extend(reports.iter().map(|report| report.probe.0));
        }
        (missed, seen)
    }

    #[test]
    fn the_main_loop_does_not_wait_for_a_server_that_does_not_run() {
        let (mut feed, source) = stream();
        let (hub, forward) = Hub::new(source);
        let mut watch = hub.watch();
        // Nothing takes these.
        let shown = 100 * QUEUE_MAX as u64;
        (0..shown).for_each(|number| feed.show(report(number)));
        run(async move || {
            tokio::task::spawn_local(forward);
            let last = QUEUE_MAX as u64 - 1;
            assert_eq!(seen(&mut watch, last).await, (0, (0..=last).collect()), "as many as fit");
            feed.show(report(shown));
            assert_eq!(seen(&mut watch, shown).await, (shown - QUEUE_MAX as u64, vec![shown]), "the rest is counted");
        });
    }

    #[test]
    fn who_is_slow_is_told_how_much_it_missed() {
        let (mut feed, source) = stream();
        let (hub, forward) = Hub::new(source);
        let (mut quick, mut slow) = (hub.watch(), hub.watch());
        run(async move || {
            tokio::task::spawn_local(forward);
            let shown = 10 * RING_MAX as u64;
            for number in 0..shown {
                feed.show(report(number));
                assert_eq!(seen(&mut quick, number).await, (0, vec![number]));
            }
            let (missed, reports) = seen(&mut slow, shown - 1).await;
            assert_eq!(reports.len(), RING_MAX, "what the ring holds");
            assert_eq!(missed, shown - RING_MAX as u64);
        });
    }

    #[test]
    fn nothing_is_kept_for_nobody() {
        let (mut feed, source) = stream();
        let (hub, forward) = Hub::new(source);
        feed.show(report(0));
        drop(hub.watch());
        feed.show(report(1));
        let mut watch = hub.watch();
        feed.show(report(2));
        run(async move || {
            tokio::task::spawn_local(forward);
            assert_eq!(seen(&mut watch, 2).await, (0, vec![2]));
        });
    }
}
