//! Somebody else deletes what is ours, and adds what is not.

use ipmp_e2e::{PATIENCE, Story, data_address};
use ipmp_lab::{Result, wait_until};

#[test]
fn what_is_deleted_is_put_back() -> Result<()> {
    let mut site = Story::default().begin()?;
    let host = site.network.host.clone();
    let mark = site.daemon.mark();
    let ours: Vec<_> = host.addresses()?.into_iter().filter(|address| address.protocol == 213).collect();
    assert_eq!(ours.len(), 2 + 2 + 2, "two anchors, two bound, two test addresses: {ours:?}");
    for address in &ours {
        host.delete_address(&address.link, address.address)?;
    }
    for route in host.routes()?.iter().filter(|route| route.protocol == 213) {
        host.delete_route(route)?;
    }
    wait_until(PATIENCE, "everything to be back", || {
        let now = host.addresses()?;
        let back = ours.iter().all(|ours| now.iter().any(|a| (&a.link, a.address) == (&ours.link, ours.address)));
        let routes = host.routes()?.iter().filter(|route| route.protocol == 213).count();
        Ok(back && routes == 2 && site.ways_out()? == ["eth0", "eth1"])
    })?;
    site.daemon.wait_for(mark, "mended", |_| true, PATIENCE)?;
    Ok(())
}

#[test]
fn what_is_foreign_stays() -> Result<()> {
    let mut site = Story::default().begin()?;
    let host = site.network.host.clone();
    host.add_address("eth0", "203.0.113.9/24".parse().expect("a prefix"))?;
    host.add_address("eth1", format!("{}/24", data_address(9)).parse().expect("a prefix"))?;
    host.add_route("203.0.113.128/25".parse().expect("a prefix"), Some([192, 0, 2, 7].into()), "eth1")?;
    let foreign = |host: &ipmp_lab::Namespace| -> Result<_> {
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
    let of_members =
        |list: &[(String, _)]| list.iter().filter(|(link, _)| link != "ipmp0").cloned().collect::<Vec<_>>();
    assert_eq!(of_members(&addresses), of_members(&before.0));
    Ok(())
}

#[test]
fn an_interface_of_that_name_is_adopted_and_left() -> Result<()> {
    let story = Story::default();
    let network = story.plan.build()?;
    network.host.add_bridge("ipmp0")?;
    let mut daemon = ipmp_lab::Daemon::new(&network.host, ipmp_e2e::binary("ipmpd"), &story.config())?;
    daemon.start_ready(PATIENCE)?;
    let host = &network.host;
    wait_until(PATIENCE, "the anchors", || {
        Ok(host.addresses()?.iter().filter(|a| a.link == "ipmp0" && a.protocol == 213).count() == 2)
    })?;
    daemon.write_config("")?;
    daemon.signal(ipmp_lab::Signal::SIGHUP)?;
    wait_until(PATIENCE, "everything of ours to go", || Ok(!host.addresses()?.iter().any(|a| a.protocol == 213)))?;
    assert!(host.has_link("ipmp0")?);
    Ok(())
}
