//! `ipmpadm check` on a host on which one thing is wrong: each is found, and nothing else.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use ipmp_e2e::{PATIENCE, Story, binary};
use ipmp_lab::{Daemon, Frames, Plan, Result, Way, wait_until};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use serde_json::Value;
use tempfile::TempDir;

ipmp_e2e::in_every_case!(nothing_is_wrong_where_all_is_well);
ipmp_e2e::in_two_cases!(
    equal_hardware_addresses,
    members_on_different_links,
    a_target_that_does_not_answer,
    different_mtus,
    settings_of_the_host,
    the_last_member_that_works,
    no_member_that_works,
    an_address_of_somebody_else,
    an_address_that_another_host_has,
    other_managers,
);
ipmp_e2e::in_cases!(ipv6_that_is_turned_off: ipv6, dual_bare);
ipmp_e2e::in_cases!(a_family_on_one_member_only: dual, dual_bare);
ipmp_e2e::in_cases!(too_many_addresses_of_its_own: ipv6_bare, dual);

/// The files of the host, as the program is to see them: empty directories in place of `/etc` and `/run`.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["etc", "run"] {
            fs::create_dir(directory.path().join(name)).expect("a directory");
        }
        Files(directory)
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.0.path().join(file);
        fs::create_dir_all(file.parent().expect("it is in a directory")).expect("a directory");
        fs::write(file, text).expect("a file");
    }

    /// Has a process see them, and nobody else.
    fn shown_to(&self, mut command: Command) -> Command {
        let [etc, run] = ["etc", "run"].map(|name| self.0.path().join(name));
        let enter = move || {
            let nothing = None::<&Path>;
            unshare(CloneFlags::CLONE_NEWNS)?;
            mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)?;
            mount(Some(&etc), "/etc", nothing, MsFlags::MS_BIND, nothing)?;
            Ok(mount(Some(&run), "/run", nothing, MsFlags::MS_BIND, nothing)?)
        };
        // SAFETY: `enter` runs between fork and exec. It makes system calls, and allocates nothing for paths this short.
        unsafe { command.pre_exec(enter) };
        command
    }
}

fn ipmpadm(daemon: &Daemon, files: &Files, arguments: &[&str]) -> Output {
    let mut command = files.shown_to(daemon.client(binary("ipmpadm")));
    command.args(arguments).output().expect("ipmpadm runs")
}

/// What is found; and the exit code says whether anything is.
fn problems(daemon: &Daemon, files: &Files) -> Vec<Value> {
    let output = ipmpadm(daemon, files, &["check", "--json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let found: Vec<Value> =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no problems but: {said}"));
    assert_eq!(output.status.code(), Some(if found.is_empty() { 0 } else { 1 }), "{found:?} {said}");
    for problem in &found {
        for sentence in ["what", "consequence", "remedy"].map(|part| problem[part].as_str().unwrap_or_default()) {
            assert!(sentence.ends_with('.'), "no sentence: {sentence:?}");
        }
    }
    found
}

/// Kind and subject of each.
fn kinds(found: &[Value]) -> Vec<(&str, &str)> {
    found.iter().map(|found| (found["kind"].as_str().unwrap_or(""), found["subject"].as_str().unwrap_or(""))).collect()
}

/// Waits until these are found and no others, and gives them.
fn wait_found(daemon: &Daemon, files: &Files, wanted: &[(&str, &str)]) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    let waited = wait_until(PATIENCE, &format!("{wanted:?}"), || {
        found = problems(daemon, files);
        Ok(kinds(&found) == wanted)
    });
    waited.inspect_err(|_| eprintln!("found: {found:?}"))?;
    Ok(found)
}

fn nothing_is_wrong_where_all_is_well(story: Story) -> Result<()> {
    let (site, files) = (story.begin()?, Files::new());
    wait_found(&site.daemon, &files, &[])?;
    let output = ipmpadm(&site.daemon, &files, &["check"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Nothing is wrong.\n");
    // Nor does the check do any harm.
    assert_eq!(site.ways_out()?, ["eth0", "eth1"]);
    Ok(())
}

fn equal_hardware_addresses(story: Story) -> Result<()> {
    let (mut site, files) = (story.begin()?, Files::new());
    let [first, second] = [0, 1].map(|member: usize| site.network.members[member].mac());
    let mark = site.daemon.mark();
    site.network.host.set_mac("eth1", first)?;
    site.wait_event(mark, "duplicate_hwaddr", "eth1")?;
    let found = wait_found(&site.daemon, &files, &[("hardware_address", "acctg"), ("redundancy", "acctg")])?;
    assert_eq!(found[0]["severity"], "error");
    let what = found[0]["what"].as_str().unwrap_or_default();
    assert!(what.contains("eth0 and eth1") && what.contains(&first.to_string()), "{what}");
    site.network.host.set_mac("eth1", second)?;
    site.wait_event(mark, "interface_repaired", "eth1")?;
    wait_found(&site.daemon, &files, &[]).map(drop)
}

/// The trunk between the switches of eth0 and eth1 is cut, and the probes have not noticed yet.
fn members_on_different_links(story: Story) -> Result<()> {
    let plan = Plan { trunk: true, ..Plan::default() };
    let files = Files::new();
    let site = Story { plan, detection: Duration::from_secs(60), ..story }.begin()?;
    wait_found(&site.daemon, &files, &[])?;
    let trunk = site.network.trunk.as_ref().expect("there is one");
    trunk.set_forwarding(false)?;
    let found = problems(&site.daemon, &files);
    assert!(kinds(&found).contains(&("broadcast_domain", "acctg")), "{found:?}");
    let domain = found.iter().find(|found| found["kind"] == "broadcast_domain").expect("it is there");
    assert!(domain["what"].as_str().is_some_and(|what| what.contains("eth0 | eth1")), "{domain}");
    trunk.set_forwarding(true)?;
    wait_found(&site.daemon, &files, &[]).map(drop)
}

fn a_target_that_does_not_answer(story: Story) -> Result<()> {
    let (site, files) = (story.begin()?, Files::new());
    site.network.client.set_down("eth0")?;
    // Each member finds out for itself.
    let of_both = |found: &Value, client: &str| {
        let what = found["what"].as_str().unwrap_or_default();
        found["kind"] == "target_silent" && what.contains(client) && what.contains("eth0 and eth1")
    };
    wait_until(PATIENCE, "the client to be found silent", || {
        let found = problems(&site.daemon, &files);
        let clients = site.families.iter().map(|family| family.client().to_string());
        Ok(found.len() == site.families.len() && clients.zip(&found).all(|(client, found)| of_both(found, &client)))
    })
}

fn different_mtus(story: Story) -> Result<()> {
    let (site, files) = (story.begin()?, Files::new());
    site.network.host.set_mtu("eth1", 1400)?;
    let found = wait_found(&site.daemon, &files, &[("mtu", "acctg")])?;
    assert!(found[0]["what"].as_str().is_some_and(|what| what.contains("eth0 1500, eth1 1400")), "{found:?}");
    Ok(())
}

fn settings_of_the_host(story: Story) -> Result<()> {
    let (site, files) = (story.begin()?, Files::new());
    let host = &site.network.host;
    // What others usually set does no harm.
    for (setting, value) in [("rp_filter", "1"), ("arp_ignore", "1"), ("arp_announce", "2")] {
        host.set_sysctl(&format!("net/ipv4/conf/all/{setting}"), value)?;
    }
    wait_found(&site.daemon, &files, &[])?;
    host.set_sysctl("net/ipv4/conf/all/arp_ignore", "2")?;
    host.set_sysctl("net/ipv4/conf/eth1/arp_filter", "1")?;
    wait_found(&site.daemon, &files, &[("sysctl", "all"), ("sysctl", "eth1")])?;
    host.set_sysctl("net/ipv4/conf/all/arp_ignore", "0")?;
    host.set_sysctl("net/ipv4/conf/eth1/arp_filter", "0")?;
    wait_found(&site.daemon, &files, &[]).map(drop)
}

/// The kernel refuses what the daemon then wants of that member, which no other story lets pass.
fn ipv6_that_is_turned_off(story: Story) -> Result<()> {
    let (network, files) = (story.plan.build()?, Files::new());
    network.host.set_sysctl("net/ipv6/conf/eth1/disable_ipv6", "1")?;
    let mut daemon = Daemon::new(&network.host, binary("ipmpd"), &story.config())?;
    daemon.start_ready(PATIENCE)?;
    wait_until(PATIENCE, "the setting to be found", || {
        Ok(kinds(&problems(&daemon, &files)).contains(&("sysctl", "eth1")))
    })
}

fn too_many_addresses_of_its_own(story: Story) -> Result<()> {
    let (site, files) = (story.begin()?, Files::new());
    let host = &site.network.host;
    let announced = "2001:db8:5::".parse().expect("a prefix");
    let has_its_own = || {
        site.network.router.advertise_prefix("lan0", announced, Duration::from_secs(600))?;
        let addresses = host.addresses()?;
        let own = |link: &str| {
            let mut of_link = addresses.iter().filter(|address| address.link == link);
            of_link.any(|address| address.address.to_string().starts_with("2001:db8:5:"))
        };
        Ok(own("eth0") && own("eth1"))
    };
    wait_until(PATIENCE, "addresses from the announced prefix", has_its_own)?;
    wait_found(&site.daemon, &files, &[])?;
    host.set_sysctl("net/ipv6/conf/eth1/max_addresses", "2")?;
    wait_found(&site.daemon, &files, &[("ipv6_addresses", "eth1")]).map(drop)
}

fn the_last_member_that_works(story: Story) -> Result<()> {
    let (site, files) = (story.begin()?, Files::new());
    site.network.members[0].set_carrier(false)?;
    let found = wait_found(&site.daemon, &files, &[("redundancy", "acctg")])?;
    assert_eq!(found[0]["severity"], "warning");
    assert!(found[0]["what"].as_str().is_some_and(|what| what.starts_with("eth1 is the last member")), "{found:?}");
    Ok(())
}

fn no_member_that_works(story: Story) -> Result<()> {
    let (site, files) = (story.begin()?, Files::new());
    for member in &site.network.members {
        member.set_carrier(false)?;
    }
    wait_until(PATIENCE, "the group to have failed", || Ok(site.status("-g")[0]["state"] == "failed"))?;
    let found = problems(&site.daemon, &files);
    assert_eq!((&found[0]["kind"], &found[0]["severity"]), (&"redundancy".into(), &"error".into()), "{found:?}");
    let output = ipmpadm(&site.daemon, &files, &["check"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("error: acctg: redundancy\n  No member of group acctg works"), "{text}");
    Ok(())
}

fn a_family_on_one_member_only(story: Story) -> Result<()> {
    let (mut site, files) = (story.begin()?, Files::new());
    let mark = site.daemon.mark();
    for way in Way::BOTH {
        site.network.members[0].lose(way, Frames::Ipv6, 1.0)?;
    }
    site.wait_event(mark, "family_failed", "eth0")?;
    let found = wait_found(&site.daemon, &files, &[("redundancy", "acctg")])?;
    let what = found[0]["what"].as_str().unwrap_or_default();
    assert!(what.starts_with("eth1 is the last member") && what.ends_with("IPv6 works."), "{what}");
    Ok(())
}

fn an_address_of_somebody_else(story: Story) -> Result<()> {
    let (site, files) = (story.begin()?, Files::new());
    site.network.host.add_link("other0", "ifb")?;
    for family in site.families {
        site.network.host.add_address("other0", family.with_prefix(family.data_address(0)))?;
    }
    let wanted = vec![("foreign_address", "other0"); site.families.len()];
    wait_found(&site.daemon, &files, &wanted).map(drop)
}

fn an_address_that_another_host_has(story: Story) -> Result<()> {
    let (network, files) = (story.plan.build()?, Files::new());
    for family in story.families {
        network.client.add_address("eth0", family.with_prefix(family.data_address(0)))?;
    }
    let mac = network.client.link("eth0")?.mac.expect("it has one").to_string();
    let site = story.start_in(network)?;
    let wanted = vec![("address_taken", "acctg"); site.families.len()];
    let found = wait_found(&site.daemon, &files, &wanted)?;
    assert!(found[0]["what"].as_str().is_some_and(|what| what.contains(&mac)), "{found:?}");
    Ok(())
}

fn other_managers(story: Story) -> Result<()> {
    let (site, files) = (story.begin()?, Files::new());
    let index = |link: &str| Ok::<_, ipmp_lab::Error>(site.network.host.link(link)?.index);
    let (first, second) = (index("eth0")?, index("eth1")?);
    // Those that are known, and leave it alone.
    files.write(&format!("run/systemd/netif/links/{first}"), "ADMIN_STATE=unmanaged\n");
    files.write(&format!("run/NetworkManager/devices/{first}"), "[device]\nmanaged=false\n");
    files.write("etc/network/interfaces", "auto eth0 eth1\niface eth0 inet manual\n");
    files.write("run/dhclient.eth0.pid", "4194304\n");
    wait_found(&site.daemon, &files, &[])?;

    let file = "/etc/systemd/network/50-dhcp.network";
    files.write(&format!("run/systemd/netif/links/{first}"), &format!("ADMIN_STATE=configured\nNETWORK_FILE={file}\n"));
    files.write(&format!("run/NetworkManager/devices/{second}"), "[device]\nmanaged=true\n");
    files.write("etc/network/interfaces.d/lan", "iface eth1 inet static\n    address 192.0.2.80/24\n");
    files.write("run/dhclient.eth1.pid", "1\n");
    let found = wait_found(
        &site.daemon,
        &files,
        &[("manager", "eth0"), ("manager", "eth1"), ("manager", "eth1"), ("manager", "eth1")],
    )?;
    let named = ["systemd-networkd", "NetworkManager", "ifupdown", "dhclient"];
    for (found, program) in found.iter().zip(named) {
        assert!(found["what"].as_str().is_some_and(|what| what.contains(program)), "{program}: {found}");
    }
    assert!(found[0]["what"].as_str().is_some_and(|what| what.contains(file)), "{found:?}");
    Ok(())
}

/// As `ipmpd --check` does.
#[test]
fn a_configuration() -> Result<()> {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("ipmpd.toml");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(binary("ipmpadm"));
        let output = command.arg("check").arg(&file).args(arguments).output().expect("ipmpadm runs");
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.code(), out, err)
    };
    fs::write(&file, Story::ipv4().config()).expect("a file");
    let (code, out, err) = run(&[]);
    assert_eq!((code, out.ends_with("the configuration can be used\n"), err.as_str()), (Some(0), true, ""), "{out}");
    assert_eq!(run(&["--json"]), (Some(0), "[]\n".into(), String::new()));

    fs::write(&file, "gruop = 1\n").expect("a file");
    let (code, out, err) = run(&[]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("gruop"), "{err}");
    let (code, out, _) = run(&["--json"]);
    let found: Value = serde_json::from_str(&out).expect("it is JSON");
    assert_eq!((code, &found[0]["kind"], &found[0]["severity"]), (Some(1), &"configuration".into(), &"error".into()));
    assert!(found[0]["subject"].as_str().is_some_and(|subject| subject.ends_with("ipmpd.toml:1:1")), "{out}");
    Ok(())
}
