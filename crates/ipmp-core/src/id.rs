//! Names and numbers that stand for things: each a type of its own, so that none is taken for another.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest interface name on Linux, in bytes (`IFNAMSIZ` less the NUL).
pub const IF_NAME_MAX: usize = 15;

/// Longest group name, in bytes (`ipmp-behaviour.md` §0).
pub const GROUP_NAME_MAX: usize = 31;

/// The name of a network interface: 1 to 15 bytes, without `/`, `:` and white space, not `.` or `..`
/// (`dev_valid_name` in the kernel). Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IfName(Arc<str>);

/// The name of a group: 1 to 31 bytes, or none for the anonymous group. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupName(Arc<str>);

/// Why a name is none, as a phrase that completes "`x`: ...".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadName(pub &'static str);

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadName {}

impl FromStr for IfName {
    type Err = BadName;

    fn from_str(name: &str) -> Result<Self, BadName> {
        if name.is_empty() || name.len() > IF_NAME_MAX {
            return Err(BadName("an interface name has 1 to 15 bytes"));
        }
        if name == "."
            || name == ".."
            || name.chars().any(|c| c == '/' || c == ':' || c.is_whitespace() || c.is_control())
        {
            return Err(BadName("an interface name has no '/', ':' or white space"));
        }
        Ok(Self(name.into()))
    }
}

impl FromStr for GroupName {
    type Err = BadName;

    fn from_str(name: &str) -> Result<Self, BadName> {
        if name.is_empty() || name.len() > GROUP_NAME_MAX {
            return Err(BadName("a group name has 1 to 31 bytes"));
        }
        if name.chars().any(char::is_control) {
            return Err(BadName("a group name has no control characters"));
        }
        Ok(Self(name.into()))
    }
}

impl IfName {
    /// That of the anonymous group, which has no interface (§9): empty.
    pub fn none() -> Self {
        Self("".into())
    }
}

impl GroupName {
    /// The name of the group of all interfaces that are in none (§9): empty.
    pub fn anonymous() -> Self {
        Self("".into())
    }

    /// Whether it is that one.
    pub fn is_anonymous(&self) -> bool {
        self.0.is_empty()
    }
}

macro_rules! name_type {
    ($type:ident) => {
        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl TryFrom<String> for $type {
            type Error = BadName;

            fn try_from(name: String) -> Result<Self, BadName> {
                name.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0.to_string()
            }
        }
    };
}

name_type!(IfName);
name_type!(GroupName);

/// The kernel's number of an interface; a NIC that is unplugged and plugged again gets a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IfIndex(pub u32);

impl fmt::Display for IfIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A hardware address of six bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Family::V4 => "inet",
            Family::V6 => "inet6",
        }
        .fmt(f)
    }
}

/// Whether an address means something on one link only (RFC 4291 §2.5.6). IPv4 has such addresses too, but none that
/// every interface has by itself.
pub(crate) fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// One probe, unique for the life of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProbeId(pub u64);

/// One transaction given to the address mover, unique for the life of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransactionId(pub u64);

/// One command of a client, as numbered by the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u64);
