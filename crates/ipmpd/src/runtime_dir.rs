//! The runtime directory: the lock that keeps a second daemon away, the control socket, and what must
//! outlive a restart. Lost with a reboot, as it should be.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use ipmp_core::Memory;
use nix::fcntl::{Flock, FlockArg};

use crate::in_force::Store;

/// The directory, ours alone for as long as this lives.
pub struct RuntimeDir {
    path: PathBuf,
    _lock: Flock<File>,
}

impl RuntimeDir {
    /// Makes the directory where it is missing, and takes the lock.
    ///
    /// # Errors
    ///
    /// A sentence, where another daemon has it or it cannot be used.
    pub fn open(path: &Path) -> Result<Self, String> {
        let failed = |what: &str, error: io::Error| format!("{what} {}: {error}", path.display());
        fs::create_dir_all(path).map_err(|error| failed("cannot make the runtime directory", error))?;
        let lock = File::options().create(true).truncate(false).write(true).open(path.join("lock"));
        let lock = lock.map_err(|error| failed("cannot use the runtime directory", error))?;
        match Flock::lock(lock, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => {
                Err(format!("another ipmpd is running with the runtime directory {}", path.display()))
            }
            Err((_, error)) => Err(failed("cannot lock the runtime directory", error.into())),
        }
    }

    /// Where the control socket is.
    pub fn socket(&self) -> PathBuf {
        ipmp_control::socket_path(&self.path)
    }

    /// Where the memory is kept.
    pub fn memory_file(&self) -> PathBuf {
        self.path.join("memory.json")
    }

    /// Where is kept what the configuration files do not say.
    pub fn store(&self) -> Store {
        Store(self.path.join("configuration.json"))
    }

    /// What the last daemon remembered; nothing where there was none.
    ///
    /// # Errors
    ///
    /// Why the file is of no use.
    pub fn recall(&self) -> Result<Memory, String> {
        match fs::read(self.memory_file()) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Memory::default()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Keeps this for the next daemon. The file is either the old one or the new one, never half of one.
    pub fn remember(&self, memory: &Memory) -> io::Result<()> {
        let draft = self.path.join("memory.json.new");
        fs::write(&draft, serde_json::to_vec(memory)?)?;
        fs::rename(&draft, self.memory_file())
    }
}

impl Drop for RuntimeDir {
    fn drop(&mut self) {
        // Clients learn at once that nobody is there.
        let _ = fs::remove_file(self.socket());
    }
}

#[cfg(test)]
mod tests {
    use ipmp_core::kernel::Tunables;

    use super::*;

    #[test]
    fn what_is_remembered_is_recalled() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/run");
        let mut memory = Memory::default();
        memory.tunables.insert("eth0".parse().unwrap(), Tunables::MEMBER);
        memory.offline.insert("eth1".parse().unwrap());
        {
            let runtime = RuntimeDir::open(&path).unwrap();
            assert_eq!(runtime.recall(), Ok(Memory::default()));
            runtime.remember(&memory).unwrap();
        }
        assert_eq!(RuntimeDir::open(&path).unwrap().recall(), Ok(memory));
    }

    #[test]
    fn a_second_one_is_refused_until_the_first_has_gone() {
        let dir = tempfile::tempdir().unwrap();
        let first = RuntimeDir::open(dir.path()).unwrap();
        let refused = RuntimeDir::open(dir.path()).err().unwrap();
        assert!(refused.contains("another ipmpd is running"), "{refused}");
        drop(first);
        RuntimeDir::open(dir.path()).unwrap();
    }

    #[test]
    fn the_socket_goes_with_the_daemon() {
        let dir = tempfile::tempdir().unwrap();
        let runtime = RuntimeDir::open(dir.path()).unwrap();
        let socket = runtime.socket();
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        drop(runtime);
        assert!(!socket.exists());
    }
}
