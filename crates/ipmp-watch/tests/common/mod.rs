//! A network namespace for each test, TAP devices, and the world as the watcher tells it.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use ipmp_core::kernel::{AddressKey, Kernel, Link};
use ipmp_core::{Event, IfIndex};
use ipmp_netlink::Client;
use ipmp_watch::Watcher;
use nix::sched::{CloneFlags, unshare};
use tokio::time::{Instant, timeout_at};

/// How long a test waits for something that must come.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a story in a network namespace of its own, which ends with the thread.
pub fn namespace(story: impl AsyncFnOnce() + Send + 'static) {
    let thread = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace (as root, or under `unshare -Urn`)");
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(story());
    });
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// A TAP device with carrier, which is up; gone when dropped. Unlike with veth, the kernel holds back what
/// happens to its carrier, as it does with a real NIC.
pub struct Tap {
    file: File,
    pub index: IfIndex,
}

impl Tap {
    pub async fn up(client: &Client, name: &str) -> Tap {
        let file = OpenOptions::new().read(true).write(true).open("/dev/net/tun").unwrap();
        // SAFETY: all-zero is a valid `ifreq`.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI) as i16;
        // SAFETY: TUNSETIFF reads and writes one `ifreq`, which outlives the call.
        assert_eq!(unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &mut request) }, 0);
        let index = client.link_named(&name.parse().unwrap()).await.unwrap().expect(name).index;
        client.set_up(index).await.unwrap();
        Tap { file, index }
    }

    pub fn set_carrier(&self, on: bool) {
        let on = u32::from(on);
        // SAFETY: TUNSETCARRIER reads one `u32`, which outlives the call.
        assert_eq!(unsafe { libc::ioctl(self.file.as_raw_fd(), libc::TUNSETCARRIER, &on) }, 0);
    }
}

pub fn address(index: IfIndex, address: &str) -> AddressKey {
    AddressKey { index, address: address.parse().unwrap() }
}

/// What somebody knows who is told everything that the watcher says.
pub struct Told {
    pub watcher: Watcher,
    pub world: Kernel,
    pub events: Vec<Event>,
}

impl Told {
    /// Watches, and waits for the first snapshot.
    pub async fn start() -> Told {
        Self::by(Watcher::start().unwrap()).await
    }

    pub async fn by(watcher: Watcher) -> Told {
        let mut told = Told { watcher, world: Kernel::default(), events: Vec::new() };
        told.until("the first snapshot", |told| told.snapshots() > 0).await;
        told
    }

    /// Takes in what there is.
    pub fn drain(&mut self) {
        let known = self.events.len();
        self.watcher.drain(&mut self.events);
        for event in &self.events[known..] {
            if let Event::Kernel(fact) = event {
                self.world.learn(fact.clone());
            }
        }
    }

    /// Takes in what comes until it is so.
    pub async fn until(&mut self, what: &str, so: impl Fn(&Told) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !so(self) {
            let readable = timeout_at(deadline, self.watcher.readable()).await;
            assert!(readable.is_ok(), "{what} did not come: {:#?}", self.events);
            self.drain();
        }
    }

    pub fn snapshots(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Kernel(ipmp_core::kernel::Fact::Snapshot(_)))).count()
    }

    pub fn overruns(&self) -> usize {
        self.events.iter().filter(|event| **event == Event::Overrun).count()
    }

    pub fn link(&self, index: IfIndex) -> Option<&Link> {
        self.world.links.get(&index)
    }

    pub fn has_carrier(&self, index: IfIndex) -> bool {
        self.link(index).is_some_and(|link| link.carrier)
    }
}
