//! Someone on the link who sees the probes and answers as he likes.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::os::fd::AsRawFd;

use ipmp_core::Family;
use ipmp_probe::echo::{self, Echo, Kind, encode};
use pnet::packet::ethernet::EtherType;
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv4::MutableIpv4Packet;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::lab::{DEADLINE, Namespace};

/// A request that was heard.
pub struct Heard {
    family: Family,
    bytes: Vec<u8>,
}

impl Heard {
    /// What a socket was given, if it is an echo request.
    fn from(family: Family, bytes: &[u8]) -> Option<Self> {
        let echo = echo::decode_delivered(family, bytes).ok()?;
        (echo.kind == Kind::Request).then(|| Self { family, bytes: bytes.to_vec() })
    }

    pub fn echo(&self) -> Echo<'_> {
        echo::decode_delivered(self.family, &self.bytes).expect("it was an echo when it was heard")
    }

    /// The genuine answer.
    pub fn answer(&self) -> Echo<'_> {
        Echo { kind: Kind::Reply, ..self.echo() }
    }
}

/// One who speaks IPv4, with whatever source address he likes. The kernel of his namespace no longer
/// answers echo requests itself.
pub struct Stranger {
    ear: Socket,
    mouth: Socket,
}

impl Stranger {
    pub fn new(namespace: &Namespace) -> Self {
        namespace.sysctl("ipv4/icmp_echo_ignore_all", "1");
        namespace.enter(|| {
            let ear = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).unwrap();
            ear.set_read_timeout(Some(DEADLINE)).unwrap();
            let mouth = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(libc::IPPROTO_RAW))).unwrap();
            Self { ear, mouth }
        })
    }

    /// The next echo request that comes.
    pub fn hear(&self) -> Heard {
        loop {
            let mut bytes = [0; 65535];
            let length = (&self.ear).read(&mut bytes).expect("no echo request came");
            if let Some(request) = Heard::from(Family::V4, &bytes[..length]) {
                return request;
            }
        }
    }

    pub fn say(&self, from: Ipv4Addr, to: Ipv4Addr, echo: &Echo<'_>) {
        self.say_bytes(from, to, &encode(Family::V4, echo));
    }

    pub fn say_bytes(&self, from: Ipv4Addr, to: Ipv4Addr, message: &[u8]) {
        let mut bytes = vec![0; 20 + message.len()];
        let length = bytes.len() as u16;
        let mut packet = MutableIpv4Packet::new(&mut bytes).unwrap();
        packet.set_version(4);
        packet.set_header_length(5);
        packet.set_total_length(length);
        packet.set_ttl(64);
        packet.set_next_level_protocol(IpNextHeaderProtocols::Icmp);
        packet.set_source(from);
        packet.set_destination(to);
        packet.set_payload(message);
        self.mouth.send_to(&bytes, &SockAddr::from(SocketAddr::from((to, 0)))).unwrap();
    }
}

/// One who speaks IPv6, from the addresses that he has.
pub struct Stranger6 {
    ear: Socket,
    index: u32,
}

impl Stranger6 {
    pub fn new(namespace: &Namespace, link: &str) -> Self {
        namespace.sysctl("ipv6/icmp/echo_ignore_all", "1");
        let ear = namespace.enter(|| Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6)).unwrap());
        ear.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { ear, index: namespace.index(link) }
    }

    pub fn hear(&self) -> Heard {
        loop {
            let mut bytes = [0; 65535];
            let length = (&self.ear).read(&mut bytes).expect("no echo request came");
            if let Some(request) = Heard::from(Family::V6, &bytes[..length]) {
                return request;
            }
        }
    }

    pub fn say(&self, namespace: &Namespace, from: IpAddr, to: IpAddr, message: &[u8]) {
        let mouth = namespace.enter(|| Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6)).unwrap());
        mouth.bind(&self.endpoint(from)).unwrap();
        mouth.send_to(message, &self.endpoint(to)).unwrap();
    }

    fn endpoint(&self, address: IpAddr) -> SockAddr {
        match address {
            IpAddr::V6(address) => SockAddr::from(SocketAddrV6::new(address, 0, 0, self.index)),
            IpAddr::V4(address) => panic!("{address} is not IPv6"),
        }
    }
}

/// One who sees frames, and sends whatever he likes.
pub struct FrameStranger(Socket);

impl FrameStranger {
    /// By that link, where frames of a kind come by.
    pub fn new(namespace: &Namespace, link: &str, kind: EtherType) -> Self {
        let protocol = Protocol::from(i32::from(kind.0.to_be()));
        let index = namespace.index(link);
        let socket = namespace.enter(|| Socket::new(Domain::PACKET, Type::RAW, Some(protocol)).unwrap());
        let endpoint = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: kind.0.to_be(),
            sll_ifindex: index as i32,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        // SAFETY: the address is one of its size.
        let bound = unsafe {
            libc::bind(socket.as_raw_fd(), (&raw const endpoint).cast(), size_of::<libc::sockaddr_ll>() as u32)
        };
        assert_eq!(bound, 0, "{}", std::io::Error::last_os_error());
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self(socket)
    }

    /// The first thing that comes and is to be heard.
    pub fn hear<T>(&self, choose: impl Fn(&[u8]) -> Option<T>) -> T {
        loop {
            let mut bytes = [0; 65535];
            let length = (&self.0).read(&mut bytes).expect("no such frame came");
            if let Some(chosen) = choose(&bytes[..length]) {
                return chosen;
            }
        }
    }

    pub fn say(&self, frame: &[u8]) {
        (&self.0).write_all(frame).unwrap();
    }
}
