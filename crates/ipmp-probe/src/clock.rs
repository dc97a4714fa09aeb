//! The daemon's clock, and how a stamp of the kernel is moved onto it.
//!
//! The kernel stamps packets with the wall clock, which can be set at any moment; the daemon counts in
//! `CLOCK_BOOTTIME`, which cannot. A stamp is converted by its age, and believed only where it falls
//! between the sending of the probe and now: a step of the wall clock by more than one round trip shows
//! itself that way, however small the step.

use ipmp_core::Instant;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

/// Now, in nanoseconds of `CLOCK_BOOTTIME`: monotonic, and running while the machine is suspended.
pub fn now() -> Instant {
    Instant::from_nanos(u64::try_from(read(ClockId::CLOCK_BOOTTIME)).unwrap_or(0))
}

/// When a reply was received that carries the wall-clock `stamp` and answers a probe of `sent`.
pub(crate) fn received(stamp: Option<TimeSpec>, sent: Instant) -> Instant {
    arrived(stamp).filter(|arrived| *arrived >= sent).unwrap_or_else(now)
}

/// When something was received that carries the wall-clock `stamp`, as far as that can be.
pub(crate) fn arrived(stamp: Option<TimeSpec>) -> Option<Instant> {
    let wall = read(ClockId::CLOCK_REALTIME);
    by_age(wall - nanos(stamp?), now())
}

/// The moment `age` nanoseconds before `now`, unless it lies ahead.
fn by_age(age: i128, now: Instant) -> Option<Instant> {
    let age = u64::try_from(age).ok()?;
    Some(Instant::from_nanos(now.as_nanos().checked_sub(age)?))
}

fn read(clock: ClockId) -> i128 {
    nanos(clock_gettime(clock).expect("Linux has both clocks since 2.6.39"))
}

fn nanos(time: TimeSpec) -> i128 {
    i128::from(time.tv_sec()) * 1_000_000_000 + i128::from(time.tv_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_nanos(5_000);

    #[test]
    fn a_stamp_counts_by_its_age() {
        assert_eq!(by_age(0, NOW), Some(NOW));
        assert_eq!(by_age(4_000, NOW), Some(Instant::from_nanos(1_000)));
        assert_eq!(by_age(5_000, NOW), Some(Instant::from_nanos(0)));
    }

    #[test]
    fn a_wall_clock_that_was_set_is_not_believed() {
        assert_eq!(by_age(-1, NOW), None, "set back: the stamp lies ahead");
        assert_eq!(by_age(5_001, NOW), None, "set forward: from before the clock began");
        assert_eq!(by_age(i128::MAX, NOW), None);
        assert_eq!(by_age(i128::MIN, NOW), None);
        let wall = clock_gettime(ClockId::CLOCK_REALTIME).unwrap();
        let sent = now();
        let hour_ago = TimeSpec::new(wall.tv_sec() - 3600, 0);
        assert!(received(Some(hour_ago), sent) >= sent, "set forward: received before it was sent");
    }

    #[test]
    fn without_a_stamp_it_is_now() {
        let before = now();
        let received = received(None, before);
        assert!(before <= received && received <= now());
        assert_eq!(arrived(None), None);
    }
}
