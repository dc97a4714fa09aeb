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

/// Longest call, in bytes. The known ones are below 200, but for changes, with as much for each edit. Who sends a longer
/// one is cut off.
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
    /// Since when; none in a call.
    pub fn since(&self) -> Option<Instant> {
        self.0.get()
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

#[cfg(test)]
mod tests {
    use ipmp_core::Status;
    use proptest::prelude::*;
    use std::rc::Rc;
    use tokio::runtime::Builder;

    use nix::unistd::geteuid;
    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::control::events::Board;
    use crate::control::probes::Hub;
    use crate::control::service::{Client, Server};
    use crate::control::{Admins, Request, stream};

    const STATUS: &[u8] = b"{\"method\":\"io.ipmpd.Control.Status\"}\0";

    /// Serves one client, whose side `talk` plays, and returns how long until it was cut off. Time is the
    /// runtime's own, and passes where nobody has anything to do.
    fn served(talk: impl AsyncFnOnce(UnixStream)) -> Duration {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (client, server) = UnixStream::pair().unwrap();
            let (requests, mut received) = mpsc::channel(1);
            let answer = async {
                while let Some(request) = received.recv().await {
                    match request {
                        Request::Status(answer) => drop(answer.send((Status::default(), Default::default()))),
                        Request::Command(_, answer) => drop(answer.send(Ok(()))),
                        Request::Reload(answer) => drop(answer.send(Ok(()))),
                        Request::Change(_, answer) | Request::Confirm(answer) | Request::Revert(answer) => {
                            drop(answer.send(Ok(Default::default())));
                        }
                        // Not answered, as by a daemon that is about to end.
                        Request::WhatIf(..) | Request::Addresses(..) => {}
                    }
                }
            };
            let (hub, _forward) = Hub::new(stream().1);
            let (board, _forward) = Board::new(mpsc::channel(1).1);
            let admins = Admins { group: watch::channel(None).1 };
            let shared = Rc::new(Server { requests, hub, board, admins });
            let begun = Instant::now();
            let server = async {
                // How it ended is the client's business; that it ended, and did not panic, is ours.
                let _ = Client { server: shared, user: geteuid() }.serve(server, Idle::default()).await;
                begun.elapsed()
            };
            tokio::join!(server, talk(client), answer).0
        })
    }

    #[test]
    fn a_call_that_is_begun_must_be_finished() {
        let cut = served(async |mut client| {
            client.write_all(STATUS).await.unwrap();
            client.write_all(&STATUS[..7]).await.unwrap();
            let mut replies = Vec::new();
            client.read_to_end(&mut replies).await.unwrap();
            assert!(replies.ends_with(&[0]), "the call before it was answered");
        });
        assert_eq!(cut.as_secs(), CALL_DEADLINE.as_secs());
    }

    #[test]
    fn a_trickle_is_no_progress() {
        let cut = served(async |mut client| {
            for byte in STATUS {
                if client.write_all(&[*byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        assert_eq!(cut.as_secs(), CALL_DEADLINE.as_secs());
    }

    #[test]
    fn a_client_may_be_idle_for_long() {
        let night = Duration::from_secs(8 * 3600);
        let ended = served(async |mut client| {
            for _ in 0..2 {
                tokio::time::sleep(night).await;
                client.write_all(STATUS).await.unwrap();
                assert_ne!(client.read(&mut [0; 1024]).await.unwrap(), 0);
            }
        });
        assert_eq!(ended.as_secs(), 2 * night.as_secs());
    }

    #[test]
    fn replies_must_be_fetched() {
        let cut = served(async |mut client| {
            // Far more answers than the kernel keeps for a reader.
            for _ in 0..100_000 {
                if client.write_all(STATUS).await.is_err() {
                    return;
                }
            }
            panic!("all of it was swallowed");
        });
        assert_eq!(cut.as_secs(), REPLY_DEADLINE.as_secs());
    }

    fn anything_like_a_call() -> impl Strategy<Value = Vec<u8>> {
        let fragments: [&[u8]; 18] = [
            b"{",
            b"}",
            b"[",
            b"]",
            b":",
            b",",
            b"\0",
            b"null",
            b"-1e999",
            b"\"method\"",
            b"\"parameters\"",
            b"\"interface\"",
            b"\"more\":true",
            b"\"upgrade\":true",
            b"\"io.ipmpd.Control.Offline\"",
            b"\"io.ipmpd.Control.Probes\"",
            b"\"io.ipmpd.Control.Events\"",
            b"\"org.varlink.service.GetInterfaceDescription\"",
        ];
        let fragment = proptest::sample::select(fragments.to_vec()).prop_map(<[u8]>::to_vec);
        let noise = proptest::collection::vec(any::<u8>(), 0..64);
        let whole = Just(b"{\"method\":\"io.ipmpd.Control.Online\",\"parameters\":{\"interface\":\"e\"}}\0".to_vec());
        proptest::collection::vec(prop_oneof![4 => fragment, 1 => noise, 1 => whole], 0..24)
            .prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_that_a_client_says_breaks_the_server(said in anything_like_a_call()) {
            served(async |client| {
                let (mut replies, mut calls) = client.into_split();
                let _ = calls.write_all(&said).await;
                drop(calls);
                let mut answers = Vec::new();
                let _ = replies.read_to_end(&mut answers).await;
            });
        }
    }
}
