//! Whether a group can bear one more failure.

use std::net::IpAddr;

use ipmp_control::{Family, FamilyHealth, Group, GroupState, Member, Probing, Problem, Severity};

use super::{problem, works};
use crate::check::Facts;

/// Whether a member could take over from another.
pub fn of_members(group: &Group, _facts: &Facts) -> Vec<Problem> {
    let name = &group.name;
    let (working, lame): (Vec<&Member>, Vec<_>) = group.members.iter().partition(|member| works(member));
    let why = |member: &&Member| format!("{}: {}", member.interface, member.reason.text);
    let lame = lame.iter().map(why).collect::<Vec<_>>().join("; ");
    let found = match (group.members.len(), working.as_slice()) {
        (0, _) => problem(
            Severity::Error,
            "redundancy",
            name,
            format!("Group {name} has no members."),
            "Its data addresses are on this host, but nobody can reach them.",
            format!("Add interfaces: `ipmpadm add-ipmp -i eth0,eth1 {}`.", group.interface),
        ),
        _ if group.state == GroupState::Failed => problem(
            Severity::Error,
            "redundancy",
            name,
            format!("No member of group {name} works ({lame})."),
            "Its data addresses cannot be reached.",
            "See `ipmpadm explain` of each member for why it failed and what it waits for.",
        ),
        (1, _) => problem(
            Severity::Warning,
            "redundancy",
            name,
            format!("Group {name} has one member only, {}.", group.members[0].interface),
            "When that fails nothing can take over its data addresses.",
            format!("Add another interface on the same link: `ipmpadm add-ipmp -i IF {}`.", group.interface),
        ),
        (_, [last]) => problem(
            Severity::Warning,
            "redundancy",
            name,
            format!("{} is the last member of group {name} that works ({lame}).", last.interface),
            "When that fails too, the group's data addresses cannot be reached.",
            "Repair the others, or take them back into service; `ipmpadm explain` says what each waits for.",
        ),
        _ => {
            let families = [Family::Inet, Family::Inet6].into_iter();
            return families.filter_map(|family| of_family(family, group, &working)).collect();
        }
    };
    vec![found]
}

/// The same for a family that has addresses: one may be dead on a member whose other family lives.
fn of_family(family: Family, group: &Group, working: &[&Member]) -> Option<Problem> {
    let is_of = |address: IpAddr| address.is_ipv4() == (family == Family::Inet);
    if !group.addresses.iter().any(|address| is_of(address.address)) {
        return None;
    }
    let (name, version) = (&group.name, if family == Family::Inet { "IPv4" } else { "IPv6" });
    let dead = |probing: &Probing| probing.family == family && probing.health == FamilyHealth::Failed;
    let able: Vec<_> = working.iter().filter(|member| !member.probing.iter().any(dead)).collect();
    let (severity, what, consequence) = match able.as_slice() {
        [] => (
            Severity::Error,
            format!("{version} works on no member of group {name}."),
            format!("Its {version} addresses cannot be reached."),
        ),
        [last] => (
            Severity::Warning,
            format!("{} is the last member of group {name} on which {version} works.", last.interface),
            format!("When that fails too, the group's {version} addresses cannot be reached."),
        ),
        _ => return None,
    };
    let remedy = format!("Look at what {version} needs on the way: routers, filters, switches; see `ipmpadm explain`.");
    Some(problem(severity, "redundancy", name, what, consequence, remedy))
}
