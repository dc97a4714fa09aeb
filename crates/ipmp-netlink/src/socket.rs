//! A raw rtnetlink socket that never waits to receive, and the bytes that pass through it.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recvmsg, sendto, setsockopt, socket,
    sockopt,
};

/// The kernel's own address.
const KERNEL: u32 = 0;

/// Room for one datagram. The kernel sends at most 32 KiB at once in a dump; a notification is one message.
pub(crate) const DATAGRAM_MAX: usize = 64 * 1024;

/// What was there to read.
pub(crate) enum Received {
    /// So many bytes.
    Datagram(usize),
    /// Nothing more, for now.
    Empty,
    /// Something was lost: the queue was full (`ENOBUFS`), or a datagram did not fit.
    Lost,
}

/// An rtnetlink socket in the network namespace of the thread that opened it.
#[derive(Debug)]
pub(crate) struct Socket(OwnedFd);

impl Socket {
    /// Opens a socket, subscribed to these groups (`RTMGRP_*`), with room for so many bytes in its queue
    /// where the system grants it.
    pub(crate) fn open(groups: u32, queue_bytes: usize) -> io::Result<Socket> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fd = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)?;
        // Forcing it takes CAP_NET_ADMIN in the first user namespace; else net.core.rmem_max is the limit.
        setsockopt(&fd, sockopt::RcvBufForce, &queue_bytes)
            .or_else(|_| setsockopt(&fd, sockopt::RcvBuf, &queue_bytes))?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
        Ok(Socket(fd))
    }

    /// Another handle of the same socket: what is sent through it is answered here.
    pub(crate) fn duplicate(&self) -> io::Result<Socket> {
        self.0.try_clone().map(Socket)
    }

    /// Hands a request to the kernel, which carries it out (or begins to) before this returns.
    pub(crate) fn send(&self, request: &[u8]) -> io::Result<()> {
        let kernel = NetlinkAddr::new(KERNEL, 0);
        sendto(self.0.as_raw_fd(), request, &kernel, MsgFlags::empty())?;
        Ok(())
    }

    /// Reads a datagram of the kernel; those of anybody else are dropped.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        loop {
            let mut room = [IoSliceMut::new(buffer)];
            let read = recvmsg::<NetlinkAddr>(self.0.as_raw_fd(), &mut room, None, MsgFlags::empty());
            match read {
                Ok(read) if read.address.is_some_and(|from| from.pid() != KERNEL) => {}
                Ok(read) if read.flags.contains(MsgFlags::MSG_TRUNC) => return Ok(Received::Lost),
                Ok(read) => return Ok(Received::Datagram(read.bytes)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(Received::Empty),
                Err(Errno::ENOBUFS) => return Ok(Received::Lost),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
