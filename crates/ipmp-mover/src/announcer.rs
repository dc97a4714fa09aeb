//! Sends announcements: one packet socket for every interface, each frame by the interface it names.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::{Announcement, IfIndex};
use pnet::packet::arp::ArpOperations;
use socket2::{Domain, SockAddr, SockAddrStorage, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

use crate::frame;

/// How long a frame waits for room in the socket's send queue, which a busy NIC empties in milliseconds.
const ROOM_WITHIN: Duration = Duration::from_secs(1);

/// `TC_PRIO_CONTROL`: ahead of the traffic that waits in the queue of the NIC.
const PRIORITY: u32 = 7;

pub(crate) struct Announcer {
    socket: AsyncFd<Socket>,
}

impl Announcer {
    /// Opens the socket, in the network namespace of the calling thread and the current Tokio runtime.
    pub(crate) fn open() -> io::Result<Announcer> {
        // Protocol 0: it sends only, nothing is ever received into it.
        let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking(), None)?;
        socket.set_priority(PRIORITY)?;
        // SAFETY: the socket owns its descriptor, and keeps it as long as the AsyncFd lives.
        let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::WRITABLE) }?;
        Ok(Announcer { socket })
    }

    /// Sends one announcement, an ARP in both forms: some peers heed only the one, some only the other.
    pub(crate) async fn send(&self, announcement: &Announcement) -> Result<(), String> {
        let Announcement { index, mac, address } = *announcement;
        let sent = match address {
            IpAddr::V4(v4) => match self.put(index, &frame::gratuitous_arp(ArpOperations::Request, mac, v4)).await {
                Ok(()) => self.put(index, &frame::gratuitous_arp(ArpOperations::Reply, mac, v4)).await,
                refused => refused,
            },
            IpAddr::V6(v6) => self.put(index, &frame::neighbour_advertisement(mac, v6)).await,
        };
        sent.map_err(|error| format!("cannot announce {address} by interface {index}: {error}"))
    }

    async fn put(&self, index: IfIndex, frame: &[u8]) -> io::Result<()> {
        let to = link_address(index);
        let sent = self.socket.async_io(Interest::WRITABLE, |socket| socket.send_to(frame, &to));
        match timeout(ROOM_WITHIN, sent).await {
            Ok(sent) => sent.map(drop),
            Err(_) => Err(io::Error::other("the interface has not sent what was queued before")),
        }
    }
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
