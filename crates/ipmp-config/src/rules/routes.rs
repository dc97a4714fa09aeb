//! Routes: the kernel has one route to a destination, so every destination belongs to one group, and
//! there to one reason.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipmp_core::Family;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::shown;
use crate::report::Report;
use crate::source::Place;
use crate::written::{Group, Route, Written};

pub(super) fn check(written: &Written, report: &mut Report) {
    let mut taken: BTreeMap<IpNet, Claim> = BTreeMap::new();
    for (group, number) in written.groups.iter().zip(0..) {
        group.routes.iter().for_each(|route| families(route, report));
        for claim in claims(number, group) {
            match taken.get(&claim.to) {
                Some(first) => conflict(first, &claim, report),
                None => drop(taken.insert(claim.to, claim)),
            }
        }
    }
}

fn families(route: &Route, report: &mut Report) {
    let (to, via) = (Family::of(route.to.value.addr()), Family::of(route.via.value));
    if to != via {
        report
            .error(&route.via.place, format!("an {} router for an {} destination", shown(via), shown(to)))
            .expected(format!("an {} address", shown(to)))
            .related(&route.to.place, "the destination");
    }
}

/// A destination that a group needs a route to.
struct Claim<'a> {
    to: IpNet,
    group: usize,
    why: Why,
    place: &'a Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// The subnet of a data address.
    OnLink,
    /// The default route, however many gateways there are.
    Gateways,
    /// An element of `routes`.
    Route,
}

fn claims(number: usize, group: &Group) -> impl Iterator<Item = Claim<'_>> {
    let subnets = group.data_addresses().filter(|at| at.value.prefix_len() < at.value.max_prefix_len());
    let subnets = subnets.map(|at| (at.value.trunc(), Why::OnLink, &at.place));
    let gateways = group.gateways.iter().map(|at| (everywhere(Family::of(at.value)), Why::Gateways, &at.place));
    let routes = group.routes.iter().map(|route| (route.to.value, Why::Route, &route.to.place));
    let all = subnets.chain(gateways).chain(routes);
    all.map(move |(to, why, place)| Claim { to, group: number, why, place })
}

fn everywhere(family: Family) -> IpNet {
    match family {
        Family::V4 => Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0).into(),
        Family::V6 => Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

fn conflict(first: &Claim, second: &Claim, report: &mut Report) {
    let same_group = first.group == second.group;
    if same_group && first.why == second.why && second.why != Why::Route {
        return;
    }
    let what = |claim: &Claim| match claim.why {
        Why::OnLink => "the subnet of a data address",
        Why::Gateways => "a default router",
        Why::Route => "a route",
    };
    let (message, expected) = if same_group {
        (format!("a second route to {}", second.to), "one route a destination")
    } else {
        (format!("two groups with a route to {}", second.to), "a destination in one group only")
    };
    report
        .error(second.place, message)
        .expected(expected)
        .related(first.place, format!("first here, as {}", what(first)));
}
