//! `ipmpadm what-if` says what then happens, and touches nothing.

use std::collections::BTreeSet;
use std::process::Output;

use ipmp_e2e::{PATIENCE, Site, Story, binary};
use ipmp_lab::{Monitor, Plan, Result, wait_until};
use serde_json::Value;

ipmp_e2e::in_every_case!(what_is_foretold_happens);
ipmp_e2e::in_two_cases!(
    two_of_four_with_a_standby,
    when_the_last_one_fails_nothing_moves,
    who_is_no_member_cannot_fail
);

/// From this metric on routes are for probes only.
const LAST_RESORT_METRIC: u32 = u32::MAX - 1;

/// Where addresses are, and by which legs routes leave, as texts that can be compared.
type Places = BTreeSet<String>;

fn what_if(site: &Site, arguments: &[&str]) -> Output {
    let mut command = site.daemon.client(binary("ipmpadm"));
    command.arg("what-if").args(arguments).output().expect("ipmpadm runs")
}

fn forecast(site: &Site, fail: &str) -> Value {
    let output = what_if(site, &["--fail", fail, "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn foretold(forecast: &Value) -> Places {
    let addresses = list(&forecast["groups"]).iter().flat_map(|group| list(&group["addresses"]));
    let addresses = addresses.map(|address| format!("{} on {}", address["address"], address["inbound"]));
    let routes = list(&forecast["routes"]).iter().flat_map(|route| {
        list(&route["legs"]).iter().map(|leg| format!("{} by {} via {}", route["to"], leg["interface"], leg["via"]))
    });
    addresses.chain(routes).collect()
}

fn real(site: &Site) -> Result<Places> {
    let mut places = Places::new();
    for row in list(&site.status("-a")) {
        let address = row["address"].as_str().and_then(|address| address.parse().ok()).expect("an address");
        let holders = site.links_with(address)?;
        let holder = holders.first().map_or(Value::Null, |link| link.as_str().into());
        places.insert(format!("{} on {holder}", row["address"]));
    }
    let ours = site.network.host.routes()?.into_iter();
    for route in ours.filter(|route| route.protocol == 213 && route.metric < LAST_RESORT_METRIC) {
        let to = Value::from(route.to.to_string());
        let via = |via: Option<std::net::IpAddr>| via.map_or(Value::Null, |via| via.to_string().into());
        places.extend(
            route.legs.iter().map(|leg| format!("{to} by {} via {}", Value::from(leg.link.as_str()), via(leg.via))),
        );
    }
    Ok(places)
}

/// Asks what would happen, lets it happen, and compares.
fn compare(site: &Site, members: &[usize]) -> Result<()> {
    let names: Vec<_> = members.iter().map(|number| site.network.members[*number].name()).collect();
    let before = real(site)?;
    let mut monitor = Monitor::start(&site.network.host)?;
    let forecast = forecast(site, &names.join(","));
    assert_eq!(monitor.writes()?, [], "nothing is touched");
    assert_eq!(real(site)?, before);
    let foretold = foretold(&forecast);
    assert!(!list(&forecast["changes"]).is_empty(), "{forecast}");
    for member in members {
        site.network.members[*member].set_carrier(false)?;
    }
    let mut last = Places::new();
    let same = wait_until(PATIENCE, "what was foretold to happen", || {
        last = real(site)?;
        Ok(last == foretold)
    });
    same.inspect_err(|_| eprintln!("foretold {foretold:#?}\nhappened {last:#?}"))?;
    assert_eq!(forecast["groups"][0]["state"], site.status("-g")[0]["state"]);
    Ok(())
}

fn what_is_foretold_happens(story: Story) -> Result<()> {
    let site = story.begin()?;
    let text = what_if(&site, &["--fail", "eth0"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.starts_with("GROUP  NOW  THEN\nacctg  ok   degraded\n\nADDRESS"), "{text}");
    let moved = format!("{}", site.families[0].data_address(0));
    let line = text.lines().find(|line| line.starts_with(&moved)).unwrap_or_default();
    assert!(line.ends_with("eth1"), "{text}");
    compare(&site, &[0])
}

fn two_of_four_with_a_standby(story: Story) -> Result<()> {
    let plan = Plan { members: 4, ..Plan::default() };
    let site = Story { plan, addresses: 4, standby: vec![3], ..story }.begin()?;
    compare(&site, &[0, 2])
}

fn when_the_last_one_fails_nothing_moves(story: Story) -> Result<()> {
    let site = story.begin()?;
    let before = real(&site)?;
    let forecast = forecast(&site, "eth0,eth1");
    assert_eq!(forecast["groups"][0]["state"], "failed");
    assert_eq!(real(&site)?, before);
    Ok(())
}

fn who_is_no_member_cannot_fail(story: Story) -> Result<()> {
    let site = story.begin()?;
    let output = what_if(&site, &["--fail", "eth0,eth7"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, "ipmpadm: eth7 is not a physical interface or is not in an IPMP group\n");
    Ok(())
}
