//! Where the addresses are, beside a deliberately naive rule: each stays where it is if it may, and moves only
//! as far as it takes for the members in service to carry equally many, give or take one (IPMP behaviour, §7).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::{Damping, Family};
use ipmp_sim::site::{self, Port};
use ipmp_sim::stage::{Stage, group};
use ipmp_sim::{Deed, trace::Keep};
use proptest::prelude::*;

const FDT: Duration = Duration::from_millis(200);
const MEMBERS: u8 = 4;

#[derive(Clone, Copy, Debug)]
enum Happens {
    Link(u8, bool),
    Address(u8),
}

/// How many addresses must move at least, and by the rule may: those that are on nobody in service or new,
/// and those that the fuller members have to give.
fn must_move(before: &BTreeMap<IpAddr, Port>, addresses: &[IpAddr], serving: &[Port]) -> usize {
    let mut loads: Vec<usize> = serving
        .iter()
        .map(|port| addresses.iter().filter(|address| before.get(address) == Some(port)).count())
        .collect();
    loads.sort_unstable_by(|a, b| b.cmp(a));
    let (each, more) = (addresses.len() / serving.len(), addresses.len() % serving.len());
    let kept: usize = loads.iter().enumerate().map(|(i, load)| (*load).min(each + usize::from(i < more))).sum();
    addresses.len() - kept
}

/// Where the addresses are. One that came when nobody served is nowhere yet, and none is on two.
fn places(stage: &Stage) -> BTreeMap<IpAddr, Port> {
    let addresses = stage.file.groups[0].addresses.iter().map(|net| net.addr());
    let place = |address: IpAddr| match stage.holders(address)[..] {
        [] => None,
        [one] => Some((address, one)),
        ref holders => panic!("{address} is on {holders:?}"),
    };
    addresses.filter_map(place).collect()
}

fn lives(seed: u64, story: &[Happens]) -> Result<(), TestCaseError> {
    let mut config = group(5, MEMBERS, FDT);
    config.detection.damping = Damping { suspend: u32::MAX, ..Damping::default() };
    let mut stage = Stage::on(seed, config, Keep::Lines, |_| {});
    let mut up = [true; MEMBERS as usize];
    for happens in story {
        let before = places(&stage);
        match *happens {
            Happens::Link(i, plugged) => {
                up[usize::from(i)] = plugged;
                stage.does(Deed::Cable(Port(i), plugged));
            }
            Happens::Address(number) => stage.reloads(|group| {
                let address = site::data_address(Family::V4, 0, number);
                match group.addresses.iter().position(|known| *known == address) {
                    Some(at) => drop(group.addresses.remove(at)),
                    None => group.addresses.push(address),
                }
            }),
        }
        stage.plays(Duration::from_secs(3));
        let serving: Vec<Port> = (0..MEMBERS).filter(|i| up[usize::from(*i)]).map(Port).collect();
        let after = places(&stage);
        if serving.is_empty() {
            // Nobody does better: what was there stays.
            prop_assert!(before.iter().all(|(address, port)| after.get(address).is_none_or(|now| now == port)));
            continue;
        }
        let addresses: Vec<IpAddr> = stage.file.groups[0].addresses.iter().map(|net| net.addr()).collect();
        prop_assert_eq!(after.len(), addresses.len(), "{:?}: {:?}", happens, after);
        let load = |port: &Port| after.values().filter(|holder| *holder == port).count();
        prop_assert!(after.values().all(|holder| serving.contains(holder)), "{happens:?}: {after:?}, {serving:?}");
        let (most, least) = (serving.iter().map(load).max(), serving.iter().map(load).min());
        prop_assert!(most <= least.map(|least| least + 1), "{happens:?}: {after:?}");
        let moved = after.iter().filter(|(address, port)| before.get(*address) != Some(*port)).count();
        let naive = must_move(&before, &addresses, &serving);
        prop_assert_eq!(moved, naive, "{:?}: from {:?} to {:?}", happens, before, after);
    }
    Ok(())
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        3 => (0..MEMBERS, any::<bool>()).prop_map(|(i, plugged)| Happens::Link(i, plugged)),
        2 => (0u8..12).prop_map(Happens::Address),
    ]
}

/// Lives take their time; `PROPTEST_CASES` has it try more of them.
fn few() -> ProptestConfig {
    let mut config = ProptestConfig { max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 60;
    }
    config
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn no_address_moves_that_need_not(seed in 0u64..1000, story in prop::collection::vec(happens(), 1..25)) {
        lives(seed, &story)?;
    }
}
