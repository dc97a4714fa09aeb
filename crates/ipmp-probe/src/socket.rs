//! The raw socket of a prober: bound to the device and to the test address, so that what it sends leaves by
//! that member and no other, and only what came in by that member for that address reaches it.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use ipmp_core::{Family, Means, Prober};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendto, setsockopt,
    sockopt::{DontRoute, RcvBuf, RcvBufForce, ReceiveTimestampns, SndBuf, SndBufForce},
};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

/// Test addresses and targets share a subnet: nothing of ours need ever be forwarded.
const HOPS: u32 = 1;

/// Class selector 6, "network control" (RFC 2474, RFC 4594 §3.1), in the TOS and traffic class octet: a
/// probe that waits behind bulk data on a full link would look like a dead path. A Linux target answers in
/// the class it was asked in.
const CS6: u32 = 0xc0;

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

pub(crate) struct ProbeSocket {
    socket: Socket,
    index: u32,
    /// Room for the stamp.
    control: Vec<u8>,
}

/// A datagram as received.
pub(crate) struct Datagram<'a> {
    pub bytes: &'a [u8],
    pub source: IpAddr,
    /// Wall-clock time of its receipt by the kernel.
    pub stamp: Option<TimeSpec>,
}

impl ProbeSocket {
    /// A socket that sees nothing but what the filter lets through.
    pub fn open(spec: &Prober, filter: &[SockFilter]) -> io::Result<Self> {
        let (domain, protocol) = match spec.family() {
            Family::V4 => (Domain::IPV4, Protocol::ICMPV4),
            Family::V6 => (Domain::IPV6, Protocol::ICMPV6),
        };
        let socket = Socket::new(domain, Type::RAW.nonblocking(), Some(protocol))?;
        socket.attach_filter(filter)?;
        match spec.family() {
            Family::V4 => set_v4_options(&socket)?,
            Family::V6 => set_v6_options(&socket)?,
        }
        socket.set_priority(TC_PRIO_CONTROL)?;
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        set_buffers(&socket)?;
        bind_to_device(&socket, spec)?;
        let bound = Self { socket, index: spec.index.0, control: cmsg_space!(TimeSpec) };
        let Means::Icmp(source) = spec.means else { return Err(io::Error::other("not yet")) };
        bound.socket.bind(&bound.endpoint(source).into())?;
        Ok(bound)
    }

    /// Hands a message to the kernel; never waits.
    pub fn send(&self, message: &[u8], target: IpAddr) -> nix::Result<()> {
        let endpoint = SockaddrStorage::from(self.endpoint(target));
        sendto(self.socket.as_raw_fd(), message, &endpoint, MsgFlags::MSG_DONTWAIT).map(drop)
    }

    /// Takes one datagram; `EAGAIN` where there is none.
    pub fn receive<'a>(&mut self, buffer: &'a mut Buffer) -> nix::Result<Datagram<'a>> {
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
        let source = message.address.as_ref().and_then(address_of).ok_or(Errno::EAFNOSUPPORT)?;
        let length = message.bytes;
        Ok(Datagram { bytes: &buffer.0[..length], source, stamp })
    }

    /// A link-local address means nothing without its link.
    fn endpoint(&self, address: IpAddr) -> SocketAddr {
        match address {
            IpAddr::V4(address) => SocketAddr::from((address, 0)),
            IpAddr::V6(address) => SocketAddrV6::new(address, 0, 0, self.index).into(),
        }
    }
}

impl AsFd for ProbeSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What goes to all hosts leaves by the device that the socket is bound to, without further ado.
fn set_v4_options(socket: &Socket) -> io::Result<()> {
    socket.set_ttl_v4(HOPS)?;
    socket.set_multicast_ttl_v4(HOPS)?;
    socket.set_multicast_loop_v4(false)?;
    socket.set_tos_v4(CS6)?;
    // Never in fragments, and whatever path length the host believes in: the device alone sets the limit.
    set(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, &libc::IP_PMTUDISC_PROBE)?;
    // Straight onto the link, whatever the routes say: a failed member has no leg in the group's own
    // routes, and a foreign default route must not carry a probe to a router. Only routes of link scope
    // are looked at; where there is none the kernel takes the target to be on the link.
    Ok(setsockopt(socket, DontRoute, &true)?)
}

/// IPv6 knows neither "straight onto the link" nor that assumption: the lookup sees the routes of this device
/// only, and without an on-link one among them a probe is refused, or goes to a router, which drops it.
fn set_v6_options(socket: &Socket) -> io::Result<()> {
    pass_only_echo_replies(socket)?;
    socket.set_unicast_hops_v6(HOPS)?;
    socket.set_multicast_hops_v6(HOPS)?;
    socket.set_multicast_loop_v6(false)?;
    set(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, &libc::IPV6_PMTUDISC_PROBE)?;
    socket.set_tclass_v6(CS6)
}

/// `ICMPV6_FILTER` (RFC 3542 §3.2) comes before the kernel copies the packet and computes its checksum,
/// the packet filter after: neighbour discovery of the whole link ends here.
fn pass_only_echo_replies(socket: &Socket) -> io::Result<()> {
    const ICMPV6_FILTER: libc::c_int = 1;
    let reply = usize::from(crate::echo::type_of(Family::V6, crate::echo::Kind::Reply));
    // A set bit blocks its type.
    let mut blocked = [u32::MAX; 8];
    blocked[reply / 32] &= !(1 << (reply % 32));
    set(socket, libc::IPPROTO_ICMPV6, ICMPV6_FILTER, &blocked)
}

/// Sets an option that the libraries have no name for, in the kernel's own form.
fn set<T>(socket: &Socket, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
    let value: *const T = value;
    // SAFETY: the kernel reads the value, whose size is given, and keeps no reference to it.
    Errno::result(unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, option, value.cast(), size_of::<T>() as libc::socklen_t)
    })?;
    Ok(())
}

/// Past the limits of the host where we may (`CAP_NET_ADMIN` in the initial user namespace), else up to
/// them.
fn set_buffers(socket: &Socket) -> nix::Result<()> {
    setsockopt(socket, RcvBufForce, &RECEIVE_BUFFER).or_else(|_| setsockopt(socket, RcvBuf, &RECEIVE_BUFFER))?;
    setsockopt(socket, SndBufForce, &SEND_BUFFER).or_else(|_| setsockopt(socket, SndBuf, &SEND_BUFFER))
}

/// By index, which names one device for its life, and only if it still has the member's name.
fn bind_to_device(socket: &Socket, spec: &Prober) -> io::Result<()> {
    socket.bind_device_by_index_v4(NonZeroU32::new(spec.index.0))?;
    let name = socket.device()?.unwrap_or_default();
    if name != spec.member.as_str().as_bytes() {
        return Err(io::Error::other(format!("interface {} is not {}", spec.index, spec.member)));
    }
    Ok(())
}

fn address_of(endpoint: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = endpoint.as_sockaddr_in().map(|endpoint| endpoint.ip().into());
    v4.or_else(|| endpoint.as_sockaddr_in6().map(|endpoint| endpoint.ip().into()))
}
