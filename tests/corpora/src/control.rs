//! What a client says on the control socket.

use std::os::fd::AsFd;

use futures_util::FutureExt;
use ipmp_control::{Call, Message};
use zlink::Connection;
use zlink::connection::PassedCredentials;
use zlink::connection::socket::{ReadHalf, ReadResult, Socket, WriteHalf};
use zlink::varlink_service::Error;

/// Takes the bytes for all that a client says before it leaves. Up to the first message that is no call, where
/// it is cut off, each is a call that can be answered or an error of Varlink's; how the bytes arrive makes no
/// difference.
pub fn control(said: &[u8]) {
    let heard = hear(said, said.len());
    let messages = said.iter().filter(|byte| **byte == 0).count();
    assert!(heard.len() <= messages, "{} calls in {messages} messages", heard.len());
    for error in heard.iter().filter_map(|heard| heard.as_ref().err()) {
        is_what_is_documented(error);
    }
    assert_eq!(heard, hear(said, 1), "byte by byte");
}

fn hear(said: &[u8], at_once: usize) -> Vec<Result<Call, Error<'static>>> {
    let mut connection = Connection::new(Said { rest: said.to_vec(), at_once });
    let mut heard = Vec::new();
    loop {
        let received = connection.receive_call::<Message>().now_or_never().expect("nothing to wait for");
        let Ok((call, _)) = received else { return heard };
        heard.push(Call::understand(&call));
    }
}

fn is_what_is_documented(error: &Error<'_>) {
    match error {
        Error::MethodNotFound { .. } | Error::ExpectedMore => {}
        Error::InvalidParameter { parameter } => assert!(["interface", "upgrade"].contains(&parameter.as_ref())),
        other => panic!("{other:?}"),
    }
}

/// A socket from which these bytes come, so many at once.
#[derive(Debug)]
struct Said {
    rest: Vec<u8>,
    at_once: usize,
}

impl Socket for Said {
    type ReadHalf = Self;
    type WriteHalf = Mute;

    fn split(self) -> (Self, Mute) {
        (self, Mute)
    }
}

impl ReadHalf for Said {
    async fn read(&mut self, buffer: &mut [u8]) -> zlink::Result<ReadResult> {
        let bytes = self.at_once.min(self.rest.len()).min(buffer.len());
        buffer[..bytes].copy_from_slice(&self.rest[..bytes]);
        self.rest.drain(..bytes);
        Ok(ReadResult::new(bytes))
    }
}

/// Nothing is answered here.
#[derive(Debug)]
struct Mute;

impl WriteHalf for Mute {
    async fn write(&mut self, _: &[u8], _: &[impl AsFd], _: Option<&PassedCredentials>) -> zlink::Result<()> {
        Ok(())
    }
}
