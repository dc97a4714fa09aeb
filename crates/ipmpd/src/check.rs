//! `Check`: what is wrong on this host, or would make a failure worse.
//!
//! First the facts, then the rules. Facts come from the core's status, from the kernel, and from frames that members
//! send one another; the rules are functions of them and touch nothing. What only the file system tells (settings in
//! `/proc/sys`, other managers of an interface) is looked at by `ipmpadm check`: the daemon need not see those files.
//!
//! It waits, for the kernel and for frames that may not come: for a thread that nothing urgent waits for.

mod hearing;
mod rules;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ipmp_control::{Group, Problem, Problems, Severity, Snapshot};
use ipmp_core::kernel::{Fact, Kernel};

use self::hearing::{Hearing, Station};

/// How long the kernel may take to tell all that it has.
const DUMP_WITHIN: Duration = Duration::from_secs(5);

/// What the rules are applied to.
#[derive(Clone, Debug, Default)]
struct Facts {
    /// Groups with an IPMP interface.
    groups: Vec<Group>,
    /// What the kernel has; nothing where it could not be asked.
    kernel: Kernel,
    /// Who heard whose frames.
    hearing: Hearing,
}

/// Looks at everything, given what the core knows. Takes up to a few seconds.
pub fn run(snapshot: Snapshot) -> Problems {
    let groups = snapshot.groups.into_iter().filter(|group| !group.is_anonymous()).collect();
    let mut facts = Facts { groups, ..Facts::default() };
    let mut problems = Vec::new();
    match ipmp_netlink::dump(DUMP_WITHIN) {
        Ok(snapshot) => facts.kernel.learn(Fact::Snapshot(snapshot)),
        Err(error) => problems.push(unchecked(&error)),
    }
    facts.hearing = hearing::listen(facts.groups.iter().map(|group| stations(group, &facts.kernel)));
    problems.extend(rules::problems(&facts));
    problems.sort_by_key(|problem| problem.severity);
    Problems { problems }
}

/// The members of a group that a frame can be expected of: those that work. One that shares its hardware address with
/// another is offline, and sends nothing, or the switch would take it for the other.
fn stations(group: &Group, kernel: &Kernel) -> Vec<Station> {
    let working = group.members.iter().filter(|member| rules::works(member));
    let links = working.filter_map(|member| kernel.link_named(&member.interface.parse().ok()?));
    let usable = links.filter(|link| link.usable() && link.multi_access);
    usable.filter_map(|link| Some(Station { name: link.name.to_string(), index: link.index, mac: link.mac? })).collect()
}

fn unchecked(error: &ipmp_netlink::Error) -> Problem {
    Problem {
        severity: Severity::Warning,
        kind: "unchecked".into(),
        subject: "kernel".into(),
        what: format!("The kernel does not tell what it has: {error}."),
        consequence: "Links, their settings and foreign addresses are not checked.".into(),
        remedy: "Check again. Where this stays, look at the kernel's log.".into(),
    }
}
