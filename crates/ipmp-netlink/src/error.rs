//! Why a request came to nothing: what was asked, and the kernel's own sentence.

use std::fmt;
use std::io;
use std::time::Duration;

use nix::errno::Errno;

/// A request that was refused, or not answered.
#[derive(Debug)]
pub struct Error {
    /// What was asked for, as a phrase: "add address 10.1.0.50/32 to interface 3".
    what: String,
    cause: Cause,
}

/// The sort of failure, for those who must tell one from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is there already (`EEXIST`).
    Exists,
    /// It is not there: a route (`ESRCH`), an address (`EADDRNOTAVAIL`), anything else (`ENOENT`).
    NotFound,
    /// No such interface (`ENODEV`, `ENXIO`).
    NoDevice,
    /// This kernel or this interface cannot do it (`EOPNOTSUPP`), or lacks the address family (`EAFNOSUPPORT`).
    NotSupported,
    /// We may not (`EPERM`, `EACCES`).
    NotPermitted,
    /// No answer within the deadline.
    TimedOut,
    /// Anything else; see the text.
    Other,
}

#[derive(Debug)]
pub(crate) enum Cause {
    /// The kernel said no: the error number, and the text of the extended acknowledgement.
    Kernel(Errno, Option<String>),
    /// The socket failed.
    Socket(io::Error),
    /// The kernel said nothing.
    Silence(Duration),
    /// Each of so many dumps was interrupted by changes.
    Interrupted(u32),
    /// The kernel's answer makes no sense to us, or the connection is gone.
    Broken(&'static str),
}

impl Error {
    pub(crate) fn new(what: impl Into<String>, cause: Cause) -> Self {
        Self { what: what.into(), cause }
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> Kind {
        match &self.cause {
            Cause::Kernel(errno, _) => kind_of(*errno),
            Cause::Socket(error) => error.raw_os_error().map_or(Kind::Other, |errno| kind_of(Errno::from_raw(errno))),
            Cause::Silence(_) => Kind::TimedOut,
            Cause::Interrupted(_) | Cause::Broken(_) => Kind::Other,
        }
    }
}

fn kind_of(errno: Errno) -> Kind {
    match errno {
        Errno::EEXIST => Kind::Exists,
        Errno::ENOENT | Errno::ESRCH | Errno::EADDRNOTAVAIL => Kind::NotFound,
        Errno::ENODEV | Errno::ENXIO => Kind::NoDevice,
        Errno::EOPNOTSUPP | Errno::EAFNOSUPPORT => Kind::NotSupported,
        Errno::EPERM | Errno::EACCES => Kind::NotPermitted,
        _ => Kind::Other,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.what, self.cause)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Kernel(errno, None) => f.write_str(errno.desc()),
            Cause::Kernel(errno, Some(text)) => write!(f, "{} ({text})", errno.desc()),
            Cause::Socket(error) => write!(f, "netlink: {error}"),
            Cause::Silence(waited) => write!(f, "no complete answer from the kernel within {} ms", waited.as_millis()),
            Cause::Interrupted(times) => write!(f, "interrupted by changes {times} times"),
            Cause::Broken(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}
