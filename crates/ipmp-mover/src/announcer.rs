//! Sends announcements, each frame by the interface that it names.
//!
//! A NIC may hold back what it is given (a switch that tells it to pause, a driver that hangs) and still
//! have its link. What waits there counts against the socket that sent it, so one socket for all would let
//! a NIC that just failed silence the one that takes over. Each interface therefore has its own lane.

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipmp_core::{Announcement, IfIndex};
use pnet::packet::arp::ArpOperations;
use socket2::{Domain, SockAddr, SockAddrStorage, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

use crate::frame;

/// Lanes, shared by interfaces whose numbers differ by a multiple of this: more than a host has members.
const LANES: usize = 32;

/// How long all frames of one command together may wait for room in their lanes. A NIC that works makes
/// room for thousands in that time; for one that does not, nothing that is queued behind shall wait longer.
const PATIENCE: Duration = Duration::from_millis(100);

/// `TC_PRIO_CONTROL`: ahead of the traffic that waits in the queue of the NIC.
const PRIORITY: u32 = 7;

pub(crate) struct Announcer {
    lanes: Vec<Lane>,
    patience: Duration,
}

struct Lane {
    socket: AsyncFd<Socket>,
    /// A frame has waited in vain: none waits again until one has gone out.
    stuck: bool,
}

impl Announcer {
    /// Opens the sockets, in the network namespace of the calling thread and the current Tokio runtime.
    pub(crate) fn open() -> io::Result<Announcer> {
        let lanes = (0..LANES).map(|_| Lane::open()).collect::<io::Result<_>>()?;
        Ok(Announcer { lanes, patience: PATIENCE })
    }

    /// Begins another command.
    pub(crate) fn begin(&mut self) {
        self.patience = PATIENCE;
    }

    /// Sends one announcement, an ARP in both forms: some peers heed only the one, some only the other.
    pub(crate) async fn send(&mut self, announcement: &Announcement) -> Result<(), String> {
        let Announcement { index, mac, address, router } = *announcement;
        let Announcer { lanes, patience } = self;
        let lane = &mut lanes[index.0 as usize % LANES];
        let sent = match address {
            IpAddr::V4(v4) => {
                let [request, reply] = [ArpOperations::Request, ArpOperations::Reply]
                    .map(|operation| frame::gratuitous_arp(operation, mac, v4));
                match lane.send(index, &request, patience).await {
                    Ok(()) => lane.send(index, &reply, patience).await,
                    refused => refused,
                }
            }
            IpAddr::V6(v6) => lane.send(index, &frame::neighbour_advertisement(mac, v6, router), patience).await,
        };
        sent.map_err(|error| format!("cannot announce {address} by interface {index}: {error}"))
    }
}

impl Lane {
    fn open() -> io::Result<Lane> {
        // Protocol 0: it sends only, nothing is ever received into it.
        let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking(), None)?;
        socket.set_priority(PRIORITY)?;
        // SAFETY: the socket owns its descriptor, and keeps it as long as the AsyncFd lives.
        let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::WRITABLE) }?;
        Ok(Lane { socket, stuck: false })
    }

    async fn send(&mut self, index: IfIndex, frame: &[u8], patience: &mut Duration) -> io::Result<()> {
        let to = link_address(index);
        let mut sent = self.socket.get_ref().send_to(frame, &to);
        if would_block(&sent) && !self.stuck {
            let room = self.socket.async_io(Interest::WRITABLE, |socket| socket.send_to(frame, &to));
            let begun = Instant::now();
            sent = timeout(*patience, room).await.unwrap_or(sent);
            *patience = patience.saturating_sub(begun.elapsed());
        }
        self.stuck = would_block(&sent);
        match sent {
            Ok(_) => Ok(()),
            Err(_) if self.stuck => Err(io::Error::other("it does not send what was queued before")),
            Err(error) => Err(error),
        }
    }
}

fn would_block<T>(sent: &io::Result<T>) -> bool {
    sent.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// Any frame, by this interface; the frame itself says to whom (packet(7)).
fn link_address(index: IfIndex) -> SockAddr {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: sockaddr_ll is plain data that fits in the storage and for which all zeroes are valid.
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = libc::AF_PACKET as libc::c_ushort;
    link.sll_ifindex = index.0 as libc::c_int;
    // SAFETY: the storage holds a sockaddr_ll.
    unsafe { SockAddr::new(storage, size_of::<libc::sockaddr_ll>() as libc::socklen_t) }
}
