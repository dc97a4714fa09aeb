//! Who says which hardware address a data address has: only the member that it is bound to, whatever leaves by others,
//! and whatever probes are sent.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use ipmp_e2e::{Family, PATIENCE, Site, Story};
use ipmp_lab::{Claim, ClaimKind, Flow, MacAddr, Member, Result, Sniffer, wait_until};

ipmp_e2e::in_every_case!(
    one_address_on_two_members,
    only_the_bound_member_answers_and_announces,
    what_leaves_by_a_member_has_an_address_of_that_member,
);

/// The stations of the LAN, and what they were told.
struct Stations {
    ears: [Sniffer; 2],
    heard: Vec<Claim>,
}

impl Stations {
    fn of(site: &Site) -> Result<Self> {
        let ears = [Sniffer::start(&site.network.client, "eth0")?, Sniffer::start(&site.network.router, "lan0")?];
        Ok(Self { ears, heard: Vec::new() })
    }

    /// Everything so far.
    fn heard(&mut self) -> Result<&[Claim]> {
        for ear in &self.ears {
            self.heard.extend(ear.claims()?);
        }
        Ok(&self.heard)
    }

    /// Which hardware addresses a data address was said to have.
    fn told(&mut self, address: IpAddr) -> Result<Vec<MacAddr>> {
        let of_address = |claim: &&Claim| claim.address == address;
        Ok(self.heard()?.iter().filter(of_address).filter_map(|claim| claim.mac).collect())
    }
}

/// Traffic in all directions over both members, with neighbour caches that are flushed now and then so that
/// everybody has to ask.
fn stir(site: &Site) -> Result<()> {
    let network = &site.network;
    let mut flows = Vec::new();
    for family in site.families {
        let host = (&network.host, family.data_address(0));
        for _ in 0..8 / site.families.len() {
            flows.push(Flow::one_way(host, (&network.remote, family.remote()), 100)?);
            flows.push(Flow::round_trip((&network.client, family.client()), host, 100)?);
        }
    }
    for _ in 0..5 {
        network.client.flush_neighbours("eth0")?;
        network.router.flush_neighbours("lan0")?;
        for member in &network.members {
            network.host.flush_neighbours(member.name())?;
        }
        let before: u64 = flows.iter().map(|flow| flow.report().map(|report| report.received)).sum::<Result<u64>>()?;
        wait_until(PATIENCE, "traffic to go on", || {
            let now = flows.iter().map(|flow| flow.report().map(|report| report.received)).sum::<Result<u64>>()?;
            Ok(now > before + 200)
        })?;
    }
    for flow in flows {
        let report = flow.stop()?;
        assert!(report.loss() < 0.1, "{report:?}");
    }
    Ok(())
}

/// A member is a way out while it has an address for its own questions: in IPv4 a test address or a data address, in
/// IPv6 its link-local one.
fn expected_ways_out(story: &Story, holder: &str, family: Family) -> Vec<String> {
    match family == Family::V6 || story.test_addresses {
        true => vec!["eth0".into(), "eth1".into()],
        false => vec![holder.into()],
    }
}

/// The member that carries the only data address of a family.
fn holder(site: &Site, family: Family) -> Result<&Member> {
    let holders = site.links_with(family.data_address(0))?;
    let holder = site.network.members.iter().find(|member| holders == [member.name()]);
    Ok(holder.unwrap_or_else(|| panic!("one of the members carries it, not {holders:?}")))
}

fn one_address_on_two_members(story: Story) -> Result<()> {
    // With the gateways as targets.
    let story = Story { addresses: 1, targets: vec![], ..story };
    let mut site = story.begin()?;
    for family in site.families {
        let holder = holder(&site, *family)?.name();
        site.wait_ways_out_of(*family, &expected_ways_out(&story, holder, *family))?;
    }
    stir_and_ask(&site)?;

    let mark = site.daemon.mark();
    let lost = holder(&site, site.families[0])?;
    lost.set_carrier(false)?;
    let name = lost.name().to_owned();
    site.wait_event(mark, "interface_failed", &name)?;
    let other = site.network.members.iter().find(|member| member.name() != name).expect("there are two");
    site.wait_holder(0, other.name())?;
    for family in site.families {
        wait_until(PATIENCE, "the client to learn the new binding", || {
            Ok(site.network.client.neighbour(family.data_address(0))?.is_none_or(|mac| mac == other.mac()))
        })?;
    }
    stir_and_ask(&site)
}

/// Has everybody ask for the data addresses: they are told, and believe, where the addresses are.
fn stir_and_ask(site: &Site) -> Result<()> {
    let mut stations = Stations::of(site)?;
    stir(site)?;
    for family in site.families {
        let (address, mac) = (family.data_address(0), holder(site, *family)?.mac());
        let macs = stations.told(address)?;
        assert!(!macs.is_empty() && macs.iter().all(|told| *told == mac), "{address}: {macs:?}");
        for station in [&site.network.client, &site.network.router] {
            let believed = station.neighbour(address)?;
            assert!(believed.is_none_or(|believed| believed == mac), "{address} is believed at {believed:?}");
        }
    }
    Ok(())
}

/// ARP in both forms, five times; advertisements that override, three times; two seconds apart.
fn only_the_bound_member_answers_and_announces(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let ear = Sniffer::start(&site.network.client, "eth0")?;
    let mark = site.daemon.mark();
    site.network.members[0].set_carrier(false)?;
    site.wait_event(mark, "interface_failed", "eth0")?;
    site.wait_holder(0, "eth1")?;
    let mac = site.network.members[1].mac();
    let mut heard = Vec::new();
    for family in site.families {
        let forms: &[(ClaimKind, usize)] = match family {
            Family::V4 => &[(ClaimKind::ArpRequest, 5), (ClaimKind::ArpReply, 5)],
            Family::V6 => &[(ClaimKind::Advertisement { overrides: true }, 3)],
        };
        let ours = |claim: &&Claim| claim.is_announcement() && claim.address == family.data_address(0);
        wait_until(PATIENCE, "announcements in all forms", || {
            heard.extend(ear.claims()?);
            let count = |kind| heard.iter().filter(ours).filter(|claim| claim.kind == kind).count();
            Ok(forms.iter().all(|(kind, wanted)| count(*kind) >= *wanted))
        })?;
        let all: Vec<_> = heard.iter().filter(ours).collect();
        assert!(all.iter().all(|claim| claim.mac == Some(mac) && claim.source == mac), "{all:?}");
        let rounds: Vec<_> = all.iter().filter(|claim| claim.kind == forms[0].0).map(|claim| claim.at).collect();
        for pair in rounds.windows(2) {
            let apart = pair[1].duration_since(pair[0]).unwrap_or_default().as_secs_f64();
            assert!((1.5..4.0).contains(&apart), "{apart} s");
        }
    }
    Ok(())
}

/// One destination goes one way: many have to be tried.
fn what_leaves_by_a_member_has_an_address_of_that_member(story: Story) -> Result<()> {
    let site = Story { addresses: 4, ..story }.begin()?;
    for family in site.families {
        leaves_by_both(&site, *family)?;
    }
    Ok(())
}

fn leaves_by_both(site: &Site, family: Family) -> Result<()> {
    let network = &site.network;
    let sent = |link: &str| network.host.link(link).map(|link| link.sent);
    let before = (sent("eth0")?, sent("eth1")?);
    let mut sources = Vec::new();
    for number in 0..64 {
        for station in [family.client(), family.beyond(number)] {
            let source = network.host.run(|| -> std::io::Result<_> {
                let socket = UdpSocket::bind(SocketAddr::new(family.unspecified(), 0))?;
                socket.connect((station, 9))?;
                socket.send(b"hello")?;
                Ok(socket.local_addr()?.ip())
            })?;
            sources.push(source.expect("a datagram leaves"));
        }
    }
    let after = (sent("eth0")?, sent("eth1")?);
    assert!(after.0 > before.0 + 16 && after.1 > before.1 + 16, "both members carry traffic: {before:?} {after:?}");
    for member in ["eth0", "eth1"] {
        let own = |source: &&IpAddr| {
            (0..4)
                .any(|n| **source == family.data_address(n) && site.links_with(**source).is_ok_and(|on| on == [member]))
        };
        assert!(sources.iter().filter(own).count() > 16, "{sources:?}");
    }
    assert!(sources.iter().all(|source| (0..2).all(|member| *source != family.test_address(member))), "{sources:?}");
    Ok(())
}
