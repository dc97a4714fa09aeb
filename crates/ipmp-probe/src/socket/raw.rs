//! The raw socket of an ICMP prober: bound to the device and to the test address, so that what it sends leaves
//! by that member and no other, and only what came in by that member for that address reaches it.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use ipmp_core::{Family, IfIndex, IfName};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockaddrStorage, sendto, setsockopt, sockopt::DontRoute};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::{Buffer, Datagram, ProbeSocket, not_the_device};

/// Test addresses and targets share a subnet: nothing of ours need ever be forwarded.
const HOPS: u32 = 1;

/// Class selector 6, "network control" (RFC 2474, RFC 4594 §3.1), in the TOS and traffic class octet: a
/// probe that waits behind bulk data on a full link would look like a dead path. A Linux target answers in
/// the class it was asked in.
const CS6: u32 = 0xc0;

pub(crate) struct RawSocket {
    inner: ProbeSocket,
    index: IfIndex,
}

impl RawSocket {
    /// A socket that sees nothing but what the filter lets through.
    pub fn open(member: &IfName, index: IfIndex, source: IpAddr, filter: &[SockFilter]) -> io::Result<Self> {
        let (domain, protocol) = match source {
            IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
            IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
        };
        let socket = Socket::new(domain, Type::RAW.nonblocking(), Some(protocol))?;
        socket.attach_filter(filter)?;
        match source {
            IpAddr::V4(_) => set_v4_options(&socket)?,
            IpAddr::V6(_) => set_v6_options(&socket)?,
        }
        bind_to_device(&socket, member, index)?;
        let bound = Self { inner: ProbeSocket::new(socket)?, index };
        bound.inner.socket.bind(&bound.endpoint(source).into())?;
        Ok(bound)
    }

    /// Hands a message to the kernel; never waits.
    pub fn send(&self, message: &[u8], target: IpAddr) -> nix::Result<()> {
        let endpoint = SockaddrStorage::from(self.endpoint(target));
        sendto(self.inner.socket.as_raw_fd(), message, &endpoint, MsgFlags::MSG_DONTWAIT).map(drop)
    }

    pub fn drain(&mut self, buffer: &mut Buffer, take: impl FnMut(Datagram<'_>)) {
        self.inner.drain(buffer, take);
    }

    /// A link-local address means nothing without its link.
    fn endpoint(&self, address: IpAddr) -> SocketAddr {
        match address {
            IpAddr::V4(address) => SocketAddr::from((address, 0)),
            IpAddr::V6(address) => SocketAddrV6::new(address, 0, 0, self.index.0).into(),
        }
    }
}

impl AsFd for RawSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
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

/// By index, and only if it still has the member's name.
fn bind_to_device(socket: &Socket, member: &IfName, index: IfIndex) -> io::Result<()> {
    socket.bind_device_by_index_v4(NonZeroU32::new(index.0))?;
    let name = socket.device()?.unwrap_or_default();
    if name != member.as_str().as_bytes() {
        return Err(not_the_device(index, member));
    }
    Ok(())
}
