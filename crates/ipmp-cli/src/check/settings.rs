//! Settings that defeat what the daemon sets on members, or that its addresses come up against.

use ipmp_control::{Problem, Severity};

use super::host::{Host, Member};

/// Settings of the whole host. Of `all` and the member's own, the larger `arp_ignore` counts, and any `arp_filter`.
pub fn of_host(host: &Host) -> Vec<Problem> {
    let mut problems = Vec::new();
    if host.members.is_empty() {
        return problems;
    }
    if host.arp_ignore > 1 {
        problems.push(problem(
            "all",
            format!("net.ipv4.conf.all.arp_ignore is {}, and overrules the 1 of the members.", host.arp_ignore),
            "ARP requests for data addresses are not answered, or by members that do not carry them.",
            "`sysctl net.ipv4.conf.all.arp_ignore=0`, and the same in /etc/sysctl.d.".into(),
        ));
    }
    if host.arp_filter > 0 {
        problems.push(filter("all"));
    }
    problems
}

/// Settings of a member.
pub fn of_member(member: &Member) -> Vec<Problem> {
    let name = &member.name;
    let mut problems = Vec::new();
    if member.arp_filter > 0 {
        problems.push(filter(name));
    }
    // The kernel counts all that an interface has, but the limit is only for those that it makes itself.
    let limit = usize::try_from(member.max_addresses).unwrap_or(usize::MAX);
    if limit > 0 && member.inet6 >= limit && member.inet6_dynamic > 0 {
        problems.push(Problem {
            severity: Severity::Warning,
            kind: "ipv6_addresses".into(),
            subject: name.clone(),
            what: format!(
                "{name} has {} IPv6 addresses, {} of them from advertisements of routers; the kernel stops making such at {limit}.",
                member.inet6, member.inet6_dynamic
            ),
            consequence: "It will have no address of a prefix that a router announces from now on, nor new temporary ones.".into(),
            remedy: format!(
                "Have it make none (`sysctl net.ipv6.conf.{name}.autoconf=0`; the data addresses are the host's), or raise net.ipv6.conf.{name}.max_addresses."
            ),
        });
    }
    problems
}

fn filter(of: &str) -> Problem {
    problem(
        of,
        format!("net.ipv4.conf.{of}.arp_filter is on."),
        "ARP requests are answered only by the member that traffic to the asker would leave by: many are not answered.",
        format!("`sysctl net.ipv4.conf.{of}.arp_filter=0`, and the same in /etc/sysctl.d."),
    )
}

fn problem(subject: &str, what: String, consequence: &str, remedy: String) -> Problem {
    Problem {
        severity: Severity::Error,
        kind: "sysctl".into(),
        subject: subject.to_owned(),
        what,
        consequence: consequence.to_owned(),
        remedy,
    }
}
