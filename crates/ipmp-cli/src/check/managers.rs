//! Who else configures a member, and how it is told not to.

use ipmp_control::{Problem, Severity};

use super::host::{Manager, Member};

/// Each program that manages the member besides the daemon.
pub fn of_member(member: &Member) -> impl Iterator<Item = Problem> {
    member.managers.iter().map(|manager| problem(&member.name, manager))
}

fn problem(name: &str, manager: &Manager) -> Problem {
    let (what, consequence, remedy) = match manager {
        Manager::Networkd(file) => {
            let by = file.as_ref().map(|file| format!(", by {file}")).unwrap_or_default();
            (
                format!("systemd-networkd configures {name}{by}."),
                "It deletes addresses and routes that are not in its files whenever it sets the link up.",
                format!(
                    "Put `[Match] Name={name}` and `[Link] Unmanaged=yes` into a .network file that sorts before others, then `networkctl reload`."
                ),
            )
        }
        Manager::NetworkManager => (
            format!("NetworkManager manages {name}."),
            "It takes the link down, or its addresses away, when a connection is activated or ends.",
            format!(
                "`nmcli device set {name} managed no`, and `unmanaged-devices=interface-name:{name}` in its configuration."
            ),
        ),
        Manager::Ifupdown(file, method) => (
            format!("ifupdown configures {name}: `iface {name} … {method}` in {}.", file.display()),
            "At the next boot, ifup or ifdown, the link has those addresses besides the group's, or is taken down.",
            format!("Say `iface {name} inet manual`; the addresses belong to the group."),
        ),
        Manager::Dhcp(program) => (
            format!("A DHCP client, {program}, runs on {name}."),
            "It sets an address and a default route of its own, and takes them away when the lease ends.",
            format!("Stop it, and give the group fixed addresses; see what starts {program} on {name}."),
        ),
    };
    let (kind, subject) = ("manager".to_owned(), name.to_owned());
    Problem { severity: Severity::Warning, kind, subject, what, consequence: consequence.into(), remedy }
}
