//! What the stories share: a machine with a group on a network of the lab, and questions about both.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipmp_core::notice::{MESSAGES, Message};
use ipmp_lab::{CLIENT, Error, Flow, Network, ROUTER, Result, wait_until};
use serde_json::Value;

use crate::cgroup::Cgroup;
use crate::machine::{Cursor, Machine};

/// How long a condition may take on a busy host before the story has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The unit.
pub const UNIT: &str = "ipmpd.service";

/// Where the daemon looks for its configuration.
pub const CONFIG_FILE: &str = "/etc/ipmpd/ipmpd.toml";

/// Where the sources are in the machine.
pub const SOURCES: &str = "/mnt/ipmpd";

/// Packets a second of the flows that measure.
const RATE: u32 = 1000;

/// A machine with two members on a network, and the sources in it. Nothing is installed at first.
#[derive(Debug)]
pub struct Site {
    /// The machine; its NICs are those of `network.host`.
    pub machine: Machine,
    /// What it is plugged into.
    pub network: Network,
}

impl Site {
    /// Builds the network and boots the machine. The programs that were built beside this one are where a release
    /// build would have put them.
    pub fn boot(tree: &Path, cgroup: Cgroup) -> Result<Self> {
        let network = Network::new(2)?;
        // Anything but what a member is set to, to be found again afterwards.
        network.host.set_sysctl("net/ipv4/conf/eth0/arp_ignore", "2")?;
        let programs = programs()?;
        let release = format!("{SOURCES}/target/release");
        let mut shared = vec![(programs.as_path(), release.as_str())];
        let sources = ["config", "systemd"].map(|name| (root().join(name), format!("{SOURCES}/{name}")));
        shared.extend(sources.iter().map(|(host, machine)| (host.as_path(), machine.as_str())));
        let console = tree.with_extension("console");
        let machine = Machine::boot(&network.host, cgroup, tree, &shared, console)?;
        Ok(Site { machine, network })
    }

    /// Brings everything back to where stories begin, whatever the one before left: all wires are whole, and the
    /// service runs with two data addresses, each on a member that is proven to work.
    pub fn rest(&self) -> Result<()> {
        self.network.members.iter().try_for_each(|member| member.mend())?;
        self.machine.write(CONFIG_FILE, &config(2))?;
        self.machine.ok(&["systemctl", "reload-or-restart", UNIT])?;
        self.wait_status("1 group: ipmp0 ok (eth0 eth1)")?;
        self.wait_proven()?;
        wait_until(PATIENCE, "an address on each member", || {
            let mut holders = [self.holders(0)?, self.holders(1)?].concat();
            holders.sort();
            Ok(holders == ["eth0", "eth1"])
        })
    }

    /// The daemon's process number in the machine; "0" where it does not run.
    pub fn main_pid(&self) -> Result<String> {
        self.machine.property(UNIT, "MainPID")
    }

    /// Sends a signal to the daemon's process.
    pub fn signal(&self, signal: &str) -> Result<()> {
        let command = format!("kill -{signal} {}", self.main_pid()?);
        self.machine.ok(&["sh", "-c", &command]).map(drop)
    }

    /// Waits until another process than this one is the daemon, and ready.
    pub fn wait_restarted(&self, old_pid: &str) -> Result<()> {
        wait_until(PATIENCE, "the service to be restarted", || {
            let pid = self.main_pid()?;
            Ok(pid != "0" && pid != old_pid && self.machine.property(UNIT, "ActiveState")? == "active")
        })
    }

    /// Waits until the status line is this.
    pub fn wait_status(&self, line: &str) -> Result<()> {
        wait_until(PATIENCE, &format!("the status line \"{line}\""), || {
            Ok(self.machine.property(UNIT, "StatusText")? == line)
        })
    }

    /// Waits until each member has been answered.
    pub fn wait_proven(&self) -> Result<()> {
        let has_rtt = |row: &Value| {
            row["targets"].as_array().is_some_and(|targets| targets.iter().any(|target| !target["rtt_us"].is_null()))
        };
        wait_until(PATIENCE, "replies on every member", || {
            let shown = self.machine.ok(&["ipmpstat", "-t", "-n", "--json"])?;
            let rows: Value =
                serde_json::from_str(&shown).map_err(|error| Error::new("read ipmpstat", error.to_string()))?;
            let rows = rows.as_array().cloned().unwrap_or_default();
            Ok(rows.len() == self.network.members.len() && rows.iter().all(has_rtt))
        })
    }

    /// The members that a data address is on, as the kernel has it; one where all is well.
    pub fn holders(&self, number: u8) -> Result<Vec<String>> {
        let wanted = IpAddr::from(data_address(number));
        let addresses = self.network.host.addresses()?;
        Ok(addresses.into_iter().filter(|a| a.address.addr() == wanted && a.link != "ipmp0").map(|a| a.link).collect())
    }

    /// Which member both data addresses are on.
    pub fn placement(&self) -> Result<[Vec<String>; 2]> {
        Ok([self.holders(0)?, self.holders(1)?])
    }

    /// Packets from the client to a data address and back.
    pub fn flow(&self, number: u8) -> Result<Flow> {
        Flow::round_trip((&self.network.client, CLIENT.into()), (&self.network.host, data_address(number).into()), RATE)
    }

    /// Waits for an entry of this kind in the journal that fits all of these `FIELD=VALUE`; it is looked for by its
    /// `MESSAGE_ID`, as an administrator would.
    pub fn wait_journal(&self, after: &Cursor, event: &str, fits: &[&str]) -> Result<Value> {
        let id = format!("MESSAGE_ID={}", message(event).id);
        let fits = [&[id.as_str()], fits].concat();
        let mut found = Vec::new();
        wait_until(PATIENCE, &format!("{event} in the journal"), || {
            found = self.machine.journal(after, &fits)?;
            Ok(!found.is_empty())
        })?;
        Ok(found.swap_remove(0))
    }
}

/// A configuration with so many data addresses.
pub fn config(addresses: u8) -> String {
    let addresses: Vec<_> = (0..addresses).map(|number| format!("\"{}/24\"", data_address(number))).collect();
    format!(
        "[[group]]\n\
         interface = \"ipmp0\"\n\
         name = \"acctg\"\n\
         addresses = [{}]\n\
         gateways = [\"{ROUTER}\"]\n\
         failure-detection-time = \"1s\"\n\
         targets = [\"{ROUTER}\", \"{CLIENT}\"]\n\n\
         [[group.member]]\n\
         interface = \"eth0\"\n\
         test-addresses = [\"192.0.2.10/24\"]\n\n\
         [[group.member]]\n\
         interface = \"eth1\"\n\
         test-addresses = [\"192.0.2.11/24\"]\n",
        addresses.join(", "),
    )
}

/// The data address of that number.
pub fn data_address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, 50 + number)
}

/// The documented message of that name.
pub fn message(event: &str) -> &'static Message {
    MESSAGES.iter().find(|message| message.event == event).expect("a story asks for messages that there are")
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The directory with the programs, where this one was put as well.
fn programs() -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(|error| Error::new("find this program", error.to_string()))?;
    Ok(own.parent().unwrap_or(Path::new("/")).to_owned())
}
