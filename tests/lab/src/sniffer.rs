//! An ear on a link that hears ARP and neighbour discovery, in both ways, with the kernel's stamps.
//!
//! The kernel queues what it hears, so that nothing has to run meanwhile.

use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libc::{BPF_ABS, BPF_B, BPF_H, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_K, BPF_LD, BPF_RET};
use nix::sys::socket::{ControlMessageOwned, LinkAddr, MsgFlags, SockaddrLike, bind, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, SockFilter, Socket, Type};

use crate::Namespace;
use crate::claim::Claim;
use crate::error::{Doing, Result};

/// Room for several thousand small frames.
const QUEUE_BYTES: usize = 8 << 20;

/// More than any frame of interest.
const FRAME_MAX: usize = 2048;

/// Where these stand in a frame: the Ethernet type, the IPv6 next header, the type of ICMPv6 behind it.
const ETHER_TYPE: i32 = 12;
const NEXT_HEADER: i32 = 20;
const ICMPV6_TYPE: i32 = 54;

/// The neighbour solicitation's type of ICMPv6. The advertisement's is the next, and redirects, which follow, are
/// left to the decoder.
const SOLICITATION: i32 = 135;

/// An ear on a link.
#[derive(Debug)]
pub struct Sniffer(Socket);

impl Sniffer {
    /// Listens on a link from now on.
    pub fn start(namespace: &Namespace, link: &str) -> Result<Self> {
        let index = namespace.link(link)?.index;
        namespace.run(|| open(index))?.map(Sniffer).doing(|| format!("listen on {link}"))
    }

    /// What was heard since the last call.
    pub fn claims(&self) -> Result<Vec<Claim>> {
        let mut claims = Vec::new();
        while let Some((frame, at, sent)) = self.next().doing(|| "receive a frame")? {
            claims.extend(Claim::decode(&frame, at, sent));
        }
        Ok(claims)
    }

    fn next(&self) -> io::Result<Option<(Vec<u8>, SystemTime, bool)>> {
        let mut frame = vec![0; FRAME_MAX];
        let mut room = nix::cmsg_space!(TimeSpec);
        let mut slices = [IoSliceMut::new(&mut frame)];
        let received = recvmsg::<LinkAddr>(self.0.as_raw_fd(), &mut slices, Some(&mut room), MsgFlags::MSG_DONTWAIT);
        let message = match received {
            Err(nix::Error::EAGAIN) => return Ok(None),
            received => received?,
        };
        let stamp = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(at) => Some(UNIX_EPOCH + Duration::from(at)),
            _ => None,
        });
        let sent = message.address.is_some_and(|from| from.pkttype() == libc::PACKET_OUTGOING);
        let length = message.bytes;
        frame.truncate(length);
        Ok(Some((frame, stamp.unwrap_or_else(SystemTime::now), sent)))
    }
}

/// A packet socket hears nothing until it is bound, so that nothing passes the filter before it is there.
fn open(index: u32) -> io::Result<Socket> {
    let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
    socket.attach_filter(&filter())?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    if setsockopt(&socket, sockopt::RcvBufForce, &QUEUE_BYTES).is_err() {
        socket.set_recv_buffer_size(QUEUE_BYTES)?;
    }
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as libc::sa_family_t,
        // Frames that are sent are only given to those who want all protocols.
        sll_protocol: (libc::ETH_P_ALL as u16).to_be(),
        sll_ifindex: index as i32,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length = size_of_val(&address) as libc::socklen_t;
    // SAFETY: the pointer is to a valid address of that length and family.
    let address = unsafe { LinkAddr::from_raw((&raw const address).cast(), Some(length)) };
    let address = address.ok_or_else(|| io::Error::other("not a link address"))?;
    bind(socket.as_raw_fd(), &address)?;
    Ok(socket)
}

/// Accepts ARP, and ICMPv6 from neighbour solicitations on.
fn filter() -> [SockFilter; 9] {
    let step = |code: u32, jt, jf, k: i32| SockFilter::new(code as u16, jt, jf, k as u32);
    let equals = BPF_JMP | BPF_JEQ | BPF_K;
    [
        step(BPF_LD | BPF_H | BPF_ABS, 0, 0, ETHER_TYPE),
        step(equals, 5, 0, libc::ETH_P_ARP),
        step(equals, 0, 5, libc::ETH_P_IPV6),
        step(BPF_LD | BPF_B | BPF_ABS, 0, 0, NEXT_HEADER),
        step(equals, 0, 3, libc::IPPROTO_ICMPV6),
        step(BPF_LD | BPF_B | BPF_ABS, 0, 0, ICMPV6_TYPE),
        step(BPF_JMP | BPF_JGE | BPF_K, 0, 1, SOLICITATION),
        step(BPF_RET | BPF_K, 0, 0, FRAME_MAX as i32),
        step(BPF_RET | BPF_K, 0, 0, 0),
    ]
}
