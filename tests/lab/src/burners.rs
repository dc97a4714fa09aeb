//! Threads that do nothing but take the CPU away from others.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use crate::error::{Doing, Result};

/// Busy loops, running until this is dropped.
#[derive(Debug)]
pub struct Burners {
    enough: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Burners {
    /// Starts so many for each CPU.
    pub fn per_cpu(count: usize) -> Result<Self> {
        let cpus = thread::available_parallelism().doing(|| "count the CPUs")?.get();
        let mut burners = Burners { enough: Arc::default(), threads: Vec::new() };
        for _ in 0..cpus * count {
            let enough = burners.enough.clone();
            let burn = move || {
                while !enough.load(Ordering::Relaxed) {
                    spin_loop();
                }
            };
            burners.threads.push(thread::Builder::new().name("burner".into()).spawn(burn).doing(|| "start a thread")?);
        }
        Ok(burners)
    }
}

impl Drop for Burners {
    fn drop(&mut self) {
        self.enough.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // It cannot panic.
            let _ = thread.join();
        }
    }
}
