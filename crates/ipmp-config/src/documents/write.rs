//! Writing files so that whatever happens each is the old one or the new one, and never half of either.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use super::{Document, Documents};
use crate::source;

impl Documents {
    /// Writes the files that differ from `before`, which is what the disk has.
    ///
    /// All are written beside the old ones before the first takes its place. Where several change, they do so in an
    /// order in which the files mean something after each, so that a machine that dies in between comes up again.
    ///
    /// # Errors
    ///
    /// Which file cannot be written, and why. All are as before then.
    pub fn write_over(&self, before: &Documents) -> Result<(), String> {
        let changed = |(file, document): &(usize, &Document)| before.all().nth(*file) != Some(document);
        let mut left: Vec<_> = self.all().enumerate().filter(changed).collect();
        let mut ready = Vec::new();
        let mut on_disk = before.clone();
        while !left.is_empty() {
            let means_something = |(file, document): &(usize, &Document)| {
                let mut then = on_disk.clone();
                then.get_mut(*file).text.clone_from(&document.text);
                then.check().is_ok()
            };
            let next = left.iter().position(means_something).unwrap_or(0);
            let (file, document) = left.remove(next);
            on_disk.get_mut(file).text.clone_from(&document.text);
            ready.push((file, Replacement::prepare(document).map_err(|error| refused(document, &error))?));
        }
        for (done, (file, replacement)) in ready.iter().enumerate() {
            if let Err(error) = replacement.take_place() {
                ready[..=done].iter().rev().for_each(|(file, _)| restore(before, *file));
                return Err(refused(self.all().nth(*file).expect("one of them"), &error));
            }
        }
        Ok(())
    }
}

fn refused(document: &Document, error: &io::Error) -> String {
    let file = source::shown(&document.path);
    format!("{file} cannot be written: {error}; with -t the change can be made until the next reload")
}

/// Nothing is left to be done where this fails too.
fn restore(before: &Documents, file: usize) {
    let document = before.all().nth(file).expect("one of them");
    let _ = Replacement::prepare(document).and_then(|replacement| replacement.take_place());
}

/// A file that is written and waits beside the one that it is to replace. It goes if it never does.
struct Replacement {
    /// Hidden, so that nobody takes it for a file of `conf.d`; always of the same name, so that one that a dying
    /// machine left behind is overwritten by the next.
    waiting: PathBuf,
    target: PathBuf,
}

impl Replacement {
    /// Mode and owner are those of the old file, as far as may be. Of a symbolic link, what it leads to is replaced.
    fn prepare(document: &Document) -> io::Result<Self> {
        let target = fs::canonicalize(&document.path)?;
        let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(".new");
        let waiting = target.with_file_name(hidden);
        match fs::remove_file(&waiting) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let old = fs::metadata(&target)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&waiting)?;
        let replacement = Self { waiting, target };
        file.write_all(document.text.as_bytes())?;
        belong(&file, &old)?;
        file.set_permissions(old.permissions())?;
        file.sync_all()?;
        Ok(replacement)
    }

    fn take_place(&self) -> io::Result<()> {
        fs::rename(&self.waiting, &self.target)?;
        File::open(self.target.parent().unwrap_or(Path::new("/")))?.sync_all()
    }
}

/// To whom the old file belongs. Who may not give files away, as the daemon's user, keeps at least the group.
fn belong(file: &File, old: &fs::Metadata) -> io::Result<()> {
    let wanted = [(Some(old.uid()), Some(old.gid())), (None, Some(old.gid()))];
    for (owner, group) in wanted {
        match fchown(file, owner, group) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            done => return done,
        }
    }
    Ok(())
}

impl Drop for Replacement {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.waiting);
    }
}
