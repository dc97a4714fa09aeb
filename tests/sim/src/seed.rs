//! One seed: faults for a time, then none, and everything must come home.
//!
//! Most worlds are short: what goes wrong does so within minutes, and many configurations are worth more
//! than long lives. Some are long, for what takes its time: retries, clocks of targets, penalties.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use ipmp_core::Config;

use crate::invariants::{Violation, at_home, holds_nothing, homecoming};
use crate::operator;
use crate::rng::Rng;
use crate::site;
use crate::trace::{Keep, Trace};
use crate::world::World;

/// One seed in so many is a long one.
const LONG_EVERY: u64 = 20;

/// How often a short life looks whether everything is home.
const LOOK: Duration = Duration::from_secs(10);

fn is_long(seed: u64) -> bool {
    seed.is_multiple_of(LONG_EVERY)
}

/// How long faults come, and how long it must stay quiet afterwards.
fn spans(seed: u64) -> (Duration, Duration) {
    let minutes = |count: u64| Duration::from_secs(60 * count);
    if is_long(seed) { (minutes(60), minutes(5)) } else { (minutes(10), minutes(2)) }
}

/// What a seed showed.
pub struct Outcome {
    /// What was broken.
    pub result: Result<(), String>,
    /// What happened.
    pub trace: Trace,
    /// How many limits the checkers compared with the clock.
    pub judged: u64,
}

/// Lives through a seed. A panic of the core is a failure like any other.
pub fn live(seed: u64, keep: Keep) -> Outcome {
    let mut world = World::new(seed, keep);
    let result = catch_unwind(AssertUnwindSafe(|| story(&mut world, seed)));
    let result = match result {
        Ok(result) => result.map_err(|violation| violation.to_string()),
        Err(panic) => {
            let words = panic.downcast_ref::<String>().cloned();
            let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
            Err(format!("at {:.6} s: panic: {}", world.now.as_nanos() as f64 / 1e9, words.unwrap_or_default()))
        }
    };
    Outcome { result, trace: world.trace, judged: world.checks.near }
}

fn story(world: &mut World, seed: u64) -> Result<(), Violation> {
    let mut rng = Rng::stream(seed, "site");
    world.file = site::draw(&mut rng);
    site::furnish(&mut rng, world);
    world.note(format_args!("! configuration {:?}", world.file.clone()));
    world.start();
    let (faults, steady) = spans(seed);
    let end = world.now + faults;
    let deeds = operator::draw(&mut rng, world.now, end);
    world.plan(deeds);
    world.run_until(end)?;

    world.note(format_args!("! all faults are over"));
    world.heal()?;
    come_home(world, seed)?;
    world.note(format_args!("! home"));
    world.run_for(steady)?;
    at_home(&world.scene())?;

    world.note(format_args!("! nothing is configured any more"));
    world.reload(Config::default());
    world.run_for(Duration::from_secs(130))?;
    holds_nothing(&world.scene())
}

/// Waits until everything must be home. A short life ends the sooner if everything is; that nothing happens
/// any more after the whole time is for the long ones to see.
fn come_home(world: &mut World, seed: u64) -> Result<(), Violation> {
    let limit = world.now + homecoming(&world.file);
    while !is_long(seed) && world.now + LOOK < limit {
        world.run_for(LOOK)?;
        if at_home(&world.scene()).is_ok() {
            return Ok(());
        }
    }
    world.run_until(limit)?;
    at_home(&world.scene())
}

/// The sentence, the newest lines, and how to see it again.
pub fn report(seed: u64, failure: &str) -> String {
    let trace = live(seed, Keep::Lines).trace;
    let lines = trace.lines();
    let tail = &lines[lines.len().saturating_sub(40)..];
    format!(
        "seed {seed} failed {failure}\n  its last moments:\n{}\n  all of it: IPMP_SEED={seed} cargo test -p ipmp-sim replay -- --nocapture\n",
        tail.join("\n")
    )
}
