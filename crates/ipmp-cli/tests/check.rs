//! `ipmpadm check` and `what-if`: what the files of a host say, what is made of it, and how it reads.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use ipmp_cli::check::host::{Host, Manager, Member};
use ipmp_cli::check::{problems, text};
use ipmp_cli::what_if;
use ipmp_control::{Forecast, Leg, Problem, Route, Severity, Snapshot};
use tempfile::TempDir;

/// The file system of a host: these files and no others.
fn root(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let file = root.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    root
}

/// What is seen of eth0, number 2, there.
fn look(files: &[(&str, &str)]) -> (Host, Member) {
    let root = root(files);
    let mut host = Host::look(root.path(), &[("eth0".into(), Some(2))]);
    let mut member = host.members.remove(0);
    for manager in &mut member.managers {
        if let Manager::Ifupdown(file, _) = manager {
            *file = Path::new("/").join(file.strip_prefix(root.path()).unwrap());
        }
    }
    (host, member)
}

fn managers(files: &[(&str, &str)]) -> Vec<Manager> {
    look(files).1.managers
}

#[test]
fn what_cannot_be_read_is_not_held_against_the_host() {
    let (host, member) = look(&[]);
    assert_eq!((&host, &member), (&Host::default(), &Member { name: "eth0".into(), ..Member::default() }));
    assert_eq!(problems(&Host { members: vec![member], ..host }), []);
    let garbage = "\0\u{fffd} eth0\n\niface\nauto\niface eth0\n=\nADMIN_STATE\n";
    let files = ["proc/net/if_inet6", "etc/network/interfaces", "run/systemd/netif/links/2", "run/dhclient.eth0.pid"];
    assert_eq!(managers(&files.map(|file| (file, garbage))), []);
}

#[test]
fn settings_of_the_host_and_of_the_member() {
    let (host, member) = look(&[
        ("proc/sys/net/ipv4/conf/all/arp_ignore", "2\n"),
        ("proc/sys/net/ipv4/conf/all/arp_filter", "1\n"),
        ("proc/sys/net/ipv4/conf/eth0/arp_filter", "1\n"),
        ("proc/sys/net/ipv6/conf/eth0/max_addresses", "3\n"),
        (
            "proc/net/if_inet6",
            "fe80000000000000020000fffe000001 02 40 20 80     eth0\n\
             20010db8000000000000000000000050 02 80 00 82     eth0\n\
             20010db800050000020000fffe000001 02 40 00 00     eth0\n\
             20010db800050000020000fffe000002 03 40 00 00     eth1\n",
        ),
    ]);
    assert_eq!((host.arp_ignore, host.arp_filter), (2, 1));
    assert_eq!((member.arp_filter, member.max_addresses), (1, 3));
    assert_eq!((member.inet6, member.inet6_dynamic), (3, 1));
    let found = problems(&Host { members: vec![member.clone()], ..host.clone() });
    let kinds: Vec<_> = found.iter().map(|found| (found.kind.as_str(), found.subject.as_str())).collect();
    assert_eq!(kinds, [("sysctl", "all"), ("sysctl", "all"), ("sysctl", "eth0"), ("ipv6_addresses", "eth0")]);
    // No limit; and none of its own, which the limit is for.
    for member in [Member { max_addresses: 0, ..member.clone() }, Member { inet6_dynamic: 0, ..member }] {
        let host = Host { members: vec![Member { arp_filter: 0, ..member }], ..Host::default() };
        assert_eq!(problems(&host), []);
    }
}

#[test]
fn systemd_networkd() {
    let state = |state: &str| managers(&[("run/systemd/netif/links/2", &format!("# comment\nADMIN_STATE={state}\n"))]);
    for claims in ["configuring", "configured", "failed", "linger"] {
        assert_eq!(state(claims), [Manager::Networkd(None)], "{claims}");
    }
    for leaves in ["unmanaged", "pending", "initialized", ""] {
        assert_eq!(state(leaves), [], "{leaves}");
    }
    let file = "/etc/systemd/network/lan.network";
    let told = format!("ADMIN_STATE=configured\nNETWORK_FILE={file}\n");
    assert_eq!(managers(&[("run/systemd/netif/links/2", &told)]), [Manager::Networkd(Some(file.into()))]);
    assert_eq!(managers(&[("run/systemd/netif/links/3", &told)]), [], "another link");
}

#[test]
fn network_manager() {
    let state = |text: &str| managers(&[("run/NetworkManager/devices/2", text)]);
    assert_eq!(state("[device]\nmanaged=true\nconnection-uuid=x\n"), [Manager::NetworkManager]);
    assert_eq!(state("[device]\nmanaged=false\n"), []);
    assert_eq!(state("[device]\n"), []);
}

#[test]
fn ifupdown() {
    let file = "etc/network/interfaces";
    let by = |file: &str, method: &str| Manager::Ifupdown(Path::new("/").join(file), method.into());
    let dhcp = "allow-hotplug eth0\niface eth0 inet dhcp\n";
    assert_eq!(managers(&[(file, dhcp)]), [by(file, "dhcp")]);
    let part = "etc/network/interfaces.d/lan";
    let files =
        [(file, "auto lo eth0\niface lo inet loopback\n"), (part, "iface eth0 inet6 static\n  address ::2/64\n")];
    assert_eq!(managers(&files), [by(part, "static")]);
    for harmless in [
        "auto eth0\niface eth0 inet manual\n",
        // Nobody brings it up.
        "iface eth0 inet dhcp\n",
        "auto eth1\niface eth1 inet dhcp\n",
        "# auto eth0\n# iface eth0 inet dhcp\n",
    ] {
        assert_eq!(managers(&[(file, harmless)]), [], "{harmless}");
    }
    let up = [(file, "iface eth0 inet dhcp\n"), ("run/network/ifstate", "lo=lo\neth0=eth0\n")];
    assert_eq!(managers(&up), [by(file, "dhcp")], "somebody did");
}

#[test]
fn dhcp_clients_that_run() {
    let here = ("proc/77/comm", "dhclient\n");
    assert_eq!(managers(&[("run/dhclient.eth0.pid", "77\n"), here]), [Manager::Dhcp("dhclient")]);
    assert_eq!(managers(&[("run/dhcpcd/eth0-4.pid", "77\n"), here]), [Manager::Dhcp("dhcpcd")]);
    assert_eq!(managers(&[("run/dhclient.eth0.pid", "78\n"), here]), [], "it has ended");
    assert_eq!(managers(&[("run/dhclient.eth1.pid", "77\n"), here]), [], "another link");
}

#[test]
fn a_dhcpcd_for_all_interfaces() {
    let runs = [("run/dhcpcd/pid", "77\n"), ("proc/77/comm", "dhcpcd\n")];
    let with = |conf| managers(&[runs[0], runs[1], ("etc/dhcpcd.conf", conf)]);
    for claims in ["", "denyinterfaces eth1, wlan*\n", "# denyinterfaces eth0\n"] {
        assert_eq!(with(claims), [Manager::Dhcp("dhcpcd")], "{claims}");
    }
    for leaves in ["hostname\ndenyinterfaces eth1 eth0\n", "denyinterfaces wlan0,eth*\n"] {
        assert_eq!(with(leaves), [], "{leaves}");
    }
    assert_eq!(managers(&runs[..1]), [], "it has ended");
}

#[test]
fn problems_are_sentences() {
    assert_eq!(text(&[]), "Nothing is wrong.\n");
    let managers = vec![
        Manager::Networkd(Some("/etc/systemd/network/lan.network".into())),
        Manager::Networkd(None),
        Manager::NetworkManager,
        Manager::Ifupdown("/etc/network/interfaces".into(), "dhcp".into()),
        Manager::Dhcp("dhclient"),
    ];
    let member =
        Member { name: "eth0".into(), arp_filter: 1, max_addresses: 16, inet6: 17, inet6_dynamic: 4, managers };
    let host = Host { arp_ignore: 8, arp_filter: 1, members: vec![member] };
    let found = problems(&host);
    for Problem { what, consequence, remedy, .. } in &found {
        assert!([what, consequence, remedy].iter().all(|sentence| sentence.ends_with('.')), "{what}");
    }
    assert_snapshot!("check", text(&found));
    let one = |severity| Problem { severity, ..found[0].clone() };
    assert!(text(&[one(Severity::Error)]).ends_with("\n1 error, 0 warnings\n"));
}

#[test]
fn a_forecast_has_both_moments() {
    let now: Snapshot = serde_json::from_str(include_str!("snapshot.json")).unwrap();
    let mut groups = now.groups.clone();
    groups[0].state = ipmp_control::GroupState::Failed;
    for address in &mut groups[0].addresses {
        address.inbound = address.inbound.as_ref().map(|_| "eth9".into());
    }
    let leg = |interface: &str, via: Option<&str>| Leg { interface: interface.into(), via: via.map(str::to_owned) };
    let legs = vec![leg("eth1", Some("192.0.2.1")), leg("eth9", Some("192.0.2.1"))];
    let routes = vec![
        Route { to: "0.0.0.0/0".into(), legs },
        Route { to: "192.0.2.0/24".into(), legs: vec![leg("eth9", None)] },
    ];
    let changes = vec!["add address 192.0.2.50/32 on eth9".into(), "announce 192.0.2.50 by eth9".into()];
    assert_snapshot!("what_if", what_if::text(&now, &Forecast { groups, routes, changes }));
    let nothing = Forecast { groups: Vec::new(), routes: Vec::new(), changes: Vec::new() };
    assert_snapshot!("what_if_nothing", what_if::text(&now, &nothing));
}
