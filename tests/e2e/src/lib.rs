//! What the stories share: a host with a group on a network, the daemon that runs it, and questions about both.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use ipmp_lab::{CLIENT, Daemon, Flow, LogLine, Mark, Network, Plan, ROUTER, Result, Signal, wait_until};
use serde_json::Value;

/// How long a condition may take on a busy machine before the story has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Packets a second of the flows that measure.
pub const RATE: u32 = 1000;

/// How a story's group differs from the usual one: two members with test addresses, two data addresses, the router
/// and the client as targets, failure detection in a second.
#[derive(Clone, Debug)]
pub struct Story {
    /// The network.
    pub plan: Plan,
    /// Failure detection time.
    pub detection: Duration,
    /// How many data addresses: 192.0.2.50 and on.
    pub addresses: u8,
    /// Whether members have test addresses: 192.0.2.10 and on.
    pub test_addresses: bool,
    /// Explicit targets; without, the gateway is the target.
    pub targets: Vec<Ipv4Addr>,
    /// Whether the router is the group's gateway.
    pub gateway: bool,
    /// Lines at the head of the file.
    pub system: String,
    /// Further lines of the group's table.
    pub group: String,
    /// Members that are standby, by number.
    pub standby: Vec<usize>,
    /// NICs that are no members, by number.
    pub outside: Vec<usize>,
}

impl Default for Story {
    fn default() -> Self {
        Self {
            plan: Plan::default(),
            detection: Duration::from_secs(1),
            addresses: 2,
            test_addresses: true,
            targets: vec![ROUTER, CLIENT],
            gateway: true,
            system: String::new(),
            group: String::new(),
            standby: Vec::new(),
            outside: Vec::new(),
        }
    }
}

impl Story {
    /// The configuration of the group.
    pub fn config(&self) -> String {
        let addresses: Vec<_> = (0..self.addresses).map(|n| format!("\"{}/24\"", data_address(n))).collect();
        let targets: Vec<_> = self.targets.iter().map(|target| format!("\"{target}\"")).collect();
        let mut config = format!(
            "{}\n[[group]]\ninterface = \"ipmp0\"\nname = \"acctg\"\naddresses = [{}]\n\
             failure-detection-time = \"{}ms\"\n",
            self.system,
            addresses.join(", "),
            self.detection.as_millis(),
        );
        if self.gateway {
            config += &format!("gateways = [\"{ROUTER}\"]\n");
        }
        if !targets.is_empty() {
            config += &format!("targets = [{}]\ntargets-exclusive = true\n", targets.join(", "));
        }
        config += &self.group;
        for member in (0..self.plan.members).filter(|number| !self.outside.contains(number)) {
            config += &format!("\n[[group.member]]\ninterface = \"eth{member}\"\n");
            if self.test_addresses {
                config += &format!("test-addresses = [\"{}/24\"]\n", test_address(member));
            }
            if self.standby.contains(&member) {
                config += "standby = true\n";
            }
        }
        config
    }

    /// Builds the network and starts the daemon in it; the group works when this returns.
    pub fn begin(&self) -> Result<Site> {
        self.begin_in(self.plan.build()?)
    }

    /// Starts the daemon in this network, which is built as planned; the group works when this returns.
    pub fn begin_in(&self, network: Network) -> Result<Site> {
        let mut daemon = Daemon::new(&network.host, binary("ipmpd"), &self.config())?;
        daemon.start_ready(PATIENCE)?;
        let mut site = Site { network, daemon };
        if self.test_addresses {
            site.wait_proven()?;
        }
        Ok(site)
    }
}

/// The data address of that number.
pub fn data_address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, 50 + number)
}

/// The test address of the member of that number.
pub fn test_address(member: usize) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, 10 + member as u8)
}

/// A program of the project, built by the same command as the tests.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own file");
    let target = test.ancestors().find(|directory| directory.join(name).is_file());
    target.unwrap_or_else(|| panic!("{name} is not built; run `cargo test --workspace`, which builds it")).join(name)
}

/// A running group.
#[derive(Debug)]
pub struct Site {
    /// Around the daemon.
    pub network: Network,
    /// The daemon on `network.host`.
    pub daemon: Daemon,
}

impl Site {
    /// Packets from the client on the LAN to a data address and back. They arrive when this returns: whoever had to
    /// ask for a hardware address in the very moment of a fault would ask again only a second later.
    pub fn flow(&self, address: u8) -> Result<Flow> {
        let (client, host) = (&self.network.client, &self.network.host);
        let flow = Flow::round_trip((client, CLIENT.into()), (host, data_address(address).into()), RATE)?;
        wait_until(PATIENCE, "packets to arrive", || Ok(flow.report()?.received > u64::from(RATE) / 50))?;
        Ok(flow)
    }

    /// Waits for a message about an interface.
    pub fn wait_event(&mut self, since: Mark, event: &str, interface: &str) -> Result<LogLine> {
        self.daemon.wait_for(since, event, |line| line.has("interface", interface), PATIENCE)
    }

    /// Messages of these kinds since the mark: those that a story without faults must not have.
    pub fn verdicts(&mut self, since: Mark) -> Vec<LogLine> {
        ["interface_failed", "interface_repaired", "group_failed", "link_down", "address_moved", "interface_drained"]
            .iter()
            .flat_map(|event| self.daemon.events(since, event))
            .collect()
    }

    /// Waits until the traffic of the LAN leaves by these links and no others.
    pub fn wait_ways_out(&self, links: &[&str]) -> Result<()> {
        wait_until(PATIENCE, &format!("traffic to leave by {links:?}"), || Ok(self.ways_out()? == links))
    }

    /// `ipmpstat` in this mode (`-g`, `-i`, `-a`, `-t`), as JSON.
    pub fn status(&self, mode: &str) -> Value {
        let output =
            self.daemon.client(binary("ipmpstat")).args([mode, "-n", "--json"]).output().expect("ipmpstat runs");
        assert!(output.status.success(), "ipmpstat {mode}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("ipmpstat prints JSON")
    }

    /// The row of `ipmpstat -i` that is about this interface.
    pub fn interface(&self, name: &str) -> Value {
        let rows = self.status("-i");
        let row = rows.as_array().and_then(|rows| rows.iter().find(|row| row["interface"] == name));
        row.cloned().unwrap_or(Value::Null)
    }

    /// Has the daemon read another configuration, which it must accept.
    pub fn reload(&mut self, config: &str) -> Result<()> {
        let mark = self.daemon.mark();
        self.daemon.write_config(config)?;
        self.daemon.signal(Signal::SIGHUP)?;
        self.daemon.wait_for(mark, "reloaded", |_| true, PATIENCE).map(drop)
    }

    /// Runs `if_mpadm`, and gives what it says where it is refused.
    pub fn if_mpadm(&self, arguments: &[&str]) -> std::result::Result<(), String> {
        let output = self.daemon.client(binary("if_mpadm")).args(arguments).output().expect("if_mpadm runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(said) }
    }

    /// The member that a data address is bound to, as the kernel has it: the one link besides `ipmp0` that carries it.
    pub fn holders(&self, address: u8) -> Result<Vec<String>> {
        let wanted = IpAddr::from(data_address(address));
        let addresses = self.network.host.addresses()?;
        Ok(addresses.into_iter().filter(|a| a.address.addr() == wanted && a.link != "ipmp0").map(|a| a.link).collect())
    }

    /// The links by which the route to the LAN leaves.
    pub fn ways_out(&self) -> Result<Vec<String>> {
        let lan = "192.0.2.0/24".parse().expect("a prefix");
        let routes = self.network.host.routes()?;
        let mut links: Vec<String> = routes
            .into_iter()
            .filter(|route| route.to == lan && route.protocol == 213)
            .flat_map(|route| route.legs)
            .map(|leg| leg.link)
            .collect();
        links.sort();
        Ok(links)
    }

    /// Waits until a data address is bound to this member and no other.
    pub fn wait_holder(&self, address: u8, member: &str) -> Result<()> {
        wait_until(PATIENCE, &format!("{} on {member}", data_address(address)), || {
            Ok(self.holders(address)?.iter().eq([member]))
        })
    }

    /// Waits until each member that is probed has been answered: from then on losses count.
    pub fn wait_proven(&mut self) -> Result<()> {
        wait_until(PATIENCE, "replies on every member", || {
            let targets = self.status("-t");
            let rows = targets.as_array().cloned().unwrap_or_default();
            let mut probed = rows.iter().filter(|row| row["mode"] != "disabled").peekable();
            Ok(probed.peek().is_some() && probed.all(has_rtt))
        })
    }

    /// Waits until each member has been answered so many times more.
    pub fn wait_replies(&self, count: u64) -> Result<()> {
        let acked = || -> Vec<u64> {
            let rows = self.status("-t");
            rows.as_array().into_iter().flatten().filter_map(|row| row["acked"].as_u64()).collect()
        };
        let before = acked();
        wait_until(PATIENCE, "replies on every member", || {
            Ok(acked().iter().zip(&before).all(|(now, before)| *now >= before + count))
        })
    }
}

fn has_rtt(row: &Value) -> bool {
    row["targets"].as_array().is_some_and(|targets| targets.iter().any(|target| !target["rtt_us"].is_null()))
}
