//! A patch cable in user space between two TAP devices, for what a veth pair can not do: delay, jitter, bursts of
//! loss, damage, and a carrier that is told as late as that of a real NIC.
//!
//! One thread owns both devices. Orders reach it by a channel and are in force when the call returns. What happens
//! to the n-th frame of a direction follows from the seed. An unimpaired frame crosses in some 10 to 20 us.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::error::{Doing, Error, Result};
use crate::tap::Tap;
use crate::worker::{Bell, Worker};
use crate::{Namespace, Way};

/// Frames under way in one direction; more are lost.
const UNDER_WAY_MAX: usize = 4096;

/// Frames taken from one end before the other end and the clock are looked at again.
const BATCH: usize = 64;

/// More than any frame of a TAP device.
const FRAME_MAX: usize = 65_536;

/// An end of a cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The first one, of a [`Network`](crate::Network) the NIC of the host.
    A,
    /// The second one, of a [`Network`](crate::Network) the switch port.
    B,
}

/// What is wrong with one direction of a cable. Shares are 0 to 1 of the frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Impairment {
    /// How long a frame takes.
    pub delay: Duration,
    /// Up to this much more or less, evenly spread; frames keep their order.
    pub jitter: Duration,
    /// Lost at random; 1 cuts the direction.
    pub loss: f64,
    /// Lost in bursts: the share of frames at which a burst begins, and that at which it ends (Gilbert's model).
    pub burst: Option<(f64, f64)>,
    /// Arrive twice.
    pub duplicate: f64,
    /// Arrive with a bit flipped.
    pub corrupt: f64,
    /// Overtake those that are delayed.
    pub reorder: f64,
}

/// A cable, laid. It is pulled out and its devices go when it is dropped.
// The thread ends once `orders` is dropped and its bell rings, in this order of fields.
#[derive(Debug)]
pub struct Cable {
    seed: u64,
    orders: Sender<(Order, Sender<io::Result<()>>)>,
    worker: Worker,
}

#[derive(Debug)]
enum Order {
    Impair(Way, Impairment),
    Carrier(End, bool),
}

impl Cable {
    /// Makes a TAP device in each namespace, and a cable between them. The devices are down.
    pub fn new(a: &Namespace, a_name: &str, b: &Namespace, b_name: &str, seed: u64) -> Result<Self> {
        let taps = [Tap::new(a, a_name)?, Tap::new(b, b_name)?];
        let (orders, received) = channel();
        let worker = Worker::spawn("cable", move |bell| Core::new(taps, seed, received).run(&bell))?;
        Ok(Cable { seed, orders, worker })
    }

    /// What its dice were thrown from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What is wrong with a direction from now on; outbound is from A to B. Frames under way are not affected.
    pub fn impair(&self, way: Way, impairment: Impairment) -> Result<()> {
        self.order(Order::Impair(way, impairment))
    }

    /// Takes the carrier from the device at one end, or gives it back. Nothing passes, in either way, while an end
    /// has none.
    pub fn set_carrier(&self, end: End, carrier: bool) -> Result<()> {
        self.order(Order::Carrier(end, carrier))
    }

    /// A cable without fault, with carrier at both ends.
    pub fn mend(&self) -> Result<()> {
        Way::BOTH.into_iter().try_for_each(|way| self.impair(way, Impairment::default()))?;
        [End::A, End::B].into_iter().try_for_each(|end| self.set_carrier(end, true))
    }

    fn order(&self, order: Order) -> Result<()> {
        let gone = || Error::new("give an order to the cable", "its thread has ended");
        let (done, answer) = channel();
        self.orders.send((order, done)).map_err(|_| gone())?;
        self.worker.ring();
        answer.recv().map_err(|_| gone())?.doing(|| "set the carrier of a TAP")
    }
}

/// The thread's side.
struct Core {
    taps: [Tap; 2],
    carrier: [bool; 2],
    /// A device was deleted by someone else: from then on it reports nothing but errors, and nothing can pass.
    broken: bool,
    /// The first from A to B.
    lanes: [Lane; 2],
    orders: Receiver<(Order, Sender<io::Result<()>>)>,
}

/// One direction.
struct Lane {
    impairment: Impairment,
    in_burst: bool,
    dice: StdRng,
    under_way: VecDeque<(Instant, Vec<u8>)>,
}

impl Core {
    fn new(taps: [Tap; 2], seed: u64, orders: Receiver<(Order, Sender<io::Result<()>>)>) -> Self {
        Core { taps, carrier: [true; 2], broken: false, lanes: [Lane::new(seed), Lane::new(!seed)], orders }
    }

    /// Until the owner is gone.
    fn run(mut self, bell: &Bell) {
        let mut buffer = vec![0; FRAME_MAX];
        loop {
            let readable = match self.wait(bell) {
                Ok(readable) => readable,
                Err(error) => return eprintln!("a cable ended: {error}"),
            };
            bell.hush();
            loop {
                match self.orders.try_recv() {
                    Ok((order, done)) => drop(done.send(self.obey(order))),
                    Err(std::sync::mpsc::TryRecvError::Empty) => break,
                    Err(std::sync::mpsc::TryRecvError::Disconnected) => return,
                }
            }
            for from in [0, 1].into_iter().filter(|&from| readable[from]) {
                self.take(from, &mut buffer);
            }
            self.deliver();
        }
    }

    /// Which ends have frames to take, once there are any, a frame is due, or the bell rings.
    fn wait(&mut self, bell: &Bell) -> io::Result<[bool; 2]> {
        let due = self.lanes.iter().filter_map(|lane| lane.under_way.front()).map(|(due, _)| *due).min();
        let patience = due.map(|due| TimeSpec::from_duration(due.saturating_duration_since(Instant::now())));
        let mut watched = [
            PollFd::new(bell.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.taps[0].as_fd(), PollFlags::POLLIN),
            PollFd::new(self.taps[1].as_fd(), PollFlags::POLLIN),
        ];
        let watching = if self.broken { 1 } else { 3 };
        match ppoll(&mut watched[..watching], patience, None) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let seen = [1, 2].map(|end| watched[end].revents().unwrap_or(PollFlags::empty()));
        self.broken |= seen.iter().any(|seen| seen.contains(PollFlags::POLLERR));
        Ok(seen.map(|seen| seen.contains(PollFlags::POLLIN)))
    }

    fn obey(&mut self, order: Order) -> io::Result<()> {
        match order {
            Order::Impair(way, impairment) => {
                let lane = &mut self.lanes[usize::from(way == Way::Inbound)];
                lane.impairment = impairment;
                lane.in_burst = false;
                Ok(())
            }
            Order::Carrier(end, carrier) => {
                let end = usize::from(end == End::B);
                self.carrier[end] = carrier;
                self.taps[end].set_carrier(carrier)
            }
        }
    }

    fn take(&mut self, from: usize, buffer: &mut [u8]) {
        for _ in 0..BATCH {
            let Some(length) = self.taps[from].read(buffer) else { return };
            if self.carrier == [true; 2] {
                self.lanes[from].take(&buffer[..length], Instant::now());
            }
        }
    }

    fn deliver(&mut self) {
        let now = Instant::now();
        for (from, lane) in self.lanes.iter_mut().enumerate() {
            while lane.under_way.front().is_some_and(|(due, _)| *due <= now) {
                if let Some((_, frame)) = lane.under_way.pop_front() {
                    // A device that is down receives nothing: that frame is lost, as it should be.
                    let _ = self.carrier == [true; 2] && self.taps[1 - from].write(&frame);
                }
            }
        }
    }
}

impl Lane {
    fn new(seed: u64) -> Self {
        Lane {
            impairment: Impairment::default(),
            in_burst: false,
            dice: StdRng::seed_from_u64(seed),
            under_way: VecDeque::new(),
        }
    }

    fn hit(&mut self, share: f64) -> bool {
        share > 0.0 && self.dice.random_bool(share.min(1.0))
    }

    fn take(&mut self, frame: &[u8], now: Instant) {
        if self.loses() || frame.is_empty() {
            return;
        }
        let mut frame = frame.to_vec();
        if self.hit(self.impairment.corrupt) {
            let bit = self.dice.random_range(0..frame.len() * 8);
            frame[bit / 8] ^= 1 << (bit % 8);
        }
        if self.hit(self.impairment.duplicate) {
            self.send(frame.clone(), now);
        }
        self.send(frame, now);
    }

    fn loses(&mut self) -> bool {
        if let Some((begin, end)) = self.impairment.burst {
            let turns = self.hit(if self.in_burst { end } else { begin });
            self.in_burst ^= turns;
        }
        self.in_burst || self.hit(self.impairment.loss)
    }

    fn send(&mut self, frame: Vec<u8>, now: Instant) {
        if self.under_way.len() >= UNDER_WAY_MAX {
            return;
        }
        if self.hit(self.impairment.reorder) {
            return self.under_way.push_front((now, frame));
        }
        let Impairment { delay, jitter, .. } = self.impairment;
        let earliest = delay.saturating_sub(jitter);
        let spread = delay + jitter - earliest;
        let due = now + earliest + spread.mul_f64(self.dice.random_range(0.0..=1.0));
        let after = self.under_way.back().map_or(due, |(before, _)| due.max(*before));
        self.under_way.push_back((after, frame));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of a thousand frames come out, in which order, when and how.
    fn passed(seed: u64) -> Vec<(Instant, Vec<u8>)> {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        let start = *START.get_or_init(Instant::now);
        let mut lane = Lane::new(seed);
        lane.impairment = Impairment {
            delay: Duration::from_millis(10),
            jitter: Duration::from_millis(5),
            loss: 0.1,
            burst: Some((0.01, 0.2)),
            duplicate: 0.1,
            corrupt: 0.1,
            reorder: 0.1,
        };
        (0..1000u64).for_each(|number| lane.take(&number.to_be_bytes(), start + Duration::from_millis(number)));
        lane.under_way.into()
    }

    #[test]
    fn the_same_seed_has_the_same_fate() {
        assert_eq!(passed(1), passed(1));
        assert_ne!(passed(1), passed(2));
    }

    #[test]
    fn a_sound_cable_changes_nothing() {
        let mut lane = Lane::new(1);
        let now = Instant::now();
        (0..1000u64).for_each(|number| lane.take(&number.to_be_bytes(), now));
        let expected: Vec<_> = (0..1000u64).map(|number| (now, number.to_be_bytes().to_vec())).collect();
        assert_eq!(Vec::from(lane.under_way), expected);
    }

    #[test]
    fn what_is_under_way_is_bounded() {
        let mut lane = Lane::new(1);
        (0..10_000).for_each(|_| lane.take(&[0], Instant::now()));
        assert_eq!(lane.under_way.len(), UNDER_WAY_MAX);
    }
}
