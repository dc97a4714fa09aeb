//! An interface with the machine's only addresses and default routes becomes a member of a group, and gets all of it back
//! when the group goes, while somebody works on the machine over it.

use std::collections::BTreeSet;
use std::process::Output;
use std::time::{Duration, SystemTime};

use ipmp_e2e::{Axe, Family, Flows, PATIENCE, RATE, Site, Story, binary};
use ipmp_lab::{Change, Daemon, Mark, Monitor, Result, Stream, wait_until};

macro_rules! in_each {
    ($($story:ident),+ $(,)?) => { $( ipmp_e2e::in_cases!($story: ipv4_bare, ipv6_bare, dual_bare); )+ };
}

in_each!(
    nothing_is_lost_there_and_back,
    a_dry_run_touches_nothing_and_names_everything_that_then_changes,
    what_is_not_confirmed_is_undone,
    what_is_not_confirmed_is_undone_even_where_the_daemon_was_killed,
    what_is_confirmed_stays,
);
// Many rounds, and with both families no change that neither has.
ipmp_e2e::in_cases!(killed_at_any_change_the_host_stays_reachable_and_gets_there: ipv4_bare, ipv6_bare);
ipmp_e2e::in_cases!(what_the_kernel_refuses_halfway_is_undone: dual_bare);
ipmp_e2e::in_cases!(nothing_is_lost_where_another_interface_has_answered_for_the_address: ipv4_bare);

/// The protocol number of what the daemon makes.
const OURS: u8 = 213;

/// What is to be had back, as texts that can be compared.
type Belongings = BTreeSet<String>;

/// A host whose addresses and default routes are all on its first interface, and a daemon that has nothing to do.
fn ordinary_host(story: &Story) -> Result<Site> {
    let network = story.plan.build()?;
    for family in story.families {
        network.host.add_address("eth0", family.with_prefix(family.data_address(0)))?;
        network.host.add_route(default_of(*family), Some(family.router()), "eth0")?;
    }
    let mut daemon = Daemon::new(&network.host, binary("ipmpd"), "failure-detection-time = \"1s\"\n")?;
    daemon.start_ready(PATIENCE)?;
    Ok(Site { network, daemon, families: story.families })
}

fn default_of(family: Family) -> ipnet::IpNet {
    ipnet::IpNet::new_assert(family.unspecified(), 0)
}

fn ipmpadm(site: &Site, line: &str) -> Output {
    let mut command = site.daemon.client(binary("ipmpadm"));
    command.args(line.split(' ')).output().expect("ipmpadm runs")
}

/// Runs it, which must succeed, and gives what it printed.
fn done(site: &Site, line: &str) -> String {
    let output = ipmpadm(site, line);
    assert!(output.status.success(), "ipmpadm {line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Addresses and routes of the host, but for those that the kernel gives each link.
fn belongings(site: &Site) -> Result<Belongings> {
    let host = &site.network.host;
    let addresses = host.addresses()?.into_iter().filter(|address| address.scope == 0).map(|it| format!("{it:?}"));
    let routes = host.routes()?.into_iter().filter(|route| !route.to.to_string().starts_with("fe80"));
    Ok(addresses.chain(routes.map(|it| format!("{it:?}"))).collect())
}

/// Whether everything is the group's, and nothing is anybody else's.
fn converted(site: &Site) -> Result<bool> {
    let host = &site.network.host;
    let (addresses, routes) = (host.addresses()?, host.routes()?);
    let ours = |family: &Family| {
        let mine = |address: &&ipmp_lab::Address| address.address.addr() == family.data_address(0);
        let held = addresses.iter().filter(mine).filter(|address| address.link != "ipmp0").count();
        let mut defaults = routes.iter().filter(|route| route.to == default_of(*family)).peekable();
        held == 1
            && addresses.iter().filter(mine).all(|address| address.protocol == OURS)
            && defaults.peek().is_some()
            && defaults.all(|route| route.protocol == OURS)
    };
    let lan = |route: &ipmp_lab::Route| site.families.iter().any(|family| route.to == family.lan());
    let connected_by_others = routes.iter().any(|route| lan(route) && route.protocol != OURS);
    Ok(site.families.iter().all(ours) && !connected_by_others)
}

fn wait_back(site: &Site, before: &Belongings) -> Result<()> {
    let mut last = Belongings::new();
    let same = wait_until(PATIENCE, "everything to be as it was", || {
        last = belongings(site)?;
        Ok(last == *before)
    });
    same.inspect_err(|_| eprintln!("before {before:#?}\nnow {last:#?}"))
}

/// A connection in each direction, in each family.
fn sessions(site: &Site) -> Result<Vec<Stream>> {
    let mut streams = Vec::new();
    for family in site.families {
        let remote = (&site.network.remote, family.remote());
        let host = (&site.network.host, family.data_address(0));
        streams.extend([Stream::start(remote, host)?, Stream::start(host, remote)?]);
    }
    Ok(streams)
}

/// Every connection lives and carries data, and no packet was lost.
fn all_went_through(streams: &mut [Stream], flow: &Flows) -> Result<()> {
    let bytes = |streams: &mut [Stream]| streams.iter_mut().map(|stream| stream.report().bytes).collect::<Vec<_>>();
    let before = bytes(streams);
    wait_until(PATIENCE, "the connections to go on", || {
        Ok(bytes(streams).iter().zip(&before).all(|(now, before)| *now > before + 100_000))
    })?;
    for stream in streams {
        let report = stream.report();
        assert!(report.broken.is_none() && !report.damaged, "{report:?}");
    }
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}

fn config(site: &Site) -> String {
    std::fs::read_to_string(site.daemon.config_file()).expect("readable")
}

fn nothing_is_lost_there_and_back(story: Story) -> Result<()> {
    let mut site = ordinary_host(&story)?;
    let before = belongings(&site)?;
    let (flow, mut streams) = (site.remote_flow(0)?, sessions(&site)?);
    done(&site, "create-ipmp -i eth0,eth1 ipmp0");
    assert!(converted(&site)?, "the command takes effect before it returns: {:#?}", belongings(&site)?);
    all_went_through(&mut streams, &flow)?;

    let mark = site.daemon.mark();
    site.network.members[0].set_carrier(false)?;
    site.wait_holder(0, "eth1")?;
    site.network.members[0].mend()?;
    site.wait_event(mark, "interface_repaired", "eth0")?;

    let flow = site.remote_flow(0)?;
    done(&site, "delete-ipmp --to eth0 ipmp0");
    assert_eq!(belongings(&site)?, before);
    all_went_through(&mut streams, &flow)?;
    assert!(!config(&site).contains("[[group]]"), "{}", config(&site));
    Ok(())
}

/// Linux answers ARP by any interface for the addresses of all, unless it is told not to.
fn nothing_is_lost_where_another_interface_has_answered_for_the_address(story: Story) -> Result<()> {
    let site = ordinary_host(&story)?;
    let (host, router) = (&site.network.host, &site.network.router);
    // From what the host asks the router would learn the right one.
    drop(site.remote_flow(0)?);
    host.set_sysctl("net/ipv4/conf/eth0/arp_ignore", "8")?;
    router.flush_neighbours("lan0")?;
    let flow = site.remote_flow(0)?;
    let eth1 = host.links()?.into_iter().find(|link| link.name == "eth1").and_then(|link| link.mac);
    assert_eq!(router.neighbour(Family::V4.data_address(0))?, eth1, "eth1 has answered");
    done(&site, "create-ipmp -i eth0,eth1 ipmp0");
    all_went_through(&mut sessions(&site)?, &flow)
}

fn a_dry_run_touches_nothing_and_names_everything_that_then_changes(story: Story) -> Result<()> {
    let site = ordinary_host(&story)?;
    for line in ["create-ipmp -i eth0,eth1 ipmp0", "delete-ipmp --to eth1 ipmp0"] {
        let (before, text) = (belongings(&site)?, config(&site));
        let mut monitor = Monitor::start(&site.network.host)?;
        let foretold = done(&site, &format!("{line} --dry-run"));
        assert_eq!(monitor.writes()?, [], "nothing is touched");
        assert_eq!((belongings(&site)?, config(&site)), (before, text));

        done(&site, line);
        for change in monitor.writes()? {
            let named = match &change {
                Change::Address { address, .. } if address.scope == 0 => address.address.addr().to_string(),
                Change::Route { route, .. } if route.scope == 0 && route.to.prefix_len() == 0 => "default".into(),
                Change::Route { route, .. } if route.protocol == OURS => route.to.to_string(),
                _ => continue,
            };
            let told = foretold.contains(&named) || named == "default" && foretold.contains("/0");
            assert!(told, "{change:?} is not foretold in:\n{foretold}");
        }
    }
    Ok(())
}

fn what_is_not_confirmed_is_undone(story: Story) -> Result<()> {
    let mut site = ordinary_host(&story)?;
    let (before, text) = (belongings(&site)?, config(&site));
    let (flow, mut streams) = (site.remote_flow(0)?, sessions(&site)?);
    let mark = site.daemon.mark();
    done(&site, "create-ipmp -i eth0,eth1 ipmp0 --confirm 2");
    assert!(converted(&site)?);
    site.daemon.wait_for(mark, "change_reverted", |_| true, PATIENCE)?;
    assert_eq!((belongings(&site)?, config(&site)), (before, text));
    all_went_through(&mut streams, &flow)
}

fn what_is_not_confirmed_is_undone_even_where_the_daemon_was_killed(story: Story) -> Result<()> {
    let mut site = ordinary_host(&story)?;
    let (before, text) = (belongings(&site)?, config(&site));
    let (flow, mut streams) = (site.remote_flow(0)?, sessions(&site)?);
    done(&site, "create-ipmp -i eth0,eth1 ipmp0 --confirm 2");
    assert!(converted(&site)?);
    site.daemon.kill()?;
    let mark = site.daemon.mark();
    site.daemon.start_ready(PATIENCE)?;
    site.daemon.wait_for(mark, "change_reverted", |_| true, PATIENCE)?;
    wait_back(&site, &before)?;
    assert_eq!(config(&site), text);
    all_went_through(&mut streams, &flow)
}

/// IPv4 is converted by the time that the kernel refuses the first address of IPv6.
fn what_the_kernel_refuses_halfway_is_undone(story: Story) -> Result<()> {
    let mut site = ordinary_host(&story)?;
    let before = belongings(&site)?;
    let (flow, mut streams) = (site.remote_flow(0)?, sessions(&site)?);
    // So the IPMP interface, which is new, has no IPv6.
    site.network.host.set_sysctl("net/ipv6/conf/default/disable_ipv6", "1")?;
    let (file, mark) = (config(&site), site.daemon.mark());
    let output = ipmpadm(&site, "create-ipmp -i eth0,eth1 ipmp0");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("everything is as it was before") && said.contains("IPv6 is disabled"), "{said}");
    assert_eq!(belongings(&site)?, before);
    assert_eq!(config(&site), file);
    assert_eq!(site.daemon.events(mark, "change_undone").len(), 1);
    all_went_through(&mut streams, &flow)
}

fn what_is_confirmed_stays(story: Story) -> Result<()> {
    let mut site = ordinary_host(&story)?;
    let mark = site.daemon.mark();
    done(&site, "create-ipmp -i eth0,eth1 ipmp0 --confirm 2");
    let asked = SystemTime::now();
    done(&site, "confirm");
    wait_until(PATIENCE, "the time to be over", || {
        Ok(asked.elapsed().is_ok_and(|it| it > Duration::from_millis(2500)))
    })?;
    assert_eq!(site.daemon.events(mark, "change_reverted").len(), 0);
    assert!(converted(&site)?);
    Ok(())
}

/// The daemon is killed before each message that it sends to carry out a change, in one round after the other, and
/// started again: it goes on where it was, and until then all is reachable as it is.
fn killed_at_any_change_the_host_stays_reachable_and_gets_there(story: Story) -> Result<()> {
    let mut site = ordinary_host(&story)?;
    let before = belongings(&site)?;
    let (flow, mut streams) = (site.remote_flow(0)?, sessions(&site)?);
    let mut struck = [true, true];
    let mut changes = 0;
    while struck.contains(&true) {
        struck[0] = struck[0] && interrupted(&mut site, "create-ipmp -i eth0,eth1 ipmp0", changes, &flow)?;
        if !converted(&site)? {
            done(&site, "create-ipmp -i eth0,eth1 ipmp0");
        }
        assert!(converted(&site)?, "killed after {changes} changes: {:#?}", belongings(&site)?);
        struck[1] = struck[1] && interrupted(&mut site, "delete-ipmp --to eth0 ipmp0", changes, &flow)?;
        if converted(&site)? {
            done(&site, "delete-ipmp --to eth0 ipmp0");
        }
        wait_back(&site, &before)?;
        all_went_through(&mut streams, &flow)?;
        changes += 1;
    }
    let least = 6 * site.families.len() as u32;
    assert!(changes > least, "a conversion takes more than {changes} changes");
    assert_eq!(site.daemon.events(Mark::START, "change_undone").len(), 0);
    Ok(())
}

/// Runs it with an axe over the mover; whether that struck.
fn interrupted(site: &mut Site, line: &str, changes: u32, flow: &Flows) -> Result<bool> {
    let process = site.daemon.pid().expect("it runs");
    let axe = Axe::hang(process, "ipmp-mover", changes).expect("a thread to be traced");
    let output = ipmpadm(site, line);
    if output.status.success() {
        return Ok(false);
    }
    assert!(axe.struck(), "ipmpadm {line}: {}", String::from_utf8_lossy(&output.stderr));
    site.daemon.wait_exit(PATIENCE)?;
    let dead = SystemTime::now();
    let some = u64::from(RATE) / 10;
    wait_until(PATIENCE, "packets while no daemon runs", || Ok(flow.report_since(dead)?.received > some))?;
    site.daemon.start_ready(PATIENCE)?;
    assert_eq!(flow.report()?.lost, 0, "killed after {changes} changes of {line}");
    Ok(true)
}
