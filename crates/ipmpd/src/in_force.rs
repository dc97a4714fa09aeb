//! What configuration is in force, beyond what its files say: temporary changes, what is changing hands, and what waits
//! to be confirmed. Kept in the runtime directory, so that a daemon that is killed goes on where it was.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use ipmp_config::{Documents, Findings, Loaded};
use ipmp_core::{Handover, Instant};
use serde::{Deserialize, Serialize};

/// The configuration in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// The files as they were read or written last.
    pub files: Documents,
    /// The same with temporary changes.
    pub running: Documents,
    /// What changes hands; empty once it has.
    pub handover: Handover,
    /// What temporary changes took over or gave: undone with the next reload.
    pub lent: Handover,
    /// What to go back to, unless that is confirmed.
    pub pending: Option<Pending>,
}

/// A change that waits to be confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// What was changed, for people.
    pub what: String,
    /// When it is reverted, by the clock that runs since the machine was started.
    pub deadline: Instant,
    /// What was in force before; its handover is what undoes that of the change.
    pub before: Box<InForce>,
}

impl InForce {
    /// What the files say, and nothing besides.
    pub fn files(files: Documents) -> Self {
        let (handover, lent) = (Handover::default(), Handover::default());
        Self { running: files.clone(), files, handover, lent, pending: None }
    }

    /// What the files say now that temporary changes end.
    pub fn reloaded(&self, files: Documents) -> Self {
        Self { handover: self.lent.clone(), ..Self::files(files) }
    }

    /// What it comes to.
    ///
    /// # Errors
    ///
    /// All that is wrong with it.
    pub fn load(&self) -> Result<Loaded, Findings> {
        let mut loaded = self.running.check()?;
        loaded.config.handover = self.handover.clone();
        Ok(loaded)
    }

    /// Whether there is more to it than the files.
    fn is_plain(&self) -> bool {
        *self == Self::files(self.files.clone())
    }
}

/// The file in the runtime directory.
#[derive(Clone, Debug)]
pub struct Store(pub PathBuf);

impl Store {
    /// Keeps this for the next daemon. The file is either the old one or the new one; it is there only where it says
    /// more than the configuration files.
    pub fn keep(&self, in_force: &InForce) -> io::Result<()> {
        if in_force.is_plain() {
            return match fs::remove_file(&self.0) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let draft = self.0.with_extension("new");
        let mut file = File::create(&draft)?;
        file.write_all(&serde_json::to_vec(in_force)?)?;
        file.sync_all()?;
        fs::rename(&draft, &self.0)
    }

    /// What a daemon that begins with these files has to go on with. Where they are others than those that were in
    /// force, what was temporary ends, and what was not confirmed is no longer to be reverted: somebody has decided.
    /// Besides why what was kept is of no use, where it is of none.
    pub fn recall(&self, files: Documents) -> (InForce, Option<String>) {
        let kept = match fs::read(&self.0) {
            Ok(bytes) => serde_json::from_slice::<InForce>(&bytes).map_err(|error| error.to_string()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return (InForce::files(files), None),
            Err(error) => Err(error.to_string()),
        };
        match kept {
            Ok(kept) if kept.files == files => (kept, None),
            Ok(kept) => (kept.reloaded(files), None),
            Err(reason) => (InForce::files(files), Some(reason)),
        }
    }
}
