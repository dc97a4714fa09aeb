//! What the kernel tells unasked: links, addresses and routes of both families.
//!
//! The queue is the kernel's, not ours: nothing is read before somebody asks for it, nothing is kept, and
//! where the kernel had to drop something the reader learns of it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use ipmp_core::kernel::Fact;

use crate::ask::Asker;
use crate::decode::decode;
use crate::socket::{DATAGRAM_MAX, Received, Socket};

/// Bytes of notifications that the kernel may hold for us; some 20 000 addresses or 7 000 links. The
/// default, a hundredth of it, is full before a busy moment is over.
pub const QUEUE_BYTES: usize = 16 * 1024 * 1024;

const GROUPS: i32 = libc::RTMGRP_LINK
    | libc::RTMGRP_IPV4_IFADDR
    | libc::RTMGRP_IPV6_IFADDR
    | libc::RTMGRP_IPV4_ROUTE
    | libc::RTMGRP_IPV6_ROUTE;

/// A subscription to everything that the kernel tells in one network namespace.
#[derive(Debug)]
pub struct Monitor {
    socket: Socket,
    buffer: Vec<u8>,
}

/// What is to be known of a reading besides its facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Notifications were lost: what is known may be wrong.
    pub overrun: bool,
    /// See [`crate::Decoded::doubtful`].
    pub doubtful: bool,
}

impl Monitor {
    /// Subscribes in the network namespace of the calling thread.
    pub fn open() -> io::Result<Monitor> {
        Self::with_queue(QUEUE_BYTES)
    }

    /// As `open`, with another size of the kernel's queue, in bytes.
    pub fn with_queue(bytes: usize) -> io::Result<Monitor> {
        Ok(Monitor { socket: Socket::open(GROUPS as u32, bytes)?, buffer: vec![0; DATAGRAM_MAX] })
    }

    /// Something to ask links with; the answers are read here, in order with the notifications.
    pub fn asker(&self) -> io::Result<Asker> {
        Ok(Asker::new(self.socket.duplicate()?))
    }

    /// Adds all that is there, and never waits.
    pub fn drain(&mut self, facts: &mut Vec<Fact>) -> Drained {
        let mut drained = Drained::default();
        loop {
            match self.socket.receive(&mut self.buffer) {
                Ok(Received::Datagram(length)) => drained.doubtful |= decode(&self.buffer[..length], facts).doubtful,
                Ok(Received::Lost) => drained.overrun = true,
                Ok(Received::Empty) => return drained,
                // Whatever it was, it was no notification. Reading on could go on for ever.
                Err(_) => return Drained { overrun: true, ..drained },
            }
        }
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Monitor {
    /// The same number for the life of the monitor.
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_fd().as_raw_fd()
    }
}
