//! A client's socket with limits, for zlink to read and write. Descriptors that a client passes are never
//! received; the kernel closes them.

use std::cell::Cell;
use std::io;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, timeout, timeout_at};
use zlink::connection::PassedCredentials;
use zlink::connection::socket::{ReadHalf, ReadResult, Socket, WriteHalf};

/// Longest call, in bytes; the known ones are below 200. Who sends a longer one is cut off.
pub const CALL_MAX: usize = 16 * 1024;

/// How long a call may take from its first byte to its last.
pub const CALL_DEADLINE: Duration = Duration::from_secs(5);

/// How long a client may take to fetch a reply.
pub const REPLY_DEADLINE: Duration = Duration::from_secs(5);

/// Since when a client has not been in the middle of a call; shared with the table of clients.
#[derive(Clone, Debug)]
pub struct Idle(Rc<Cell<Option<Instant>>>);

impl Default for Idle {
    fn default() -> Self {
        Self(Rc::new(Cell::new(Some(Instant::now()))))
    }
}

impl Idle {
    /// How long; none in a call.
    pub fn span(&self) -> Option<Duration> {
        self.0.get().map(|since| since.elapsed())
    }
}

/// The socket.
#[derive(Debug)]
pub struct Limited {
    stream: UnixStream,
    idle: Idle,
}

impl Limited {
    /// Limits `stream`, and tells by `idle` when nothing goes on.
    pub fn new(stream: UnixStream, idle: Idle) -> Self {
        Self { stream, idle }
    }
}

impl Socket for Limited {
    type ReadHalf = Reader;
    type WriteHalf = Writer;

    fn split(self) -> (Reader, Writer) {
        let (read, write) = self.stream.into_split();
        (Reader { stream: read, idle: self.idle, begun: None, length: 0 }, Writer(write))
    }
}

/// Its half for calls.
#[derive(Debug)]
pub struct Reader {
    stream: OwnedReadHalf,
    idle: Idle,
    /// When the call that is being received began.
    begun: Option<Instant>,
    /// Bytes of it so far.
    length: usize,
}

impl ReadHalf for Reader {
    async fn read(&mut self, buffer: &mut [u8]) -> zlink::Result<ReadResult> {
        let bytes = match self.begun {
            Some(begun) => timeout_at(begun + CALL_DEADLINE, self.stream.read(buffer)).await.map_err(late)??,
            None => {
                self.idle.0.set(Some(self.idle.0.get().unwrap_or_else(Instant::now)));
                self.stream.read(buffer).await?
            }
        };
        self.idle.0.set(None);
        match buffer[..bytes].iter().rposition(|&byte| byte == 0) {
            Some(end) => {
                self.length = bytes - end - 1;
                self.begun = (self.length > 0).then(Instant::now);
            }
            None => {
                self.length += bytes;
                self.begun.get_or_insert_with(Instant::now);
            }
        }
        if self.length > CALL_MAX {
            return Err(zlink::Error::BufferOverflow);
        }
        Ok(ReadResult::new(bytes))
    }
}

/// Its half for replies.
#[derive(Debug)]
pub struct Writer(OwnedWriteHalf);

impl WriteHalf for Writer {
    async fn write(
        &mut self,
        buffer: &[u8],
        _descriptors: &[impl AsFd],
        _credentials: Option<&PassedCredentials>,
    ) -> zlink::Result<()> {
        Ok(timeout(REPLY_DEADLINE, self.0.write_all(buffer)).await.map_err(late)??)
    }
}

fn late(_: tokio::time::error::Elapsed) -> io::Error {
    io::ErrorKind::TimedOut.into()
}
