//! The stream of events, from the log to every client that follows.
//!
//! ```text
//!   log --queue--> Board::forward --ring--> Follow --> each client
//! ```
//!
//! The log posts and goes on, whether anybody follows or not: what the queue cannot take is missed by its number. The
//! ring is on the thread of the control server, is the same for all clients, and is what a client gets that comes later
//! or back. Who is slower than its length is told how many it has missed, and so is who asks for what is not kept.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use ipmp_control::{Event, Events};
use tokio::sync::{mpsc, watch};

/// Events that are kept: about half a megabyte.
const KEPT_MAX: usize = 1024;

/// Events told at once: about 32 KiB of text.
const BATCH_MAX: usize = 64;

/// The last events, for whoever asks.
pub struct Board {
    /// In the order of their numbers.
    kept: RefCell<VecDeque<Arc<Event>>>,
    /// The number of the last one.
    last: watch::Sender<u64>,
}

impl Board {
    /// A board without events, and what brings them there until the log has ended.
    pub fn new(told: mpsc::Receiver<Arc<Event>>) -> (Rc<Self>, impl Future<Output = ()>) {
        let board = Rc::new(Self { kept: RefCell::default(), last: watch::Sender::new(0) });
        (board.clone(), board.forward(told))
    }

    async fn forward(self: Rc<Self>, mut told: mpsc::Receiver<Arc<Event>>) {
        while let Some(event) = told.recv().await {
            let number = event.number;
            let mut kept = self.kept.borrow_mut();
            if kept.len() == KEPT_MAX {
                kept.pop_front();
            }
            kept.push_back(event);
            drop(kept);
            self.last.send_replace(number);
        }
    }

    /// Begins to follow after the event of that number, or after the last one. Who knows a number that there is not
    /// yet knows it from an earlier run of the daemon, and is told all that is kept of this one.
    pub fn follow(self: &Rc<Self>, after: Option<u64>) -> Follow {
        let last = self.last.subscribe();
        let newest = *last.borrow();
        let known = after.map_or(newest, |after| if after <= newest { after } else { 0 });
        Follow { board: self.clone(), last, known }
    }
}

/// One client's view of the events.
pub struct Follow {
    board: Rc<Board>,
    last: watch::Receiver<u64>,
    /// The number of the last event that it was told, or is said to have missed.
    known: u64,
}

impl Follow {
    /// The next events, at least one. Nothing is lost where the wait is given up.
    pub async fn next(&mut self) -> Events {
        let known = self.known;
        if self.last.wait_for(|last| *last > known).await.is_err() {
            // The server is about to end.
            std::future::pending::<()>().await;
        }
        self.kept()
    }

    /// The next of those that are kept at this moment; there may be none.
    pub fn kept(&mut self) -> Events {
        let kept = self.board.kept.borrow();
        let begin = kept.partition_point(|event| event.number <= self.known);
        let events: Vec<_> = kept.range(begin..).take(BATCH_MAX).map(|event| Event::clone(event)).collect();
        let Some(last) = events.last() else { return Events::default() };
        let missed = last.number - self.known - events.len() as u64;
        self.known = last.number;
        Events { missed, events }
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;
    use tokio::task::LocalSet;

    use super::*;

    fn event(number: u64) -> Arc<Event> {
        let (level, event, message) = ("notice".into(), "stopping".into(), "ipmpd is stopping".into());
        Arc::new(Event { number, time_us: number, level, event, message, fields: Vec::new() })
    }

    /// Runs a test against a board that has the events of these numbers.
    fn with(numbers: impl Iterator<Item = u64>, test: impl AsyncFnOnce(Rc<Board>, mpsc::Sender<Arc<Event>>)) {
        let runtime = Builder::new_current_thread().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let (log, told) = mpsc::channel(1);
            let (board, forward) = Board::new(told);
            tokio::task::spawn_local(forward);
            for number in numbers {
                log.send(event(number)).await.unwrap();
            }
            // The one place of the queue is free again once the last has arrived.
            drop(log.reserve().await);
            while log.capacity() < log.max_capacity() {
                tokio::task::yield_now().await;
            }
            test(board, log).await;
        });
    }

    /// How many were missed, and which were told, up to that number.
    async fn told(follow: &mut Follow, last: u64) -> (u64, Vec<u64>) {
        let (mut missed, mut numbers) = (0, Vec::new());
        while numbers.last() != Some(&last) {
            let events = follow.next().await;
            assert!((1..=BATCH_MAX).contains(&events.events.len()));
            missed += events.missed;
            numbers.extend(events.events.iter().map(|event| event.number));
        }
        (missed, numbers)
    }

    #[test]
    fn who_comes_back_is_told_what_it_does_not_know() {
        with(1..=200, async |board, log| {
            assert_eq!(told(&mut board.follow(Some(150)), 200).await, (0, (151..=200).collect()));
            assert_eq!(told(&mut board.follow(Some(0)), 200).await, (0, (1..=200).collect()));
            let mut news = board.follow(None);
            assert_eq!(news.kept(), Events::default());
            assert_eq!(board.follow(Some(200)).kept(), Events::default());
            log.send(event(201)).await.unwrap();
            assert_eq!(told(&mut news, 201).await, (0, vec![201]));
        });
    }

    #[test]
    fn what_is_not_kept_is_counted() {
        let last = 3 * KEPT_MAX as u64;
        with(1..=last, async |board, _log| {
            let kept: Vec<_> = (last - KEPT_MAX as u64 + 1..=last).collect();
            assert_eq!(told(&mut board.follow(Some(0)), last).await, (last - KEPT_MAX as u64, kept.clone()));
            assert_eq!(told(&mut board.follow(Some(10)), last).await, (last - KEPT_MAX as u64 - 10, kept));
        });
    }

    #[test]
    fn who_is_slow_is_told_how_many_it_missed() {
        with(1..=1, async |board, log| {
            let mut slow = board.follow(None);
            let last = 1 + 2 * KEPT_MAX as u64;
            for number in 2..=last {
                log.send(event(number)).await.unwrap();
            }
            let (missed, numbers) = told(&mut slow, last).await;
            assert!(numbers.len() == KEPT_MAX || numbers.len() == KEPT_MAX + 1, "{}", numbers.len());
            assert_eq!(missed + numbers.len() as u64, last - 1);
        });
    }

    #[test]
    fn events_that_never_arrived_are_counted_where_they_would_be() {
        with([1, 2, 5, 6, 9].into_iter(), async |board, _log| {
            assert_eq!(told(&mut board.follow(Some(0)), 9).await, (4, vec![1, 2, 5, 6, 9]));
            assert_eq!(told(&mut board.follow(Some(3)), 9).await, (3, vec![5, 6, 9]));
        });
    }

    #[test]
    fn who_knows_an_earlier_run_is_told_everything() {
        with(1..=3, async |board, _log| {
            assert_eq!(told(&mut board.follow(Some(500)), 3).await, (0, vec![1, 2, 3]));
        });
    }
}
