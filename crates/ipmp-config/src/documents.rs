//! The files of a configuration as text at hand: what was read, what it becomes by edits, and whether the disk
//! still has it.

mod write;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipmp_core::IfName;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::edit::{self, Edit};
use crate::finding::Findings;
use crate::report::Report;
use crate::source::{self, Source, Sources};
use crate::{Loaded, check};

/// All files of one configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Documents {
    main: Document,
    /// By name.
    conf_d: Vec<Document>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Document {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Documents {
    /// Reads the main file and `conf.d/*.toml` beside it. Their text need not be right.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or that is no text. Told with it is everything else that is wrong.
    pub fn read(main: &Path) -> Result<Self, Findings> {
        let mut report = Report::default();
        let Sources { main, conf_d } = source::read_all(main, &mut report);
        match main {
            Some(main) if report.errors() == 0 => Ok(Self {
                main: Document::of(&main),
                conf_d: conf_d.iter().map(|source| Document::of(source)).collect(),
            }),
            main => match check(&Sources { main, conf_d }, report) {
                Err(findings) => Err(findings),
                Ok(_) => unreachable!("there is an error where a file is missing"),
            },
        }
    }

    /// What they mean.
    ///
    /// # Errors
    ///
    /// Everything that was found, if there is an error among it.
    pub fn check(&self) -> Result<Loaded, Findings> {
        let mut report = Report::default();
        let mut decode = |document: &Document| Source::decode(&document.path, document.text.as_bytes(), &mut report);
        let main = Some(decode(&self.main));
        let conf_d = self.conf_d.iter().map(decode).collect();
        check(&Sources { main, conf_d }, report)
    }

    /// Makes one change. Only its own conditions are looked at: whether the whole is still right is told by
    /// [`check`](Self::check), so that edits that belong together need not come in a certain order.
    ///
    /// # Errors
    ///
    /// Why it cannot be made, and what to do. Nothing is changed then.
    pub fn edit(&mut self, edit: &Edit) -> Result<(), String> {
        for (file, text) in edit::edited(&self.all().collect::<Vec<_>>(), edit)? {
            self.get_mut(file).text = text;
        }
        Ok(())
    }

    /// Makes several changes, and checks what comes of them.
    ///
    /// # Errors
    ///
    /// Why they cannot be made, and what to do. Nothing is changed then.
    pub fn edit_all(&mut self, edits: &[Edit]) -> Result<Loaded, String> {
        let mut edited = self.clone();
        edits.iter().try_for_each(|edit| edited.edit(edit))?;
        let loaded = edited.check().map_err(|findings| findings.sentences())?;
        *self = edited;
        Ok(loaded)
    }

    /// The IPMP interface or member that has this address, up or down.
    ///
    /// # Errors
    ///
    /// None has it, or several have.
    pub fn holder(&self, address: IpAddr) -> Result<IfName, String> {
        edit::holder(&self.all().collect::<Vec<_>>(), address)
    }

    /// Every address of an IPMP interface or member, and whether it is down.
    pub fn addresses(&self) -> Vec<(IfName, IpNet, bool)> {
        edit::addresses(&self.all().collect::<Vec<_>>())
    }

    /// A file that is not on disk as it is here: changed, gone, or new.
    pub fn changed_on_disk(&self) -> Option<PathBuf> {
        let now = source::read_all(&self.main.path, &mut Report::default());
        let now: Vec<_> = now.main.iter().chain(&now.conf_d).map(|source| Document::of(source)).collect();
        let differs = |document: &&Document| !now.contains(document);
        let new = |document: &&Document| self.all().all(|known| known.path != document.path);
        self.all().find(differs).or_else(|| now.iter().find(new)).map(|document| document.path.clone())
    }

    fn all(&self) -> impl Iterator<Item = &Document> {
        std::iter::once(&self.main).chain(&self.conf_d)
    }

    /// By its place in [`all`](Self::all).
    fn get_mut(&mut self, file: usize) -> &mut Document {
        match file.checked_sub(1) {
            None => &mut self.main,
            Some(index) => &mut self.conf_d[index],
        }
    }
}

impl Document {
    fn of(source: &Source) -> Self {
        Self { path: source.path.clone(), text: source.text.clone() }
    }
}
