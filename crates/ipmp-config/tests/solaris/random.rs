//! Any words in any order, one command after the other, on real files: refused, or made into edits of which each can be
//! made; and what was asked for is there then.

use std::fs;

use ipmp_config::solaris::{Known, KnownMember, State, ifconfig, import};
use ipmp_config::{Documents, Loaded};
use proptest::prelude::*;

const INTERFACES: [&str; 9] = ["eth0", "eth1", "eth2", "ipmp0", "ipmp1", "eth0:1", "ipmp0:1", "ipmp0:2", "nosuch"];

const WORDS: [&str; 32] = [
    "ipmp",
    "plumb",
    "unplumb",
    "inet",
    "inet6",
    "group a",
    "group b",
    "group ipmp0",
    "group ipmp1",
    "group \"\"",
    "192.0.2.50/24",
    "192.0.2.10/24",
    "192.0.2.51",
    "2001:db8::50/64",
    "2001:db8::10/64",
    "fe80::10/64",
    "10.0.0.1",
    "0.0.0.0",
    "set 192.0.2.52/24",
    "addif 192.0.2.53/24",
    "addif 2001:db8::53/64",
    "removeif 192.0.2.50",
    "netmask +",
    "netmask 255.255.255.0",
    "broadcast +",
    "up",
    "down",
    "failover",
    "-failover",
    "standby",
    "-standby",
    "deprecated",
];

fn command() -> impl Strategy<Value = String> {
    let words = prop::collection::vec(prop::sample::select(&WORDS), 1..6);
    (prop::sample::select(&INTERFACES), words).prop_map(|(interface, words)| format!("{interface} {}", words.join(" ")))
}

/// As the daemon and the kernel would tell it.
fn state(documents: &Documents, loaded: &Loaded) -> State {
    let held = |name: &str| {
        let own = documents.addresses().into_iter().filter(|(interface, ..)| interface.as_str() == name);
        own.map(|(_, net, down)| (net, down)).collect()
    };
    let groups = loaded.config.groups.iter().map(|group| Known {
        interface: group.interface.clone(),
        name: group.name.to_string(),
        addresses: held(group.interface.as_str()),
        members: group
            .members
            .iter()
            .map(|member| KnownMember {
                interface: member.interface.clone(),
                standby: member.standby,
                addresses: held(member.interface.as_str()),
            })
            .collect(),
    });
    let groups: Vec<_> = groups.collect();
    let ipmp = groups.iter().map(|group| group.interface.to_string());
    let links = ["eth0", "eth1", "eth2"].map(String::from).into_iter().chain(ipmp).collect();
    State { groups, links }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn commands_are_refused_or_can_be_carried_out(commands in prop::collection::vec(command(), 1..12)) {
        let directory = tempfile::tempdir().unwrap();
        let main = directory.path().join("ipmpd.toml");
        fs::write(&main, "# Keep me.\n").unwrap();
        let mut documents = Documents::read(&main).unwrap();
        for command in &commands {
            let state = state(&documents, &documents.check().unwrap());
            let words: Vec<String> = command.split(' ').map(|word| word.trim_matches('"').to_owned()).collect();
            let Ok(outcome) = ifconfig(&words, &state, &|_, _| None) else { continue };
            // The rules of the files may refuse what Solaris does not mind, but each edit has its place.
            let mut one_by_one = documents.clone();
            for edit in &outcome.edits {
                let made = one_by_one.edit(edit);
                let fits = made.as_ref().map_or_else(|reason| reason.contains("is link-local"), |()| true);
                prop_assert!(fits, "{command}: {edit:?}: {made:?}");
            }
            if documents.edit_all(&outcome.edits).is_ok() {
                let loaded = documents.check().unwrap();
                prop_assert!(loaded.config.groups.iter().all(|group| group.interface.as_str().starts_with("ipmp")));
            }
        }
    }

    #[test]
    fn files_are_refused_or_become_a_configuration(
        files in prop::collection::btree_map(
            prop::sample::select(vec!["hostname.eth0", "hostname.eth1", "hostname6.eth0", "hostname.ipmp0", "hostname6.ipmp0", "hostname.eth0:1"]),
            prop::collection::vec(prop::collection::vec(prop::sample::select(&WORDS), 0..6), 0..4),
            1..6,
        )
    ) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        for (name, lines) in &files {
            let lines: Vec<_> = lines.iter().map(|words| words.join(" ")).collect();
            fs::write(root.path().join("etc").join(name), lines.join("\n")).unwrap();
        }
        if let Ok(imported) = import(root.path()) {
            prop_assert!(ipmp_config::check_text("ipmpd.toml", imported.text.as_bytes()).is_ok());
        }
    }

    #[test]
    fn no_text_is_too_strange(words in prop::collection::vec(".{0,12}", 0..6), text in ".{0,200}") {
        let _ = ifconfig(&words, &State::default(), &|_, _| None);
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("etc/default")).unwrap();
        for name in ["hostname.eth0", "default/mpathd", "netmasks", "defaultrouter", "hosts"] {
            fs::write(root.path().join("etc").join(name), &text).unwrap();
        }
        let _ = import(root.path());
    }
}
