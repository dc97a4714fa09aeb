//! Whatever is done to a good file, in whatever order: it stays one, it means what was asked for and no more, and what was
//! not meant stays as it was written.

mod common;

use std::net::IpAddr;

use common::{Site, edits};
use ipmp_config::{Documents, Edit, load};
use ipmp_core::config::RouteConfig;
use ipmp_core::{Config, GroupConfig, IfName, MemberConfig};
use ipnet::IpNet;
use proptest::prelude::*;
use proptest::sample::select;

const FILES: [(&str, &str); 5] = [
    (include_str!("edits/main.toml"), include_str!("edits/braces.toml")),
    (include_str!("../../../config/ipmpd.toml"), "# Nothing.\n"),
    (include_str!("good/inline.toml"), ""),
    (include_str!("good/dual-stack.toml"), ""),
    ("", "# Nothing.\n"),
];

fn edit() -> impl Strategy<Value = Edit> {
    let ipmp = select(vec!["ipmp0", "ipmp1", "ipmp2", "ipmp5", "ipmp7", "net1", "x9"]);
    let member = select(vec!["eth0", "eth1", "eth2", "eth3", "eth4", "eth5", "eth6"]);
    let either = prop_oneof![ipmp.clone(), member.clone()];
    let net = select(vec![
        "192.0.2.50/24",
        "192.0.2.51/24",
        "192.0.2.60/24",
        "192.0.2.10/24",
        "203.0.113.50/24",
        "203.0.113.61/24",
        "198.51.100.50/24",
        "198.51.100.52/24",
        "2001:db8::50/64",
        "2001:db8::60/64",
        "fe80::10/64",
        "10.0.0.50/24",
    ]);
    let line = prop_oneof![
        (ipmp.clone(), select(vec!["", " named fieldops", " named back"])).prop_map(|(i, n)| format!("create {i}{n}")),
        ipmp.clone().prop_map(|i| format!("delete {i}")),
        (ipmp.clone(), member.clone()).prop_map(|(g, i)| format!("join {g} {i}")),
        (ipmp.clone(), member.clone()).prop_map(|(g, i)| format!("join {g} {i}")),
        member.clone().prop_map(|i| format!("leave {i}")),
        (either.clone(), net.clone(), select(vec!["", " down"])).prop_map(|(i, a, d)| format!("add {i} {a}{d}")),
        (either.clone(), net.clone()).prop_map(|(i, a)| format!("remove {i} {}", address(a))),
        (either.clone(), net.clone()).prop_map(|(i, a)| format!("down {i} {}", address(a))),
        (either, net.clone()).prop_map(|(i, a)| format!("up {i} {}", address(a))),
        (ipmp.clone(), select(vec!["192.0.2.1", "fe80::1", "203.0.113.1"]))
            .prop_map(|(i, a)| format!("gateway {i} {a}")),
        (ipmp.clone(), select(vec!["172.16.0.0/12", "2001:db8:1::/48"]), select(vec!["192.0.2.2", "2001:db8::2"]))
            .prop_map(|(i, to, via)| format!("route {i} {to} {via}")),
        (
            ipmp,
            select(vec!["failback true", "failback", "drain true", "targets", "targets [\"192.0.2.7\"]", "gateways"])
        )
            .prop_map(|(i, set)| format!("set {i} {set}")),
        (member, select(vec!["standby true", "standby"])).prop_map(|(i, set)| format!("set {i} {set}")),
    ];
    line.prop_map(|line| edits::parse(&line))
}

fn address(net: &str) -> &str {
    net.split('/').next().expect("an address")
}

/// What an edit is to come to. Settings are left to the test of single edits, and so are those of a group that is new.
fn meant(mut config: Config, edit: &Edit) -> Config {
    let taken = |config: &mut Config, interface: &IfName| -> Option<MemberConfig> {
        config.groups.iter_mut().find_map(|group| {
            let index = group.members.iter().position(|member| member.interface == *interface)?;
            Some(group.members.remove(index))
        })
    };
    match edit {
        Edit::CreateGroup { .. } | Edit::Set { .. } => {}
        Edit::DeleteGroup { interface } => config.groups.retain(|group| group.interface != *interface),
        Edit::AddMember { group, interface } => {
            let new = MemberConfig { interface: interface.clone(), test_addresses: Vec::new(), standby: false };
            let member = taken(&mut config, interface).unwrap_or(new);
            on_group(&mut config, group, |group| group.members.push(member.clone()));
        }
        Edit::RemoveMember { interface } => drop(taken(&mut config, interface)),
        Edit::AddAddress { interface, address, down } => lists(&mut config, interface, |up, known| {
            if *down { known } else { up }.push(*address);
        }),
        Edit::RemoveAddress { interface, address } => lists(&mut config, interface, |up, down| {
            up.retain(|net| net.addr() != *address);
            down.retain(|net| net.addr() != *address);
        }),
        Edit::SetAddress { interface, address, down: to } => lists(&mut config, interface, |up, down| {
            let (from, to) = if *to { (up, down) } else { (down, up) };
            to.extend(from.extract_if(.., |net| net.addr() == *address));
        }),
        Edit::AddGateway { interface, gateway } => on_group(&mut config, interface, |group| {
            if !group.gateways.contains(gateway) {
                group.gateways.push(*gateway);
            }
        }),
        Edit::AddRoute { interface, to, via } => on_group(&mut config, interface, |group| {
            let route = RouteConfig { to: *to, via: *via };
            if !group.routes.contains(&route) {
                group.routes.push(route);
            }
        }),
    }
    config
}

fn on_group(config: &mut Config, interface: &IfName, act: impl Fn(&mut GroupConfig)) {
    config.groups.iter_mut().filter(|group| group.interface == *interface).for_each(act);
}

/// The addresses of an interface that are up, and those that are down. The daemon knows no test addresses that are down.
fn lists(config: &mut Config, interface: &IfName, act: impl Fn(&mut Vec<IpNet>, &mut Vec<IpNet>)) {
    for group in &mut config.groups {
        if group.interface == *interface {
            act(&mut group.addresses, &mut group.down_addresses);
        }
        for member in group.members.iter_mut().filter(|member| member.interface == *interface) {
            act(&mut member.test_addresses, &mut Vec::new());
        }
    }
}

/// What can be compared after an edit: everything but what the edit does to settings, and what a new group has.
fn comparable(mut config: Config, edit: &Edit) -> Config {
    match edit {
        Edit::CreateGroup { interface, .. } => config.groups.retain(|group| group.interface != *interface),
        Edit::Set { interface, .. } => {
            config.groups.retain(|group| group.interface != *interface);
            config.groups.iter_mut().for_each(|group| group.members.retain(|member| member.interface != *interface));
        }
        // One that was down is not in the model before.
        Edit::SetAddress { interface, .. } => {
            config.groups.iter_mut().flat_map(|group| &mut group.members).for_each(|member| {
                if member.interface == *interface {
                    member.test_addresses.clear();
                }
            });
        }
        _ => {}
    }
    config
}

/// The lines of tables other than those of these interfaces, header to last key.
fn others(text: &str, mine: &[&str]) -> Vec<String> {
    let starts: Vec<_> = text.match_indices("[[").map(|(at, _)| at).filter(|at| is_line_start(text, *at)).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let tables = starts.iter().zip(ends).map(|(start, end)| &text[*start..end]);
    let trimmed = tables.map(|table| {
        let keep =
            table.lines().rev().skip_while(|line| line.trim().is_empty() || line.trim().starts_with('#')).count();
        table.lines().take(keep).collect::<Vec<_>>().join("\n")
    });
    trimmed.filter(|table| !mine.iter().any(|name| table.contains(&format!("interface = \"{name}\"")))).collect()
}

fn is_line_start(text: &str, at: usize) -> bool {
    text[..at].rsplit('\n').next().is_some_and(|line| line.trim().is_empty())
}

fn mine(edit: &Edit) -> Vec<&str> {
    match edit {
        Edit::AddMember { group, interface } => vec![group.as_str(), interface.as_str()],
        Edit::CreateGroup { interface, .. }
        | Edit::DeleteGroup { interface }
        | Edit::RemoveMember { interface }
        | Edit::AddAddress { interface, .. }
        | Edit::RemoveAddress { interface, .. }
        | Edit::SetAddress { interface, .. }
        | Edit::AddGateway { interface, .. }
        | Edit::AddRoute { interface, .. }
        | Edit::Set { interface, .. } => vec![interface.as_str()],
    }
}

/// The comments that have a line to themselves.
fn remarks(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| line.starts_with('#')).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_edits_leave_a_good_file(files in select(FILES.to_vec()), edits in prop::collection::vec(edit(), 1..25)) {
        let site = Site::new(files.0, &[("more.toml", files.1)]);
        let mut documents = Documents::read(&site.main()).expect("readable");
        let mut config = documents.check().expect("good").config;
        for edit in &edits {
            let before = documents.clone();
            let written = ["ipmpd.toml", "conf.d/more.toml"].map(|name| site.text(name));
            let Ok(loaded) = documents.edit_all(std::slice::from_ref(edit)) else {
                prop_assert_eq!(&documents, &before, "{:?}: refused, and something has changed", edit);
                continue;
            };
            prop_assert_eq!(comparable(meant(config, edit), edit), comparable(loaded.config.clone(), edit), "{:?}", edit);
            documents.write_over(&before).expect("written");
            prop_assert_eq!(&load(&site.main()).expect("good").config, &loaded.config);
            config = loaded.config;
            for (name, old) in ["ipmpd.toml", "conf.d/more.toml"].into_iter().zip(written) {
                let new = site.text(name);
                for table in others(&old, &mine(edit)) {
                    prop_assert!(new.contains(&table), "{edit:?} has changed\n{table}\n-- it is now\n{new}");
                }
                let tables_go = matches!(edit, Edit::DeleteGroup { .. } | Edit::RemoveMember { .. } | Edit::AddMember { .. });
                if !tables_go {
                    prop_assert_eq!(remarks(&new), remarks(&old), "{:?}", edit);
                }
            }
        }
    }
}

/// A list in any layout: what is between the items, from its opening to its closing bracket.
fn layout() -> impl Strategy<Value = String> {
    let gap =
        select(vec!["", " ", "\n", "\n    ", " # said, of it\n  ", "\n  # said\n  ", "\t", "\n\n  # a\n  # b\n\n"]);
    (prop::collection::vec((gap.clone(), gap.clone()), 0..5), gap, any::<bool>()).prop_map(|(items, last, comma)| {
        let count = items.len();
        let items = items.into_iter().enumerate().map(|(n, (before, after))| {
            let comma = if n + 1 < count || comma { "," } else { "" };
            format!("{before}\"192.0.2.{}/24\"{after}{comma}", 50 + n)
        });
        format!("[{}{last}]", items.collect::<String>())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lists_are_edited_in_any_layout(list in layout(), lines in prop::collection::vec((50..58u8, any::<bool>()), 1..12)) {
        let text = format!("[[group]]\ninterface = \"ipmp0\"\naddresses = {list} # these\nfailback = true\n");
        let site = Site::new(&text, &[]);
        let mut documents = Documents::read(&site.main()).expect("readable");
        let mut known = documents.check().expect("good").config.groups[0].addresses.clone();
        for (last, add) in lines {
            let net: IpNet = format!("192.0.2.{last}/24").parse().expect("a prefix");
            let (interface, address): (IfName, IpAddr) = ("ipmp0".parse().expect("a name"), net.addr());
            let before = documents.clone();
            let old = site.text("ipmpd.toml");
            let edit = if add {
                Edit::AddAddress { interface, address: net, down: false }
            } else {
                Edit::RemoveAddress { interface, address }
            };
            let there = known.contains(&net);
            let result = documents.edit_all(&[edit]);
            prop_assert_eq!(result.is_ok(), there != add);
            match result {
                Err(_) => continue,
                Ok(_) if add => known.push(net),
                Ok(_) => known.retain(|other| *other != net),
            }
            prop_assert_eq!(&documents.check().expect("good").config.groups[0].addresses, &known);
            documents.write_over(&before).expect("written");
            let new = site.text("ipmpd.toml");
            let mut found = remarks(&new).into_iter();
            let kept = remarks(&old).into_iter().all(|remark| found.any(|other| other == remark));
            prop_assert!(kept, "{old}\n--\n{new}");
            prop_assert!(new.contains("# these"), "{}", new);
        }
    }
}
