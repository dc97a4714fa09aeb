//! A thread that deals with someone who may be slow, so that the loop need not: the log, the service
//! manager. The loop posts and goes on; what does not fit in the queue is dropped and counted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

/// Enough for what these threads do; every page of it that is touched is resident memory.
const STACK_BYTES: usize = 256 * 1024;

/// Such a thread, as its owner has it.
pub struct Outbox<T> {
    poster: Poster<T>,
    closing: Arc<AtomicBool>,
    /// Disconnected once the thread has ended.
    ended: Receiver<()>,
}

/// Posts to the thread, from anywhere.
pub struct Poster<T> {
    /// `None` only wakes the thread.
    queue: SyncSender<Option<T>>,
    dropped: Arc<AtomicU64>,
}

impl<T> Clone for Poster<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), dropped: self.dropped.clone() }
    }
}

impl<T> Poster<T> {
    /// Posts an item, or drops and counts it where the queue is full. Never waits.
    pub fn post(&self, item: T) {
        if self.queue.try_send(Some(item)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The queue of a thread that is not started yet: for one that must be posted to by what it is made of.
pub struct Queue<T> {
    poster: Poster<T>,
    posted: Receiver<Option<T>>,
}

impl<T: Send + 'static> Queue<T> {
    /// A queue in which at most `capacity` items wait.
    pub fn new(capacity: usize) -> Self {
        let (queue, posted) = sync_channel(capacity);
        Self { poster: Poster { queue, dropped: Arc::default() }, posted }
    }

    /// A way to post.
    pub fn poster(&self) -> Poster<T> {
        self.poster.clone()
    }

    /// Starts a thread that calls `handle` for everything posted, with how many items were dropped since
    /// the last call. The thread ends with the process, or when it is told to.
    pub fn start(self, name: &str, handle: impl FnMut(T, u64) + Send + 'static) -> io::Result<Outbox<T>> {
        let Self { poster, posted } = self;
        let (alive, ended) = sync_channel::<()>(0);
        let closing = Arc::new(AtomicBool::new(false));
        let (dropped, close) = (poster.dropped.clone(), closing.clone());
        thread::Builder::new().name(name.into()).stack_size(STACK_BYTES).spawn(move || {
            run(&posted, &dropped, &close, handle);
            drop(alive);
        })?;
        Ok(Outbox { poster, closing, ended })
    }
}

impl<T: Send + 'static> Outbox<T> {
    /// Starts a thread with a queue for `capacity` items, see [`Queue::start`].
    pub fn start(name: &str, capacity: usize, handle: impl FnMut(T, u64) + Send + 'static) -> io::Result<Self> {
        Queue::new(capacity).start(name, handle)
    }

    /// A way to post.
    pub fn poster(&self) -> Poster<T> {
        self.poster.clone()
    }

    /// Lets the thread finish what was posted before, and waits for it for as long as `patience`.
    pub fn finish(self, patience: Duration) {
        self.closing.store(true, Ordering::Release);
        // A full queue means that the thread is awake and will see the flag when it has emptied it.
        let _ = self.poster.queue.try_send(None);
        let _ = self.ended.recv_timeout(patience);
    }
}

fn run<T>(posted: &Receiver<Option<T>>, dropped: &AtomicU64, closing: &AtomicBool, mut handle: impl FnMut(T, u64)) {
    loop {
        let item = match posted.try_recv() {
            Ok(item) => item,
            Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) if closing.load(Ordering::Acquire) => return,
            Err(TryRecvError::Empty) => match posted.recv() {
                Ok(item) => item,
                Err(_) => return,
            },
        };
        if let Some(item) = item {
            handle(item, dropped.swap(0, Ordering::Relaxed));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn what_does_not_fit_is_dropped_and_counted_and_the_poster_never_waits() {
        let (release, hold) = channel::<()>();
        let (report, reports) = channel();
        let outbox = Outbox::start("test", 2, move |item: u32, dropped| {
            let _ = hold.recv();
            report.send((item, dropped)).unwrap();
        })
        .unwrap();
        for item in 0..10 {
            outbox.poster().post(item);
        }
        drop(release);
        outbox.finish(Duration::from_secs(10));
        let handled: Vec<_> = reports.try_iter().collect();
        let dropped: u64 = handled.iter().map(|(_, dropped)| dropped).sum();
        assert!(handled.len() == 2 || handled.len() == 3, "{handled:?}");
        assert_eq!(handled.len() as u64 + dropped, 10, "{handled:?}");
        assert_eq!(handled[0].0, 0);
    }

    #[test]
    fn everything_posted_before_the_end_is_handled() {
        let (report, reports) = channel();
        let outbox = Outbox::start("test", 100, move |item: u32, _| report.send(item).unwrap()).unwrap();
        (0..100).for_each(|item| outbox.poster().post(item));
        outbox.finish(Duration::from_secs(10));
        assert_eq!(reports.try_iter().collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_thread_that_hangs_does_not_hold_up_the_end() {
        let (_never, hold) = channel::<()>();
        let outbox = Outbox::start("test", 1, move |(), _| while hold.recv().is_ok() {}).unwrap();
        (0..3).for_each(|_| outbox.poster().post(()));
        outbox.finish(Duration::from_millis(1));
    }
}
