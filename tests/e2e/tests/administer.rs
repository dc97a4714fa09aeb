//! Terminal sessions: what an administrator types, what is answered, and what is written down then. The daemon begins
//! with the file of the session, in a network of three NICs; at the end of each it is started again, and then the same
//! file on a fresh host: the group is the same.

use std::process::Command;

use ipmp_e2e::{Family, PATIENCE, Site, binary};
use ipmp_lab::{Daemon, Monitor, Network, Result, wait_until};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

/// What the sessions begin with where they begin with a group.
const GROUP: &str = r#"# Host of the front. Do not edit on Fridays.
failback = false   # we move back by hand

# Both legs go to the same switch.
[[group]]
interface = "ipmp0"
name = "acctg"
addresses = [
  "192.0.2.50/24",   # web
  "192.0.2.51/24",   # mail
]
gateways = ["192.0.2.1"]

# left
[[group.member]]
interface = "eth0"

# right
[[group.member]]
interface = "eth1"
"#;

struct Session {
    site: Site,
    said: String,
}

impl Session {
    fn begin(config: &str) -> Result<Self> {
        Ok(Self { site: start(config)?, said: String::new() })
    }

    /// Runs lines as a shell does, and notes what is said.
    fn run(&mut self, lines: &[&str]) -> Result<()> {
        for line in lines {
            self.said += &format!("$ {line}\n{}", self.output(line)?);
        }
        Ok(())
    }

    /// The same once every data address that is up is on a member.
    fn run_settled(&mut self, lines: &[&str]) -> Result<()> {
        wait_until(PATIENCE, "every data address on a member", || {
            let rows = self.site.status("-a");
            let rows = rows.as_array().cloned().unwrap_or_default();
            Ok(rows.iter().all(|row| row["state"] == "down" || !row["inbound"].is_null()))
        })?;
        self.run(lines)
    }

    fn output(&self, line: &str) -> Result<String> {
        let config = self.site.daemon.config_file();
        let directory = config.parent().expect("a directory");
        let programs = binary("ipmpadm");
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", programs.parent().expect("a directory").display());
        let mut shell: Command = self.site.daemon.client("sh");
        shell.args(["-c", &format!("exec 2>&1; {line}")]).env("PATH", path).env("COLUMNS", "100");
        let output = shell.current_dir(directory).output().expect("a shell runs");
        let mut said = String::from_utf8(output.stdout).expect("UTF-8");
        said = said.replace(&directory.display().to_string(), "/etc/ipmpd");
        match output.status.code() {
            Some(0) => Ok(said),
            code => Ok(format!("{said}[{}]\n", code.expect("an exit code"))),
        }
    }

    /// What is configured, as the daemon sees it: nothing that depends on the moment.
    fn configured(site: &Site) -> Value {
        let pick = |mode: &str, fields: &[&str]| -> Vec<Value> {
            let rows = site.status(mode);
            let rows = rows.as_array().cloned().unwrap_or_default();
            let picked = |row: &Value| fields.iter().map(|field| row[*field].clone()).collect();
            rows.iter().map(|row| Value::Array(picked(row))).collect()
        };
        let groups = pick("-g", &["group", "groupname", "failure_detection_time_wanted_ms"]);
        let members = pick("-i", &["interface", "group", "standby"]);
        let addresses = pick("-a", &["address", "group", "up"]);
        serde_json::json!({ "groups": groups, "members": members, "addresses": addresses })
    }

    /// Holds that nothing hangs on the daemon's memory, nor on the host's, and gives what was said.
    fn end(mut self) -> Result<String> {
        let before = Self::configured(&self.site);
        self.site.daemon.stop(PATIENCE)?;
        self.site.daemon.start_ready(PATIENCE)?;
        assert_eq!(Self::configured(&self.site), before, "after a restart");
        let text = std::fs::read_to_string(self.site.daemon.config_file()).expect("readable");
        let fresh = start(&text)?;
        assert_eq!(Self::configured(&fresh), before, "on a fresh host");
        Ok(self.said)
    }
}

fn start(config: &str) -> Result<Site> {
    let network = Network::new(3)?;
    let mut daemon = Daemon::new(&network.host, binary("ipmpd"), config)?;
    daemon.start_ready(PATIENCE)?;
    Ok(Site { network, daemon, families: &[Family::V4] })
}

#[test]
fn a_group_is_made_and_taken_apart() -> Result<()> {
    let mut session = Session::begin("# Nothing yet.\n")?;
    session.run(&[
        "ipmpadm create-ipmp ipmp0",
        "ipmpadm add-ipmp -i eth0,eth1 ipmp0",
        "ipmpadm create-addr -a 192.0.2.50/24 ipmp0",
        "ipmpadm create-addr -a 2001:db8::50/64 ipmp0",
        "ipmpadm set -p gateways=192.0.2.1 ipmp0",
        "ipmpadm set -p standby=on eth1",
        "cat ipmpd.toml",
    ])?;
    session.run_settled(&[
        "ipmpstat -an",
        "ipmpadm create-ipmp -i eth2 --group backup ipmp1",
        "ipmpadm add-ipmp -i eth1 backup",
    ])?;
    session.run_settled(&[
        "ipmpstat -g -o group,groupname",
        "ipmpstat -i -o interface,group",
        "cat ipmpd.toml",
        "ipmpadm delete-ipmp ipmp1",
        "ipmpadm remove-ipmp -i eth1,eth2 ipmp1",
        "ipmpadm delete-ipmp ipmp1",
        "ipmpadm delete-addr 192.0.2.50",
        "ipmpadm set -p gateways= ipmp0",
        "ipmpadm delete-addr 192.0.2.50",
        "ipmpadm delete-addr 2001:db8::50/64",
        "ipmpadm remove-ipmp -i eth0 ipmp0",
        "ipmpadm delete-ipmp ipmp0",
        "cat ipmpd.toml",
        "ipmpstat -g",
    ])?;
    insta::assert_snapshot!(session.end()?);
    Ok(())
}

#[test]
fn addresses_come_go_and_are_kept_down() -> Result<()> {
    let mut session = Session::begin(GROUP)?;
    session.run(&[
        "ipmpadm create-addr -a 192.0.2.52/24 acctg",
        "ipmpadm create-addr -a 192.0.2.53/24 --down ipmp0",
        "ipmpadm create-addr -a 192.0.2.10/24 eth0",
        "ipmpadm create-addr -a 192.0.2.11/24 --down eth1",
        "ipmpadm delete-addr 192.0.2.51",
    ])?;
    session.run_settled(&[
        "ipmpstat -an -o address,state",
        "cat ipmpd.toml",
        "ipmpadm create-addr -a 192.0.2.53/24 ipmp0",
        "ipmpadm create-addr -a 192.0.2.11/24 eth1",
        "ipmpadm create-addr -a 192.0.2.54 ipmp0",
        "ipmpadm create-addr -a 192.0.2.0/24 ipmp0",
        "ipmpadm create-addr -a 192.0.2.1/24 ipmp0",
        "ipmpadm create-addr -a fe80::50/64 ipmp0",
        "ipmpadm create-addr -a nonsense ipmp0",
        "ipmpadm create-addr -a 198.51.100.10/24 eth1",
        "ipmpadm create-addr -a 192.0.2.54/24 eth2",
        "ipmpadm delete-addr 192.0.2.99",
        "ipmpadm delete-addr nonsense",
        "ipmpadm delete-addr 192.0.2.53",
        "ipmpadm delete-addr 192.0.2.10",
        "ipmpadm delete-addr 192.0.2.11",
        "tail -11 ipmpd.toml",
    ])?;
    insta::assert_snapshot!(session.end()?);
    Ok(())
}

#[test]
fn properties_are_set_and_reset() -> Result<()> {
    let mut session = Session::begin(GROUP)?;
    session.run(&[
        "ipmpadm set -p failback=on ipmp0",
        "ipmpadm set -p fdt=500ms acctg",
        "ipmpadm set -p targets=192.0.2.1,192.0.2.7 ipmp0",
        "ipmpadm set -p targets-exclusive=on ipmp0",
        "ipmpadm set -p probe=arp ipmp0",
        "ipmpadm set -p damping='{ suspend = 3000 }' ipmp0",
        "ipmpadm set -p routes='[{ to = \"198.51.100.0/24\", via = \"192.0.2.2\" }]' ipmp0",
        "ipmpadm set -p standby=on eth1",
        "ipmpadm set -p name=front acctg",
        "ipmpstat -g -o group,groupname",
        "ipmpstat -i -o interface,group",
        "cat ipmpd.toml",
        "ipmpadm set -p failback= ipmp0",
        "ipmpadm set -p targets= ipmp0",
        "ipmpadm set -p targets-exclusive= front",
        "ipmpadm set -p targets= front",
        "ipmpadm set -p standby= eth1",
        "ipmpadm set -p fdt=10ms ipmp0",
        "ipmpadm set -p fdt=soon ipmp0",
        "ipmpadm set -p standby=maybe eth1",
        "ipmpadm set -p standby eth1",
        "ipmpadm set -p standby=on ipmp0",
        "ipmpadm set -p failback=on eth1",
        "ipmpadm set -p tagrets=192.0.2.1 ipmp0",
        "ipmpadm set -p gateways=198.51.100.1 ipmp0",
        "ipmpadm set -p probe=icmp eth9",
        "cat ipmpd.toml",
    ])?;
    insta::assert_snapshot!(session.end()?);
    Ok(())
}

#[test]
fn members_are_moved_and_what_cannot_be_is_refused() -> Result<()> {
    let mut session = Session::begin(GROUP)?;
    session.run(&[
        "ipmpadm create-ipmp ipmp0",
        "ipmpadm create-ipmp eth2",
        "ipmpadm create-ipmp --group acctg ipmp1",
        "ipmpadm create-ipmp --group '' ipmp1",
        "ipmpadm create-ipmp ipmp1.5",
        "ipmpadm create-ipmp -i eth1,lo ipmp1",
        "ipmpadm create-ipmp a-name-that-is-too-long0",
        "ipmpadm add-ipmp -i eth0 ipmp0",
        "ipmpadm add-ipmp -i ipmp0 ipmp0",
        "ipmpadm add-ipmp -i eth2 ipmp7",
        "ipmpadm add-ipmp -i eth2 eth0",
        "ipmpadm remove-ipmp -i eth2 ipmp0",
        "ipmpadm remove-ipmp -i eth0,eth0 ipmp0",
        "ipmpadm delete-ipmp acctg",
        "ipmpadm delete-ipmp eth0",
        "ipmpadm delete-ipmp ipmp7",
        "ipmpadm confirm",
        "ipmpadm revert",
        "ipmpadm create-ipmp",
        "ipmpadm create-ipmp -i eth2 ipmp1",
        "ipmpadm remove-ipmp -i eth0 ipmp1",
        "ipmpadm add-ipmp -i eth1 ipmp1",
        "ipmpstat -g -o group,groupname",
        "ipmpstat -i -o interface,group",
        "tail -22 ipmpd.toml",
        "ipmpadm add-ipmp -i eth1 acctg",
        "ipmpadm remove-ipmp -i eth2 ipmp1",
        "ipmpadm delete-ipmp ipmp1",
        "tail -12 ipmpd.toml",
    ])?;
    insta::assert_snapshot!(session.end()?);
    Ok(())
}

/// A group is changed in the file that has it.
#[test]
fn groups_of_conf_d_are_changed_where_they_are() -> Result<()> {
    let mut session = Session::begin(GROUP)?;
    session.run(&[
        "mkdir conf.d",
        "printf '# The back.\\n[[group]]\\ninterface = \"ipmp1\"\\n' > conf.d/back.toml",
        "ipmpadm reload",
        "ipmpadm create-addr -a 203.0.113.50/24 ipmp1",
        "ipmpadm add-ipmp -i eth1,eth2 ipmp1",
        "ipmpadm set -p standby=on eth2",
        "cat conf.d/back.toml",
        "tail -7 ipmpd.toml",
        "ipmpadm add-ipmp -i eth2 ipmp0",
        "ipmpadm remove-ipmp -i eth1 ipmp1",
        "ipmpadm delete-addr 203.0.113.50",
        "ipmpadm delete-ipmp ipmp1",
        "cat conf.d/back.toml",
        "tail -8 ipmpd.toml",
        "ls -A conf.d",
    ])?;
    insta::assert_snapshot!(session.end()?);
    Ok(())
}

#[test]
fn what_is_temporary_goes_with_the_next_reload() -> Result<()> {
    let mut session = Session::begin(GROUP)?;
    session.run(&[
        "cp ipmpd.toml before.toml",
        "ipmpadm create-addr -t -a 192.0.2.60/24 ipmp0",
        "ipmpadm add-ipmp -t -i eth2 ipmp0",
        "ipmpadm set -t -p standby=on eth1",
    ])?;
    session.run_settled(&[
        "ipmpstat -an -o address,state",
        "ipmpstat -i -o interface,group",
        "diff before.toml ipmpd.toml",
        "# A lasting change is written down without them.",
        "ipmpadm create-addr -a 192.0.2.61/24 ipmp0",
        "diff before.toml ipmpd.toml",
        "ipmpadm create-addr -a 192.0.2.10/24 eth2",
    ])?;
    session.run_settled(&[
        "ipmpstat -an -o address,state",
        "ipmpadm reload",
        "ipmpstat -an -o address,state",
        "ipmpstat -i -o interface,group",
    ])?;
    insta::assert_snapshot!(session.end()?);
    Ok(())
}

#[test]
fn a_dry_run_prints_and_changes_nothing() -> Result<()> {
    let mut session = Session::begin(GROUP)?;
    session.run_settled(&["cp ipmpd.toml before.toml"])?;
    let mut monitor = Monitor::start(&session.site.network.host)?;
    session.run(&[
        "ipmpadm create-addr --dry-run -a 192.0.2.60/24 ipmp0",
        "ipmpadm add-ipmp --dry-run -i eth2 ipmp0",
        "ipmpadm remove-ipmp --dry-run -i eth1 ipmp0",
        "ipmpadm set --dry-run -p failback=on ipmp0",
        "ipmpadm set --dry-run -p failback=sometimes ipmp0",
        "diff before.toml ipmpd.toml",
    ])?;
    assert_eq!(monitor.writes()?, []);
    insta::assert_snapshot!(session.end()?);
    Ok(())
}

#[test]
fn a_change_waits_to_be_confirmed() -> Result<()> {
    let mut session = Session::begin(GROUP)?;
    session.run_settled(&[
        "cp ipmpd.toml before.toml",
        "ipmpadm create-addr --confirm 600 -a 192.0.2.60/24 ipmp0",
        "diff before.toml ipmpd.toml",
        "ipmpadm create-addr -a 192.0.2.61/24 ipmp0",
        "ipmpadm reload",
        "ipmpadm revert",
        "diff before.toml ipmpd.toml",
        "ipmpstat -an -o address",
        "ipmpadm create-addr --confirm 600 -a 192.0.2.60/24 ipmp0",
        "ipmpadm confirm",
        "ipmpadm revert",
        "diff before.toml ipmpd.toml",
        "ipmpadm delete-addr --confirm 1 192.0.2.60",
    ])?;
    wait_until(PATIENCE, "the change to be undone", || {
        Ok(session.output("grep -c 192.0.2.60 ipmpd.toml")?.starts_with('1'))
    })?;
    session.run(&[
        "ipmpadm confirm",
        "ipmpstat -an -o address",
        "ipmpadm delete-addr --confirm 0 192.0.2.60",
        "ipmpadm delete-addr --confirm 5 --dry-run 192.0.2.60",
    ])?;
    insta::assert_snapshot!(session.end()?);
    Ok(())
}

#[test]
fn a_file_that_was_changed_by_hand_is_not_overwritten() -> Result<()> {
    let mut session = Session::begin(GROUP)?;
    session.run(&[
        "sed -i s/192.0.2.51/192.0.2.59/ ipmpd.toml",
        "ipmpadm create-addr -a 192.0.2.60/24 ipmp0",
        "ipmpadm create-addr -t -a 192.0.2.60/24 ipmp0",
        "ipmpadm reload",
        "ipmpadm create-addr -a 192.0.2.60/24 ipmp0",
        "grep -A4 ^addresses ipmpd.toml",
        "mkdir conf.d && echo > conf.d/more.toml",
        "ipmpadm delete-addr 192.0.2.60",
        "rm -r conf.d",
        "ipmpadm delete-addr 192.0.2.60",
        "echo nonsense >> ipmpd.toml",
        "ipmpadm set -p standby=on eth1",
        "ipmpadm reload",
        "sed -i '/nonsense/d' ipmpd.toml",
        "ipmpadm set -p standby=on eth1",
        "tail -4 ipmpd.toml",
    ])?;
    insta::assert_snapshot!(session.end()?);
    Ok(())
}

#[test]
fn nobody_answers() -> Result<()> {
    let mut session = Session::begin(GROUP)?;
    session.site.daemon.stop(PATIENCE)?;
    session.run(&[
        "ipmpadm --runtime-dir /nowhere create-ipmp ipmp0",
        "ipmpadm --runtime-dir /nowhere delete-addr 192.0.2.50",
    ])?;
    session.site.daemon.start_ready(PATIENCE)?;
    insta::assert_snapshot!(session.end()?);
    Ok(())
}

/// What may be typed, in whatever order; much of it is refused.
const ANYTHING: [&str; 32] = [
    "create-ipmp ipmp1",
    "create-ipmp -i eth2 ipmp1",
    "create-ipmp -i eth1,eth2 --group back ipmp1",
    "create-ipmp --group back net7",
    "delete-ipmp ipmp0",
    "delete-ipmp ipmp1",
    "delete-ipmp net7",
    "add-ipmp -i eth0 ipmp0",
    "add-ipmp -i eth0 ipmp1",
    "add-ipmp -i eth1 ipmp0",
    "add-ipmp -i eth1,eth2 ipmp1",
    "add-ipmp -i eth2 acctg",
    "add-ipmp -i eth2 net7",
    "remove-ipmp -i eth0 ipmp0",
    "remove-ipmp -i eth1 ipmp1",
    "remove-ipmp -i eth2 ipmp1",
    "create-addr -a 192.0.2.52/24 ipmp0",
    "create-addr -a 192.0.2.53/24 --down ipmp0",
    "create-addr -a 203.0.113.50/24 ipmp1",
    "create-addr -a 2001:db8::50/64 ipmp0",
    "create-addr -a 192.0.2.10/24 eth0",
    "create-addr -a 192.0.2.11/24 --down eth1",
    "delete-addr 192.0.2.50",
    "delete-addr 192.0.2.52",
    "delete-addr 203.0.113.50",
    "delete-addr 192.0.2.10",
    "set -p standby=on eth1",
    "set -p standby= eth1",
    "set -p gateways=192.0.2.1 ipmp0",
    "set -p gateways= ipmp0",
    "set -p failback=on ipmp1",
    "set -p fdt=2s ipmp0",
];

/// Repeats a run that has failed: its seed.
const SEED: &str = "IPMP_SEED";

/// How it is typed, lasting more often than not.
const MANNERS: [&str; 6] = ["", "", "", "-t", "--dry-run", "--confirm 600"];

#[test]
fn whatever_is_typed_a_restart_gives_the_same() -> Result<()> {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    println!("{SEED}={seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    let session = Session::begin(GROUP)?;
    let mut carried_out = 0;
    for _ in 0..60 {
        let (verb, rest) = ANYTHING[random.random_range(0..ANYTHING.len())].split_once(' ').expect("a verb and more");
        let manner = MANNERS[random.random_range(0..MANNERS.len())];
        let before = session.output("cat ipmpd.toml")?;
        let said = session.output(&format!("ipmpadm {verb} {manner} {rest}"))?;
        println!("$ ipmpadm {verb} {manner} {rest}\n{said}");
        let refused = said.ends_with("[1]\n");
        carried_out += usize::from(!refused);
        if refused || matches!(manner, "-t" | "--dry-run") {
            assert_eq!(session.output("cat ipmpd.toml")?, before, "{verb} {manner} {rest}");
        }
        if manner.starts_with("--confirm") && !refused {
            let (answer, kept) = [("confirm", true), ("revert", false)][random.random_range(0..2)];
            println!("$ ipmpadm {answer}");
            let waiting = session.output("cat ipmpd.toml")?;
            assert_eq!(session.output(&format!("ipmpadm {answer}"))?, "");
            assert_eq!(session.output("cat ipmpd.toml")?, if kept { waiting } else { before });
        }
        assert!(!session.output("ipmpd --check --config ipmpd.toml")?.ends_with("[1]\n"));
        assert!(session.output("cat ipmpd.toml")?.starts_with("# Host of the front. Do not edit on Fridays.\n"));
    }
    assert!(carried_out > 0);
    // What was temporary goes.
    assert!(!session.output("ipmpadm reload")?.ends_with("[1]\n"));
    session.end().map(drop)
}
