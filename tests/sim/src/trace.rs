//! What happened, for people: lines that can be read, or only a fingerprint of them.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hasher};

use ipmp_core::Instant;

/// How many of the newest lines are kept in full, the traffic of probes included.
const TAIL: usize = 400;

/// What a trace keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: fast.
    Nothing,
    /// A fingerprint of every line.
    Fingerprint,
    /// Every line but those of probes, and the newest in full.
    Lines,
}

/// The trace of one world.
#[derive(Clone)]
pub struct Trace {
    keep: Keep,
    hash: DefaultHasher,
    lines: Vec<String>,
    tail: VecDeque<String>,
}

impl Trace {
    /// An empty trace.
    pub fn new(keep: Keep) -> Self {
        Self { keep, hash: DefaultHasher::new(), lines: Vec::new(), tail: VecDeque::new() }
    }

    /// Notes what happened; `probe` where it is the everyday traffic of probes.
    pub fn note(&mut self, now: Instant, probe: bool, what: fmt::Arguments<'_>) {
        match self.keep {
            Keep::Nothing => {}
            Keep::Fingerprint => {
                self.hash.write(format!("{} {what}", now.as_nanos()).as_bytes());
            }
            Keep::Lines => {
                let line = format!("{:14.6} {what}", now.as_nanos() as f64 / 1e9);
                if !probe {
                    self.lines.push(line.clone());
                }
                if self.tail.len() == TAIL {
                    self.tail.pop_front();
                }
                self.tail.push_back(line);
            }
        }
    }

    /// The fingerprint of everything noted.
    pub fn fingerprint(&self) -> u64 {
        self.hash.finish()
    }

    /// Everything but probes.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The newest lines, probes included.
    pub fn tail(&self) -> impl Iterator<Item = &String> {
        self.tail.iter()
    }
}
