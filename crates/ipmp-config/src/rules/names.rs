//! Names: an interface has one part to play, and a name means one group.

use std::collections::BTreeMap;

use crate::report::Report;
use crate::source::{At, Place};
use crate::value::quoted;
use crate::written::{GROUPS_MAX, Group, Written};

pub(super) fn check(written: &Written, report: &mut Report) {
    number(written, report);
    interfaces(written, report);
    names(written, report);
}

/// A single file is bounded by the reader, their sum here.
fn number(written: &Written, report: &mut Report) {
    if let Some(group) = written.groups.get(GROUPS_MAX) {
        let message = format!("{} groups in all files together", written.groups.len());
        report.error(&group.place, message).expected(format!("at most {GROUPS_MAX}"));
    }
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Ipmp,
    Member(&'a Group),
}

fn interfaces(written: &Written, report: &mut Report) {
    let mut seen: BTreeMap<&str, (Part, &Place)> = BTreeMap::new();
    for group in &written.groups {
        let ipmp = group.interface.iter().map(|at| (Part::Ipmp, at));
        let members = group.members.iter().filter_map(|member| member.interface.as_ref());
        for (part, at) in ipmp.chain(members.map(|at| (Part::Member(group), at))) {
            let name = at.value.as_str();
            match seen.get(name) {
                Some((other, first)) => twice(name, (*other, first), (part, &at.place), report),
                None => drop(seen.insert(name, (part, &at.place))),
            }
        }
    }
}

fn twice(name: &str, (other, first): (Part, &Place), (part, place): (Part, &Place), report: &mut Report) {
    let name = quoted(name);
    let (message, expected) = match (other, part) {
        (Part::Ipmp, Part::Ipmp) => {
            (format!("two groups with the IPMP interface {name}"), "an IPMP interface for each")
        }
        (Part::Member(one), Part::Member(two)) if std::ptr::eq(one, two) => {
            (format!("{name} is in its group twice"), "each member once")
        }
        (Part::Member(one), Part::Member(two)) => {
            (format!("{name} is in {} and in {}", one.shown(), two.shown()), "an interface in one group only")
        }
        (Part::Ipmp, Part::Member(_)) | (Part::Member(_), Part::Ipmp) => {
            (format!("{name} is both a member and an IPMP interface"), "one or the other")
        }
    };
    report.error(place, message).expected(expected).related(first, "first here");
}

fn names(written: &Written, report: &mut Report) {
    let mut seen: BTreeMap<String, (bool, Place)> = BTreeMap::new();
    for group in &written.groups {
        let Some(At { value: name, place }) = group.effective_name() else { continue };
        let own = group.name.is_some();
        match seen.get(name.as_str()) {
            // Both go by the name of one interface, of which that has been said.
            Some((false, _)) if !own => {}
            Some((_, first)) => {
                let message = format!("two groups named {}", quoted(name.as_str()));
                report.error(&place, message).expected("a name for each").related(first, "first here");
            }
            None => drop(seen.insert(name.as_str().to_owned(), (own, place))),
        }
    }
}
