//! The one timer of the loop: a `timerfd` on `CLOCK_BOOTTIME`, the clock of the core. Precise below a
//! millisecond, which the runtime's own timer is not, and it goes off at once after a suspend.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;

use ipmp_core::Instant;
use nix::errno::Errno;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Goes off at the moment last set.
pub struct Timer {
    fd: AsyncFd<Fd>,
    set: Option<Instant>,
}

struct Fd(TimerFd);

impl AsRawFd for Fd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Timer {
    /// A timer that is not set.
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = Fd(TimerFd::new(ClockId::CLOCK_BOOTTIME, flags)?);
        // SAFETY: a `TimerFd` keeps one descriptor open for as long as it lives, and the `AsyncFd` owns it.
        let fd = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) }?;
        Ok(Self { fd, set: None })
    }

    /// Goes off at `at`, which may lie in the past, or never. Costs a system call only where it changes.
    pub fn set(&mut self, at: Option<Instant>) -> io::Result<()> {
        if at == self.set {
            return Ok(());
        }
        let timer = &self.fd.get_ref().0;
        match at {
            // Zero would mean never.
            Some(at) => timer.set(
                Expiration::OneShot(Duration::from_nanos(at.as_nanos().max(1)).into()),
                TimerSetTimeFlags::TFD_TIMER_ABSTIME,
            )?,
            None => timer.unset()?,
        }
        self.set = at;
        Ok(())
    }

    /// Waits until it goes off; then it is not set. Nothing is lost where the wait is given up.
    pub async fn expired(&mut self) -> io::Result<()> {
        loop {
            let mut ready = self.fd.readable().await?;
            let read = self.fd.get_ref().0.wait();
            // Read or not: nothing is left to read until it goes off again.
            ready.clear_ready();
            match read {
                Ok(()) => break,
                Err(Errno::EAGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.set = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipmp_probe::clock::now;

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
    }

    #[test]
    fn goes_off_at_its_moment_and_not_before() {
        run(async {
            let mut timer = Timer::new().unwrap();
            let at = now() + Duration::from_millis(3);
            timer.set(Some(at)).unwrap();
            timer.expired().await.unwrap();
            assert!(now() >= at);
        });
    }

    #[test]
    fn a_moment_in_the_past_goes_off_at_once_and_an_earlier_one_replaces_a_later_one() {
        run(async {
            let mut timer = Timer::new().unwrap();
            timer.set(Some(now() + Duration::from_secs(3600))).unwrap();
            timer.set(Some(Instant::default())).unwrap();
            timer.expired().await.unwrap();
            timer.set(Some(Instant::default())).unwrap();
            timer.expired().await.unwrap();
        });
    }

    #[test]
    fn a_timer_that_was_unset_stays_silent_even_if_it_had_gone_off() {
        run(async {
            let mut timer = Timer::new().unwrap();
            timer.set(Some(Instant::default())).unwrap();
            timer.set(None).unwrap();
            tokio::select! {
                biased;
                _ = timer.expired() => panic!("it was unset"),
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        });
    }
}
