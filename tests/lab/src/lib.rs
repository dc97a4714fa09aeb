//! Networks in namespaces, with traffic and faults: what the end-to-end tests, the benchmarks and `ipmpd demo` run
//! the daemon in.
//!
//! Everything is made through the kernel itself; no `ip`, `tc` or `nft` is needed. Nothing is left behind: the
//! namespaces are held by file descriptors only, links go with them, processes die with the thread that watches them,
//! also when the program is killed. All of it works as root and, but for [`Cable`], as an ordinary user after
//! [`enter_user_namespace`].
//!
//! | to | use |
//! |---|---|
//! | have a host with several NICs on a switch, a router, clients | [`Network`], [`Plan`] |
//! | put one more station on the LAN | [`Network::add_station`] |
//! | pull a cable, silence a path, lose frames, unplug a NIC | [`Member`], [`Port`] |
//! | delay, damage and reorder frames; carrier told late, as by a real NIC | [`Cable`] |
//! | look at and meddle with a station's links, addresses, routes, neighbours | [`Namespace`] |
//! | know what is lost and for how long | [`Flow`], [`Report`] |
//! | know whether a TCP connection survives | [`Stream`] |
//! | hear who claims an address | [`Sniffer`], [`Claim`] |
//! | know what changed in a namespace, or that nothing did | [`Monitor`] |
//! | run the daemon, wait for what it says | [`Daemon`], [`LogLine`] |
//! | take its CPU away | [`Burners`] |
//! | wait without sleeping for luck | [`wait_until`] |
//!
//! ```no_run
//! use std::time::{Duration, SystemTime};
//! use ipmp_lab::{CLIENT, Daemon, Flow, Mark, Network};
//!
//! # fn main() -> ipmp_lab::Result<()> {
//! let network = Network::new(2)?;
//! let mut daemon = Daemon::new(&network.host, "target/debug/ipmpd", "[[group]]\n...")?;
//! daemon.start_ready(Duration::from_secs(5))?;
//! let data_address = "192.0.2.50".parse().unwrap();
//! let flow = Flow::round_trip((&network.client, CLIENT.into()), (&network.host, data_address), 1000)?;
//! let (mark, before) = (daemon.mark(), SystemTime::now());
//! network.members[0].set_carrier(false)?;
//! daemon.wait_for(mark, "address_moved", |line| line.has("to", "eth1"), Duration::from_secs(1))?;
//! println!("silent for {:?}", flow.report_since(before)?.longest_gap);
//! # Ok(())
//! # }
//! ```

mod advertisement;
mod burners;
mod cable;
mod claim;
mod clock;
mod daemon;
mod error;
mod flow;
mod kernel;
mod log;
mod namespace;
mod network;
mod report;
mod sniffer;
mod stream;
mod tap;
mod wait;
mod wire;
mod worker;

pub use burners::Burners;
pub use cable::{Cable, End, Impairment};
pub use claim::{Claim, ClaimKind};
pub use daemon::Daemon;
pub use error::{Error, Result};
pub use flow::{Flow, Station};
pub use kernel::{Address, Change, Frames, Leg, Link, Monitor, Neighbour, Route, Way};
pub use log::{LogLine, Mark};
pub use namespace::{Namespace, enter_user_namespace};
pub use network::{CLIENT, CLIENT6, Network, Plan, REMOTE, REMOTE6, ROUTER, ROUTER6};
pub use nix::sys::signal::Signal;
pub use pnet::util::MacAddr;
pub use report::Report;
pub use sniffer::Sniffer;
pub use stream::{Stream, StreamReport};
pub use wait::wait_until;
pub use wire::{Member, Port, WireKind};
