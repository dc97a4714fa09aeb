//! What is wrong with whom the members probe.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipmp_control::{Group, Member, ProbeState, Probing, Problem, Severity, Target, TargetMode, TargetState};

use super::{list, problem, works};
use crate::check::Facts;

/// So many probes of a member are enough to tell a target that is silent from one that was just found.
const SETTLED: u64 = 10;

/// Whether targets that were configured, or are routers, answer nobody that works; or nobody at all.
pub fn silent(group: &Group, _facts: &Facts) -> Vec<Problem> {
    let any_works = group.members.iter().any(works);
    let asking = group.members.iter().filter(|member| works(member) || !any_works);
    let mut silent = BTreeMap::<IpAddr, Vec<&str>>::new();
    for member in asking {
        for target in configured(member).filter_map(|(probing, target)| is_silent(probing, target).then_some(target)) {
            silent.entry(target.address).or_default().push(&member.interface);
        }
    }
    let found = silent.into_iter().map(|(target, members)| {
        problem(
            Severity::Warning,
            "target_silent",
            &group.name,
            format!("{target}, a target of group {}, does not answer the probes of {}.", group.name, list(&members)),
            "The fewer targets answer, the likelier a failure of one is taken for a failure of the members.",
            format!("Mend {target}, let it answer, or replace it: `ipmpadm set -p targets=… {}`.", group.interface),
        )
    });
    found.collect()
}

fn configured(member: &Member) -> impl Iterator<Item = (&Probing, &Target)> {
    let routed = member.probing.iter().filter(|probing| probing.mode == TargetMode::Routes);
    routed.flat_map(|probing| probing.targets.iter().map(move |target| (probing, target)))
}

/// Whether it is marked so, or is probed and has answered none of the recent probes.
fn is_silent(probing: &Probing, target: &Target) -> bool {
    match target.state {
        TargetState::Dead => true,
        TargetState::Active => probing.sent >= SETTLED && target.loss.is_some_and(|loss| loss >= 1.0),
        TargetState::Slow | TargetState::Unused => false,
    }
}

/// Whether members have somebody to probe.
pub fn none(group: &Group, _facts: &Facts) -> Vec<Problem> {
    let idle = group.members.iter().filter(|member| works(member) && member.probe == ProbeState::Unknown);
    let idle: Vec<_> = idle.map(|member| member.interface.as_str()).collect();
    if idle.is_empty() {
        return Vec::new();
    }
    vec![problem(
        Severity::Warning,
        "no_target",
        &group.name,
        format!("There is nobody whom {} could probe.", list(&idle)),
        "A path that dies while the link stays up is not noticed.",
        format!("Name a router or hosts that answer: `ipmpadm set -p targets=… {}`.", group.interface),
    )]
}
