//! Which data address on which member: pure, and with the least movement (IPMP behaviour §7, inbound binding).

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::id::IfName;

/// A member that may carry addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) member: IfName,
    /// It is proven, and so may be given more; one that is merely not disproven keeps what it has.
    pub(crate) takes_more: bool,
}

/// Gives each address a member: the one that it is on, where that is a candidate; else the least loaded
/// one, the earliest on a tie. Then evens out until loads differ by at most one. `refused` names pairs
/// that the kernel would not have; they are used only where nothing else is left.
pub(crate) fn place(
    addresses: &[IpAddr],
    present: &BTreeMap<IpAddr, IfName>,
    candidates: &[Candidate],
    refused: impl Fn(IpAddr, &IfName) -> bool,
) -> BTreeMap<IpAddr, IfName> {
    let mut loads: Vec<Vec<IpAddr>> = vec![Vec::new(); candidates.len()];
    let mut homeless = Vec::new();
    for &address in addresses {
        let holder = present.get(&address).and_then(|holder| candidates.iter().position(|c| c.member == *holder));
        match holder.filter(|&holder| !refused(address, &candidates[holder].member)) {
            Some(holder) => loads[holder].push(address),
            None => homeless.push(address),
        }
    }
    for address in homeless {
        let least = |allowed: &dyn Fn(&Candidate) -> bool| {
            (0..candidates.len()).filter(|&i| allowed(&candidates[i])).min_by_key(|&i| loads[i].len())
        };
        let choice = least(&|c| c.takes_more && !refused(address, &c.member))
            .or_else(|| least(&|c| !refused(address, &c.member)))
            .or_else(|| least(&|_| true));
        if let Some(choice) = choice {
            loads[choice].push(address);
        }
    }
    while let Some((from, to, which)) = uneven(&loads, candidates, &refused) {
        let address = loads[from].remove(which);
        loads[to].push(address);
    }
    let placed = |(candidate, load): (&Candidate, Vec<IpAddr>)| {
        let member = candidate.member.clone();
        load.into_iter().map(move |address| (address, member.clone()))
    };
    candidates.iter().zip(loads).flat_map(placed).collect()
}

/// The next address to move, from the most to the least loaded; the one that came last goes.
fn uneven(
    loads: &[Vec<IpAddr>],
    candidates: &[Candidate],
    refused: &impl Fn(IpAddr, &IfName) -> bool,
) -> Option<(usize, usize, usize)> {
    let to = (0..loads.len()).filter(|&i| candidates[i].takes_more).min_by_key(|&i| loads[i].len())?;
    let from = (0..loads.len()).rev().max_by_key(|&i| loads[i].len())?;
    let which = loads[from].iter().rposition(|&address| !refused(address, &candidates[to].member))?;
    (loads[from].len() > loads[to].len() + 1).then_some((from, to, which))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(i: usize) -> IfName {
        format!("eth{i}").parse().unwrap()
    }

    fn addresses(count: usize) -> Vec<IpAddr> {
        (0..count).map(|i| IpAddr::from([192, 0, 2, i as u8])).collect()
    }

    fn members(count: usize) -> Vec<Candidate> {
        (0..count).map(|i| Candidate { member: name(i), takes_more: true }).collect()
    }

    fn load(placed: &BTreeMap<IpAddr, IfName>, member: &IfName) -> usize {
        placed.values().filter(|holder| *holder == member).count()
    }

    #[test]
    fn one_that_is_not_proven_keeps_and_takes_nothing() {
        let candidates =
            [Candidate { member: name(0), takes_more: false }, Candidate { member: name(1), takes_more: true }];
        let present = BTreeMap::from([(addresses(1)[0], name(0))]);
        let placed = place(&addresses(4), &present, &candidates, |_, _| false);
        assert_eq!((load(&placed, &name(0)), load(&placed, &name(1))), (1, 3));
    }

    #[test]
    fn a_refused_pair_goes_elsewhere_and_back_only_if_nothing_else_is_left() {
        let all = addresses(1);
        let present = BTreeMap::from([(all[0], name(0))]);
        let placed = place(&all, &present, &members(2), |_, member| *member == name(0));
        assert_eq!(placed[&all[0]], name(1));
        let placed = place(&all, &present, &members(1), |_, _| true);
        assert_eq!(placed[&all[0]], name(0));
    }

    #[test]
    fn nobody_to_carry_them_leaves_them_unplaced() {
        assert!(place(&addresses(3), &BTreeMap::new(), &[], |_, _| false).is_empty());
    }

    proptest! {
        /// The naive reference: everything is placed once, loads differ by at most one, and no more
        /// addresses move than the loads make necessary.
        #[test]
        fn even_and_with_least_movement(count in 0usize..40, up in 1usize..6, holders in prop::collection::vec(0usize..8, 40)) {
            let all = addresses(count);
            let present: BTreeMap<_, _> = all.iter().zip(&holders).map(|(a, h)| (*a, name(*h))).collect();
            let candidates = members(up);
            let placed = place(&all, &present, &candidates, |_, _| false);
            prop_assert_eq!(placed.len(), count);
            let loads: Vec<usize> = candidates.iter().map(|c| load(&placed, &c.member)).collect();
            prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1);

            let moved = all.iter().filter(|a| placed[a] != present[a]).count();
            let mut held: Vec<usize> = candidates.iter().map(|c| load(&present, &c.member)).collect();
            held.sort_unstable_by(|a, b| b.cmp(a));
            // The fullest members keep the larger shares.
            let share = |i: usize| count / up + usize::from(i < count % up);
            let kept: usize = held.iter().enumerate().map(|(i, held)| (*held).min(share(i))).sum();
            prop_assert_eq!(moved, count - kept);
        }
    }
}
