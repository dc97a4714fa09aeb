//! The packet socket of a prober that does without an address: frames of one kind, as they are on the link of
//! one device. Neither routes nor the host's packet filter have a say in them.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use ipmp_core::{IfIndex, IfName};
use nix::net::if_::if_indextoname;
use nix::sys::socket::{MsgFlags, send};
use pnet::packet::ethernet::EtherType;
use socket2::{Domain, SockAddr, SockAddrStorage, SockFilter, Socket, Type};

use super::{Buffer, Datagram, ProbeSocket, not_the_device};

pub(crate) struct PacketSocket(ProbeSocket);

impl PacketSocket {
    /// A socket that sees nothing but what the filter lets through.
    pub fn open(index: IfIndex, kind: EtherType, filter: &[SockFilter]) -> io::Result<Self> {
        // It is given nothing before it is bound to a kind of frames.
        let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking(), None)?;
        socket.attach_filter(filter)?;
        let prepared = ProbeSocket::new(socket)?;
        prepared.socket.bind(&link(index, kind))?;
        Ok(Self(prepared))
    }

    /// The same on a device that must have that name.
    pub fn open_on(member: &IfName, index: IfIndex, kind: EtherType, filter: &[SockFilter]) -> io::Result<Self> {
        let socket = Self::open(index, kind, filter)?;
        // The socket keeps to its device, so the name that is read now is that device's.
        let name = if_indextoname(index.0)?;
        if name.as_bytes() != member.as_str().as_bytes() {
            return Err(not_the_device(index, member));
        }
        Ok(socket)
    }

    /// From now on it sees what this filter lets through.
    pub fn filter(&self, filter: &[SockFilter]) -> io::Result<()> {
        self.0.socket.attach_filter(filter)
    }

    /// Hands a frame to the device; never waits.
    pub fn send(&self, frame: &[u8]) -> nix::Result<()> {
        send(self.0.socket.as_raw_fd(), frame, MsgFlags::MSG_DONTWAIT).map(drop)
    }

    pub fn drain(&mut self, buffer: &mut Buffer, take: impl FnMut(Datagram<'_>)) {
        self.0.drain(buffer, take);
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Frames of that kind, on that device (packet(7)).
fn link(index: IfIndex, kind: EtherType) -> SockAddr {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: sockaddr_ll is plain data that fits in the storage and for which all zeroes are valid.
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = libc::AF_PACKET as libc::c_ushort;
    link.sll_protocol = kind.0.to_be();
    link.sll_ifindex = index.0 as libc::c_int;
    // SAFETY: the storage holds a sockaddr_ll.
    unsafe { SockAddr::new(storage, size_of::<libc::sockaddr_ll>() as libc::socklen_t) }
}
