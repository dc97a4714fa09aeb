//! One error for the whole lab: what was being done, and what the kernel said to it.

use std::{fmt, io};

/// Something in the lab did not work.
#[derive(Debug)]
pub struct Error {
    doing: String,
    cause: io::Error,
}

/// What most functions here return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error that no system call reported.
    pub fn new(doing: impl Into<String>, cause: impl Into<String>) -> Self {
        Error { doing: doing.into(), cause: io::Error::other(cause.into()) }
    }

    /// The error of the system, as far as there was one.
    pub fn cause(&self) -> &io::Error {
        &self.cause
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.cause)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// Says what was being done when a system call failed.
pub(crate) trait Doing<T> {
    /// The sentence is only made when it is needed.
    fn doing<S: Into<String>>(self, what: impl FnOnce() -> S) -> Result<T>;
}

impl<T, E: Into<io::Error>> Doing<T> for std::result::Result<T, E> {
    fn doing<S: Into<String>>(self, what: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|cause| Error { doing: what().into(), cause: cause.into() })
    }
}
