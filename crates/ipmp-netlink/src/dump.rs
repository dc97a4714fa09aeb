//! Complete dumps, or an error: never a part that looks like the whole.

use std::collections::BTreeMap;
use std::time::Duration;

use ipmp_core::kernel::{Fact, Route, RouteKey, Snapshot};
use ipnet::IpNet;

use crate::error::Error;
use crate::query::Query;
use crate::request;

/// Everything in the network namespace of the calling thread, within so much time. Waits: for a thread that
/// nothing urgent waits for.
pub fn dump(within: Duration) -> Result<Snapshot, Error> {
    let mut query = Query::open("dump the interfaces, addresses and routes", within)?;
    let mut snapshot = Snapshot::default();
    let mut routes = BTreeMap::new();
    for table in [request::all_links(), request::all_addresses(), request::all_routes()] {
        for fact in query.dump(table)? {
            match fact {
                Fact::Link(link) => snapshot.links.push(link),
                Fact::Address(key, info) => snapshot.addresses.push((key, info)),
                Fact::Route(route) | Fact::LegAdded(route) => merge(&mut routes, route),
                Fact::LegsGone(_)
                | Fact::LinkGone(_)
                | Fact::AddressGone(_)
                | Fact::RouteGone(_)
                | Fact::Snapshot(_) => {}
            }
        }
    }
    snapshot.routes = routes.into_values().collect();
    Ok(snapshot)
}

/// IPv6 keeps legs without a router as routes of their own: together they are the route. Of IPv4 routes
/// of the same key the first is the one that the kernel uses.
fn merge(routes: &mut BTreeMap<RouteKey, Route>, route: Route) {
    match routes.get_mut(&route.key) {
        None => _ = routes.insert(route.key, route),
        Some(known) if matches!(route.key.to, IpNet::V6(_)) => {
            known.legs.extend(route.legs);
            known.legs.sort_unstable();
            known.legs.dedup();
        }
        Some(_) => {}
    }
}
