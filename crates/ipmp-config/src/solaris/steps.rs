//! The words of `ifconfig` → what each of them does, in their order. It knows the grammar alone.

use std::net::{IpAddr, Ipv4Addr};

/// An address family, which on Solaris is a half of its own of each interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

impl Family {
    /// That of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Family::Inet } else { Family::Inet6 }
    }
}

/// A command: the interface, and what is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) interface: String,
    /// The logical interface; 0 where none is named.
    pub(super) unit: Option<usize>,
    pub(super) steps: Vec<Step>,
}

/// One thing that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Plumb,
    Unplumb,
    Ipmp,
    Family(Family),
    Group(String),
    Address(Written),
    AddIf(Written),
    RemoveIf(IpAddr),
    /// None is `+`: as known of the network.
    Netmask(Option<u8>),
    Up,
    Down,
    /// `failover`, or `-failover`: the address does not move.
    Failover(bool),
    Standby(bool),
    /// An address that an agent gets and keeps.
    Dhcp,
    /// Without effect here, and said so.
    Idle(String),
    /// Without effect here, and nobody misses it.
    Silent,
}

/// An address as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) address: IpAddr,
    pub(super) length: Option<u8>,
}

/// Words that take no other and do nothing here.
const IDLE: [&str; 20] = [
    "arp",
    "-arp",
    "nud",
    "-nud",
    "private",
    "-private",
    "xmit",
    "-xmit",
    "router",
    "-router",
    "preferred",
    "-preferred",
    "anycast",
    "-anycast",
    "local",
    "-local",
    "trailers",
    "-trailers",
    "nat",
    "auto-revarp",
];

/// Words that take another and do nothing here.
const IDLE_WITH_VALUE: [&str; 8] = ["mtu", "metric", "index", "token", "ether", "usesrc", "zone", "subnet"];

/// Words that `dhcp` takes.
const OF_DHCP: [&str; 9] = ["primary", "wait", "drop", "extend", "inform", "ping", "release", "start", "status"];

impl Command {
    /// `lookup` finds the address of a host by its name.
    pub(super) fn parse(words: &[String], lookup: &dyn Fn(&str, Family) -> Option<IpAddr>) -> Result<Self, String> {
        let mut words = words.iter().map(String::as_str).peekable();
        let mut steps = Vec::new();
        let first = words.next().ok_or("ifconfig needs an interface, such as `ifconfig ipmp0 ipmp`")?;
        let interface = match first {
            "plumb" | "unplumb" => {
                steps.push(if first == "plumb" { Step::Plumb } else { Step::Unplumb });
                words.next().ok_or_else(|| format!("`{first}` needs an interface"))?
            }
            name => name,
        };
        if interface.starts_with('-') {
            return Err(format!(
                "`{interface}` is for all interfaces at once, which this does not know; name one, or see ipmpstat"
            ));
        }
        let (interface, unit) = split_unit(interface)?;
        let mut reader = Reader { words, lookup, family: Family::Inet };
        while let Some(step) = reader.step()? {
            if let (Some(Step::Address(address) | Step::AddIf(address)), Step::Address(other)) = (steps.last(), &step) {
                return Err(point_to_point(&format!("{} {}", address.address, other.address)));
            }
            steps.push(step);
        }
        if steps.is_empty() {
            return Err(format!(
                "nothing to do with {interface}; `ipmpstat -a` and `ipmpstat -i` show what an ifconfig without words would"
            ));
        }
        Ok(Self { interface, unit, steps })
    }
}

/// `ipmp0:2` is the logical interface 2 of `ipmp0`.
pub(super) fn split_unit(name: &str) -> Result<(String, Option<usize>), String> {
    match name.split_once(':') {
        None => Ok((name.to_owned(), None)),
        Some((interface, unit)) => match unit.parse() {
            Ok(unit) => Ok((interface.to_owned(), Some(unit))),
            Err(_) => Err(format!("{name} is no logical interface, such as {interface}:1")),
        },
    }
}

struct Reader<'a, W: Iterator<Item = &'a str>> {
    words: std::iter::Peekable<W>,
    lookup: &'a dyn Fn(&str, Family) -> Option<IpAddr>,
    family: Family,
}

impl<'a, W: Iterator<Item = &'a str>> Reader<'a, W> {
    fn step(&mut self) -> Result<Option<Step>, String> {
        let Some(word) = self.words.next() else { return Ok(None) };
        Ok(Some(match word {
            "plumb" => Step::Plumb,
            "unplumb" => Step::Unplumb,
            "ipmp" => Step::Ipmp,
            "inet" => self.family(Family::Inet),
            "inet6" => self.family(Family::Inet6),
            "group" => Step::Group(unquoted(self.value(word)?).to_owned()),
            "set" => Step::Address(self.address_of(word)?),
            "addif" => Step::AddIf(self.address_of(word)?),
            "removeif" => Step::RemoveIf(self.address_of(word)?.address),
            "netmask" => Step::Netmask(mask(self.value(word)?)?),
            "broadcast" => {
                self.value(word)?;
                Step::Silent
            }
            "up" => Step::Up,
            "down" => Step::Down,
            "failover" => Step::Failover(true),
            "-failover" => Step::Failover(false),
            "standby" => Step::Standby(true),
            "-standby" => Step::Standby(false),
            // What it says holds for every test address anyway.
            "deprecated" | "-deprecated" => Step::Silent,
            "destination" => return Err(point_to_point(&format!("destination {}", self.value(word)?))),
            "dhcp" | "auto-dhcp" => self.dhcp(),
            idle if IDLE.contains(&idle) => Step::Idle(idle.to_owned()),
            idle if IDLE_WITH_VALUE.contains(&idle) => Step::Idle(format!("{idle} {}", self.value(idle)?)),
            address => Step::Address(self.written(address)?),
        }))
    }

    fn family(&mut self, family: Family) -> Step {
        self.family = family;
        Step::Family(family)
    }

    fn dhcp(&mut self) -> Step {
        while let Some(word) = self.words.next_if(|word| OF_DHCP.contains(word)) {
            if word == "wait" {
                self.words.next();
            }
        }
        Step::Dhcp
    }

    fn value(&mut self, word: &str) -> Result<&'a str, String> {
        self.words.next().ok_or_else(|| format!("`{word}` needs a word after it"))
    }

    fn address_of(&mut self, word: &str) -> Result<Written, String> {
        let text = self.value(word)?;
        self.written(text)
    }

    /// `ADDR`, `ADDR/LEN`, or a host in their place.
    fn written(&self, text: &str) -> Result<Written, String> {
        let (host, length) = match text.split_once('/') {
            Some((host, length)) => (host, Some(length)),
            None => (text, None),
        };
        let named = || if is_name(host) { (self.lookup)(host, self.family) } else { None };
        let unknown = || format!("`{text}` is neither a word of ifconfig nor an address, nor a host that is known");
        let address = host.parse().ok().or_else(named).ok_or_else(unknown)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let number = |length: &str| match length.parse() {
            Ok(length) if length <= most => Ok(length),
            _ => Err(format!("`{text}`: the prefix length is a number from 0 to {most}")),
        };
        Ok(Written { address, length: length.map(number).transpose()? })
    }
}

fn point_to_point(words: &str) -> String {
    format!("`{words}`: an address with a destination is that of a point-to-point link, which cannot be in a group")
}

/// In a file, nobody takes the quotes away.
fn unquoted(word: &str) -> &str {
    word.strip_prefix('"').and_then(|word| word.strip_suffix('"')).unwrap_or(word)
}

fn is_name(host: &str) -> bool {
    !host.starts_with('-') && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
}

/// `255.255.255.0`, `0xffffff00` or `+`.
pub(super) fn mask(text: &str) -> Result<Option<u8>, String> {
    if text == "+" {
        return Ok(None);
    }
    let hexadecimal = || u32::from_str_radix(text.strip_prefix("0x")?, 16).ok();
    let dotted = || text.parse::<Ipv4Addr>().ok().map(u32::from);
    let bits = dotted().or_else(hexadecimal).filter(|bits| bits.leading_ones() == bits.count_ones());
    let no_mask = || format!("`{text}` is no netmask, such as 255.255.255.0, 0xffffff00 or +");
    bits.map(|bits| Some(bits.leading_ones() as u8)).ok_or_else(no_mask)
}
