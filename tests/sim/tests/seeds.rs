//! More than two thousand seeds in the ordinary test run.
//!
//! `IPMP_SEED=n cargo test -p ipmp-sim replay -- --nocapture` shows one of them. `IPMP_SEEDS=1000..2000
//! cargo test -p ipmp-sim soak -- --ignored --nocapture` lives through others.

use ipmp_sim::seed::{Outcome, live, report};
use ipmp_sim::trace::Keep;

/// Seeds of one test; there are eight tests, so that they spread over the processors.
const SHARE: u64 = 255;

fn share(number: u64) {
    run(number * SHARE..(number + 1) * SHARE);
}

fn run(seeds: std::ops::Range<u64>) {
    let outcomes: Vec<(u64, Outcome)> = seeds.map(|seed| (seed, live(seed, Keep::Nothing))).collect();
    // Checkers that are never near to anything would judge nothing.
    let judged: u64 = outcomes.iter().map(|(_, outcome)| outcome.judged).sum();
    println!("{judged} limits looked at in {} seeds", outcomes.len());
    assert!(judged > 100 * outcomes.len() as u64, "the checkers look at too little: {judged}");
    let failures: Vec<(u64, String)> =
        outcomes.into_iter().filter_map(|(seed, outcome)| Some((seed, outcome.result.err()?))).collect();
    if let Some((seed, failure)) = failures.first() {
        let others: Vec<String> =
            failures[1..].iter().map(|(seed, failure)| format!("seed {seed} failed too {failure}\n")).collect();
        panic!("{}{}", others.concat(), report(*seed, failure));
    }
}

macro_rules! shares {
    ($($name:ident $number:literal)*) => {
        $(#[test]
        fn $name() {
            share($number);
        })*
    };
}

shares! { seeds_0 0 seeds_1 1 seeds_2 2 seeds_3 3 seeds_4 4 seeds_5 5 seeds_6 6 seeds_7 7 }

#[test]
fn replay() {
    let seed = std::env::var("IPMP_SEED").ok().map_or(0, |seed| seed.parse().expect("IPMP_SEED is a number"));
    let outcome = live(seed, Keep::Lines);
    if std::env::var_os("IPMP_SEED").is_some() {
        outcome.trace.lines().iter().for_each(|line| println!("{line}"));
    }
    if let Err(failure) = outcome.result {
        panic!("{}", report(seed, &failure));
    }
}

#[test]
#[ignore = "as long as one likes: IPMP_SEEDS=from..to"]
fn soak() {
    let range = std::env::var("IPMP_SEEDS").unwrap_or_else(|_| "1000..1100".to_owned());
    let (from, to) = range.split_once("..").expect("IPMP_SEEDS is from..to");
    run(from.parse().expect("a number")..to.parse().expect("a number"));
}

#[test]
fn the_same_seed_is_the_same_world() {
    for seed in [3, 4, 5] {
        let first = live(seed, Keep::Fingerprint).trace.fingerprint();
        assert_eq!(first, live(seed, Keep::Fingerprint).trace.fingerprint(), "seed {seed}");
        assert_ne!(first, live(seed + 100, Keep::Fingerprint).trace.fingerprint(), "seed {seed}");
    }
}
