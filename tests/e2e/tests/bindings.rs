//! Who says which hardware address a data address has: only the member that it is bound to, whatever leaves by others.

use std::net::IpAddr;

use ipmp_e2e::{PATIENCE, Site, Story, data_address, test_address};
use ipmp_lab::{CLIENT, ClaimKind, MacAddr, REMOTE, Result, Sniffer, wait_until};

/// Everything that the stations of the LAN were told about a data address, by hardware address.
fn told(sniffers: &[Sniffer], address: IpAddr) -> Result<Vec<MacAddr>> {
    let mut macs = Vec::new();
    for sniffer in sniffers {
        let claims = sniffer.claims()?;
        macs.extend(claims.into_iter().filter(|claim| claim.address == address).filter_map(|claim| claim.mac));
    }
    Ok(macs)
}

fn listen(site: &Site) -> Result<[Sniffer; 2]> {
    Ok([Sniffer::start(&site.network.client, "eth0")?, Sniffer::start(&site.network.router, "lan0")?])
}

/// Traffic in all directions over both members, with neighbour caches that are flushed now and then so that
/// everybody has to ask.
fn stir(site: &Site) -> Result<()> {
    let network = &site.network;
    let mut flows = Vec::new();
    for _ in 0..8 {
        flows.push(ipmp_lab::Flow::one_way(
            (&network.host, data_address(0).into()),
            (&network.remote, REMOTE.into()),
            100,
        )?);
        flows.push(ipmp_lab::Flow::round_trip(
            (&network.client, CLIENT.into()),
            (&network.host, data_address(0).into()),
            100,
        )?);
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

fn one_address_on_two_members(test_addresses: bool) -> Result<()> {
    let mut site = Story { addresses: 1, test_addresses, targets: vec![], ..Story::default() }.begin()?;
    let address: IpAddr = data_address(0).into();
    let holder = if site.holders(0)? == ["eth0"] { 0 } else { 1 };
    let ways_out = if test_addresses { vec!["eth0".to_owned(), "eth1".to_owned()] } else { site.holders(0)? };
    assert_eq!(site.ways_out()?, ways_out, "a member is a way out while it has an address for its ARP requests");
    let sniffers = listen(&site)?;
    stir(&site)?;
    let macs = told(&sniffers, address)?;
    assert!(!macs.is_empty());
    assert!(macs.iter().all(|mac| *mac == site.network.members[holder].mac()), "{macs:?}");

    let mark = site.daemon.mark();
    site.network.members[holder].set_carrier(false)?;
    let failed = site.network.members[holder].name().to_owned();
    site.wait_event(mark, "interface_failed", &failed)?;
    let other = site.network.members[1 - holder].mac();
    wait_until(PATIENCE, "the client to learn the new binding", || {
        Ok(site.network.client.neighbour(address)? == Some(other))
    })?;
    let _ = told(&sniffers, address)?;
    stir(&site)?;
    let macs = told(&sniffers, address)?;
    assert!(!macs.is_empty() && macs.iter().all(|mac| *mac == other), "{macs:?}");
    Ok(())
}

#[test]
fn one_address_on_two_members_with_test_addresses() -> Result<()> {
    one_address_on_two_members(true)
}

#[test]
fn one_address_on_two_members_without_test_addresses() -> Result<()> {
    one_address_on_two_members(false)
}

#[test]
fn only_the_bound_member_answers_and_announces_in_both_forms() -> Result<()> {
    let mut site = Story::default().begin()?;
    let sniffers = listen(&site)?;
    let mark = site.daemon.mark();
    site.network.members[0].set_carrier(false)?;
    site.wait_event(mark, "interface_failed", "eth0")?;
    site.wait_holder(0, "eth1")?;
    let mac = site.network.members[1].mac();
    let mut announcements = Vec::new();
    wait_until(PATIENCE, "five announcements in both forms", || {
        announcements.extend(
            sniffers[0]
                .claims()?
                .into_iter()
                .filter(|claim| claim.is_announcement() && claim.address == IpAddr::from(data_address(0))),
        );
        let of = |kind| announcements.iter().filter(|claim| claim.kind == kind).count();
        Ok(of(ClaimKind::ArpRequest) >= 5 && of(ClaimKind::ArpReply) >= 5)
    })?;
    assert!(announcements.iter().all(|claim| claim.mac == Some(mac) && claim.source == mac), "{announcements:?}");
    let rounds: Vec<_> =
        announcements.iter().filter(|claim| claim.kind == ClaimKind::ArpRequest).map(|claim| claim.at).collect();
    for pair in rounds.windows(2) {
        let apart = pair[1].duration_since(pair[0]).unwrap_or_default().as_secs_f64();
        assert!((1.5..4.0).contains(&apart), "{apart} s");
    }
    Ok(())
}

#[test]
fn what_leaves_by_a_member_has_an_address_of_that_member() -> Result<()> {
    let site = Story { addresses: 4, ..Story::default() }.begin()?;
    let network = &site.network;
    let sent = |link: &str| network.host.link(link).map(|link| link.sent);
    let before = (sent("eth0")?, sent("eth1")?);
    let stations: Vec<_> = [CLIENT, REMOTE].into_iter().collect();
    let mut sources = Vec::new();
    for port in 0..64u16 {
        for station in &stations {
            let source = network.host.run(|| -> std::io::Result<_> {
                let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
                socket.connect((*station, 9000 + port))?;
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
            (0..4).any(|n| **source == data_address(n) && site.holders(n).is_ok_and(|h| h == [member]))
        };
        assert!(sources.iter().filter(own).count() > 16, "{sources:?}");
    }
    assert!(sources.iter().all(|source| (0..2).all(|member| *source != test_address(member))), "{sources:?}");
    Ok(())
}
