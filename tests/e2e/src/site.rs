//! A running group on a network, and questions about both.

use std::net::IpAddr;
use std::time::SystemTime;

use ipmp_lab::{Daemon, Flow, LogLine, Mark, Namespace, Network, Result, Signal, wait_until};
use serde_json::Value;

use crate::traffic::Flows;
use crate::{Family, PATIENCE, RATE, binary};

/// From this metric on routes are for probes only.
const LAST_RESORT_METRIC: u32 = u32::MAX - 1;

/// A running group.
#[derive(Debug)]
pub struct Site {
    /// Around the daemon.
    pub network: Network,
    /// The daemon on `network.host`.
    pub daemon: Daemon,
    /// The families of the group.
    pub families: &'static [Family],
}

impl Site {
    /// Packets from the client on the LAN to a data address and back, in each family. They arrive when this returns:
    /// whoever had to ask for a hardware address in the very moment of a fault would ask again only a second later.
    pub fn flow(&self, address: u8) -> Result<Flows> {
        self.flow_from(&self.network.client, Family::client, address)
    }

    /// The same from the client behind the router.
    pub fn remote_flow(&self, address: u8) -> Result<Flows> {
        self.flow_from(&self.network.remote, Family::remote, address)
    }

    fn flow_from(&self, station: &Namespace, its: fn(Family) -> IpAddr, address: u8) -> Result<Flows> {
        let flow = |family: &Family| {
            let host = (&self.network.host, family.data_address(address));
            let flow = Flow::round_trip((station, its(*family)), host, RATE)?;
            wait_until(PATIENCE, "packets to arrive", || Ok(flow.report()?.received > u64::from(RATE) / 50))?;
            Ok(flow)
        };
        let flows = self.families.iter().map(flow).collect::<Result<_>>()?;
        Ok(Flows { flows, since: SystemTime::now() })
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

    /// The members that carry an address, as the kernel has it: the links besides `ipmp0` that have it.
    pub fn links_with(&self, address: IpAddr) -> Result<Vec<String>> {
        Ok(self.network.host.links_with(address)?.into_iter().filter(|link| link != "ipmp0").collect())
    }

    /// The members that the data address of that number is bound to in each family: exactly one, where all is well.
    pub fn holders(&self, address: u8) -> Result<Vec<String>> {
        self.in_each_family(|family| self.links_with(family.data_address(address)))
    }

    /// Waits until the first so many data addresses of each family are bound to a member.
    pub fn wait_bound(&self, count: u8) -> Result<()> {
        let bound = |address| Ok(self.links_with(address)?.len() == 1);
        wait_until(PATIENCE, "every data address on a member", || {
            let addresses =
                self.families.iter().flat_map(|family| (0..count).map(|number| family.data_address(number)));
            addresses.map(bound).try_fold(true, |all, bound: Result<bool>| Ok(all && bound?))
        })
    }

    /// The links by which the routes to the LAN leave, in each family.
    pub fn ways_out(&self) -> Result<Vec<String>> {
        self.in_each_family(|family| self.ways_out_of(family))
    }

    /// Waits until the traffic of the LAN leaves by these links and no others in this family.
    pub fn wait_ways_out_of(&self, family: Family, links: &[String]) -> Result<()> {
        let what = format!("{} traffic to leave by {links:?}", family.name());
        wait_until(PATIENCE, &what, || Ok(self.ways_out_of(family)? == links))
    }

    /// The links by which the routes to the LAN leave in this family.
    pub fn ways_out_of(&self, family: Family) -> Result<Vec<String>> {
        let routes = self.network.host.routes()?.into_iter();
        let ours = routes.filter(|route| route.to == family.lan() && route.protocol == 213);
        let used = ours.filter(|route| route.metric < LAST_RESORT_METRIC);
        let mut links: Vec<_> = used.flat_map(|route| route.legs).map(|leg| leg.link).collect();
        links.sort();
        Ok(links)
    }

    /// What holds in all families; where they differ, what holds in each.
    fn in_each_family(&self, links: impl Fn(Family) -> Result<Vec<String>>) -> Result<Vec<String>> {
        let each = self.families.iter().map(|family| links(*family)).collect::<Result<Vec<_>>>()?;
        if each.windows(2).all(|pair| pair[0] == pair[1]) {
            return Ok(each.into_iter().next().unwrap_or_default());
        }
        let named = self.families.iter().zip(each).map(|(family, links)| format!("{}: {links:?}", family.name()));
        Ok(named.collect())
    }

    /// Waits until a data address is bound to this member and no other.
    pub fn wait_holder(&self, address: u8, member: &str) -> Result<()> {
        wait_until(PATIENCE, &format!("data address {address} on {member}"), || {
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
        self.wait_acked(count, |_| true)
    }

    /// Waits until this member has been answered so many times more.
    pub fn wait_replies_of(&self, member: &str, count: u64) -> Result<()> {
        self.wait_acked(count, |row| row["interface"] == member)
    }

    fn wait_acked(&self, count: u64, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        let acked = || -> Vec<u64> {
            let rows = self.status("-t");
            let rows = rows.as_array().into_iter().flatten().filter(|row| wanted(row));
            rows.filter_map(|row| row["acked"].as_u64()).collect()
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

impl Drop for Site {
    /// In no story does the kernel refuse what the daemon wants of it.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let mut refused = self.daemon.events(Mark::START, "change_refused");
            // Unless a NIC goes at that very moment.
            refused.retain(|line| !line.field("reason").is_some_and(|reason| reason.contains("is not up")));
            // Or an administrator asked for it, and was told.
            let undone = self.daemon.events(Mark::START, "change_undone");
            let told =
                |what: &str| undone.iter().any(|line| line.field("reason").is_some_and(|why| why.contains(what)));
            refused.retain(|line| !line.field("what").is_some_and(told));
            assert!(refused.is_empty(), "{refused:?}");
        }
    }
}
