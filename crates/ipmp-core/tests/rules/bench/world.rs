//! What happens to the NICs of the bench and in its kernel, whoever does it.

use ipmp_core::kernel::{
    AddressInfo, AddressKey, Fact, Inet6, Kernel, Leg, Link, Route, RouteKey, Scope, Snapshot, Tunables,
};
use ipmp_core::{Command, Event, IfIndex, Mac, Refusal, RequestId};

use super::{Bench, ip};

impl Bench {
    /// A NIC appears, with a link and a link-local address.
    pub fn plug(&mut self, name: &str) {
        let link = new_link(&self.kernel, name);
        let index = link.index;
        self.tell(Fact::Link(link));
        self.link_local(name, &format!("fe80::{}/64", index.0), false);
    }

    /// A NIC gets a link-local address, or more is known of it.
    pub fn link_local(&mut self, name: &str, address: &str, tentative: bool) {
        let key = AddressKey { index: self.index(name), address: address.parse().unwrap() };
        self.tell(Fact::Address(key, AddressInfo { scope: Scope::Link, ours: false, tentative }));
    }

    /// A NIC goes.
    pub fn unplug(&mut self, name: &str) {
        self.tell(Fact::LinkGone(self.index(name)));
    }

    /// Something about a NIC changes.
    pub fn link(&mut self, name: &str, edit: impl FnOnce(&mut Link)) {
        let mut link = self.kernel.links[&self.index(name)].clone();
        edit(&mut link);
        self.tell(Fact::Link(link));
    }

    /// The carrier of a NIC comes or goes.
    pub fn carrier(&mut self, name: &str, on: bool) {
        self.link(name, |link| {
            link.carrier_downs += u32::from(link.carrier && !on);
            link.carrier = on;
        });
    }

    /// Somebody else adds an address to a NIC.
    pub fn address(&mut self, name: &str, address: &str) {
        let key = AddressKey { index: self.index(name), address: address.parse().unwrap() };
        self.tell(Fact::Address(key, AddressInfo { scope: Scope::Global, ours: false, tentative: false }));
    }

    /// And deletes it.
    pub fn unaddress(&mut self, name: &str, address: &str) {
        self.tell(Fact::AddressGone(AddressKey { index: self.index(name), address: address.parse().unwrap() }));
    }

    /// Somebody else adds a route by a NIC.
    pub fn route(&mut self, to: &str, via: &str, name: &str) {
        let legs = vec![Leg { index: self.index(name), via: Some(ip(via)) }];
        self.tell(Fact::Route(Route { key: foreign(to), scope: Scope::Global, legs }));
    }

    /// And deletes it.
    pub fn unroute(&mut self, to: &str) {
        self.tell(Fact::RouteGone(foreign(to)));
    }

    /// An administrator's `if_mpadm -d`.
    pub fn offline(&mut self, name: &str) -> Result<(), Refusal> {
        self.command(Command::Offline(name.parse().unwrap()))
    }

    /// An administrator's `if_mpadm -r`.
    pub fn online(&mut self, name: &str) -> Result<(), Refusal> {
        self.command(Command::Online(name.parse().unwrap()))
    }

    fn command(&mut self, command: Command) -> Result<(), Refusal> {
        self.feed(Event::Command { request: RequestId(1), command });
        self.answers.pop().expect("with a kernel that obeys at once, an answer comes at once")
    }

    /// The number of a NIC.
    pub fn index(&self, name: &str) -> IfIndex {
        self.kernel.link_named(&name.parse().unwrap()).expect("it is plugged").index
    }

    fn tell(&mut self, fact: Fact) {
        self.kernel.learn(fact.clone());
        self.feed(Event::Kernel(fact));
    }
}

fn foreign(to: &str) -> RouteKey {
    RouteKey { to: to.parse().unwrap(), metric: 100, ours: false }
}

fn new_link(kernel: &Kernel, name: &str) -> Link {
    let index = IfIndex(kernel.links.keys().last().map_or(2, |last| last.0 + 1));
    Link {
        index,
        name: name.parse().unwrap(),
        mac: Some(Mac([2, 0, 0, 0, 0, index.0 as u8])),
        up: true,
        carrier: true,
        carrier_downs: 0,
        mtu: 1500,
        multi_access: true,
        alias: None,
        tunables: Some(Tunables::default()),
        inet6: Some(Inet6 { forwarding: false }),
    }
}

/// Everything at this moment.
pub fn snapshot(kernel: &Kernel) -> Snapshot {
    Snapshot {
        links: kernel.links.values().cloned().collect(),
        addresses: kernel.addresses.iter().map(|(key, info)| (*key, *info)).collect(),
        routes: kernel.routes.values().cloned().collect(),
    }
}
