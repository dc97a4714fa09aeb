//! `ifconfig` on a made-up host, a command after the other: what it becomes, what it warns of, what it refuses.

use std::fmt::Write;

use ipmp_config::Edit;
use ipmp_config::solaris::{Family, Held, Known, KnownMember, State, ifconfig};

/// A host with NICs and what commands have made of it: edits are applied as the daemon would.
#[derive(Default)]
struct Host(State);

impl Host {
    fn new() -> Self {
        let links = ["lo", "eth0", "eth1", "eth2"].map(String::from).into();
        Host(State { groups: Vec::new(), links })
    }

    /// A host on which these commands were given, each of which is in order.
    fn after(commands: &[&str]) -> Self {
        let mut host = Self::new();
        for command in commands {
            let said = host.run(command);
            assert!(!said.contains("refused"), "{command}: {said}");
        }
        host
    }

    /// What comes of a command.
    fn run(&mut self, command: &str) -> String {
        let words: Vec<String> = command.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect();
        let lookup = |host: &str, _: Family| (host == "www").then(|| "192.0.2.51".parse().unwrap());
        let mut told = String::new();
        match ifconfig(&words, &self.0, &lookup) {
            Err(reason) => writeln!(told, "refused: {reason}").unwrap(),
            Ok(outcome) => {
                for edit in outcome.edits {
                    writeln!(told, "{}", text(&edit)).unwrap();
                    self.apply(edit);
                }
                outcome.said.iter().for_each(|said| writeln!(told, "says: {said}").unwrap());
                outcome.warnings.iter().for_each(|warning| writeln!(told, "warns: {warning}").unwrap());
            }
        }
        told
    }

    fn apply(&mut self, edit: Edit) {
        let state = &mut self.0;
        match edit {
            Edit::CreateGroup { interface, name } => {
                state.links.insert(interface.to_string());
                let name = name.unwrap_or(interface.to_string());
                state.groups.push(Known { interface, name, addresses: Vec::new(), members: Vec::new() });
            }
            Edit::DeleteGroup { interface } => {
                state.links.remove(interface.as_str());
                state.groups.retain(|group| group.interface != interface);
            }
            Edit::AddMember { group, interface } => {
                let leaves = |group: &mut Known| {
                    let at = group.members.iter().position(|member| member.interface == interface)?;
                    Some(group.members.remove(at))
                };
                let new = KnownMember { interface: interface.clone(), standby: false, addresses: Vec::new() };
                let member = state.groups.iter_mut().find_map(leaves).unwrap_or(new);
                state.groups.iter_mut().find(|known| known.interface == group).unwrap().members.push(member);
            }
            Edit::RemoveMember { interface } => {
                state.groups.iter_mut().for_each(|group| group.members.retain(|member| member.interface != interface));
            }
            Edit::AddAddress { interface, address, down } => {
                self.held(interface.as_str(), |held| held.push((address, down)));
            }
            Edit::RemoveAddress { interface, address } => {
                self.held(interface.as_str(), |held| held.retain(|(net, _)| net.addr() != address));
            }
            Edit::SetAddress { interface, address, down } => self.held(interface.as_str(), |held| {
                held.iter_mut().filter(|(net, _)| net.addr() == address).for_each(|held| held.1 = down);
            }),
            Edit::Set { interface, key, value } if key == "standby" => {
                let members = state.groups.iter_mut().flat_map(|group| &mut group.members);
                members
                    .filter(|member| member.interface == interface)
                    .for_each(|member| member.standby = value.is_some());
            }
            Edit::Set { interface, value, .. } => {
                let group = state.groups.iter_mut().find(|group| group.interface == interface).unwrap();
                group.name = value.map_or(interface.to_string(), |name| name.trim_matches('"').to_owned());
            }
            Edit::AddGateway { .. } | Edit::AddRoute { .. } => unreachable!(),
        }
    }

    fn held(&mut self, interface: &str, change: impl FnOnce(&mut Vec<Held>)) {
        let groups = self.0.groups.iter_mut();
        let lists = groups.flat_map(|group| {
            let members = group.members.iter_mut().map(|member| (member.interface.to_string(), &mut member.addresses));
            members.chain([(group.interface.to_string(), &mut group.addresses)]).collect::<Vec<_>>()
        });
        let (_, held) = lists.into_iter().find(|(name, _)| name == interface).expect("an interface of a group");
        change(held);
        // As the files have them: what is up first.
        held.sort_by_key(|(_, down)| *down);
    }
}

fn text(edit: &Edit) -> String {
    let down = |down: &bool| if *down { " down" } else { "" };
    match edit {
        Edit::CreateGroup { interface, name: None } => format!("create {interface}"),
        Edit::CreateGroup { interface, name: Some(name) } => format!("create {interface} {name}"),
        Edit::DeleteGroup { interface } => format!("delete {interface}"),
        Edit::AddMember { group, interface } => format!("join {interface} {group}"),
        Edit::RemoveMember { interface } => format!("leave {interface}"),
        Edit::AddAddress { interface, address, down: is } => format!("add {interface} {address}{}", down(is)),
        Edit::RemoveAddress { interface, address } => format!("remove {interface} {address}"),
        Edit::SetAddress { interface, address, down } => {
            format!("set {interface} {address} {}", if *down { "down" } else { "up" })
        }
        Edit::Set { interface, key, value } => format!("property {interface} {key} {value:?}"),
        other => format!("{other:?}"),
    }
}

/// Each row: the commands before, the command, what comes of it.
#[track_caller]
fn becomes(before: &[&str], command: &str, expected: &[&str]) {
    let told = Host::after(before).run(command);
    assert_eq!(told.lines().collect::<Vec<_>>(), expected, "after {before:?}: {command}");
}

const GROUP: &[&str] = &["ipmp0 ipmp group itops", "eth0 group itops", "eth1 group itops"];

#[test]
fn a_group_is_made() {
    becomes(&[], "ipmp0 ipmp", &["create ipmp0"]);
    becomes(&[], "ipmp0 ipmp group itops", &["create ipmp0 itops"]);
    becomes(&[], "ipmp0 ipmp 192.0.2.50/24 up", &["create ipmp0", "add ipmp0 192.0.2.50/24"]);
    // The other half is there already.
    becomes(&["ipmp0 ipmp"], "ipmp0 inet6 ipmp", &[]);
    becomes(&["ipmp0 ipmp"], "ipmp0 group acctg", &["property ipmp0 name Some(\"\\\"acctg\\\"\")"]);
    becomes(GROUP, "ipmp0 group ipmp0", &["property ipmp0 name None"]);
}

#[test]
fn a_group_that_nobody_made_is_made_with_the_lowest_free_number() {
    let made = "warns: there was no group fieldops: ipmp0 is made for it";
    becomes(&[], "eth0 group fieldops", &["create ipmp0 fieldops", "join eth0 ipmp0", made]);
    let made = "warns: there was no group fieldops: ipmp2 is made for it";
    // A number is taken by an interface, and by a group of that name.
    becomes(
        &["ipmp0 ipmp", "net7 ipmp group ipmp1"],
        "eth0 group fieldops",
        &["create ipmp2 fieldops", "join eth0 ipmp2", made],
    );
}

#[test]
fn members_join_move_and_leave() {
    becomes(&["ipmp0 ipmp group itops"], "eth0 group itops", &["join eth0 ipmp0"]);
    becomes(GROUP, "eth0 group itops", &[]);
    becomes(&["ipmp0 ipmp", "ipmp1 ipmp", "eth0 group ipmp0"], "eth0 group ipmp1", &["join eth0 ipmp1"]);
    becomes(GROUP, "eth0 group \"\"", &["leave eth0"]);
    becomes(&[], "eth0 group \"\"", &[]);
    // Plumbing is the kernel's here, and does no harm.
    becomes(GROUP, "eth2 plumb inet6 group itops up", &["join eth2 ipmp0"]);
    becomes(GROUP, "eth0 unplumb", &["leave eth0"]);
    // A test address keeps the half that it is of; without one, both are left.
    let four: &[&str] =
        &["ipmp0 ipmp 192.0.2.50/24 up", "eth0 group ipmp0", "eth1 group ipmp0 -failover 192.0.2.11/24 up"];
    let both = "warns: eth0 leaves ipmp0 with both families, which are one member here";
    becomes(four, "eth0 inet6 unplumb", &["leave eth0", both]);
    becomes(four, "eth0 unplumb", &["leave eth0"]);
    becomes(four, "eth1 inet6 unplumb", &[]);
}

#[test]
fn data_addresses_come_in_each_form() {
    becomes(GROUP, "ipmp0 192.0.2.50/24 up", &["add ipmp0 192.0.2.50/24"]);
    becomes(GROUP, "plumb ipmp0 192.0.2.50/24 up", &["add ipmp0 192.0.2.50/24"]);
    becomes(GROUP, "ipmp0 inet6 2001:db8::50/64 up", &["add ipmp0 2001:db8::50/64"]);
    becomes(GROUP, "ipmp0 192.0.2.50 netmask 255.255.255.0 broadcast + up", &["add ipmp0 192.0.2.50/24"]);
    becomes(GROUP, "ipmp0 192.0.2.50 netmask 0xffffff00 up", &["add ipmp0 192.0.2.50/24"]);
    becomes(GROUP, "ipmp0 set 192.0.2.50/24 up", &["add ipmp0 192.0.2.50/24"]);
    becomes(GROUP, "ipmp0 www/24 up", &["add ipmp0 192.0.2.51/24"]);
    becomes(GROUP, "ipmp0 192.0.2.50/24", &["add ipmp0 192.0.2.50/24 down"]);
    let one: &[&str] = &["ipmp0 ipmp", "ipmp0 192.0.2.50/24 up"];
    becomes(
        one,
        "ipmp0 addif 192.0.2.51/24 up",
        &["add ipmp0 192.0.2.51/24", "says: Created new logical interface ipmp0:1"],
    );
    // The subnet is known.
    becomes(
        one,
        "ipmp0 addif 192.0.2.51 up",
        &["add ipmp0 192.0.2.51/24", "says: Created new logical interface ipmp0:1"],
    );
    becomes(one, "ipmp0 removeif 192.0.2.50", &["remove ipmp0 192.0.2.50"]);
    becomes(one, "ipmp0 down", &["set ipmp0 192.0.2.50 down"]);
    becomes(one, "ipmp0 192.0.2.50 up", &[]);
    becomes(&["ipmp0 ipmp", "ipmp0 192.0.2.50/24"], "ipmp0 up", &["set ipmp0 192.0.2.50 up"]);
    becomes(
        &["ipmp0 ipmp", "ipmp0 192.0.2.50/24 up", "ipmp0 addif 192.0.2.51/24"],
        "ipmp0:1 up",
        &["set ipmp0 192.0.2.51 up"],
    );
    becomes(
        one,
        "ipmp0 192.0.2.60/24 up",
        &[
            "remove ipmp0 192.0.2.50",
            "add ipmp0 192.0.2.60/24",
            "warns: 192.0.2.60 takes the place of 192.0.2.50 on ipmp0; `ifconfig ipmp0 addif 192.0.2.60 up` adds one",
        ],
    );
    // A logical interface is made for an address, whether it was plumbed in a command before or not.
    becomes(one, "ipmp0:1 plumb 192.0.2.51/24 up", &["add ipmp0 192.0.2.51/24"]);
    becomes(one, "ipmp0:1 192.0.2.51/24 up", &["add ipmp0 192.0.2.51/24"]);
    becomes(one, "ipmp0:1 plumb", &[]);
    let assumed = "warns: 10.1.2.3 is written without the length of its subnet's prefix; 10.1.2.3/8 is assumed";
    becomes(GROUP, "ipmp0 10.1.2.3 up", &["add ipmp0 10.1.2.3/8", assumed]);
}

#[test]
fn test_addresses_are_marked_before_they_come_up() {
    becomes(GROUP, "eth0 -failover 192.0.2.10/24 up", &["add eth0 192.0.2.10/24"]);
    becomes(GROUP, "eth0 192.0.2.10/24 deprecated -failover up", &["add eth0 192.0.2.10/24"]);
    becomes(GROUP, "eth0 inet6 -failover up", &[]);
    becomes(GROUP, "eth0 -failover 192.0.2.10/24", &["add eth0 192.0.2.10/24 down"]);
    becomes(GROUP, "eth0:1 plumb -failover 192.0.2.10/24 up", &["add eth0 192.0.2.10/24"]);
    becomes(&["ipmp0 ipmp", "eth0 group ipmp0 -failover 192.0.2.10/24"], "eth0 up", &["set eth0 192.0.2.10 up"]);
    let test: &[&str] = &["ipmp0 ipmp", "eth0 group ipmp0 -failover 192.0.2.10/24 up"];
    becomes(test, "eth0 down", &["set eth0 192.0.2.10 down"]);
    becomes(test, "eth0 failover", &["remove eth0 192.0.2.10", "add ipmp0 192.0.2.10/24"]);
    becomes(test, "eth0 192.0.2.10/24 up", &[]);
    // Alone it is not remembered.
    let alone = "warns: eth0 has no address that `-failover` could be said of, and it is not remembered: say it in one \
                 command with the address, `ifconfig eth0 -failover ADDR up`";
    becomes(GROUP, "eth0 -failover", &[alone]);
    // In one command, in whatever order it joins.
    becomes(
        &["ipmp0 ipmp"],
        "eth0 -failover 192.0.2.10/24 up group ipmp0",
        &["join eth0 ipmp0", "add eth0 192.0.2.10/24"],
    );
}

#[test]
fn what_comes_up_unmarked_is_a_data_address_and_moves() {
    becomes(GROUP, "eth0 192.0.2.50/24 up", &["add ipmp0 192.0.2.50/24"]);
    becomes(
        GROUP,
        "eth0 addif 192.0.2.50/24 up",
        &["add ipmp0 192.0.2.50/24", "says: Created new logical interface eth0:1"],
    );
    becomes(
        GROUP,
        "eth0 192.0.2.10/24 up -failover",
        &[
            "add ipmp0 192.0.2.10/24",
            "warns: `-failover` stands after `up`: 192.0.2.10 was a data address by then, and is one of ipmp0 now; for a \
             test address of eth0 put `-failover` before `up`",
        ],
    );
    becomes(&["ipmp0 ipmp"], "eth0 192.0.2.50/24 up group ipmp0", &["join eth0 ipmp0", "add ipmp0 192.0.2.50/24"]);
}

#[test]
fn standby_is_a_member_s() {
    becomes(GROUP, "eth1 standby", &["property eth1 standby Some(\"true\")"]);
    becomes(&["ipmp0 ipmp", "eth0 group ipmp0 standby"], "eth0 -standby", &["property eth0 standby None"]);
    becomes(
        &["ipmp0 ipmp"],
        "eth1 plumb group ipmp0 -failover 192.0.2.11/24 standby up",
        &["join eth1 ipmp0", "add eth1 192.0.2.11/24", "property eth1 standby Some(\"true\")"],
    );
}

#[test]
fn a_group_goes_when_it_is_empty() {
    becomes(&["ipmp0 ipmp"], "ipmp0 unplumb", &["delete ipmp0"]);
    becomes(&["ipmp0 ipmp", "ipmp0 192.0.2.50/24"], "ipmp0 unplumb", &["delete ipmp0"]);
    becomes(&["ipmp0 ipmp", "ipmp0 192.0.2.50/24 up"], "ipmp0 down unplumb", &["delete ipmp0"]);
    let six: &[&str] = &["ipmp0 ipmp", "ipmp0 192.0.2.50/24", "ipmp0 inet6 2001:db8::50/64 up"];
    becomes(six, "ipmp0 unplumb", &["remove ipmp0 192.0.2.50"]);
}

#[test]
fn what_solaris_refuses_is_refused() {
    let refused = |before: &[&str], command: &str, part: &str| {
        let mut host = Host::after(before);
        let told = host.run(command);
        assert!(told.starts_with("refused: ") && told.contains(part), "after {before:?}: {command}: {told}");
    };
    refused(GROUP, "ipmp0 group \"\"", "has a name");
    refused(&["ipmp0 ipmp", "ipmp1 ipmp"], "ipmp1 group ipmp0", "there is a group ipmp0 already");
    refused(GROUP, "ipmp0 -failover", "is for members");
    refused(GROUP, "ipmp0 standby", "is for members");
    refused(GROUP, "ipmp0 unplumb", "has members (eth0, eth1)");
    refused(&["ipmp0 ipmp", "ipmp0 192.0.2.50/24 up"], "ipmp0 unplumb", "addresses that are up (192.0.2.50)");
    refused(&[], "ipmp ipmp", "letters and then a number");
    refused(&[], "eth0 ipmp", "ordinary interface");
    refused(GROUP, "eth0:0 group itops", "is a logical one");
    refused(&[], "eth9 group itops", "no such interface");
    refused(&[], "eth0 group 12345678901234567890123456789012", "1 to 31 bytes");
    refused(&[], "eth0 192.0.2.50/24 up", "is in no group");
    refused(&[], "eth0 standby", "is in no group");
    refused(GROUP, "ipmp0 removeif 192.0.2.77", "it has none");
    refused(GROUP, "ipmp0:4 up", "no logical interface 4");
    refused(GROUP, "ipmp0:8192 192.0.2.50/24 up", "numbered below 8192");
    refused(GROUP, "eth0 dhcp", "DHCP");
    refused(GROUP, "eth0 192.0.2.10 192.0.2.11 up", "point-to-point");
    refused(GROUP, "eth0 192.0.2.10 destination 192.0.2.11 up", "point-to-point");
    refused(GROUP, "ipmp0 nonsense!", "neither a word");
    refused(GROUP, "ipmp0 192.0.2.50/33 up", "from 0 to 32");
    refused(GROUP, "ipmp0 192.0.2.50 netmask 255.0.255.0", "is no netmask");
    refused(GROUP, "ipmp0", "nothing to do");
    refused(GROUP, "-a", "all interfaces at once");
    refused(GROUP, "plumb", "needs an interface");
    refused(GROUP, "eth0 group", "needs a word after it");
    refused(
        &["ipmp0 ipmp", "ipmp0 192.0.2.50/24 up", "eth0 group ipmp0"],
        "eth0 192.0.2.50/24 up",
        "an address of ipmp0 already",
    );
}
