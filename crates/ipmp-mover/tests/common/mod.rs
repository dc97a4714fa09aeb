//! A host in a namespace of its own, with the mover at work in it.

#![allow(dead_code)] // each test file uses its part

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipmp_core::event::Outcome;
use ipmp_core::kernel::{AddressKey, Leg, PROTOCOL, ROUTE_METRIC, Route, RouteKey, Scope};
use ipmp_core::{Announcement, Change, IfIndex, IfName, Mac, Transaction, TransactionId};
use ipmp_lab::Namespace;
use ipmp_mover::Mover;
use pnet::util::MacAddr;
use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};

/// Longer than any of this takes, on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The MAC of the host's NIC of that number.
pub fn mac(nic: u8) -> MacAddr {
    MacAddr(2, 0, 0, 0, 1, nic)
}

pub struct Host {
    pub namespace: Namespace,
    pub mover: Mover,
    transactions: u64,
}

impl Host {
    /// A host without NICs.
    pub fn new() -> Host {
        let namespace = Namespace::new().unwrap();
        let mover = start(&namespace);
        Host { namespace, mover, transactions: 0 }
    }

    /// A NIC `eth<n>` that is up, its cable in `peer` as `name`.
    pub fn plug(&self, nic: u8, peer: &Namespace, name: &str) -> IfIndex {
        let eth = format!("eth{nic}");
        self.namespace.add_veth(&eth, mac(nic), peer, name).unwrap();
        self.namespace.set_up(&eth).unwrap();
        peer.set_up(name).unwrap();
        self.index(&eth)
    }

    /// The mover ends and another begins, as when the daemon is restarted. A tun in `link` has been let go.
    pub fn restart(&mut self, link: &str) {
        drop(std::mem::replace(&mut self.mover, start(&self.namespace)));
        let has_dummies = self.namespace.add_link("dummy0", "dummy").is_ok();
        wait_for("the tun has no holder", || has_dummies || !self.namespace.link(link).unwrap().carrier);
    }

    pub fn index(&self, name: &str) -> IfIndex {
        IfIndex(self.namespace.link(name).unwrap().index)
    }

    /// Hands over a transaction, and returns its id.
    pub fn begin(&mut self, changes: Vec<Change>) -> TransactionId {
        self.transactions += 1;
        let id = TransactionId(self.transactions);
        self.mover.apply(Transaction { id, changes });
        id
    }

    pub async fn done(&mut self) -> (TransactionId, Vec<Outcome>) {
        tokio::time::timeout(PATIENCE, self.mover.done()).await.expect("an answer")
    }

    /// The outcomes of a transaction, while no other is under way.
    pub async fn apply(&mut self, changes: Vec<Change>) -> Vec<Outcome> {
        let id = self.begin(changes);
        let (done, outcomes) = self.done().await;
        assert_eq!(done, id);
        outcomes
    }

    /// The outcome of one change.
    pub async fn change(&mut self, change: Change) -> Outcome {
        let mut outcomes = self.apply(vec![change]).await;
        assert_eq!(outcomes.len(), 1);
        outcomes.remove(0)
    }
}

fn start(namespace: &Namespace) -> Mover {
    namespace.run(Mover::start).unwrap().unwrap()
}

pub fn name(name: &str) -> IfName {
    name.parse().unwrap()
}

pub fn key(index: IfIndex, address: &str) -> AddressKey {
    AddressKey { index, address: address.parse().unwrap() }
}

pub fn add(index: IfIndex, address: &str) -> Change {
    Change::AddAddress { key: key(index, address), scope: Scope::Global }
}

pub fn delete(index: IfIndex, address: &str) -> Change {
    Change::DeleteAddress(key(index, address))
}

/// The announcement that an address is bound to the host's NIC of that number.
pub fn announcement(index: IfIndex, nic: u8, address: &str) -> Announcement {
    let MacAddr(a, b, c, d, e, f) = mac(nic);
    Announcement { index, mac: Mac([a, b, c, d, e, f]), address: address.parse().unwrap(), router: false }
}

/// A route of ours, on-link, over these members.
pub fn route(to: &str, members: &[IfIndex]) -> Route {
    Route {
        key: RouteKey { to: to.parse().unwrap(), metric: ROUTE_METRIC, ours: true },
        scope: Scope::Global,
        legs: members.iter().map(|&index| Leg { index, via: None }).collect(),
    }
}

/// The sentence of a refusal.
pub fn refusal(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused(why) => why,
        other => panic!("{other:?} in place of a refusal"),
    }
}

/// The prefixes on a link that are of the daemon's protocol number.
pub fn ours(namespace: &Namespace, link: &str) -> Vec<String> {
    let all = namespace.addresses().unwrap().into_iter();
    let ours = all.filter(|found| found.link == link && found.protocol == PROTOCOL);
    let mut ours: Vec<_> = ours.map(|found| found.address.to_string()).collect();
    ours.sort();
    ours
}

/// Waits until it holds.
pub fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Everything of one Ethernet type that arrives at a link.
pub struct Capture(Socket);

impl Capture {
    pub fn open(namespace: &Namespace, link: &str, ether_type: libc::c_int) -> Capture {
        let index = namespace.link(link).unwrap().index;
        let protocol = (ether_type as u16).to_be();
        let socket =
            namespace.run(|| Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(i32::from(protocol)))));
        let socket = socket.unwrap().unwrap();
        let mut storage = SockAddrStorage::zeroed();
        // SAFETY: a sockaddr_ll is plain data, and fits.
        let address = unsafe {
            let link = storage.view_as::<libc::sockaddr_ll>();
            link.sll_family = libc::AF_PACKET as u16;
            link.sll_protocol = protocol;
            link.sll_ifindex = index as i32;
            SockAddr::new(storage, size_of::<libc::sockaddr_ll>() as libc::socklen_t)
        };
        socket.bind(&address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Capture(socket)
    }

    /// The next frame.
    pub fn next(&self) -> Vec<u8> {
        let mut frame = [0; 2048];
        let length = io::Read::read(&mut &self.0, &mut frame).expect("a frame");
        frame[..length].to_vec()
    }
}

/// The address that a gratuitous ARP speaks of, as text.
pub fn announced(frame: &[u8]) -> String {
    let ip: [u8; 4] = frame[28..32].try_into().unwrap();
    IpAddr::from(ip).to_string()
}
