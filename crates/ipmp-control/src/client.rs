//! A client that waits: one connection, one call at a time, each with a deadline; and one that watches.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use zlink::tokio::unix::Connection;

use crate::{Addresses, Change, Changed, Edit, Events, Forecast, Probes, Problems, Refusal, Snapshot, socket_path};

/// How long the daemon may take for an answer (IPMP behaviour, §0), and for a change.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it may take for a reload, which reads files and waits until the kernel has what they say.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long it may take to look at the host, which waits for frames that may not come.
const CHECK_TIMEOUT: Duration = Duration::from_secs(20);

/// Why a call came to nothing.
#[derive(Debug)]
pub enum Error {
    /// Nothing listens on the socket, or it can not be reached.
    Absent {
        /// The socket.
        socket: PathBuf,
        /// What the kernel says.
        error: io::Error,
    },
    /// It has ended, or does not want this client any more.
    HungUp,
    /// No answer in time.
    Silent(Duration),
    /// The daemon says no.
    Refused(Refusal),
    /// The answer is not what this client knows.
    Protocol(zlink::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Absent { socket, error } => {
                write!(f, "cannot contact ipmpd -- is IPMP in use? ({}: {error})", socket.display())
            }
            Error::HungUp => f.write_str("ipmpd has hung up"),
            Error::Silent(waited) => write!(f, "ipmpd did not answer within {} s", waited.as_secs()),
            Error::Refused(refusal) => refusal.fmt(f),
            Error::Protocol(error) => write!(f, "no valid answer from ipmpd: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<zlink::Error> for Error {
    fn from(error: zlink::Error) -> Self {
        match error {
            zlink::Error::UnexpectedEof => Error::HungUp,
            zlink::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionReset => Error::HungUp,
            zlink::Error::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => Error::HungUp,
            error => Error::Protocol(error),
        }
    }
}

/// A connection to the daemon.
#[derive(Debug)]
pub struct Client {
    runtime: Runtime,
    connection: Connection,
}

impl Client {
    /// Connects to the daemon of a runtime directory.
    pub fn connect(runtime_dir: &Path) -> Result<Self, Error> {
        let socket = socket_path(runtime_dir);
        let absent = |error| Error::Absent { socket: socket.clone(), error };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(absent)?;
        let connecting = async { timeout(ANSWER_TIMEOUT, zlink::tokio::unix::connect(&socket)).await };
        let connection = match runtime.block_on(connecting) {
            Ok(Ok(connection)) => connection,
            Ok(Err(zlink::Error::Io(error))) => return Err(absent(error)),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => return Err(Error::Silent(ANSWER_TIMEOUT)),
        };
        Ok(Self { runtime, connection })
    }

    /// Everything that the daemon knows.
    pub fn status(&mut self) -> Result<Snapshot, Error> {
        answer(&self.runtime, ANSWER_TIMEOUT, self.connection.status())
    }

    /// What becomes of each probe, from the moment on when this returns.
    pub fn watch(self) -> Result<Watch<Probes>, Error> {
        let mut watch = self.begin("io.ipmpd.Control.Probes", NoParameters {})?;
        // The first reply says that it has begun, and no more.
        watch.first = None;
        Ok(watch)
    }

    /// Every event after the one of that number, as far as they are kept, and those to come; without a number only
    /// those that happen after this has returned.
    pub fn events(self, after: Option<u64>) -> Result<Watch<Events>, Error> {
        self.begin("io.ipmpd.Control.Events", After { after })
    }

    fn begin<T>(mut self, method: &'static str, parameters: impl Serialize + fmt::Debug) -> Result<Watch<T>, Error>
    where
        T: DeserializeOwned + fmt::Debug,
    {
        let begin = async {
            let call = zlink::Call::new(Method { method, parameters }).set_more(true);
            self.connection.send_call(&call, Vec::new()).await?;
            reply(&mut self.connection).await
        };
        let first = answer(&self.runtime, ANSWER_TIMEOUT, begin)?;
        Ok(Watch { runtime: self.runtime, connection: self.connection, first: Some(first) })
    }

    /// Takes a member out of service.
    pub fn offline(&mut self, interface: &str) -> Result<(), Error> {
        answer(&self.runtime, ANSWER_TIMEOUT, self.connection.offline(interface))
    }

    /// Takes it back into service.
    pub fn online(&mut self, interface: &str) -> Result<(), Error> {
        answer(&self.runtime, ANSWER_TIMEOUT, self.connection.online(interface))
    }

    /// Changes the configuration, and waits until it is in force.
    pub fn change(&mut self, change: &Change) -> Result<Changed, Error> {
        let Change { edits, temporary, dry_run, confirm_ms } = change;
        answer(&self.runtime, RELOAD_TIMEOUT, self.connection.change(edits, *temporary, *dry_run, *confirm_ms))
    }

    /// Keeps the change that waits to be confirmed.
    pub fn confirm(&mut self) -> Result<(), Error> {
        answer(&self.runtime, ANSWER_TIMEOUT, self.connection.confirm())
    }

    /// Undoes it at once.
    pub fn revert(&mut self) -> Result<(), Error> {
        answer(&self.runtime, RELOAD_TIMEOUT, self.connection.revert())
    }

    /// Every address that is configured.
    pub fn addresses(&mut self) -> Result<Addresses, Error> {
        answer(&self.runtime, ANSWER_TIMEOUT, self.connection.addresses())
    }

    /// Where everything would go if these members failed.
    pub fn what_if(&mut self, fail: &[String]) -> Result<Forecast, Error> {
        answer(&self.runtime, ANSWER_TIMEOUT, self.connection.what_if(fail))
    }

    /// What is wrong on this host.
    pub fn check(&mut self) -> Result<Problems, Error> {
        answer(&self.runtime, CHECK_TIMEOUT, self.connection.check())
    }

    /// Has the configuration read again, and waits for the outcome.
    pub fn reload(&mut self) -> Result<(), Error> {
        answer(&self.runtime, RELOAD_TIMEOUT, self.connection.reload())
    }
}

/// A stream of probes, or of events.
#[derive(Debug)]
pub struct Watch<T> {
    runtime: Runtime,
    connection: Connection,
    /// What came with the answer to the call.
    first: Option<T>,
}

impl<T: DeserializeOwned + fmt::Debug> Watch<T> {
    /// What comes next; of events the first may be none. Waits for it as long as it takes, and returns with an error
    /// once the daemon has ended.
    pub fn fetch(&mut self) -> Result<T, Error> {
        match self.first.take() {
            Some(first) => Ok(first),
            None => self.runtime.block_on(reply(&mut self.connection))?.map_err(Error::Refused),
        }
    }
}

/// A call that is answered by a stream.
#[derive(Debug, Serialize)]
struct Method<P> {
    method: &'static str,
    parameters: P,
}

#[derive(Debug, Serialize)]
struct NoParameters {}

#[derive(Debug, Serialize)]
struct After {
    after: Option<u64>,
}

/// One reply of the stream.
async fn reply<T>(connection: &mut Connection) -> zlink::Result<Result<T, Refusal>>
where
    T: DeserializeOwned + fmt::Debug,
{
    let (reply, _) = connection.receive_reply::<T, Refusal>().await?;
    match reply {
        Ok(reply) => reply.into_parameters().map(Ok).ok_or(zlink::Error::MissingParameters),
        Err(refusal) => Ok(Err(refusal)),
    }
}

fn answer<T>(
    runtime: &Runtime,
    patience: Duration,
    call: impl Future<Output = zlink::Result<Result<T, Refusal>>>,
) -> Result<T, Error> {
    match runtime.block_on(async { timeout(patience, call).await }) {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(refusal))) => Err(Error::Refused(refusal)),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Error::Silent(patience)),
    }
}

#[zlink::proxy("io.ipmpd.Control")]
trait Control {
    async fn status(&mut self) -> zlink::Result<Result<Snapshot, Refusal>>;
    async fn offline(&mut self, interface: &str) -> zlink::Result<Result<(), Refusal>>;
    async fn online(&mut self, interface: &str) -> zlink::Result<Result<(), Refusal>>;
    async fn change(
        &mut self,
        edits: &[Edit],
        temporary: bool,
        dry_run: bool,
        confirm_ms: Option<u64>,
    ) -> zlink::Result<Result<Changed, Refusal>>;
    async fn confirm(&mut self) -> zlink::Result<Result<(), Refusal>>;
    async fn revert(&mut self) -> zlink::Result<Result<(), Refusal>>;
    async fn addresses(&mut self) -> zlink::Result<Result<Addresses, Refusal>>;
    async fn what_if(&mut self, fail: &[String]) -> zlink::Result<Result<Forecast, Refusal>>;
    async fn check(&mut self) -> zlink::Result<Result<Problems, Refusal>>;
    async fn reload(&mut self) -> zlink::Result<Result<(), Refusal>>;
}
