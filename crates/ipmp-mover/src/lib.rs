//! The address mover: carries out the changes that the core asks for, and tells the neighbours.
//!
//! It only writes the kernel: what is there, and what should be, the core knows. It keeps nothing but the
//! descriptor of a tun that is the IPMP interface, which has a carrier only while somebody holds it.
//!
//! ```text
//!   apply, announce --> bounded queue --> thread of its own: one command, one change at a time
//!                                              |                        |
//!   done <----------- answers ---------- netlink requests     frames by AF_PACKET
//! ```
//!
//! A request to rtnetlink is carried out in the system call that sends it, and that may wait seconds for
//! a lock of the kernel. So all of it happens on an operating system thread of its own, and no method here
//! waits for that thread but [`Mover::done`], which may be dropped at any time.

mod announcer;
mod frame;
mod interface;
mod tun;
mod worker;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc as oneshot;
use std::thread;

use ipmp_core::event::Outcome;
use ipmp_core::{Announcement, Transaction, TransactionId};
use tokio::sync::mpsc;

use worker::{Answer, Command, Worker};

/// Commands that may wait for the thread. The core has a few transactions in flight, and paces its
/// announcements; a queue that is full means a kernel that has not answered for seconds. Then transactions
/// are refused, and announcements dropped.
const COMMANDS_MAX: usize = 64;

const BUSY: &str = "the address mover is busy: the kernel has not answered earlier changes";

/// The address mover. Dropping it lets what is queued be carried out, and then ends its thread.
pub struct Mover {
    commands: mpsc::Sender<Command>,
    /// One answer a transaction, whether the thread or [`Mover::apply`] gives it: this queue holds as many
    /// as the core has transactions in flight, and must neither wait nor lose one.
    answer: mpsc::UnboundedSender<Answer>,
    answers: mpsc::UnboundedReceiver<Answer>,
    lost: Arc<AtomicU64>,
}

impl Mover {
    /// Starts the thread, in the network namespace of the calling thread.
    ///
    /// Fails where a socket cannot be opened: this takes `CAP_NET_RAW`, and its work `CAP_NET_ADMIN`.
    pub fn start() -> io::Result<Mover> {
        let (commands, queue) = mpsc::channel(COMMANDS_MAX);
        let (answer, answers) = mpsc::unbounded_channel();
        let lost = Arc::new(AtomicU64::new(0));
        let (started, ready) = oneshot::channel();
        let theirs = (answer.clone(), lost.clone());
        thread::Builder::new().name("ipmp-mover".into()).spawn(move || run(queue, theirs.0, theirs.1, &started))?;
        ready.recv().map_err(|_| io::Error::other("the mover's thread ended as it started"))??;
        Ok(Mover { commands, answer, answers, lost })
    }

    /// Queues a transaction; [`Mover::done`] tells the outcomes. Never waits: where the queue is full,
    /// every change of it is refused.
    pub fn apply(&self, transaction: Transaction) {
        let (id, changes) = (transaction.id, transaction.changes.len());
        if self.commands.try_send(Command::Apply(transaction)).is_err() {
            // The receiver is in self.
            let _ = self.answer.send((id, vec![Outcome::Refused(BUSY.into()); changes]));
        }
    }

    /// Queues announcements, behind all that was queued before. Never waits: where the queue is full, they
    /// are dropped, and show in [`Mover::announcements_lost`].
    pub fn announce(&self, announcements: Vec<Announcement>) {
        let count = announcements.len() as u64;
        if self.commands.try_send(Command::Announce(announcements)).is_err() {
            self.lost.fetch_add(count, Ordering::Relaxed);
            tracing::debug!(count, "announcements dropped: the mover is busy");
        }
    }

    /// The next transaction that is done, and the outcome of each of its changes. Cancel safe.
    pub async fn done(&mut self) -> (TransactionId, Vec<Outcome>) {
        self.answers.recv().await.expect("self holds a sender")
    }

    /// How many announcements of [`Mover::announce`] did not go out: dropped, or refused by the kernel.
    pub fn announcements_lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// The thread: opens its sockets, says whether it could, and works.
fn run(
    queue: mpsc::Receiver<Command>,
    answer: mpsc::UnboundedSender<Answer>,
    lost: Arc<AtomicU64>,
    started: &oneshot::Sender<io::Result<()>>,
) {
    let work = tokio::runtime::Builder::new_current_thread().enable_all().build().and_then(|runtime| {
        let worker = runtime.block_on(async { Worker::open(answer, lost) })?;
        Ok((runtime, worker))
    });
    match work {
        Ok((runtime, worker)) => {
            let _ = started.send(Ok(()));
            runtime.block_on(worker.run(queue));
        }
        Err(error) => {
            let _ = started.send(Err(error));
        }
    }
}
