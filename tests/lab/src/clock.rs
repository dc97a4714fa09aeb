//! Time as packets carry it: nanoseconds of the wall clock, which is what the kernel stamps with.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

/// Nanoseconds since 1970.
pub(crate) fn nanos(at: SystemTime) -> i64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |age| age.as_nanos() as i64)
}

/// Ticks at absolute moments. A thread that was not run for a while does not make up for lost ticks in a burst.
#[derive(Debug)]
pub(crate) struct Ticker {
    interval: Duration,
    next: Duration,
}

impl Ticker {
    pub(crate) fn new(interval: Duration) -> io::Result<Self> {
        // The default slack of 50 us would be 5 % of a millisecond.
        nix::sys::prctl::set_timerslack(1)?;
        Ok(Ticker { interval, next: monotonic()? })
    }

    pub(crate) fn wait(&mut self) -> io::Result<()> {
        self.next = (self.next + self.interval).max(monotonic()?);
        let (next, flags) = (TimeSpec::from_duration(self.next), ClockNanosleepFlags::TIMER_ABSTIME);
        loop {
            match clock_nanosleep(ClockId::CLOCK_MONOTONIC, flags, &next) {
                Err(nix::Error::EINTR) => continue,
                slept => return slept.map(drop).map_err(Into::into),
            }
        }
    }
}

fn monotonic() -> io::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_MONOTONIC)?.into())
}
