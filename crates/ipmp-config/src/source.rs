//! The files: reading them within bounds, and naming places in them.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::finding::{FINDINGS_MAX, Position};
use crate::report::Report;

/// Largest file that is read, in bytes: some thirty thousand addresses, far beyond the limits of what
/// one may hold, so only a file that is no configuration at all is refused by this.
pub(crate) const FILE_MAX: usize = 1024 * 1024;

/// Most files that are read of `conf.d`; as many as there may be groups.
const FILES_MAX: usize = 255;

/// One file as read.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its path, as the administrator gave it.
    pub(crate) path: PathBuf,
    /// The same, fit to be shown.
    pub(crate) name: String,
    /// Its text; bytes that are not UTF-8 replaced.
    pub(crate) text: String,
}

/// The files of one configuration.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The main file, if it could be read.
    pub(crate) main: Option<Arc<Source>>,
    /// Those of `conf.d`, by name.
    pub(crate) conf_d: Vec<Arc<Source>>,
}

/// A stretch of a file.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) source: Arc<Source>,
    /// In bytes; on character boundaries and within the text.
    pub(crate) span: Range<usize>,
}

/// A value and where it is written.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

impl Source {
    /// Makes text of bytes and reports each stretch that is not UTF-8.
    pub(crate) fn decode(path: &Path, bytes: &[u8], report: &mut Report) -> Arc<Source> {
        let name = shown(path);
        report.file(&name);
        let mut text = String::with_capacity(bytes.len());
        let mut bad = Vec::new();
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                bad.push((text.len(), chunk.invalid()[0]));
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        let source = Arc::new(Source { path: path.to_owned(), name, text });
        // A file that is no text at all may hold a million, in a single line.
        for (start, byte) in bad.into_iter().take(FINDINGS_MAX) {
            let place = Place::new(&source, start..start + char::REPLACEMENT_CHARACTER.len_utf8());
            report.garbled(&place, format!("byte 0x{byte:02x} is not UTF-8")).expected("a file saved as UTF-8");
        }
        source
    }
}

impl Place {
    /// The stretch of these bytes, brought onto character boundaries.
    pub(crate) fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        Self { source: source.clone(), span: on_boundaries(&source.text, span) }
    }

    /// Line and column of its start.
    pub(crate) fn position(&self) -> Position {
        let before = &self.source.text[..self.span.start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: 1 + before.bytes().filter(|byte| *byte == b'\n').count(),
            column: 1 + before[line_start..].chars().count(),
        }
    }

    /// The bytes of the line that it starts in, without the newline.
    pub(crate) fn line(&self) -> Range<usize> {
        let text = &self.source.text;
        let start = text[..self.span.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[self.span.start..].find('\n').map_or(text.len(), |length| self.span.start + length);
        start..end
    }
}

/// The same stretch, begun and ended between two characters of the text.
pub(crate) fn on_boundaries(text: &str, span: Range<usize>) -> Range<usize> {
    let start = (0..=span.start.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let end = (span.end..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    start..end.max(start)
}

/// Reads the main file and what lies in `conf.d` beside it. What cannot be read is reported.
pub(crate) fn read_all(path: &Path, report: &mut Report) -> Sources {
    let main = read(path, report);
    let conf_d = read_directory(&path.with_file_name("conf.d"), report);
    Sources { main, conf_d }
}

fn read(path: &Path, report: &mut Report) -> Option<Arc<Source>> {
    match read_bytes(path) {
        Ok(bytes) => Some(Source::decode(path, &bytes, report)),
        Err(error) => {
            let name = shown(path);
            report.file(&name);
            report.unreadable(&name, &error.to_string());
            None
        }
    }
}

/// Files named `*.toml`, sorted by name. Hidden ones are left out: editors keep their copies so.
fn read_directory(path: &Path, report: &mut Report) -> Vec<Arc<Source>> {
    let mut paths = match list(path) {
        Ok(paths) => paths,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            report.unreadable(&shown(path), &error.to_string());
            return Vec::new();
        }
    };
    paths.sort();
    if paths.len() > FILES_MAX {
        report.unreadable(&shown(path), &format!("more than {FILES_MAX} files"));
        paths.truncate(FILES_MAX);
    }
    paths.iter().filter_map(|path| read(path, report)).collect()
}

fn list(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name();
        let text = name.to_string_lossy();
        if text.ends_with(".toml") && !text.starts_with('.') {
            paths.push(path.join(name));
        }
    }
    Ok(paths)
}

/// A pipe or a device is refused before it is opened: it could keep the daemon waiting for ever.
fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_MAX as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > FILE_MAX {
        return Err(io::Error::other(format!("larger than {} KiB", FILE_MAX / 1024)));
    }
    Ok(bytes)
}

pub(crate) fn shown(path: &Path) -> String {
    let path = path.to_string_lossy();
    path.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
