//! Routes of ours: put, changed and deleted, and at no moment in between without a way out.
//!
//! IPv4 keeps a route with all its legs as one thing, and replaces it at once. IPv6 does that with legs by a
//! router only. It refuses others in a multipath route; each of them is a route of its own, of the same key.
//! So those are added one by one, and then those that are to go are deleted one by one.

use ipmp_core::kernel::{Leg, Route, RouteKey};
use ipnet::IpNet;
use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};

use super::Client;
use crate::error::{Error, Kind};
use crate::request;

impl Client {
    /// Gives a route of ours in the main table its legs, where it has the legs `present` now; those by a router
    /// are on-link. `Exists` where somebody else has a route of that destination and metric, or in IPv6 the
    /// very leg: nothing foreign is replaced. No leg is deleted before one that is to be there is.
    pub async fn put_route(&self, route: &Route, present: &[Leg]) -> Result<(), Error> {
        let (now, before) = (Legs::of(&route.key, &route.legs), Legs::of(&route.key, present));
        let mut answers = Vec::new();
        if !now.joined.is_empty() {
            answers.push(self.put_joined(route, now.joined.clone(), &before).await);
        }
        for leg in now.apart.iter().filter(|leg| !before.apart.contains(leg)) {
            answers.push(self.add_leg(route, leg).await);
        }
        if now.apart.iter().any(|leg| before.apart.contains(leg)) || answers.iter().any(is_there) {
            // Those that are joined were replaced by others that are.
            let left = before.joined.iter().filter(|_| now.joined.is_empty());
            for leg in left.chain(before.apart.iter().filter(|leg| !now.apart.contains(leg))) {
                answers.push(self.delete_leg(&route.key, leg).await);
            }
        }
        answers.into_iter().collect()
    }

    /// Deletes a route of ours with all its legs; never one of somebody else.
    pub async fn delete_route(&self, key: &RouteKey) -> Result<(), Error> {
        let what = || format!("delete route {} metric {}", key.to, key.metric);
        let mut deleted = false;
        loop {
            match self.request(what, request::delete_route(key), 0).await {
                // Of legs that are routes of their own a request takes the first.
                Ok(()) if matches!(key.to, IpNet::V6(_)) => deleted = true,
                Err(error) if deleted && error.kind() == Kind::NotFound => return Ok(()),
                other => return other,
            }
        }
    }

    /// The legs that are one thing.
    async fn put_joined(&self, route: &Route, legs: Vec<Leg>, before: &Legs) -> Result<(), Error> {
        let (verb, flag) = match (before.joined.is_empty(), before.apart.is_empty()) {
            (false, _) => ("replace", NLM_F_REPLACE),
            (true, true) => ("add", NLM_F_EXCL),
            // Replacing would take the first of the others, whoever's it is.
            (true, false) => ("add", NLM_F_APPEND),
        };
        let what = || format!("{verb} route {} metric {}", route.key.to, route.key.metric);
        self.request(what, request::put_route(&Route { legs, ..route.clone() }), NLM_F_CREATE | flag).await
    }

    /// A leg that is a route of its own, behind those that are there.
    async fn add_leg(&self, route: &Route, leg: &Leg) -> Result<(), Error> {
        let Route { key, .. } = route;
        let what = || format!("add interface {} to route {} metric {}", leg.index, key.to, key.metric);
        self.request(what, request::add_leg(route, leg), NLM_F_CREATE | NLM_F_APPEND).await
    }

    /// One leg of a route; it may be gone.
    async fn delete_leg(&self, key: &RouteKey, leg: &Leg) -> Result<(), Error> {
        let what = || format!("take interface {} from route {} metric {}", leg.index, key.to, key.metric);
        match self.request(what, request::delete_leg(key, leg), 0).await {
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::NoDevice) => Ok(()),
            other => other,
        }
    }
}

/// Legs of a route as the kernel keeps them.
struct Legs {
    /// As one thing.
    joined: Vec<Leg>,
    /// Each as a route of its own.
    apart: Vec<Leg>,
}

impl Legs {
    fn of(key: &RouteKey, legs: &[Leg]) -> Legs {
        let v6 = matches!(key.to, IpNet::V6(_));
        let (apart, joined) = legs.iter().copied().partition(|leg| v6 && leg.via.is_none());
        Legs { joined, apart }
    }
}

/// Whether a way out is there, be it somebody else's.
fn is_there(answer: &Result<(), Error>) -> bool {
    answer.as_ref().map_or_else(|error| error.kind() == Kind::Exists, |()| true)
}
