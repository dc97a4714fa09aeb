//! The engine beside the naive member table, through random lives.

use std::time::Duration;

use ipmp_core::{Damping, GroupConfig};
use ipmp_sim::stage::{Stage, group};
use ipmp_sim::table::{Beside, Happens};
use ipmp_sim::{rest, trace::Keep};
use proptest::prelude::*;

const FDT: Duration = Duration::from_millis(200);

fn config(standbys: &[bool], failback: bool) -> GroupConfig {
    let mut config = group(standbys.len() as u8 + 1, standbys.len() as u8, FDT);
    config.failback = failback;
    // The table knows no penalties; see the stories of damping.
    config.detection.damping = Damping { suspend: u32::MAX, ..Damping::default() };
    for (member, standby) in config.members.iter_mut().zip(standbys) {
        member.standby = *standby;
    }
    config
}

fn lives(seed: u64, standbys: &[bool], failback: bool, story: &[Happens]) -> Result<(), String> {
    let mut stage = Stage::on(seed, config(standbys, failback), Keep::Lines, |_| {});
    let mut beside = Beside::new(standbys, failback);
    for happens in story {
        beside.happens(&mut stage, *happens).map_err(|how| format!("after {happens:?}: {how}\n{}", stage.told()))?;
        let faults = rest::faults(&stage);
        if !faults.is_empty() {
            return Err(format!("after {happens:?}: {}\n{}", faults.join("; "), stage.told()));
        }
    }
    Ok(())
}

fn happens(members: usize) -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (0..members, any::<bool>()).prop_map(|(i, up)| Happens::Link(i, up)),
        4 => (0..members, any::<bool>()).prop_map(|(i, alive)| Happens::Path(i, alive)),
        2 => any::<bool>().prop_map(Happens::Dark),
        4 => (0..members, any::<bool>()).prop_map(|(i, online)| Happens::Service(i, online)),
        1 => any::<bool>().prop_map(Happens::Failback),
        1 => (0..members, any::<bool>()).prop_map(|(i, standby)| Happens::Standby(i, standby)),
    ]
}

fn group_and_story() -> impl Strategy<Value = (Vec<bool>, Vec<Happens>)> {
    prop::collection::vec(prop::bool::weighted(0.3), 2..=4)
        .prop_flat_map(|standbys| (Just(standbys.clone()), prop::collection::vec(happens(standbys.len()), 1..25)))
}

/// Lives take their time; `PROPTEST_CASES` has it try more of them.
fn few() -> ProptestConfig {
    let mut config = ProptestConfig { max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 60;
    }
    config
}

/// §6, activate another: a standby before a member that idles for want of failback.
#[test]
fn a_standby_goes_before_one_that_idles() {
    let story = [Happens::Link(0, false), Happens::Link(0, true), Happens::Link(1, false)];
    lives(1, &[false, false, true, true], false, &story).unwrap_or_else(|how| panic!("{how}"));
}

/// What befell it while it was offline is the administrator's business: online is what he wants it to be.
#[test]
fn one_that_lost_its_link_while_offline_comes_online_to_be_active() {
    let story =
        [Happens::Service(1, false), Happens::Link(1, false), Happens::Link(1, true), Happens::Service(1, true)];
    lives(1, &[false, false], false, &story).unwrap_or_else(|how| panic!("{how}"));
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn the_engine_is_as_the_table_says(seed in 0u64..1000, failback in any::<bool>(), (standbys, story) in group_and_story()) {
        if let Err(how) = lives(seed, &standbys, failback, &story) {
            prop_assert!(false, "{how}");
        }
    }
}
