//! What a signal asks for. SIGPIPE is ignored by the language's runtime already.

use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::pipe;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

/// SIGHUP, SIGTERM and SIGINT. The handlers only write a byte into a socket, which never blocks.
pub struct Signals {
    hangup: UnixStream,
    end: UnixStream,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Read the configuration again.
    Reload,
    /// End.
    Stop,
}

impl Signals {
    /// From now on these signals do not kill.
    pub fn catch() -> io::Result<Self> {
        Ok(Self { hangup: caught(&[SIGHUP])?, end: caught(&[SIGTERM, SIGINT])? })
    }

    /// The next one; several of a kind may be one. Nothing is lost where the wait is given up.
    pub async fn next(&mut self) -> Asked {
        let (mut reloads, mut ends) = ([0; 64], [0; 1]);
        tokio::select! {
            _ = self.hangup.read(&mut reloads) => Asked::Reload,
            _ = self.end.read(&mut ends) => Asked::Stop,
        }
    }
}

/// A socket that becomes readable when one of these signals comes.
fn caught(signals: &[i32]) -> io::Result<UnixStream> {
    let (read, write) = std::os::unix::net::UnixStream::pair()?;
    for signal in signals {
        pipe::register(*signal, write.try_clone()?)?;
    }
    read.set_nonblocking(true)?;
    UnixStream::from_std(read)
}
