//! What a story begins with: a network, and the configuration of a group in it.

use std::net::IpAddr;
use std::time::Duration;

use ipmp_lab::{Daemon, Network, Plan, Result};

use crate::{Family, PATIENCE, Site, binary};

/// A group, as it is configured: two members, two data addresses in each family, the router and the client as
/// targets, failure detection in a second.
#[derive(Clone, Debug)]
pub struct Story {
    /// The network.
    pub plan: Plan,
    /// The families of the group.
    pub families: &'static [Family],
    /// Failure detection time.
    pub detection: Duration,
    /// How many data addresses in each family.
    pub addresses: u8,
    /// Whether members have test addresses, in each family.
    pub test_addresses: bool,
    /// Explicit targets; without, the gateways are the targets.
    pub targets: Vec<IpAddr>,
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

impl Story {
    pub(crate) fn of(families: &'static [Family], test_addresses: bool) -> Self {
        Self {
            plan: Plan::default(),
            families,
            detection: Duration::from_secs(1),
            addresses: 2,
            test_addresses,
            targets: families.iter().flat_map(|family| [family.router(), family.client()]).collect(),
            gateway: true,
            system: String::new(),
            group: String::new(),
            standby: Vec::new(),
            outside: Vec::new(),
        }
    }

    /// The routers of all families.
    pub fn routers(&self) -> Vec<IpAddr> {
        self.families.iter().map(|family| family.router()).collect()
    }

    /// The configuration of the group.
    pub fn config(&self) -> String {
        let on_lan = |of: &dyn Fn(Family) -> Vec<IpAddr>| {
            let addresses = self
                .families
                .iter()
                .flat_map(|&family| of(family).into_iter().map(move |address| family.with_prefix(address).to_string()));
            list(addresses)
        };
        let addresses = on_lan(&|family| (0..self.addresses).map(|number| family.data_address(number)).collect());
        let mut config = format!(
            "{}\n[[group]]\ninterface = \"ipmp0\"\nname = \"acctg\"\naddresses = {addresses}\n\
             failure-detection-time = \"{}ms\"\n",
            self.system,
            self.detection.as_millis(),
        );
        if self.gateway {
            config += &format!("gateways = {}\n", list(self.routers()));
        }
        if !self.targets.is_empty() {
            config += &format!("targets = {}\ntargets-exclusive = true\n", list(&self.targets));
        }
        config += &self.group;
        for member in (0..self.plan.members).filter(|number| !self.outside.contains(number)) {
            config += &format!("\n[[group.member]]\ninterface = \"eth{member}\"\n");
            if self.test_addresses {
                config += &format!("test-addresses = {}\n", on_lan(&|family| vec![family.test_address(member)]));
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
        let mut site = self.start_in(network)?;
        site.wait_bound(self.addresses)?;
        site.wait_proven()?;
        Ok(site)
    }

    /// Starts the daemon in this network, which is built as planned, and waits for nothing more than that it is ready.
    pub fn start_in(&self, network: Network) -> Result<Site> {
        let mut daemon = Daemon::new(&network.host, binary("ipmpd"), &self.config())?;
        daemon.start_ready(PATIENCE)?;
        Ok(Site { network, daemon, families: self.families })
    }
}

/// A list of texts in TOML.
fn list(items: impl IntoIterator<Item = impl ToString>) -> String {
    let quoted: Vec<_> = items.into_iter().map(|item| format!("\"{}\"", item.to_string())).collect();
    format!("[{}]", quoted.join(", "))
}
