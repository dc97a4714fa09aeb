//! Whose is a data address? Before one is used for the first time the network is asked, and never after that.

use std::net::IpAddr;

use ipmp_e2e::{PATIENCE, Story};
use ipmp_lab::{ClaimKind, Mark, Result, Sniffer};

ipmp_e2e::in_every_case!(
    what_another_host_has_is_not_used_until_it_is_given_up,
    it_is_asked_three_times_at_first_and_never_after_that,
);

fn what_another_host_has_is_not_used_until_it_is_given_up(story: Story) -> Result<()> {
    let network = story.plan.build()?;
    let client = network.client.clone();
    for family in story.families {
        client.add_address("eth0", family.with_prefix(family.data_address(0)))?;
    }
    let ear = Sniffer::start(&network.router, "lan0")?;
    let mut site = story.start_in(network)?;
    let taken: Vec<IpAddr> = site.families.iter().map(|family| family.data_address(0)).collect();
    let by = client.link("eth0")?.mac.expect("it has one").to_string();
    for address in &taken {
        let of_address = |line: &ipmp_lab::LogLine| line.has("address", &address.to_string()) && line.has("by", &by);
        site.daemon.wait_for(Mark::START, "address_conflict", of_address, PATIENCE)?;
    }
    for family in site.families {
        let free = family.data_address(1);
        ipmp_lab::wait_until(PATIENCE, "the other address", || Ok(site.links_with(free)?.len() == 1))?;
    }
    for address in &taken {
        assert!(site.network.host.links_with(*address)?.is_empty(), "{address}");
    }
    let rows = site.status("-a");
    let claims: Vec<_> = rows.as_array().into_iter().flatten().map(|row| row["claim"].as_str()).collect();
    assert_eq!(claims.iter().filter(|claim| **claim == Some("taken")).count(), taken.len(), "{rows}");
    // Nobody else says to have it, and it is told once.
    let said = ear.claims()?.into_iter().filter(|claim| taken.contains(&claim.address));
    let macs: Vec<_> = said.filter_map(|claim| claim.mac).filter(|mac| mac.to_string() != by).collect();
    assert!(macs.is_empty(), "{macs:?}");
    assert_eq!(site.daemon.events(Mark::START, "address_conflict").len(), taken.len());

    let mark = site.daemon.mark();
    for family in site.families {
        client.delete_address("eth0", family.with_prefix(family.data_address(0)))?;
    }
    for address in &taken {
        let address = address.to_string();
        site.daemon.wait_for(mark, "address_conflict_over", |line| line.has("address", &address), PATIENCE)?;
    }
    site.wait_bound(2)?;
    let flow = site.flow(0)?;
    assert_eq!(flow.report()?.lost, 0);
    Ok(())
}

fn it_is_asked_three_times_at_first_and_never_after_that(story: Story) -> Result<()> {
    let network = story.plan.build()?;
    let ear = Sniffer::start(&network.client, "eth0")?;
    let data: Vec<IpAddr> =
        story.families.iter().flat_map(|family| (0..2).map(|number| family.data_address(number))).collect();
    // Questions of somebody without an address of his own about one of ours.
    let asked = || -> Result<Vec<IpAddr>> {
        let questions = ear.claims()?.into_iter().filter(|claim| {
            let question = matches!(claim.kind, ClaimKind::ArpRequest | ClaimKind::Solicitation);
            question && claim.address.is_unspecified() && data.contains(&claim.target)
        });
        Ok(questions.map(|claim| claim.target).collect())
    };
    let mut site = story.begin_in(network)?;
    let at_first = asked()?;
    for address in &data {
        assert_eq!(at_first.iter().filter(|target| *target == address).count(), 3, "{address}: {at_first:?}");
    }

    let mark = site.daemon.mark();
    site.network.members[0].set_carrier(false)?;
    site.wait_holder(0, "eth1")?;
    site.network.members[0].set_carrier(true)?;
    site.wait_event(mark, "interface_repaired", "eth0")?;
    site.wait_holder(1, "eth0")?;
    assert_eq!(site.if_mpadm(&["-d", "eth1"]), Ok(()));
    assert_eq!(site.if_mpadm(&["-r", "eth1"]), Ok(()));
    site.daemon.kill()?;
    site.daemon.start_ready(PATIENCE)?;
    site.wait_proven()?;
    site.wait_replies(10)?;
    assert_eq!(asked()?, [] as [IpAddr; 0]);
    Ok(())
}
