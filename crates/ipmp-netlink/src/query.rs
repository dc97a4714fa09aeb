//! Questions that wait for their answer, on a socket of their own, within a deadline.
//!
//! A dump is many datagrams that the kernel composes as we read. It is complete if `DONE` came with code
//! zero, and consistent if no part of it is marked as interrupted, that is, as composed after the table
//! had changed.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use ipmp_core::kernel::Fact;
use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_MULTIPART, NLM_F_REQUEST};
use netlink_packet_route::RouteNetlinkMessage;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::decode::{decode_message, kind};
use crate::error::{Cause, Error};
use crate::request;
use crate::socket::{DATAGRAM_MAX, Received, Socket};
use crate::wire::{self, Message, messages};

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
struct Answer<T> {
    items: Vec<T>,
    interrupted: bool,
}

/// What is made of a message.
type Take<T> = fn(&Message<'_>, &mut Vec<T>);

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
        self.dump_as(request, take_facts)
    }

    /// A complete table, made of whatever is wanted.
    pub(crate) fn dump_as<T>(&mut self, request: RouteNetlinkMessage, take: Take<T>) -> Result<Vec<T>, Error> {
        for _ in 0..ATTEMPTS {
            let bytes = request::bytes(request.clone(), NLM_F_DUMP, self.next());
            let answer = self.ask(&bytes, take)?;
            if !answer.interrupted {
                return Ok(answer.items);
            }
        }
        Err(self.failed(Cause::Interrupted(ATTEMPTS)))
    }

    /// A single thing.
    pub(crate) fn get(&mut self, request: RouteNetlinkMessage) -> Result<Option<Fact>, Error> {
        let bytes = request::bytes(request, 0, self.next());
        self.ask(&bytes, take_facts).map(|answer| answer.items.into_iter().next())
    }

    /// Sends these requests in one datagram, which the kernel carries out as a whole before anything else happens to
    /// this program. Each is the kind of the message, its flags (`NLM_F_*`), and its payload; each gets its verdict, in
    /// order. One that is refused does not keep the others from being tried.
    pub(crate) fn exchange(&mut self, requests: &[(u16, u16, Vec<u8>)]) -> Result<Vec<Result<(), Error>>, Error> {
        let mut datagram = Vec::new();
        let first = self.sequence + 1;
        for (kind, flags, payload) in requests {
            let sequence = self.next();
            wire::put_message(&mut datagram, *kind, flags | NLM_F_REQUEST | NLM_F_ACK, sequence, payload);
        }
        self.socket.send(&datagram).map_err(|error| self.failed(Cause::Socket(error)))?;
        let verdicts = (first..=self.sequence).map(|sequence| match self.answer(sequence, take_nothing) {
            Ok(_) => Ok(Ok(())),
            Err(cause @ Cause::Kernel(..)) => Ok(Err(self.failed(cause))),
            Err(cause) => Err(self.failed(cause)),
        });
        verdicts.collect()
    }

    fn next(&mut self) -> u32 {
        self.sequence += 1;
        self.sequence
    }

    fn ask<T>(&mut self, request: &[u8], take: Take<T>) -> Result<Answer<T>, Error> {
        let sequence = self.sequence;
        let answer = self.socket.send(request).map_err(Cause::Socket).and_then(|()| self.answer(sequence, take));
        answer.map_err(|cause| self.failed(cause))
    }

    fn answer<T>(&mut self, sequence: u32, take: Take<T>) -> Result<Answer<T>, Cause> {
        let mut answer = Answer { items: Vec::new(), interrupted: false };
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Cause::Silence(self.within));
            }
            match self.socket.receive(&mut self.buffer).map_err(Cause::Socket)? {
                Received::Empty => self.wait(left)?,
                Received::Lost => return Err(Cause::Broken("the kernel's answer was lost")),
                Received::Datagram(length) => {
                    if read(&self.buffer[..length], sequence, take, &mut answer)? {
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
fn read<T>(datagram: &[u8], sequence: u32, take: Take<T>, answer: &mut Answer<T>) -> Result<bool, Cause> {
    for message in messages(datagram).filter(|message| message.sequence == sequence) {
        answer.interrupted |= message.has(NLM_F_DUMP_INTR);
        match message.kind {
            kind::ERROR | kind::DONE => return message.verdict().map_or(Ok(true), Err),
            _ => take(&message, &mut answer.items),
        }
        if !message.has(NLM_F_MULTIPART) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn take_facts(message: &Message<'_>, facts: &mut Vec<Fact>) {
    _ = decode_message(message, facts);
}

fn take_nothing(_: &Message<'_>, _: &mut Vec<()>) {}
