//! A configuration directory of its own for each test, and edits in few words.

#![allow(dead_code, reason = "each test file takes what it needs")]

pub mod edits;

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

/// A main file and its `conf.d`.
pub struct Site(TempDir);

impl Site {
    pub fn new(main: &str, conf_d: &[(&str, &str)]) -> Self {
        let site = Self(tempfile::tempdir().expect("a directory"));
        fs::create_dir(site.path("conf.d")).expect("made");
        site.write("ipmpd.toml", main);
        conf_d.iter().for_each(|(name, text)| site.write(&format!("conf.d/{name}"), text));
        site
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn main(&self) -> PathBuf {
        self.path("ipmpd.toml")
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("readable")
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("removed");
    }

    /// Everything that lies in the directory, hidden files too.
    pub fn names(&self) -> Vec<String> {
        let list =
            |path: PathBuf| fs::read_dir(path).expect("a directory").map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = list(self.path(".")).chain(list(self.path("conf.d"))).collect();
        names.sort();
        names.into_iter().map(|name| name.into_string().expect("UTF-8")).collect()
    }
}
