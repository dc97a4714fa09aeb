//! A thread that ends when its owner is dropped: the owner rings a bell that the thread polls beside its work.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::error::{Doing, Result};

/// A running thread. Dropping it ends the thread and waits for it.
#[derive(Debug)]
pub(crate) struct Worker {
    bell: Bell,
    thread: Option<JoinHandle<()>>,
}

/// Readable once the thread shall look up from its work.
#[derive(Clone, Debug)]
pub(crate) struct Bell(Arc<EventFd>);

impl Worker {
    pub(crate) fn spawn(name: &str, job: impl FnOnce(Bell) + Send + 'static) -> Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let bell = EventFd::from_flags(flags).doing(|| "make an eventfd")?;
        let bell = Bell(Arc::new(bell));
        let hers = bell.clone();
        let thread = thread::Builder::new().name(name.into()).spawn(|| job(hers)).doing(|| "start a thread")?;
        Ok(Worker { bell, thread: Some(thread) })
    }

    /// Asks the thread to look up.
    pub(crate) fn ring(&self) {
        // Fails only where the bell has been rung 2^64 times unheard.
        let _ = self.bell.0.write(1);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.ring();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed; a destructor adds nothing to it.
            let _ = thread.join();
        }
    }
}

impl Bell {
    /// Waits until `source` is readable, or ended; false when the bell rang instead.
    pub(crate) fn wait(&self, source: &impl AsFd) -> io::Result<bool> {
        loop {
            let mut watched = [self.0.as_fd(), source.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            match poll(&mut watched, PollTimeout::NONE) {
                Err(nix::Error::EINTR) => continue,
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(!watched[0].any().unwrap_or(true)),
            }
        }
    }

    /// Stops ringing; for a thread that was asked for something else than to end.
    pub(crate) fn hush(&self) {
        // There is nothing to read where it did not ring.
        let _ = self.0.read();
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
