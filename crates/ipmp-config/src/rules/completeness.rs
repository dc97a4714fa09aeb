//! What a group lacks, or has and cannot use.

use crate::report::Report;
use crate::written::Group;

pub(super) fn check(group: &Group, report: &mut Report) {
    members(group, report);
    targets(group, report);
}

/// A group may be made first and filled later, as on Solaris; one that has addresses by then needs members.
fn members(group: &Group, report: &mut Report) {
    if group.members.is_empty() && !group.members.lost && !group.addresses.is_empty() {
        let message = format!("{} has no members, so its addresses cannot be reached", group.shown());
        report.warning(&group.place, message).expected("a [[group.member]] for each interface");
    }
}

fn targets(group: &Group, report: &mut Report) {
    let none = group.targets.is_empty() && !group.targets.lost;
    if let Some(exclusive) = group.targets_exclusive.as_ref().filter(|at| at.value && none) {
        report
            .error(&exclusive.place, "`targets-exclusive` without `targets` leaves nothing to probe")
            .expected("`targets` with at least one address");
    }
}
