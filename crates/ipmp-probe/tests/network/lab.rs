//! A host and its neighbours: network namespaces held by file descriptors, so that nothing is left behind
//! however a test ends, joined by veth pairs.

use std::fs::{self, File};
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::time::Duration;

use futures_util::TryStreamExt;
use ipmp_core::{Event, IfIndex, Instant, Mac, Means, ProbeId, Prober};
use ipmp_probe::{ProbeEngine, ndp};
use nix::sched::{CloneFlags, setns, unshare};
use rtnetlink::packet_route::address::{AddressAttribute, AddressFlags, AddressScope};
use rtnetlink::packet_route::link::{LinkAttribute, State};
use rtnetlink::packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourState};
use rtnetlink::packet_route::route::RouteScope;
use rtnetlink::{Handle, LinkBridge, LinkUnspec, LinkVeth, RouteMessageBuilder, RouteNextHopBuilder};
use tokio::time::timeout;

/// How long anything may take that must happen.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// A network namespace.
pub struct Namespace(File);

impl Namespace {
    pub fn new() -> Self {
        let namespace = in_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace needs CAP_SYS_ADMIN");
            Self(File::open("/proc/thread-self/ns/net").unwrap())
        });
        namespace.up("lo");
        // Any address that the kernel makes up would be one more in the tests.
        namespace.sysctl("ipv6/conf/default/addr_gen_mode", "1");
        // What other members or no routes at all would make of replies is not the subject here.
        namespace.sysctl("ipv4/conf/all/rp_filter", "0");
        namespace.sysctl("ipv4/conf/default/rp_filter", "0");
        namespace
    }

    /// Does `work` in this namespace, on a thread of its own.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        in_thread(|| {
            setns(&self.0, CloneFlags::CLONE_NEWNET).unwrap();
            work()
        })
    }

    /// Talks to the kernel about this namespace.
    pub fn netlink<T: Send, F: Future<Output = T>>(&self, work: impl FnOnce(Handle) -> F + Send) -> T {
        self.enter(|| {
            runtime().block_on(async {
                let (connection, handle, _) = rtnetlink::new_connection().unwrap();
                tokio::spawn(connection);
                work(handle).await
            })
        })
    }

    pub fn sysctl(&self, name: &str, value: &str) {
        let path = format!("/proc/sys/net/{name}");
        self.enter(|| fs::write(&path, value).unwrap_or_else(|error| panic!("{path}: {error}")));
    }

    pub fn index(&self, link: &str) -> u32 {
        self.enter(|| nix::net::if_::if_nametoindex(link).unwrap())
    }

    pub fn up(&self, link: &str) {
        self.netlink(|kernel| async move {
            kernel.link().set(LinkUnspec::new_with_name(link).up().build()).execute().await.unwrap();
        });
    }

    pub fn mtu(&self, link: &str, mtu: u32) {
        self.netlink(|kernel| async move {
            kernel.link().set(LinkUnspec::new_with_name(link).mtu(mtu).build()).execute().await.unwrap();
        });
    }

    pub fn down(&self, link: &str) {
        self.netlink(|kernel| async move {
            kernel.link().set(LinkUnspec::new_with_name(link).down().build()).execute().await.unwrap();
        });
    }

    pub fn delete(&self, link: &str) {
        let index = self.index(link);
        self.netlink(|kernel| async move { kernel.link().del(index).execute().await.unwrap() });
    }

    /// Waits until a link passes packets: one that is just up drops them, until the kernel's link watch has run.
    pub fn wait_running(&self, link: &str) {
        let running = || {
            self.netlink(|kernel| async move {
                let found = kernel.link().get().match_name(link.to_owned()).execute().try_next().await.unwrap();
                found.unwrap().attributes.contains(&LinkAttribute::OperState(State::Up))
            })
        };
        let deadline = std::time::Instant::now() + DEADLINE;
        while !running() {
            assert!(std::time::Instant::now() < deadline, "{link} does not come up");
            std::thread::yield_now();
        }
    }

    /// A veth pair from here to there, both ends up, and passing packets.
    pub fn cable(&self, link: &str, to: &Namespace, other: &str) {
        self.netlink(|kernel| async move {
            kernel.link().add(LinkVeth::new(link, other).build()).execute().await.unwrap();
            let moved = LinkUnspec::new_with_name(other).setns_by_fd(to.0.as_raw_fd()).build();
            kernel.link().set(moved).execute().await.unwrap();
        });
        self.up(link);
        to.up(other);
        self.wait_running(link);
        to.wait_running(other);
    }

    /// A bridge, as the switch that others are plugged into.
    pub fn switch() -> Self {
        let switch = Self::new();
        switch.netlink(|kernel| async move {
            kernel.link().add(LinkBridge::new("switch").up().build()).execute().await.unwrap();
        });
        switch
    }

    /// Plugs a new link of a host into a switch.
    pub fn plug(&self, host: &Namespace, link: &str) {
        let port = format!("{link}-{}", host.0.as_raw_fd());
        host.cable(link, self, &port);
        let switch = self.index("switch");
        self.netlink(|kernel| async move {
            let enslaved = LinkUnspec::new_with_name(&port).controller(switch).build();
            kernel.link().set(enslaved).execute().await.unwrap();
        });
    }

    pub fn set_mac(&self, link: &str, mac: Mac) {
        self.netlink(|kernel| async move {
            let changed = LinkUnspec::new_with_name(link).address(mac.0.to_vec()).build();
            kernel.link().set(changed).execute().await.unwrap();
        });
    }

    /// Takes an address from a link.
    pub fn no_address(&self, link: &str, address: impl Into<IpAddr>) {
        let (index, address) = (self.index(link), address.into());
        self.netlink(|kernel| async move {
            let found = kernel.address().get().set_link_index_filter(index).set_address_filter(address).execute();
            for message in found.try_collect::<Vec<_>>().await.unwrap() {
                kernel.address().del(message).execute().await.unwrap();
            }
        });
    }

    /// An ordinary address, with its on-link route.
    pub fn address(&self, link: &str, address: impl Into<IpAddr>, prefix: u8) {
        let (index, address) = (self.index(link), address.into());
        self.netlink(|kernel| async move {
            let mut request = kernel.address().add(index, address, prefix);
            if address.is_ipv6() {
                request.message_mut().attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
            }
            request.execute().await.unwrap();
        });
        self.wait_answering(link, address);
    }

    /// Waits until solicitations of an address reach it: the kernel joins its group after it has said that it is
    /// there.
    fn wait_answering(&self, link: &str, address: IpAddr) {
        let IpAddr::V6(address) = address else { return };
        let group = format!("{:032x}", ndp::solicited_node(address).to_bits());
        let deadline = std::time::Instant::now() + DEADLINE;
        while !self.groups().contains(&(link.to_owned(), group.clone())) {
            assert!(std::time::Instant::now() < deadline, "{address} is not in its group");
            std::thread::yield_now();
        }
    }

    /// The multicast groups of IPv6 that each link is in, in hexadecimal.
    pub fn groups(&self) -> Vec<(String, String)> {
        let text = self.enter(|| fs::read_to_string("/proc/thread-self/net/igmp6").unwrap());
        let fields = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        fields.map(|fields| (fields[1].to_owned(), fields[2].to_owned())).collect()
    }

    /// An address as the daemon adds a test address: a host address of link scope, with no route.
    pub fn test_address(&self, link: &str, address: impl Into<IpAddr>) {
        let (index, address) = (self.index(link), address.into());
        let prefix = if address.is_ipv4() { 32 } else { 128 };
        self.netlink(|kernel| async move {
            let mut request = kernel.address().add(index, address, prefix);
            let message = request.message_mut();
            message.header.scope = AddressScope::Link;
            let flags = AddressFlags::Noprefixroute | AddressFlags::Nodad;
            message.attributes.push(AddressAttribute::Flags(flags));
            request.execute().await.unwrap();
        });
    }

    /// A default route by a gateway that is taken to be on the link.
    pub fn default_route(&self, link: &str, gateway: Ipv4Addr) {
        let index = self.index(link);
        self.netlink(|kernel| async move {
            let route = RouteMessageBuilder::<Ipv4Addr>::new().gateway(gateway).output_interface(index).onlink();
            kernel.route().add(route.build()).execute().await.unwrap();
        });
    }

    /// An on-link prefix over several links, at global scope, as the daemon makes it.
    pub fn multipath(&self, links: &[&str], network: Ipv4Addr, prefix: u8) {
        let legs = links.iter().map(|link| RouteNextHopBuilder::new_ipv4().interface(self.index(link)).build());
        let route = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(network, prefix)
            .scope(RouteScope::Universe)
            .multipath(legs.collect())
            .build();
        self.netlink(|kernel| async move { kernel.route().add(route).execute().await.unwrap() });
    }

    /// A neighbour entry that is never resolved.
    pub fn neighbour(&self, link: &str, address: Ipv4Addr, mac: [u8; 6]) {
        let index = self.index(link);
        self.netlink(|kernel| async move {
            let entry = kernel.neighbours().add(index, address.into()).link_layer_address(&mac);
            entry.execute().await.unwrap();
        });
    }

    /// Answers solicitations of an address of another.
    pub fn proxy(&self, link: &str, address: Ipv6Addr) {
        let index = self.index(link);
        self.netlink(|kernel| async move {
            let entry = kernel.neighbours().add(index, address.into()).flags(NeighbourFlags::Proxy);
            entry.execute().await.unwrap();
        });
    }

    /// Waits until a neighbour is known to be there.
    pub fn wait_neighbour(&self, address: Ipv4Addr, mac: Mac) {
        let deadline = std::time::Instant::now() + DEADLINE;
        while !self.neighbours().contains(&(address.into(), Some(mac))) {
            assert!(std::time::Instant::now() < deadline, "{address} is not found at {mac}");
            std::thread::yield_now();
        }
    }

    /// The neighbours that are known here: who, and where, if that is known, in order.
    pub fn neighbours(&self) -> Vec<(IpAddr, Option<Mac>)> {
        let entries: Vec<_> =
            self.netlink(|kernel| async move { kernel.neighbours().get().execute().try_collect().await.unwrap() });
        let known = entries.into_iter().filter(|entry| entry.header.state != NeighbourState::Noarp);
        let mut known: Vec<_> = known.map(|entry| neighbour(&entry.attributes)).collect();
        known.sort();
        known
    }

    pub fn mac(&self, link: &str) -> Mac {
        self.netlink(|kernel| async move {
            let found = kernel.link().get().match_name(link.to_owned()).execute().try_next().await.unwrap();
            let mac = found.unwrap().attributes.into_iter().find_map(|attribute| match attribute {
                LinkAttribute::Address(bytes) => bytes.try_into().ok(),
                _ => None,
            });
            Mac(mac.unwrap())
        })
    }

    /// What it takes to probe from here.
    pub fn prober(&self, member: &str, means: Means) -> Prober {
        Prober { member: member.parse().unwrap(), index: IfIndex(self.index(member)), means }
    }

    /// Has an engine probe from that address of a member.
    pub fn open(&self, engine: &mut ProbeEngine, member: &str, source: impl Into<IpAddr>) {
        self.open_by(engine, member, Means::Icmp(source.into()));
    }

    pub fn open_by(&self, engine: &mut ProbeEngine, member: &str, means: Means) {
        let spec = self.prober(member, means);
        self.enter(|| engine.open(&spec)).unwrap();
    }

    /// Has an engine probe by a member without an address of IPv4.
    pub fn open_arp(&self, engine: &mut ProbeEngine, member: &str) {
        self.open_by(engine, member, Means::Arp(self.mac(member)));
    }

    /// Has an engine probe by a member that has that link-local address.
    pub fn open_ndp(&self, engine: &mut ProbeEngine, member: &str, source: Ipv6Addr) {
        self.open_by(engine, member, Means::Ndp(self.mac(member), source));
    }
}

/// One host, one neighbour, one member `h0`, as most tests need it: 10.1.0.11 here, 10.1.0.1 there.
pub struct Pair {
    pub host: Namespace,
    pub peer: Namespace,
}

pub const TEST_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 11);
pub const TARGET: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 1);

impl Pair {
    pub fn new() -> Self {
        let (host, peer) = (Namespace::new(), Namespace::new());
        host.cable("h0", &peer, "p0");
        host.test_address("h0", TEST_ADDRESS);
        peer.address("p0", TARGET, 24);
        Self { host, peer }
    }

    /// An engine that probes from `h0`.
    pub fn engine(&self) -> ProbeEngine {
        let mut engine = ProbeEngine::new().unwrap();
        self.host.open(&mut engine, "h0", TEST_ADDRESS);
        engine
    }
}

/// What an entry of the kernel's neighbour table says.
fn neighbour(attributes: &[NeighbourAttribute]) -> (IpAddr, Option<Mac>) {
    let address = attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(address)) => Some(IpAddr::from(*address)),
        NeighbourAttribute::Destination(NeighbourAddress::Inet6(address)) => Some(IpAddr::from(*address)),
        _ => None,
    });
    let mac = attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(bytes) => bytes[..].try_into().ok().map(Mac),
        _ => None,
    });
    (address.unwrap(), mac)
}

/// Sends the shortest probe by a member, which must succeed.
pub fn send(engine: &mut ProbeEngine, probe: u64, member: &str, target: impl Into<IpAddr>) -> Instant {
    engine.send(ProbeId(probe), &member.parse().unwrap(), target.into(), None).unwrap()
}

/// Reads until there are `count` replies, and must find nothing else.
pub async fn replies(engine: &mut ProbeEngine, count: usize) -> Vec<(ProbeId, Instant)> {
    let replies = events(engine, count).await.into_iter().map(|event| match event {
        Event::Reply { probe, received } => (probe, received),
        other => panic!("{other:?}"),
    });
    replies.collect()
}

/// Reads until there are `count` events.
pub async fn events(engine: &mut ProbeEngine, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < count {
        let waited = timeout(DEADLINE, engine.readable()).await;
        waited.unwrap_or_else(|_| panic!("{} of {count}: {events:?}", events.len()));
        engine.drain(&mut events);
    }
    events
}

/// Runs a test's future.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    runtime().block_on(test)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn in_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
