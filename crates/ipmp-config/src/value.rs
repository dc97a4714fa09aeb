//! Single values: from the text of a value to what it means, or what is wrong with it. What it has to do
//! with other values is in `rules`.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::time::Duration;

use ipmp_core::config::{FAILURE_DETECTION_TIME_MIN, ProbeMode};
use ipmp_core::{GroupName, IfName, Schedule};
use ipnet::IpNet;
use toml::de::DeInteger;

/// The longest failure detection time that is accepted: probes would be more than eight minutes apart,
/// so a larger number is a wrong unit rather than a wish.
pub const FAILURE_DETECTION_TIME_MAX: Duration = Duration::from_secs(3600);

/// Why a value is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) message: String,
    /// Completes "expected ...".
    pub(crate) expected: String,
}

fn fault<T>(message: String, expected: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { message, expected: expected.into() })
}

/// The text in quotes, fit to be shown: control characters escaped, and cut where it is absurdly long.
pub(crate) fn quoted(text: &str) -> String {
    if text.is_empty() {
        return "the empty string".into();
    }
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("`{}...`", text[..end].escape_debug()),
        None => format!("`{}`", text.escape_debug()),
    }
}

/// The name of a member interface.
pub(crate) fn member_name(text: &str) -> Result<IfName, Fault> {
    let name = interface_name(text)?;
    match text {
        "lo" => fault("the loopback interface cannot be a member".into(), "a network interface, such as \"eth0\""),
        "all" | "default" => fault(
            format!("{} means every interface to the kernel's settings", quoted(text)),
            "the name of one interface, such as \"eth0\"",
        ),
        _ => Ok(name),
    }
}

/// The name of an IPMP interface.
pub(crate) fn ipmp_name(text: &str) -> Result<IfName, Fault> {
    let name = interface_name(text)?;
    let number = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let letters = text.len() - number.len();
    if letters == 0 || number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return fault(
            format!("{} is no name for an IPMP interface", quoted(text)),
            "letters and then a number, such as \"ipmp0\"",
        );
    }
    Ok(name)
}

fn interface_name(text: &str) -> Result<IfName, Fault> {
    text.parse().or_else(|_| {
        fault(
            format!("{} is no name of an interface", quoted(text)),
            "1 to 15 bytes without white space, `/` and `:`, such as \"eth0\"",
        )
    })
}

/// The name of a group.
pub(crate) fn group_name(text: &str) -> Result<GroupName, Fault> {
    text.parse().or_else(|_| {
        fault(format!("{} is no name of a group", quoted(text)), "1 to 31 bytes without control characters")
    })
}

/// The name of a group of the system's users. Whether it exists is known on the host alone.
pub(crate) fn system_group(text: &str) -> Result<String, Fault> {
    let unfit = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ':' | ',');
    if text.is_empty() || text.len() > 32 || text.starts_with('-') || text.contains(unfit) {
        let message = format!("{} is no name of a group of users", quoted(text));
        return fault(message, "a group of /etc/group, such as \"netadmin\"");
    }
    Ok(text.to_owned())
}

/// An address with its prefix length, host bits kept.
pub(crate) fn prefix(text: &str) -> Result<IpNet, Fault> {
    let Some((address, length)) = text.split_once('/') else {
        return match text.parse::<IpAddr>() {
            Ok(address) => fault(
                format!("{address} has no prefix length"),
                format!("the address with the length of its subnet's prefix, such as \"{address}/{}\"", usual(address)),
            ),
            Err(_) => no_prefix(text),
        };
    };
    let Ok(address) = address.parse::<IpAddr>() else { return no_prefix(text) };
    let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    match length.parse().ok().filter(|_| digits).and_then(|length| IpNet::new(address, length).ok()) {
        Some(prefix) => Ok(prefix),
        None => fault(
            format!("{} is no prefix length", quoted(length)),
            format!("a number from 0 to {}", IpNet::from(address).max_prefix_len()),
        ),
    }
}

fn no_prefix<T>(text: &str) -> Result<T, Fault> {
    fault(
        format!("{} is no IP address with a prefix length", quoted(text)),
        "an address such as \"192.0.2.50/24\" or \"2001:db8::50/64\"",
    )
}

fn usual(address: IpAddr) -> u8 {
    if address.is_ipv4() { 24 } else { 64 }
}

/// An address of a router or target.
pub(crate) fn address(text: &str) -> Result<IpAddr, Fault> {
    let Ok(address) = text.parse() else {
        let expected = match text.split_once(['/', '%']).and_then(|(address, _)| address.parse::<IpAddr>().ok()) {
            Some(address) => format!("the address alone: \"{address}\""),
            None => "an address such as \"192.0.2.1\" or \"2001:db8::1\"".into(),
        };
        return fault(format!("{} is no IP address", quoted(text)), expected);
    };
    match class(address) {
        Some(class) => fault(format!("{address} is {class}"), "the address of one router or host"),
        None => Ok(address),
    }
}

/// An address that can stand on an interface, with its prefix length.
pub(crate) fn own_address(text: &str) -> Result<IpNet, Fault> {
    let prefix = prefix(text)?;
    let address = prefix.addr();
    if let Some(class) = class(address) {
        return fault(format!("{address} is {class}"), "an address that an interface can have");
    }
    if prefix.prefix_len() == 0 {
        return fault(
            format!("{prefix} would make the whole Internet one subnet"),
            format!("the length of the subnet's prefix, such as \"{address}/{}\"", usual(address)),
        );
    }
    match edge(prefix, address) {
        Some(edge) => fault(format!("{address} is {edge} of {}", prefix.trunc()), "the address of one host in it"),
        None => Ok(prefix),
    }
}

/// An address that moves between members: it has to mean the same on each of them (RFC 4007, section 6).
pub(crate) fn data_address(text: &str) -> Result<IpNet, Fault> {
    let prefix = own_address(text)?;
    match prefix.addr() {
        IpAddr::V6(address) if address.is_unicast_link_local() => fault(
            format!("data address {address} is link-local, which belongs to one interface and cannot move"),
            "a global or unique local address, such as \"2001:db8::50/64\"",
        ),
        _ => Ok(prefix),
    }
}

/// The destination of a route.
pub(crate) fn destination(text: &str) -> Result<IpNet, Fault> {
    let prefix = prefix(text)?;
    if prefix.trunc() != prefix {
        return fault(format!("{prefix} has bits set behind its prefix"), format!("\"{}\"", prefix.trunc()));
    }
    let expected = "a destination that routers lead to";
    match prefix.addr() {
        address if address.is_loopback() => fault(format!("{prefix} is the loopback network"), expected),
        address if address.is_multicast() => fault(format!("{prefix} is multicast"), expected),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => fault(format!("{prefix} is link-local"), expected),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() && prefix.prefix_len() >= 96 => {
            fault(format!("{prefix} is a destination of IPv4 in the notation of IPv6"), expected)
        }
        _ => Ok(prefix),
    }
}

/// What an address is, if it is not that of one host.
fn class(address: IpAddr) -> Option<&'static str> {
    match address {
        _ if address.is_unspecified() => Some("the unspecified address"),
        _ if address.is_loopback() => Some("a loopback address"),
        _ if address.is_multicast() => Some("a multicast address"),
        IpAddr::V4(Ipv4Addr::BROADCAST) => Some("the broadcast address"),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Some("an IPv4 address in the notation of IPv6"),
        _ => None,
    }
}

/// What an address is in its subnet, if it is not that of one host. Subnets of one or two addresses have
/// none but hosts (RFC 3021, RFC 6164).
pub(crate) fn edge(subnet: IpNet, address: IpAddr) -> Option<&'static str> {
    if subnet.max_prefix_len() - subnet.prefix_len() <= 1 {
        return None;
    }
    match address {
        IpAddr::V4(_) if address == subnet.network() => Some("the network address"),
        IpAddr::V4(_) if address == subnet.broadcast() => Some("the broadcast address"),
        // RFC 4291, 2.6.1
        IpAddr::V6(_) if address == subnet.network() => Some("the subnet-router anycast address"),
        _ => None,
    }
}

/// What a duration looks like.
pub(crate) const DURATION: &str = "a time, such as \"10s\", \"500ms\" or \"1m\", or a number of milliseconds";

/// Between what a time must lie.
pub(crate) struct Bounds {
    /// What it is, in a message.
    what: &'static str,
    least: Duration,
    most: Duration,
}

impl Bounds {
    pub(crate) const DETECTION_TIME: Bounds = Bounds {
        what: "a failure detection time",
        least: FAILURE_DETECTION_TIME_MIN,
        most: FAILURE_DETECTION_TIME_MAX,
    };
    /// Ten times the longest failure detection time is the longest that is there by default.
    pub(crate) const DETECTION_TIME_MAX: Bounds = Bounds {
        what: "the longest failure detection time",
        least: FAILURE_DETECTION_TIME_MIN,
        most: FAILURE_DETECTION_TIME_MAX.saturating_mul(10),
    };
    /// A penalty that is gone within a second damps nothing; one that stays for hours is a failure.
    pub(crate) const HALF_LIFE: Bounds =
        Bounds { what: "a half-life", least: Duration::from_secs(1), most: Duration::from_secs(3600) };
}

/// A time with its unit.
pub(crate) fn time(text: &str, bounds: &Bounds) -> Result<Duration, Fault> {
    match humantime::parse_duration(text) {
        Ok(time) => in_bounds(time, quoted(text), bounds),
        Err(_) => fault(format!("{} is no time", quoted(text)), DURATION),
    }
}

/// A time in milliseconds. What is too large for its type is too large for a time.
pub(crate) fn millis(millis: &DeInteger<'_>, bounds: &Bounds) -> Result<Duration, Fault> {
    let written = format!("{} ms", quoted(&millis.to_string()));
    match u64::from_str_radix(millis.as_str(), millis.radix()) {
        Ok(millis) => in_bounds(Duration::from_millis(millis), written, bounds),
        Err(_) if millis.as_str().starts_with('-') => fault(format!("{written} is no time"), DURATION),
        Err(_) => in_bounds(Duration::MAX, written, bounds),
    }
}

fn in_bounds(time: Duration, written: String, bounds: &Bounds) -> Result<Duration, Fault> {
    let wrong = if time < bounds.least {
        "short"
    } else if time > bounds.most {
        "long"
    } else {
        return Ok(time);
    };
    fault(
        format!("{written} is too {wrong} for {}", bounds.what),
        format!("{} to {}", humantime::format_duration(bounds.least), humantime::format_duration(bounds.most)),
    )
}

/// A whole number under a key.
pub(crate) fn number<T: PartialOrd + TryFrom<i64>>(
    key: &str,
    number: &DeInteger<'_>,
    bounds: RangeInclusive<T>,
    expected: String,
) -> Result<T, Fault> {
    let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok().and_then(|number| T::try_from(number).ok());
    match parsed.filter(|number| bounds.contains(number)) {
        Some(number) => Ok(number),
        None => fault(format!("`{key}` cannot be {}", quoted(&number.to_string())), expected),
    }
}

/// What paths are probed with.
pub(crate) fn probe(text: &str) -> Result<ProbeMode, Fault> {
    match text {
        "auto" => Ok(ProbeMode::Auto),
        "icmp" => Ok(ProbeMode::Icmp),
        "arp" => Ok(ProbeMode::Arp),
        "none" => Ok(ProbeMode::None),
        _ => fault(format!("{} is no way to probe", quoted(text)), "\"auto\", \"icmp\", \"arp\" or \"none\""),
    }
}

/// A probe schedule.
pub(crate) fn schedule(text: &str) -> Result<Schedule, Fault> {
    match text {
        "confirm" => Ok(Schedule::Confirm),
        "classic" => Ok(Schedule::Classic),
        _ => fault(format!("{} is no probe schedule", quoted(text)), "\"confirm\" or \"classic\""),
    }
}
