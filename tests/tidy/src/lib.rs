//! Tidiness as ordinary tests: what a reader of the project relies on and a compiler does not check.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the workspace.
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the workspace is there")
}

/// The text of a file, named from the root.
pub fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The entries of a directory, named from the root, sorted; nothing where there is no such directory.
pub fn entries(directory: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root().join(directory)) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| Path::new(directory).join(entry.unwrap().file_name())).collect();
    paths.sort();
    paths
}
