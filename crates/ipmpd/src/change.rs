//! What a change of the configuration comes to: which edits of the files, and what changes hands. Reads the kernel,
//! changes nothing.

mod edits;

use ipmp_config::{Documents, Edit, Finding};
use ipmp_control::{self as wire, EditKind};
use ipmp_core::kernel::ALIAS;
use ipmp_core::{Config, Handover, IfIndex, IfName};
use ipmp_netlink::{Captured, capture};

use crate::in_force::InForce;
use crate::takeover::{release, takeover};

/// A change that can be made.
#[derive(Debug)]
pub struct Planned {
    /// What would be in force.
    pub in_force: InForce,
    /// What is doubtful.
    pub warnings: Vec<String>,
}

/// Works out what becomes of the configuration in force.
///
/// # Errors
///
/// Why not, and what to do; then nothing of it may be done.
pub fn plan(asked: &wire::Change, now: &InForce) -> Result<Planned, String> {
    if asked.edits.is_empty() {
        return Err("there is nothing to change: no edits were given".into());
    }
    let mut change =
        Change { files: now.files.clone(), running: now.running.clone(), lasting: !asked.temporary, taken: None };
    let before = change.config()?;
    let (mut handover, mut warnings) = (Handover::default(), Vec::new());
    for edit in &asked.edits {
        if let (EditKind::Delete, Some(to)) = (edit.kind, &edit.group) {
            handover.give.extend(change.release(&edit.interface, to)?);
        }
        for edit in edits::of(edit, &change.running)? {
            change.edit(&edit)?;
        }
    }
    for group in change.config()?.groups {
        let known = before.groups.iter().find(|known| known.interface == group.interface);
        if known.is_none() {
            change.may_be_made(&group.interface)?;
        }
        let was =
            |name: &IfName| known.is_some_and(|known| known.members.iter().any(|member| member.interface == *name));
        let joining: Vec<IfName> =
            group.members.iter().map(|member| member.interface.clone()).filter(|name| !was(name)).collect();
        if !joining.is_empty() {
            let config = change.config()?;
            let taken = takeover(&group.interface, &joining, change.captured()?, &config)?;
            taken.edits.iter().try_for_each(|edit| change.edit(edit))?;
            handover.take.extend(taken.take);
            warnings.extend(taken.warnings);
        }
    }
    warnings.extend(change.doubts(now)?);
    let Change { files, running, .. } = change;
    let mut lent = now.lent.clone();
    if asked.temporary {
        lent.after(handover.inverse());
    }
    let in_force = InForce { files, running, handover, lent, pending: None };
    Ok(Planned { in_force, warnings })
}

/// What a change is, for people.
pub fn describe(edits: &[wire::Edit]) -> String {
    edits.iter().map(edits::describe).collect::<Vec<_>>().join(", ")
}

/// The documents while they are edited, and the kernel as it is looked at when that is needed first.
struct Change {
    files: Documents,
    running: Documents,
    /// The files are to say it too.
    lasting: bool,
    taken: Option<Captured>,
}

impl Change {
    fn edit(&mut self, edit: &Edit) -> Result<(), String> {
        self.running.edit(edit)?;
        if self.lasting {
            self.files.edit(edit).map_err(|reason| {
                format!("{reason} -- in the files, from which what is in force differs by temporary changes; use -t, or reload first")
            })?;
        }
        Ok(())
    }

    /// What the documents come to so far.
    fn config(&self) -> Result<Config, String> {
        self.running.check().map(|loaded| loaded.config).map_err(|findings| findings.sentences())
    }

    fn captured(&mut self) -> Result<&Captured, String> {
        if self.taken.is_none() {
            self.taken = Some(capture().map_err(|error| error.to_string())?);
        }
        Ok(self.taken.as_ref().expect("it was captured"))
    }

    /// A group may have an interface that somebody made for it, but not one that leads anywhere.
    fn may_be_made(&mut self, interface: &IfName) -> Result<(), String> {
        let link = self.captured()?.links.iter().find(|link| link.name == *interface);
        match link.is_some_and(|link| link.multi_access && link.alias.as_deref() != Some(ALIAS)) {
            true => Err(format!("{interface} is a network interface of this host, and cannot be an IPMP interface")),
            false => Ok(()),
        }
    }

    /// What an interface gets of the group that goes.
    fn release(&mut self, group: &str, to: &str) -> Result<Vec<ipmp_core::Foreign>, String> {
        let config = self.config()?;
        let known = config.groups.iter().find(|known| known.interface.as_str() == group);
        let known = known.ok_or_else(|| format!("{group} is not an IPMP interface"))?;
        if !known.members.iter().any(|member| member.interface.as_str() == to) {
            return Err(format!("{to} is not a member of {group}: its addresses can only go to one of its members"));
        }
        let links = &self.captured()?.links;
        let index: Option<IfIndex> =
            links.iter().find(|link| link.name.as_str() == to && link.usable()).map(|link| link.index);
        let index = index.ok_or_else(|| format!("{to} has no link: addresses that went to it would be unreachable"))?;
        Ok(release(known, index))
    }

    /// What is doubtful in the result and was not before.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    fn doubts(&self, before: &InForce) -> Result<Vec<String>, String> {
        if self.lasting {
            self.files.check().map_err(|findings| findings.sentences())?;
        }
        let known = before.running.check().map(|loaded| loaded.findings).unwrap_or_default();
        let found = self.running.check().map_err(|findings| findings.sentences())?.findings;
        Ok(found.since(&known).map(Finding::sentence).collect())
    }
}
