//! What the sockets of all probes have in common: they never wait, go ahead of data, and say when the kernel
//! received what they give.

use std::io::{self, IoSliceMut};
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use ipmp_core::{IfIndex, IfName};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt,
    sockopt::{RcvBuf, RcvBufForce, ReceiveTimestampns, SndBuf, SndBufForce},
};
use nix::sys::time::TimeSpec;
use socket2::Socket;

use crate::ledger::OUTSTANDING_MAX;

pub(crate) mod packet;
pub(crate) mod raw;

/// Datagrams taken from one socket in one go: as many as can be genuine. What is beyond stays in the
/// kernel, ready for the next time: a target gone mad must keep the daemon neither from its timers nor from
/// the other sockets.
pub const DRAIN_MAX: usize = OUTSTANDING_MAX;

/// `TC_PRIO_CONTROL`: the first band of the default queueing discipline of the host itself. IPMP queues
/// probes ahead of data (IPMP behaviour, §7).
const TC_PRIO_CONTROL: u32 = 7;

/// Bytes of a receive buffer; the kernel doubles it for its own overhead. Room for an answer to every
/// outstanding probe at the 2.3 KiB that drivers commonly allocate, for a daemon that was stopped.
const RECEIVE_BUFFER: usize = 512 * 1024;

/// Bytes of a send buffer; the kernel doubles it, and lets raw sockets use twice that. Probes to a
/// neighbour that does not answer ARP wait in its queue for seconds, up to 208 KiB of them a neighbour, and
/// are charged to this buffer: in one of the default size, three dead targets would keep the member from
/// probing any other. This holds twenty.
const SEND_BUFFER: usize = 1024 * 1024;

/// Room for whatever can be delivered: an IPv4 datagram, or what an IPv6 one carries, has at most 65 535
/// bytes.
pub(crate) struct Buffer([u8; 65535]);

impl Buffer {
    pub fn new() -> Self {
        Self([0; 65535])
    }
}

/// A socket of a prober.
pub(crate) struct ProbeSocket {
    socket: Socket,
    /// Room for the stamp.
    control: Vec<u8>,
}

/// A datagram as received.
pub(crate) struct Datagram<'a> {
    pub bytes: &'a [u8],
    /// Of which IP address it is, where the kernel knows.
    pub source: Option<IpAddr>,
    /// Wall-clock time of its receipt by the kernel.
    pub stamp: Option<TimeSpec>,
}

impl ProbeSocket {
    fn new(socket: Socket) -> io::Result<Self> {
        socket.set_priority(TC_PRIO_CONTROL)?;
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        set_buffers(&socket)?;
        Ok(Self { socket, control: cmsg_space!(TimeSpec) })
    }

    /// Gives what has arrived, up to [`DRAIN_MAX`].
    pub fn drain(&mut self, buffer: &mut Buffer, mut take: impl FnMut(Datagram<'_>)) {
        for _ in 0..DRAIN_MAX {
            match self.receive(buffer) {
                Ok(datagram) => take(datagram),
                Err(Errno::EAGAIN) => return,
                // An interruption, or an error that waited in the socket and is gone with having been read.
                Err(_) => {}
            }
        }
    }

    /// Takes one datagram; `EAGAIN` where there is none.
    fn receive<'a>(&mut self, buffer: &'a mut Buffer) -> nix::Result<Datagram<'a>> {
        let mut parts = [IoSliceMut::new(&mut buffer.0)];
        let message = recvmsg::<SockaddrStorage>(
            self.socket.as_raw_fd(),
            &mut parts,
            Some(&mut self.control),
            MsgFlags::MSG_DONTWAIT,
        )?;
        let stamp = message.cmsgs().ok().and_then(|mut parts| {
            parts.find_map(|part| match part {
                ControlMessageOwned::ScmTimestampns(stamp) => Some(stamp),
                _ => None,
            })
        });
        let source = message.address.as_ref().and_then(address_of);
        let length = message.bytes;
        Ok(Datagram { bytes: &buffer.0[..length], source, stamp })
    }
}

impl AsFd for ProbeSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The device of that index, which names one device for its life, is another than it was.
fn not_the_device(index: IfIndex, member: &IfName) -> io::Error {
    io::Error::other(format!("interface {index} is not {member}"))
}

/// Past the limits of the host where we may (`CAP_NET_ADMIN` in the initial user namespace), else up to
/// them.
fn set_buffers(socket: &Socket) -> nix::Result<()> {
    setsockopt(socket, RcvBufForce, &RECEIVE_BUFFER).or_else(|_| setsockopt(socket, RcvBuf, &RECEIVE_BUFFER))?;
    setsockopt(socket, SndBufForce, &SEND_BUFFER).or_else(|_| setsockopt(socket, SndBuf, &SEND_BUFFER))
}

fn address_of(endpoint: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = endpoint.as_sockaddr_in().map(|endpoint| endpoint.ip().into());
    v4.or_else(|| endpoint.as_sockaddr_in6().map(|endpoint| endpoint.ip().into()))
}
