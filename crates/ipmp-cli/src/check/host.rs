//! What the files of the host say about members: settings in `/proc`, and the traces of programs that manage network
//! interfaces. Reads only; what is not there, or cannot be read, is not known.

use std::fs;
use std::path::{Path, PathBuf};

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// `net.ipv4.conf.all.arp_ignore`.
    pub arp_ignore: u32,
    /// `net.ipv4.conf.all.arp_filter`.
    pub arp_filter: u32,
    /// The members.
    pub members: Vec<Member>,
}

/// What was read about a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// The interface.
    pub name: String,
    /// `arp_filter` of it.
    pub arp_filter: u32,
    /// `max_addresses` of it; zero for no limit.
    pub max_addresses: u32,
    /// Its IPv6 addresses.
    pub inet6: usize,
    /// Those that have a lifetime: made from advertisements of routers, or leased.
    pub inet6_dynamic: usize,
    /// Who manages it besides the daemon.
    pub managers: Vec<Manager>,
}

/// A program that manages an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manager {
    /// systemd-networkd; with the file that says so, where it tells.
    Networkd(Option<String>),
    /// NetworkManager.
    NetworkManager,
    /// ifupdown, by this file, with this method.
    Ifupdown(PathBuf, String),
    /// A DHCP client that runs, by its name.
    Dhcp(&'static str),
}

/// Where the kernel tells of IPv6 addresses (`IFA_F_PERMANENT` of linux/if_addr.h is one of the flags there).
const INET6_ADDRESSES: &str = "proc/net/if_inet6";
const PERMANENT: u32 = 0x80;

/// Where dhcpcd writes it when one process is for all interfaces, and the file that may spare some (dhcpcd.conf(5)).
const DHCPCD_FOR_ALL: &[&str] = &["run/dhcpcd/pid", "run/dhcpcd.pid"];
const DHCPCD_CONF: &str = "etc/dhcpcd.conf";

/// Where DHCP clients write their process numbers; `IF` stands for the interface.
const PID_FILES: &[(&str, &str)] = &[
    ("dhclient", "run/dhclient.IF.pid"),
    ("dhclient", "run/dhclient-IF.pid"),
    ("dhclient", "run/dhclient6.IF.pid"),
    ("dhcpcd", "run/dhcpcd/IF.pid"),
    ("dhcpcd", "run/dhcpcd/IF-4.pid"),
    ("dhcpcd", "run/dhcpcd/IF-6.pid"),
    ("dhcpcd", "run/dhcpcd-IF.pid"),
    ("udhcpc", "run/udhcpc.IF.pid"),
];

impl Host {
    /// Looks at interfaces, each by its name and the kernel's number for it where it is there, in the file system that
    /// begins at `root`.
    pub fn look(root: &Path, interfaces: &[(String, Option<u32>)]) -> Self {
        let stanzas = stanzas(root);
        let addresses = read(&root.join(INET6_ADDRESSES));
        let member = |(name, index): &(String, Option<u32>)| {
            let own = inet6_flags(&addresses, name);
            Member {
                name: name.clone(),
                arp_filter: setting(root, "ipv4", name, "arp_filter"),
                max_addresses: setting(root, "ipv6", name, "max_addresses"),
                inet6: own.len(),
                inet6_dynamic: own.iter().filter(|flags| *flags & PERMANENT == 0).count(),
                managers: managers(root, name, *index, &stanzas),
            }
        };
        Host {
            arp_ignore: setting(root, "ipv4", "all", "arp_ignore"),
            arp_filter: setting(root, "ipv4", "all", "arp_filter"),
            members: interfaces.iter().map(member).collect(),
        }
    }
}

/// A setting of an interface; zero where it cannot be read.
fn setting(root: &Path, family: &str, interface: &str, name: &str) -> u32 {
    read(&root.join("proc/sys/net").join(family).join("conf").join(interface).join(name)).trim().parse().unwrap_or(0)
}

/// The flags of the addresses of an interface: a line is address, number, prefix length, scope, flags and name.
fn inet6_flags(addresses: &str, interface: &str) -> Vec<u32> {
    let lines = addresses.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let own = lines.filter(|words| words.get(5) == Some(&interface));
    own.filter_map(|words| u32::from_str_radix(words[4], 16).ok()).collect()
}

fn managers(root: &Path, name: &str, index: Option<u32>, stanzas: &[Stanza]) -> Vec<Manager> {
    let by_index = |directory: &str| index.map(|index| read(&root.join(directory).join(index.to_string())));
    let networkd = by_index("run/systemd/netif/links").and_then(|state| networkd(&state));
    let network_manager = by_index("run/NetworkManager/devices").filter(|state| is_managed(state));
    let up = read(&root.join("run/network/ifstate")).lines().any(|line| line.split('=').next() == Some(name));
    let auto = stanzas.iter().any(|stanza| stanza.word != "iface" && stanza.names(name));
    let ifupdown = stanzas.iter().filter(|stanza| stanza.configures(name) && (up || auto));
    let dhcp = PID_FILES.iter().filter(|(_, file)| runs(root, &file.replace("IF", name)));
    let mut managers: Vec<_> = networkd.into_iter().collect();
    managers.extend(network_manager.map(|_| Manager::NetworkManager));
    managers.extend(ifupdown.map(|stanza| Manager::Ifupdown(stanza.file.clone(), stanza.words[3].clone())));
    managers.extend(dhcp.map(|(program, _)| Manager::Dhcp(program)));
    if DHCPCD_FOR_ALL.iter().any(|file| runs(root, file)) && !is_denied(&read(&root.join(DHCPCD_CONF)), name) {
        managers.push(Manager::Dhcp("dhcpcd"));
    }
    managers.dedup();
    managers
}

/// `ADMIN_STATE` is one of unmanaged, pending, initialized, configuring, configured, failed and linger.
fn networkd(state: &str) -> Option<Manager> {
    let value = |key: &str| state.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let claimed = matches!(value("ADMIN_STATE")?, "configuring" | "configured" | "failed" | "linger");
    claimed.then(|| Manager::Networkd(value("NETWORK_FILE").map(str::to_owned)))
}

fn is_managed(state: &str) -> bool {
    state.lines().any(|line| matches!(line.trim(), "managed=true" | "managed=1"))
}

/// Whether dhcpcd is told to leave an interface alone. Of patterns only those that end in a star are known.
fn is_denied(configuration: &str, interface: &str) -> bool {
    let denied = configuration.lines().filter_map(|line| line.trim().strip_prefix("denyinterfaces "));
    let mut patterns = denied.flat_map(|names| names.split([' ', ',']).map(str::trim).filter(|name| !name.is_empty()));
    patterns.any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => interface.starts_with(beginning),
        None => interface == pattern,
    })
}

/// A line of ifupdown's that begins with `iface`, `auto` or `allow-…` (interfaces(5)).
struct Stanza {
    file: PathBuf,
    word: &'static str,
    words: Vec<String>,
}

impl Stanza {
    fn names(&self, interface: &str) -> bool {
        self.words[1..].iter().any(|word| word == interface)
    }

    /// Whether it gives the interface addresses. `manual` gives it none.
    fn configures(&self, interface: &str) -> bool {
        let harmless = ["manual", "loopback"];
        self.word == "iface"
            && self.words.get(1).is_some_and(|name| name == interface)
            && self.words.get(3).is_some_and(|method| !harmless.contains(&method.as_str()))
    }
}

fn stanzas(root: &Path) -> Vec<Stanza> {
    let mut files: Vec<_> =
        fs::read_dir(root.join("etc/network/interfaces.d")).into_iter().flatten().flatten().collect();
    files.sort_by_key(fs::DirEntry::file_name);
    let files = files.into_iter().map(|entry| entry.path());
    let main = std::iter::once(root.join("etc/network/interfaces"));
    main.chain(files).flat_map(|file| stanzas_of(&file)).collect()
}

fn stanzas_of(file: &Path) -> Vec<Stanza> {
    let stanza = |line: &str| {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        let word = match words.first()?.as_str() {
            "iface" => "iface",
            "auto" => "auto",
            word if word.starts_with("allow-") => "allow",
            _ => return None,
        };
        Some(Stanza { file: file.to_owned(), word, words })
    };
    read(file).lines().filter_map(stanza).collect()
}

/// Whether the process that a file names is there.
fn runs(root: &Path, file: &str) -> bool {
    let number = read(&root.join(file)).trim().parse::<u32>();
    number.is_ok_and(|number| root.join("proc").join(number.to_string()).exists())
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
