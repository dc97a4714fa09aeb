//! The two families: who has which address in them. The members' data and test addresses are numbered from fixed
//! ones on; everybody else's are the laboratory's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipmp_lab::{CLIENT, CLIENT6, REMOTE, REMOTE6, ROUTER, ROUTER6};
use ipnet::IpNet;

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both.
    pub const BOTH: &[Family] = &[Family::V4, Family::V6];

    /// Its name in logs and status.
    pub fn name(self) -> &'static str {
        self.either("inet", "inet6")
    }

    /// The data address of that number: 192.0.2.50 or 2001:db8::50 and on.
    pub fn data_address(self, number: u8) -> IpAddr {
        self.on_lan(50 + number, 0x50 + u16::from(number))
    }

    /// The test address of the member of that number: 192.0.2.10 or 2001:db8::10 and on.
    pub fn test_address(self, member: usize) -> IpAddr {
        self.on_lan(10 + member as u8, 0x10 + member as u16)
    }

    /// Nobody: an address of the LAN that no station has.
    pub fn nobody(self) -> IpAddr {
        self.on_lan(99, 0x99)
    }

    /// The router on the LAN.
    pub fn router(self) -> IpAddr {
        self.either(ROUTER.into(), ROUTER6.into())
    }

    /// The client on the LAN.
    pub fn client(self) -> IpAddr {
        self.either(CLIENT.into(), CLIENT6.into())
    }

    /// The client behind the router.
    pub fn remote(self) -> IpAddr {
        self.either(REMOTE.into(), REMOTE6.into())
    }

    /// One of many addresses behind the router, which need not be there.
    pub fn beyond(self, number: u8) -> IpAddr {
        let (v4, v6) = (Ipv4Addr::new(198, 51, 100, 100 + number), u16::from(number) + 0x100);
        self.either(v4.into(), Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, v6).into())
    }

    /// Any address.
    pub fn unspecified(self) -> IpAddr {
        self.either(Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into())
    }

    /// An address of the LAN with the LAN's prefix length.
    pub fn with_prefix(self, address: IpAddr) -> IpNet {
        IpNet::new_assert(address, self.either(24, 64))
    }

    /// The LAN.
    pub fn lan(self) -> IpNet {
        self.with_prefix(self.router()).trunc()
    }

    fn on_lan(self, v4: u8, v6: u16) -> IpAddr {
        self.either(Ipv4Addr::new(192, 0, 2, v4).into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, v6).into())
    }

    fn either<T>(self, v4: T, v6: T) -> T {
        match self {
            Family::V4 => v4,
            Family::V6 => v6,
        }
    }
}
