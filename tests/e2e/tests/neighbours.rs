//! What the stations of the LAN believe, from the first moment on, through probes, a failover and a repair: never
//! anything wrong.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use ipmp_e2e::{PATIENCE, Story};
use ipmp_lab::{Change, MacAddr, Monitor, Network, Result, wait_until};

ipmp_e2e::in_every_case!(the_stations_believe_what_is_true_and_nothing_else);

/// The hardware addresses that a station believed an address to have, one after the other.
type Beliefs = BTreeMap<IpAddr, Vec<MacAddr>>;

fn learn(monitor: &mut Monitor, beliefs: &mut Beliefs) -> Result<()> {
    for change in monitor.changes()? {
        let Change::Neighbour { gone: false, neighbour } = change else { continue };
        let believed = beliefs.entry(neighbour.address).or_default();
        believed.extend(neighbour.mac.filter(|mac| believed.last() != Some(mac)));
    }
    Ok(())
}

/// Addresses that stay where they are: test addresses, and the link-local ones of the members.
fn own_addresses(network: &Network) -> Result<BTreeMap<IpAddr, MacAddr>> {
    let with_mac = network.host.addresses()?.into_iter().filter_map(|address| {
        let member = network.members.iter().find(|member| member.name() == address.link)?;
        Some((address.address.addr(), member.mac()))
    });
    Ok(with_mac.collect())
}

fn the_stations_believe_what_is_true_and_nothing_else(story: Story) -> Result<()> {
    let story = Story { detection: Duration::from_millis(300), ..story };
    let network = story.plan.build()?;
    let mut monitors = [Monitor::start(&network.client)?, Monitor::start(&network.router)?];
    let mut beliefs = [Beliefs::new(), Beliefs::new()];
    let mut site = story.begin_in(network)?;
    let flows = [site.flow(0)?, site.flow(1)?];
    site.wait_replies(15)?;

    let mark = site.daemon.mark();
    site.network.members[0].silence()?;
    site.wait_event(mark, "interface_failed", "eth0")?;
    site.wait_holder(0, "eth1")?;
    site.wait_replies_of("eth1", 15)?;
    site.network.members[0].mend()?;
    site.wait_event(mark, "interface_repaired", "eth0")?;
    site.wait_holder(1, "eth0")?;
    site.wait_replies(15)?;
    drop(flows);

    let [first, second] = [0, 1].map(|member: usize| site.network.members[member].mac());
    let own = own_addresses(&site.network)?;
    for (monitor, beliefs) in monitors.iter_mut().zip(&mut beliefs) {
        wait_until(PATIENCE, "the last binding to be learnt", || {
            learn(monitor, beliefs)?;
            let learnt = |address: IpAddr, mac| {
                let believed = beliefs.get(&address);
                believed.is_none_or(|believed| believed.last() == Some(&mac))
            };
            let families = site.families.iter();
            Ok(families.fold(true, |all, family| {
                all && learnt(family.data_address(0), second) && learnt(family.data_address(1), first)
            }))
        })?;
        for (address, believed) in beliefs.iter() {
            let data = |number| site.families.iter().any(|family| family.data_address(number) == *address);
            let truth = match own.get(address) {
                _ if data(0) => vec![first, second],
                _ if data(1) => vec![second, first],
                Some(mac) => vec![*mac],
                None => {
                    let ours = believed.iter().any(|mac| [first, second].contains(mac));
                    assert!(!ours, "{address} is nobody's, and is believed at {believed:?}");
                    continue;
                }
            };
            assert!(truth.ends_with(believed), "{address} was believed at {believed:?}, and was at {truth:?}");
        }
    }
    // The client had to know all the time.
    for family in site.families {
        assert_eq!(beliefs[0].get(&family.data_address(0)), Some(&vec![first, second]));
        assert_eq!(beliefs[0].get(&family.data_address(1)), Some(&vec![second, first]));
    }
    Ok(())
}
