//! A network namespace for each test, a TAP device, and patience with a deadline.

#![allow(dead_code)] // Each test file uses its own part of this.

pub mod world;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd};
use std::thread;
use std::time::{Duration, Instant};

use ipmp_core::kernel::{AddressKey, Fact, Leg, Link, PROTOCOL, ROUTE_METRIC, Route, RouteKey, Scope};
use ipmp_core::{IfIndex, IfName};
use ipmp_netlink::{Client, Monitor};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use rtnetlink::Handle;

/// How long a test waits for something that must come.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The loopback interface is the first of every namespace.
const LOOPBACK: IfIndex = IfIndex(1);

/// Runs a story in a network namespace of its own, which ends with the thread. As on any host loopback is
/// up: before there is a local table the kernel takes any gateway for a broadcast address.
pub fn namespace(story: impl AsyncFnOnce() + Send + 'static) {
    let thread = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace (as root, or under `unshare -Urn`)");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            Client::connect().unwrap().set_up(LOOPBACK).await.unwrap();
            story().await;
        });
    });
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// Somebody else than the daemon.
pub fn somebody_else() -> Handle {
    let (connection, handle, _) = rtnetlink::new_connection().unwrap();
    tokio::spawn(connection);
    handle
}

/// A TAP device with carrier; gone when dropped.
pub struct Tap {
    file: File,
    pub name: IfName,
}

impl Tap {
    pub fn new(name: &str) -> Tap {
        Tap::open(name, libc::IFF_TAP)
    }

    /// One that carries packets rather than frames.
    pub fn tun(name: &str) -> Tap {
        Tap::open(name, libc::IFF_TUN)
    }

    fn open(name: &str, kind: libc::c_int) -> Tap {
        let file = OpenOptions::new().read(true).write(true).open("/dev/net/tun").unwrap();
        // SAFETY: all-zero is a valid `ifreq`.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        request.ifr_ifru.ifru_flags = (kind | libc::IFF_NO_PI) as i16;
        // SAFETY: TUNSETIFF reads and writes one `ifreq`, which outlives the call.
        assert_eq!(unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &mut request) }, 0);
        Tap { file, name: name.parse().unwrap() }
    }

    /// Has a frame arrive.
    pub fn receive(&self, frame: &[u8]) {
        assert_eq!(Write::write(&mut &self.file, frame).unwrap(), frame.len());
    }

    pub fn set_carrier(&self, on: bool) {
        let on = u32::from(on);
        // SAFETY: TUNSETCARRIER reads one `u32`, which outlives the call.
        assert_eq!(unsafe { libc::ioctl(self.file.as_raw_fd(), libc::TUNSETCARRIER, &on) }, 0);
    }
}

/// A TAP device that is up, and its index.
pub async fn tap_up(client: &Client, name: &str) -> (Tap, IfIndex) {
    let tap = Tap::new(name);
    let index = index_of(client, name).await;
    client.set_up(index).await.unwrap();
    (tap, index)
}

/// Writes a setting of IPv6 for an interface.
pub fn set_ipv6(interface: &str, setting: &str, value: u32) {
    let file = format!("/proc/sys/net/ipv6/conf/{interface}/{setting}");
    std::fs::write(&file, value.to_string()).expect(&file);
}

pub async fn index_of(client: &Client, name: &str) -> IfIndex {
    link(client, name).await.index
}

pub async fn link(client: &Client, name: &str) -> Link {
    client.link_named(&name.parse().unwrap()).await.unwrap().expect(name)
}

pub fn address(index: IfIndex, address: &str) -> AddressKey {
    AddressKey { index, address: address.parse().unwrap() }
}

pub fn our_route(to: &str, legs: &[(IfIndex, Option<&str>)]) -> Route {
    let mut legs: Vec<Leg> =
        legs.iter().map(|(index, via)| Leg { index: *index, via: via.map(|via| via.parse().unwrap()) }).collect();
    legs.sort();
    let key = RouteKey { to: to.parse().unwrap(), metric: ROUTE_METRIC, ours: PROTOCOL != 0 };
    Route { key, scope: Scope::Global, legs }
}

/// Reads until one of the facts is the wanted one, and returns all that were read up to it.
#[track_caller]
pub fn wait_for(monitor: &mut Monitor, what: &str, wanted: impl Fn(&Fact) -> bool) -> Vec<Fact> {
    let start = Instant::now();
    let mut facts = Vec::new();
    loop {
        assert!(!monitor.drain(&mut facts).overrun);
        if facts.iter().any(&wanted) {
            return facts;
        }
        assert!(start.elapsed() < PATIENCE, "{what} did not come; what came: {facts:#?}");
        let mut fds = [PollFd::new(monitor.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::from(1000u16)).unwrap();
    }
}

/// As `wait_for`, for an interface that is so.
#[track_caller]
pub fn wait_for_link(monitor: &mut Monitor, what: &str, wanted: impl Fn(&Link) -> bool) -> Link {
    let so = |fact: &Fact| matches!(fact, Fact::Link(link) if wanted(link));
    match wait_for(monitor, what, so).into_iter().find(so) {
        Some(Fact::Link(link)) => link,
        _ => unreachable!("it was found a moment ago"),
    }
}
