//! Two members with the same hardware address would take each other's packets: one of them has to go.

use ipmp_e2e::{PATIENCE, Story};
use ipmp_lab::{Result, wait_until};

ipmp_e2e::in_every_case!(a_member_that_gets_the_address_of_another_is_out_of_service_until_it_has_its_own);

fn a_member_that_gets_the_address_of_another_is_out_of_service_until_it_has_its_own(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let [first, second] = [0, 1].map(|member: usize| site.network.members[member].mac());
    let mark = site.daemon.mark();
    site.network.host.set_mac("eth1", first)?;
    let told = site.wait_event(mark, "duplicate_hwaddr", "eth1")?;
    assert!(told.has("twin", "eth0"), "{told}");
    site.wait_holder(1, "eth0")?;
    site.wait_ways_out(&["eth0"])?;
    let row = site.interface("eth1");
    assert_eq!((&row["state"], &row["hwaddr_duplicate"]), (&"offline".into(), &true.into()), "{row}");
    let already = site.if_mpadm(&["-d", "eth1"]).unwrap_err();
    assert!(already.contains("already offline"), "{already}");
    // The other one works, whatever the switch believed in between.
    let flow = site.flow(1)?;
    wait_until(PATIENCE, "traffic to flow", || Ok(flow.report()?.received > 100))?;
    drop(flow);

    let mark = site.daemon.mark();
    site.network.host.set_mac("eth1", second)?;
    site.wait_event(mark, "duplicate_hwaddr_resolved", "eth1")?;
    site.wait_event(mark, "interface_repaired", "eth1")?;
    site.wait_ways_out(&["eth0", "eth1"])?;
    assert!(site.daemon.events(mark, "interface_failed").is_empty());
    assert_eq!(site.interface("eth1")["state"], "ok");
    wait_until(PATIENCE, "an address on each", || {
        let mut holders = [site.holders(0)?, site.holders(1)?].concat();
        holders.sort();
        Ok(holders == ["eth0", "eth1"])
    })
}
