//! Many sockets behind one descriptor: an epoll instance, itself watched by the runtime. Sockets come and
//! go without the runtime hearing of it; a closed one leaves by itself.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

pub(crate) struct Readiness {
    epoll: AsyncFd<Instance>,
    /// Room for one event of each socket.
    events: Vec<EpollEvent>,
}

struct Instance(Epoll);

impl AsRawFd for Instance {
    fn as_raw_fd(&self) -> RawFd {
        self.0.0.as_raw_fd()
    }
}

impl Readiness {
    pub fn new() -> io::Result<Self> {
        let instance = Instance(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?);
        // SAFETY: the instance owns its descriptor, gives out no other, and closes it only after the runtime
        // has let go of it.
        let epoll = unsafe { AsyncFd::register_with_interest(instance, Interest::READABLE) }?;
        Ok(Self { epoll, events: Vec::new() })
    }

    /// Watches a socket, until it is closed. Level-triggered: what is not read stays ready.
    pub fn watch(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        Ok(self.epoll.get_ref().0.add(socket, EpollEvent::new(EpollFlags::EPOLLIN, token))?)
    }

    /// Waits until some socket has something. Cancel safe: nothing is taken.
    pub async fn readable(&self) {
        loop {
            let Ok(mut guard) = self.epoll.readable().await else {
                // The runtime is shutting down: nobody will ask again.
                return std::future::pending().await;
            };
            if self.wait(&mut [EpollEvent::empty()]) > 0 {
                return;
            }
            guard.clear_ready();
        }
    }

    /// The tokens of all sockets that have something, of at most `sockets`. Never blocks.
    pub fn ready(&mut self, sockets: usize) -> impl Iterator<Item = u64> {
        let mut events = std::mem::take(&mut self.events);
        // The kernel refuses an empty array.
        events.resize(sockets.max(1), EpollEvent::empty());
        let count = self.wait(&mut events);
        self.events = events;
        self.events[..count].iter().map(EpollEvent::data)
    }

    /// How many events there are now. The call has no way to fail with these arguments.
    fn wait(&self, events: &mut [EpollEvent]) -> usize {
        self.epoll.get_ref().0.wait(events, EpollTimeout::ZERO).unwrap_or(0)
    }
}
