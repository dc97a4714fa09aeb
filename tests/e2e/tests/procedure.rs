//! The procedure of Solaris, each command as it stands in the books and in that order: a group is made, members join, data
//! and test addresses are added, taken down and up, a member moves and leaves, and the group is taken apart. In between the
//! daemon is started again, and then the same file on another host of that kind: it is the same group.

use ipmp_e2e::{Family, PATIENCE, Site, Story, binary};
use ipmp_lab::{Daemon, Network, Plan, Result, wait_until};
use serde_json::Value;

ipmp_e2e::in_cases!(the_procedure_with_two_members: ipv4, ipv6, dual);
ipmp_e2e::in_cases!(the_procedure_with_a_standby_besides: ipv4, ipv6, dual);
ipmp_e2e::in_cases!(a_group_is_made_by_naming_it_and_gets_what_the_interface_has: ipv4, ipv6, dual);
ipmp_e2e::in_cases!(a_test_address_that_is_brought_up_too_early_moves: ipv4);
ipmp_e2e::in_cases!(what_is_imported_is_the_group_that_the_procedure_makes: dual);

fn the_procedure_with_two_members(story: Story) -> Result<()> {
    procedure(story.families, 2)
}

fn the_procedure_with_a_standby_besides(story: Story) -> Result<()> {
    procedure(story.families, 3)
}

fn procedure(families: &'static [Family], members: usize) -> Result<()> {
    let host = Host::begin(families, members)?;
    host.make_group(members);
    host.site.wait_bound(2)?;
    host.site.wait_holder(0, "eth0")?;
    host.fails_over()?;
    host.addresses_come_and_go()?;
    host.members_move()?;
    let host = host.begin_again()?;
    host.take_apart(members)
}

/// A host, the daemon on it, and its administrator.
struct Host {
    site: Site,
    plan: Plan,
}

impl Host {
    fn begin(families: &'static [Family], members: usize) -> Result<Self> {
        let plan = Plan { members, ..Plan::default() };
        Ok(Self { site: start(families, plan.build()?, "")?, plan })
    }

    fn make_group(&self, members: usize) {
        for &family in self.site.families {
            let word = family.name();
            self.ifconfig(&format!("ipmp0 {word} ipmp group itops"));
            (0..members).for_each(|number| self.ifconfig(&format!("eth{number} {word} plumb")));
        }
        (0..2).for_each(|number| self.ifconfig(&format!("eth{number} group itops")));
        for &family in self.site.families {
            let word = family.name();
            self.ifconfig(&format!("ipmp0 {word} {} up", family.with_prefix(family.data_address(0))));
            let said = self.said(&format!("ipmp0 {word} addif {} up", family.with_prefix(family.data_address(1))));
            assert_eq!(said, Ok("Created new logical interface ipmp0:1\n".into()));
            for number in 0..2 {
                let test = family.with_prefix(family.test_address(number));
                self.ifconfig(&format!("eth{number} {word} -failover {test} up"));
            }
            if members > 2 {
                let test = family.with_prefix(family.test_address(2));
                self.ifconfig(&format!("eth2 {word} plumb group itops -failover {test} standby up"));
            }
        }
        let names: Vec<_> = (0..members).map(|number| format!("eth{number}")).collect();
        assert_eq!(self.members(), names);
        if members > 2 {
            assert_eq!(self.site.interface("eth2")["standby"], true, "{}", self.site.interface("eth2"));
        }
    }

    /// It is a group that does what a group is for.
    fn fails_over(&self) -> Result<()> {
        self.site.network.members[0].set_carrier(false)?;
        wait_until(PATIENCE, "eth0 to be empty", || {
            let holders = self.site.holders(0)?;
            Ok(!holders.is_empty() && !holders.iter().any(|holder| holder.contains("eth0")))
        })?;
        self.site.network.members[0].set_carrier(true)?;
        self.site.wait_bound(2)?;
        wait_until(PATIENCE, "eth0 to carry an address again", || {
            let holders = [self.site.holders(0)?, self.site.holders(1)?].concat();
            Ok(holders.iter().any(|holder| holder.contains("eth0")))
        })
    }

    fn addresses_come_and_go(&self) -> Result<()> {
        for &family in self.site.families {
            let word = family.name();
            let [second, third] = [1, 2].map(|number| family.with_prefix(family.data_address(number)));
            self.ifconfig(&format!("ipmp0:1 {word} down"));
            assert_eq!(self.site.links_with(second.addr())?, [""; 0]);
            self.ifconfig(&format!("ipmp0:1 {word} up"));
            assert_eq!(self.site.links_with(second.addr())?.len(), 1);
            let said = self.said(&format!("ipmp0 {word} addif {third}"));
            assert_eq!(said, Ok("Created new logical interface ipmp0:2\n".into()));
            assert_eq!(self.site.links_with(third.addr())?, [""; 0]);
            self.ifconfig(&format!("ipmp0:2 {word} up"));
            assert_eq!(self.site.links_with(third.addr())?.len(), 1);
            self.ifconfig(&format!("ipmp0 {word} removeif {}", third.addr()));
            assert_eq!(self.site.links_with(third.addr())?, [""; 0]);
        }
        Ok(())
    }

    fn members_move(&self) -> Result<()> {
        // There is no such group, so it is made, and eth1 leaves the other.
        let said = self.warned("eth1 group fieldops");
        assert!(said.contains("ipmp1 is made for it"), "{said}");
        assert_eq!(self.site.interface("eth1")["group"], "ipmp1");
        let busy = self.said("ipmp1 unplumb").unwrap_err();
        assert!(busy.contains("has members (eth1)"), "{busy}");
        self.ifconfig("eth1 group itops");
        self.ifconfig("ipmp1 unplumb");
        assert!(!self.site.network.host.has_link("ipmp1")?);
        self.warned("eth1 group \"\"");
        assert!(!self.members().contains(&"eth1".into()));
        for &family in self.site.families {
            let test = family.with_prefix(family.test_address(1));
            self.ifconfig(&format!("eth1 {} group itops -failover {test} up", family.name()));
        }
        self.ifconfig("eth1 standby");
        assert_eq!(self.site.interface("eth1")["standby"], true);
        self.ifconfig("eth1 -standby");
        assert_eq!(self.site.interface("eth1")["standby"], false);
        Ok(())
    }

    /// The daemon is started again; then the same file on a host that was never seen.
    fn begin_again(mut self) -> Result<Self> {
        let before = self.configured();
        let file = std::fs::read_to_string(self.site.daemon.config_file()).expect("there is a file");
        assert!(self.site.daemon.stop(PATIENCE)?.success());
        self.site.daemon.start_ready(PATIENCE)?;
        assert_eq!(self.configured(), before);
        self.site.wait_bound(2)?;
        let site = start(self.site.families, self.plan.build()?, &file)?;
        let host = Self { site, plan: self.plan.clone() };
        assert_eq!(host.configured(), before);
        host.site.wait_bound(2)?;
        Ok(host)
    }

    fn take_apart(self, members: usize) -> Result<()> {
        let busy = self.said("ipmp0 unplumb").unwrap_err();
        assert!(busy.contains("has members"), "{busy}");
        (0..members).for_each(|number| drop(self.warned(&format!("eth{number} group \"\""))));
        for family in self.site.families {
            let busy = self.said(&format!("ipmp0 {} unplumb", family.name())).unwrap_err();
            assert!(busy.contains("addresses that are up"), "{busy}");
            self.ifconfig(&format!("ipmp0:1 {} down", family.name()));
            self.ifconfig(&format!("ipmp0 {} down", family.name()));
            self.ifconfig(&format!("ipmp0 {} unplumb", family.name()));
        }
        let host = &self.site.network.host;
        assert!(!host.has_link("ipmp0")?);
        assert!(!host.addresses()?.iter().any(|address| address.protocol == 213));
        assert!(!host.routes()?.iter().any(|route| route.protocol == 213));
        Ok(())
    }

    /// Gives a command that succeeds and has nothing to say.
    #[track_caller]
    fn ifconfig(&self, command: &str) {
        assert_eq!(self.said(command), Ok(String::new()), "ifconfig {command}");
    }

    /// Gives a command that succeeds with a warning.
    #[track_caller]
    fn warned(&self, command: &str) -> String {
        let (success, out, err) = self.run(command);
        assert!(success && out.is_empty() && !err.is_empty(), "ifconfig {command}: {out}{err}");
        err
    }

    /// What a command says that has nothing to warn of, or why it is refused.
    fn said(&self, command: &str) -> std::result::Result<String, String> {
        let (success, out, err) = self.run(command);
        if success && err.is_empty() { Ok(out) } else { Err(err) }
    }

    fn run(&self, command: &str) -> (bool, String, String) {
        let words = command.split_whitespace().map(|word| word.trim_matches('"'));
        let mut ipmpadm = self.site.daemon.client(binary("ipmpadm"));
        let output = ipmpadm.arg("ifconfig").args(words).output().expect("ipmpadm runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (output.status.success(), text(output.stdout), text(output.stderr))
    }

    fn members(&self) -> Vec<String> {
        let rows = self.site.status("-i");
        let names = rows.as_array().into_iter().flatten().map(|row| row["interface"].as_str().unwrap_or_default());
        let mut names: Vec<_> = names.map(str::to_owned).collect();
        names.sort();
        names
    }

    /// What is configured, without what depends on the moment.
    fn configured(&self) -> Vec<Value> {
        let pick = |mode: &str, fields: &[&str]| -> Vec<Value> {
            let rows = self.site.status(mode);
            let rows = rows.as_array().into_iter().flatten();
            rows.map(|row| fields.iter().map(|field| row[*field].clone()).collect()).collect()
        };
        [
            pick("-g", &["group", "groupname", "interfaces"]),
            pick("-i", &["interface", "group", "standby"]),
            pick("-a", &["address", "group"]),
        ]
        .concat()
    }
}

fn start(families: &'static [Family], network: Network, config: &str) -> Result<Site> {
    let mut daemon = Daemon::new(&network.host, binary("ipmpd"), config)?;
    daemon.start_ready(PATIENCE)?;
    Ok(Site { network, daemon, families })
}

fn a_group_is_made_by_naming_it_and_gets_what_the_interface_has(story: Story) -> Result<()> {
    let network = story.plan.build()?;
    for family in story.families {
        network.host.add_address("eth0", family.with_prefix(family.data_address(0)))?;
    }
    let host = Host { site: start(story.families, network, "")?, plan: story.plan.clone() };
    let flow = host.site.flow(0)?;
    let said = host.warned("eth0 group fieldops");
    assert!(said.contains("ipmp0 is made for it"), "{said}");
    host.ifconfig("eth1 group fieldops");
    host.site.wait_bound(1)?;
    assert_eq!(flow.report()?.lost, 0);
    let rows = host.site.status("-a");
    assert_eq!(rows.as_array().map(Vec::len), Some(story.families.len()), "{rows}");
    Ok(())
}

fn a_test_address_that_is_brought_up_too_early_moves(story: Story) -> Result<()> {
    let host = Host::begin(story.families, 2)?;
    host.ifconfig("ipmp0 ipmp group itops");
    host.ifconfig("eth0 group itops");
    let said = host.warned("eth0 192.0.2.50/24 up -failover");
    assert!(said.contains("`-failover` stands after `up`"), "{said}");
    let rows = host.site.status("-a");
    assert_eq!(rows[0]["address"], "192.0.2.50", "{rows}");
    Ok(())
}

fn what_is_imported_is_the_group_that_the_procedure_makes(story: Story) -> Result<()> {
    let made = Host::begin(story.families, 3)?;
    made.make_group(3);
    let root = made.site.daemon.runtime_dir().join("solaris");
    std::fs::create_dir_all(root.join("etc")).expect("a directory");
    for (name, text) in [
        ("hostname.ipmp0", "ipmp group itops 192.0.2.50/24 up\naddif 192.0.2.51/24 up\n"),
        ("hostname6.ipmp0", "ipmp group itops 2001:db8::50/64 up\naddif 2001:db8::51/64 up\n"),
        ("hostname.eth0", "group itops -failover 192.0.2.10/24 up\n"),
        ("hostname6.eth0", "group itops -failover 2001:db8::10/64 up\n"),
        ("hostname.eth1", "group itops -failover 192.0.2.11/24 up\n"),
        ("hostname6.eth1", "group itops -failover 2001:db8::11/64 up\n"),
        ("hostname.eth2", "group itops -failover 192.0.2.12/24 standby up\n"),
        ("hostname6.eth2", "group itops -failover 2001:db8::12/64 standby up\n"),
    ] {
        std::fs::write(root.join("etc").join(name), text).expect("a file");
    }
    let output = made.site.daemon.client(binary("ipmpadm")).args(["import", "--root"]).arg(&root).output();
    let output = output.expect("ipmpadm runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let file = String::from_utf8(output.stdout).expect("UTF-8");
    let site = start(story.families, made.plan.build()?, &file)?;
    let imported = Host { site, plan: made.plan.clone() };
    let sorted = |host: &Host| {
        let mut configured: Vec<_> = host.configured().iter().map(Value::to_string).collect();
        configured.sort();
        configured
    };
    assert_eq!(sorted(&imported), sorted(&made));
    imported.site.wait_bound(2)
}
