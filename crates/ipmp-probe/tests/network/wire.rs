//! What a probe looks like on the wire.

use std::io::Read;
use std::net::Ipv6Addr;

use ipmp_probe::data;
use socket2::{Domain, Protocol, Socket, Type};

use crate::lab::{DEADLINE, Namespace, Pair, TARGET, run, send};

/// The network-layer packets that come to a namespace.
pub struct Ear(Socket);

impl Ear {
    pub fn new(namespace: &Namespace, protocol: i32) -> Self {
        let protocol = Protocol::from(i32::from((protocol as u16).to_be()));
        let socket = namespace.enter(|| Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol)).unwrap());
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self(socket)
    }

    /// The first packet that has `value` at `place`.
    pub fn hear(&self, place: usize, value: u8) -> Vec<u8> {
        loop {
            let mut bytes = vec![0; 65535];
            let length = (&self.0).read(&mut bytes).expect("no probe came");
            bytes.truncate(length);
            if bytes.get(place) == Some(&value) {
                return bytes;
            }
        }
    }
}

/// It never crosses a router, and goes ahead of bulk data.
#[test]
fn a_probe_is_for_the_link_and_network_control() {
    run(async {
        let pair = Pair::new();
        let ear = Ear::new(&pair.peer, libc::ETH_P_IP);
        let mut engine = pair.engine();
        send(&mut engine, 0, "h0", TARGET);
        let packet = ear.hear(9, libc::IPPROTO_ICMP as u8);
        assert_eq!(packet.len(), 20 + data::LEN);
        let (tos, ttl) = (packet[1], packet[8]);
        assert_eq!((tos, ttl), (0xc0, 1));
    });
}

#[test]
fn a_probe_of_ipv6_too() {
    run(async {
        let pair = Pair::new();
        let [test_address, target] = [0x11, 1].map(|last| Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last));
        pair.host.address("h0", test_address, 64);
        pair.peer.address("p0", target, 64);
        let ear = Ear::new(&pair.peer, libc::ETH_P_IPV6);
        let mut engine = pair.engine();
        pair.host.open(&mut engine, "h0", test_address);
        send(&mut engine, 0, "h0", target);
        let packet = ear.hear(40, 128);
        assert_eq!(packet.len(), 40 + data::LEN);
        let class = packet[0] << 4 | packet[1] >> 4;
        let hops = packet[7];
        assert_eq!((class, hops), (0xc0, 1));
    });
}
