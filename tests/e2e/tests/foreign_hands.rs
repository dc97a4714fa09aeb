//! Somebody else deletes what is ours, and adds what is not.

use ipmp_e2e::{PATIENCE, Story};
use ipmp_lab::{Namespace, Result, wait_until};

ipmp_e2e::in_every_case!(what_is_deleted_is_put_back, what_is_foreign_stays);
ipmp_e2e::in_two_cases!(an_interface_of_that_name_is_adopted_and_left);

fn what_is_deleted_is_put_back(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let host = site.network.host.clone();
    let mark = site.daemon.mark();
    let ours: Vec<_> = host.addresses()?.into_iter().filter(|address| address.protocol == 213).collect();
    let each = 2 + 2 + if story.test_addresses { 2 } else { 0 };
    assert_eq!(ours.len(), each * story.families.len(), "anchors, bound ones, test addresses: {ours:?}");
    let routes = |host: &Namespace| -> Result<Vec<_>> {
        let mut routes = host.routes()?;
        routes.retain(|route| route.protocol == 213);
        Ok(routes)
    };
    let before = routes(&host)?;
    for address in &ours {
        host.delete_address(&address.link, address.address)?;
    }
    for route in &routes(&host)? {
        host.delete_route(route)?;
    }
    wait_until(PATIENCE, "everything to be back", || {
        let now = host.addresses()?;
        let back = ours.iter().all(|ours| now.iter().any(|a| (&a.link, a.address) == (&ours.link, ours.address)));
        Ok(back && routes(&host)?.len() == before.len() && site.ways_out()? == ["eth0", "eth1"])
    })?;
    site.daemon.wait_for(mark, "mended", |_| true, PATIENCE)?;
    Ok(())
}

fn what_is_foreign_stays(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let host = site.network.host.clone();
    host.add_address("eth0", "203.0.113.9/24".parse().expect("a prefix"))?;
    host.add_address("eth0", "2001:db8:2::9/64".parse().expect("a prefix"))?;
    for family in site.families {
        host.add_address("eth1", family.with_prefix(family.data_address(9)))?;
    }
    host.add_address("eth1", "198.51.100.9/25".parse().expect("a prefix"))?;
    host.add_route("203.0.113.128/25".parse().expect("a prefix"), Some([198, 51, 100, 17].into()), "eth1")?;
    let foreign = |host: &Namespace| -> Result<_> {
        let addresses: Vec<_> =
            host.addresses()?.into_iter().filter(|a| a.protocol != 213).map(|a| (a.link, a.address)).collect();
        let routes = host.routes()?.into_iter().filter(|r| r.protocol != 213).map(|r| r.to);
        // The kernel's own IPv6 routes come and go with carrier.
        let routes: Vec<_> = routes.filter(|to: &ipnet::IpNet| to.addr().is_ipv4()).collect();
        Ok((addresses, routes))
    };
    let before = foreign(&host)?;
    let mark = site.daemon.mark();
    site.network.members[0].set_carrier(false)?;
    site.wait_event(mark, "interface_failed", "eth0")?;
    site.wait_holder(0, "eth1")?;
    site.network.members[0].set_carrier(true)?;
    site.wait_event(mark, "interface_repaired", "eth0")?;
    site.daemon.write_config("")?;
    site.daemon.signal(ipmp_lab::Signal::SIGHUP)?;
    wait_until(PATIENCE, "everything of ours to go", || Ok(!host.addresses()?.iter().any(|a| a.protocol == 213)))?;
    let (addresses, routes) = foreign(&host)?;
    assert_eq!(routes, before.1);
    // The kernel's own addresses of ipmp0 go with it.
    let of_members = |list: &[(String, _)]| {
        let mut list: Vec<_> = list.iter().filter(|(link, _)| link != "ipmp0").cloned().collect();
        list.sort();
        list
    };
    assert_eq!(of_members(&addresses), of_members(&before.0));
    Ok(())
}

fn an_interface_of_that_name_is_adopted_and_left(story: Story) -> Result<()> {
    let network = story.plan.build()?;
    network.host.add_bridge("ipmp0")?;
    let site = story.start_in(network)?;
    let host = &site.network.host;
    let anchors = 2 * story.families.len();
    wait_until(PATIENCE, "the anchors", || {
        Ok(host.addresses()?.iter().filter(|a| a.link == "ipmp0" && a.protocol == 213).count() == anchors)
    })?;
    site.daemon.write_config("")?;
    site.daemon.signal(ipmp_lab::Signal::SIGHUP)?;
    wait_until(PATIENCE, "everything of ours to go", || Ok(!host.addresses()?.iter().any(|a| a.protocol == 213)))?;
    assert!(host.has_link("ipmp0")?);
    Ok(())
}
