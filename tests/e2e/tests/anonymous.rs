//! Interfaces outside of all groups: watched and reported where that is wanted, and nothing of them is touched.

use ipmp_e2e::{PATIENCE, Site, Story};
use ipmp_lab::{Change, Monitor, Plan, Result, wait_until};
use serde_json::Value;

ipmp_e2e::in_two_cases!(
    a_pulled_cable_is_reported_and_nothing_is_changed,
    one_with_an_address_is_probed_from_it,
    unless_it_is_wanted_they_are_not_looked_at,
);

/// The third interface is no member.
fn tracking(story: Story) -> Story {
    let plan = Plan { members: 3, ..Plan::default() };
    let system = "failure-detection-time = \"500ms\"\ntrack-interfaces-only-with-groups = false\n".into();
    Story { plan, system, outside: vec![2], ..story }
}

fn wait_state(site: &Site, state: &str) -> Result<()> {
    wait_until(PATIENCE, &format!("eth2 to be {state}"), || Ok(site.interface("eth2")["state"] == state))
}

fn a_pulled_cable_is_reported_and_nothing_is_changed(story: Story) -> Result<()> {
    let mut site = tracking(story).begin()?;
    wait_state(&site, "ok")?;
    let row = site.interface("eth2");
    assert_eq!((&row["group"], &row["probe"]), (&Value::Null, &"disabled".into()), "{row}");

    let (mark, mut monitor) = (site.daemon.mark(), Monitor::start(&site.network.host)?);
    site.network.members[2].set_carrier(false)?;
    let failed = site.wait_event(mark, "interface_failed", "eth2")?;
    assert_eq!(failed.field("reason"), Some("no carrier"));
    assert_eq!(site.interface("eth2")["state"], "failed");
    let refused = site.if_mpadm(&["-d", "eth2"]).unwrap_err();
    assert!(refused.contains("eth2"), "{refused}");
    site.network.members[2].set_carrier(true)?;
    site.wait_event(mark, "interface_repaired", "eth2")?;
    wait_state(&site, "ok")?;

    // What the kernel itself does at a change of carrier: it tells of it, and changes IPv6 addresses and routes.
    let of_carrier = |change: &Change| match change {
        Change::Link { gone, link } => !gone && link.name == "eth2" && link.up,
        Change::Address { address, .. } => address.link == "eth2" && address.protocol != 213,
        Change::Route { route, .. } => route.legs.iter().all(|leg| leg.link == "eth2") && route.protocol != 213,
        Change::Neighbour { .. } => false,
    };
    let writes: Vec<_> = monitor.writes()?.into_iter().filter(|change| !of_carrier(change)).collect();
    assert!(writes.is_empty(), "{writes:?}");
    assert!(site.verdicts(mark).iter().all(|line| line.has("interface", "eth2")), "{:?}", site.verdicts(mark));
    Ok(())
}

fn one_with_an_address_is_probed_from_it(story: Story) -> Result<()> {
    let story = tracking(story);
    let network = story.plan.build()?;
    network.client.set_sysctl("net/ipv4/icmp_echo_ignore_broadcasts", "0")?;
    network.client.add_address("eth0", "203.0.113.7/24".parse().expect("a prefix"))?;
    network.host.add_address("eth2", "203.0.113.2/24".parse().expect("a prefix"))?;
    let mut site = story.begin_in(network)?;
    let mark = site.daemon.mark();
    site.network.members[2].silence()?;
    let failed = site.wait_event(mark, "interface_failed", "eth2")?;
    assert!(failed.field("reason").is_some_and(|reason| reason.contains("203.0.113.7")), "{failed}");
    site.network.members[2].mend()?;
    site.wait_event(mark, "interface_repaired", "eth2")?;
    let addresses = site.network.host.addresses()?;
    assert!(addresses.iter().any(|address| address.link == "eth2" && address.address.to_string() == "203.0.113.2/24"));
    Ok(())
}

fn unless_it_is_wanted_they_are_not_looked_at(story: Story) -> Result<()> {
    let mut story = tracking(story);
    let mut site = story.begin()?;
    wait_state(&site, "ok")?;
    story.system.clear();
    site.reload(&story.config())?;
    wait_until(PATIENCE, "eth2 to be forgotten", || Ok(site.interface("eth2") == Value::Null))?;
    let unknown = site.if_mpadm(&["-d", "eth2"]).unwrap_err();
    assert!(unknown.contains("not in an IPMP group"), "{unknown}");
    Ok(())
}
