//! Waiting for a condition instead of sleeping for luck.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Waits until `condition` holds; an error that says `what` was waited for once the time is up. An error of the
/// condition itself ends the waiting.
pub fn wait_until(patience: Duration, what: &str, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !condition()? {
        if start.elapsed() > patience {
            return Err(Error::new(format!("wait for {what}"), format!("not within {patience:?}")));
        }
        sleep(LOOK_EVERY);
    }
    Ok(())
}
