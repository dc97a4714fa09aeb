//! What is wrong with the data addresses of a group.

use ipmp_control::{Address, Claim, Group, Problem, Severity};

use super::problem;
use crate::check::Facts;

/// Whether another host has one.
pub fn address_taken(group: &Group, _facts: &Facts) -> Vec<Problem> {
    let taken = group.addresses.iter().filter(|address| address.claim == Claim::Taken);
    let found = taken.map(|Address { address, taken_by, .. }| {
        let by = taken_by.as_ref().map(|mac| format!(", {mac},")).unwrap_or_default();
        problem(
            Severity::Error,
            "address_taken",
            &group.name,
            format!("Another host{by} has {address}, a data address of group {}.", group.name),
            "It is not used here until the other host gives it up.",
            format!("Take it from the other host, or from the group: `ipmpadm delete-addr {address}`."),
        )
    });
    found.collect()
}

/// Whether somebody else has put one of them on an interface.
pub fn foreign_address(group: &Group, facts: &Facts) -> Vec<Problem> {
    let kernel = &facts.kernel;
    let data = |address| group.addresses.iter().any(|data| data.address == address);
    let foreign = kernel.addresses.iter().filter(|(key, info)| !info.ours && data(key.address.addr()));
    let found = foreign.filter_map(|(key, _)| {
        let link = kernel.links.get(&key.index)?;
        (link.name.as_str() != group.interface).then(|| {
            let (address, name) = (key.address, &link.name);
            problem(
                Severity::Error,
                "foreign_address",
                name.as_str(),
                format!("{name} has {address}, a data address of group {}, from somebody else than ipmpd.", group.name),
                format!("{name} answers for it wherever the group has it, and its traffic goes astray."),
                format!("Find out who configures it, and `ip address del {address} dev {name}`."),
            )
        })
    });
    found.collect()
}
