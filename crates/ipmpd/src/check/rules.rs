//! Facts → problems. Each rule looks at one group; `docs/check.md` has a paragraph for each kind of problem.

mod addresses;
mod members;
mod redundancy;
mod settings;
mod targets;

use ipmp_control::{Group, Member, MemberState, Problem, Severity};
use ipmp_core::kernel::Link;

use super::Facts;

/// A rule: what it finds in a group.
type Rule = fn(&Group, &Facts) -> Vec<Problem>;

const RULES: &[Rule] = &[
    redundancy::of_members,
    members::hardware_address,
    members::broadcast_domain,
    members::mtu,
    addresses::address_taken,
    addresses::foreign_address,
    settings::of_ipv4,
    settings::of_ipv6,
    targets::silent,
    targets::none,
];

/// Everything that the rules find, group by group.
pub fn problems(facts: &Facts) -> Vec<Problem> {
    facts.groups.iter().flat_map(|group| RULES.iter().flat_map(move |rule| rule(group, facts))).collect()
}

/// Whether a member can carry traffic, idle or not.
pub fn works(member: &Member) -> bool {
    matches!(member.state, MemberState::Ok | MemberState::Degraded | MemberState::Unknown)
}

/// The links of the members that are there.
fn links<'a>(group: &Group, facts: &'a Facts) -> impl Iterator<Item = &'a Link> {
    let names = group.members.iter().filter_map(|member| member.interface.parse().ok());
    names.filter_map(|name| facts.kernel.link_named(&name))
}

/// A problem; the sentences are put in by the rule.
fn problem(
    severity: Severity,
    kind: &str,
    subject: &str,
    what: String,
    consequence: impl Into<String>,
    remedy: impl Into<String>,
) -> Problem {
    let (kind, subject) = (kind.to_owned(), subject.to_owned());
    Problem { severity, kind, subject, what, consequence: consequence.into(), remedy: remedy.into() }
}

/// `eth0`, `eth0 and eth1`, `eth0, eth1 and eth2`.
fn list(names: &[impl AsRef<str>]) -> String {
    match names {
        [] => String::new(),
        [name] => name.as_ref().to_owned(),
        [names @ .., last] => {
            let names: Vec<_> = names.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", names.join(", "), last.as_ref())
        }
    }
}
