//! Questions that wait for their answer, on a socket of their own, within a deadline.
//!
//! A dump is many datagrams that the kernel composes as we read. It is complete if `DONE` came with code
//! zero, and consistent if no part of it is marked as interrupted, that is, as composed after the table
//! had changed.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use ipmp_core::kernel::Fact;
use netlink_packet_core::{NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_MULTIPART};
use netlink_packet_route::RouteNetlinkMessage;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::decode::{decode_message, kind};
use crate::error::{Cause, Error};
use crate::request;
use crate::socket::{DATAGRAM_MAX, Received, Socket};
use crate::wire::messages;

/// How often a dump is begun before it counts as failed, where the kernel marks each as interrupted.
const ATTEMPTS: u32 = 5;

/// The queue of the socket, in bytes; the kernel composes the next part of a dump once there is room.
const QUEUE_BYTES: usize = 256 * 1024;

/// A socket for questions about one thing.
pub(crate) struct Query {
    socket: Socket,
    buffer: Vec<u8>,
    sequence: u32,
    what: String,
    within: Duration,
    deadline: Instant,
}

/// All that the kernel answered to one request.
#[derive(Default)]
struct Answer {
    facts: Vec<Fact>,
    interrupted: bool,
}

impl Query {
    pub(crate) fn open(what: impl Into<String>, within: Duration) -> Result<Query, Error> {
        let what = what.into();
        match Socket::open(0, QUEUE_BYTES) {
            Ok(socket) => {
                let (buffer, deadline) = (vec![0; DATAGRAM_MAX], Instant::now() + within);
                Ok(Query { socket, buffer, sequence: 0, what, within, deadline })
            }
            Err(error) => Err(Error::new(what, Cause::Socket(error))),
        }
    }

    /// A complete table.
    pub(crate) fn dump(&mut self, request: RouteNetlinkMessage) -> Result<Vec<Fact>, Error> {
        for _ in 0..ATTEMPTS {
            let answer = self.ask(request.clone(), NLM_F_DUMP)?;
            if !answer.interrupted {
                return Ok(answer.facts);
            }
        }
        Err(self.failed(Cause::Interrupted(ATTEMPTS)))
    }

    /// A single thing.
    pub(crate) fn get(&mut self, request: RouteNetlinkMessage) -> Result<Option<Fact>, Error> {
        self.ask(request, 0).map(|answer| answer.facts.into_iter().next())
    }

    fn ask(&mut self, request: RouteNetlinkMessage, flags: u16) -> Result<Answer, Error> {
        self.sequence += 1;
        let bytes = request::bytes(request, flags, self.sequence);
        let answer = self.socket.send(&bytes).map_err(Cause::Socket).and_then(|()| self.answer());
        answer.map_err(|cause| self.failed(cause))
    }

    fn answer(&mut self) -> Result<Answer, Cause> {
        let mut answer = Answer::default();
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Cause::Silence(self.within));
            }
            match self.socket.receive(&mut self.buffer).map_err(Cause::Socket)? {
                Received::Empty => self.wait(left)?,
                Received::Lost => return Err(Cause::Broken("the kernel's answer was lost")),
                Received::Datagram(length) => {
                    if read(&self.buffer[..length], self.sequence, &mut answer)? {
                        return Ok(answer);
                    }
                }
            }
        }
    }

    fn wait(&self, left: Duration) -> Result<(), Cause> {
        // Rounded up, or the last millisecond would be spent in a busy loop.
        let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(errno) => Err(Cause::Socket(errno.into())),
        }
    }

    fn failed(&self, cause: Cause) -> Error {
        Error::new(self.what.clone(), cause)
    }
}

/// Takes in a datagram; true once the answer is complete.
fn read(datagram: &[u8], sequence: u32, answer: &mut Answer) -> Result<bool, Cause> {
    for message in messages(datagram).filter(|message| message.sequence == sequence) {
        answer.interrupted |= message.has(NLM_F_DUMP_INTR);
        match message.kind {
            kind::ERROR | kind::DONE => return message.verdict().map_or(Ok(true), Err),
            _ => _ = decode_message(&message, &mut answer.facts),
        }
        if !message.has(NLM_F_MULTIPART) {
            return Ok(true);
        }
    }
    Ok(false)
}
