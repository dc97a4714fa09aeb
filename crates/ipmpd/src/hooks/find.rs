//! Which hooks there are, and which of them may be run. Looks at the directory, and runs nothing.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

/// What is in the directory.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// To be run, in this order.
    pub hooks: Vec<PathBuf>,
    /// Not to be run, and why.
    pub refused: BTreeMap<PathBuf, String>,
}

/// Looks into the directory; that it is not there is no fault. What is no executable file is passed over, as are hidden
/// files and the copies that editors leave.
pub fn find(directory: &Path) -> Found {
    let mut found = Found::default();
    match names(directory) {
        Ok(paths) => paths.into_iter().for_each(|path| found.sort_in(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => drop(found.refused.insert(directory.to_owned(), error.to_string())),
    }
    found
}

/// All that may be a hook by its name, in order; none where others could have put it there.
fn names(directory: &Path) -> io::Result<Vec<PathBuf>> {
    untouched(&fs::metadata(directory)?).map_err(io::Error::other)?;
    let entries = fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    let mut paths: Vec<_> = entries.into_iter().filter(|path| is_hook_name(path)).collect();
    paths.sort();
    Ok(paths)
}

fn is_hook_name(path: &Path) -> bool {
    path.file_name().is_some_and(|name| !name.as_bytes().starts_with(b".") && !name.as_bytes().ends_with(b"~"))
}

impl Found {
    fn sort_in(&mut self, path: PathBuf) {
        match fs::metadata(&path) {
            Ok(metadata) if !metadata.is_file() || metadata.mode() & 0o111 == 0 => {}
            Ok(metadata) => match untouched(&metadata) {
                Ok(()) => self.hooks.push(path),
                Err(reason) => drop(self.refused.insert(path, reason)),
            },
            Err(error) => drop(self.refused.insert(path, error.to_string())),
        }
    }
}

/// Only root and the user of the daemon may have written it: whoever writes a hook does what the daemon may do.
fn untouched(metadata: &Metadata) -> Result<(), String> {
    let owner = metadata.uid();
    if owner != 0 && owner != geteuid().as_raw() {
        return Err(format!("it belongs to user {owner}, not to root or the user of the daemon"));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(format!("others may write it (mode {:o})", metadata.mode() & 0o7777));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    fn put(directory: &Path, name: &str, mode: u32) -> PathBuf {
        let path = directory.join(name);
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn executables_in_order_of_their_names_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path();
        let hooks = ["20-b", "10-a", "page.sh"].map(|name| put(at, name, 0o755));
        put(at, ".hidden", 0o755);
        put(at, "10-a~", 0o755);
        put(at, "README", 0o644);
        fs::create_dir(at.join("directory")).unwrap();
        symlink(&hooks[0], at.join("30-link")).unwrap();
        let [b, a, page] = hooks;
        assert_eq!(find(at), Found { hooks: vec![a, b, at.join("30-link"), page], refused: BTreeMap::new() });
    }

    #[test]
    fn what_others_may_have_written_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path();
        let bad = [put(at, "group", 0o775), put(at, "world", 0o757)];
        let fine = put(at, "fine", 0o755);
        let gone = at.join("gone");
        symlink(at.join("nowhere"), &gone).unwrap();
        let found = find(at);
        assert_eq!(found.hooks, [fine]);
        assert_eq!(found.refused[&bad[0]], "others may write it (mode 775)");
        assert_eq!(found.refused[&bad[1]], "others may write it (mode 757)");
        assert!(found.refused.contains_key(&gone), "{found:?}");

        fs::set_permissions(at, fs::Permissions::from_mode(0o777)).unwrap();
        let found = find(at);
        assert!(found.hooks.is_empty() && found.refused.keys().eq([at]), "{found:?}");
    }

    #[test]
    fn a_stranger_s_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let hook = put(directory.path(), "hook", 0o755);
        // Only root may give files away.
        if geteuid().is_root() {
            chown(&hook, Some(65534), None).unwrap();
            let found = find(directory.path());
            let reason = "it belongs to user 65534, not to root or the user of the daemon";
            assert_eq!(found, Found { hooks: vec![], refused: BTreeMap::from([(hook, reason.to_owned())]) });
        }
    }

    #[test]
    fn no_directory_is_no_hooks() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(find(&directory.path().join("hooks.d")), Found::default());
    }
}
