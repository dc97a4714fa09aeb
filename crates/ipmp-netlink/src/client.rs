//! Requests to the kernel, one at a time, each with a deadline.
//!
//! A request to rtnetlink is carried out inside the system call that sends it, and may stand in a queue
//! there (for seconds, while somebody else deletes a full routing table): give the client a thread of its
//! own that nothing urgent waits for.

use std::time::Duration;

use ipmp_core::kernel::{AddressKey, Link, Route, RouteKey, Scope, Tunables};
use ipmp_core::{IfIndex, IfName};

use crate::error::Error;

/// How long the kernel has for one request.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// A connection to the kernel that changes things.
#[derive(Clone, Debug)]
pub struct Client {}

impl Client {
    /// Connects to the network namespace of the calling thread, and spawns the connection into the
    /// current Tokio runtime.
    pub fn connect() -> Result<Client, Error> {
        todo!()
    }

    /// Makes a dummy interface with that alias, and sets it up.
    pub async fn create_dummy(&self, _name: &IfName, _alias: &str) -> Result<(), Error> {
        todo!()
    }

    /// Deletes an interface.
    pub async fn delete_link(&self, _name: &IfName) -> Result<(), Error> {
        todo!()
    }

    /// Sets an interface administratively up.
    pub async fn set_up(&self, _index: IfIndex) -> Result<(), Error> {
        todo!()
    }

    /// Sets the carrier of an interface whose type lets user space do that (`NotSupported` otherwise).
    pub async fn set_carrier(&self, _index: IfIndex, _on: bool) -> Result<(), Error> {
        todo!()
    }

    /// Sets the alias of an interface.
    pub async fn set_alias(&self, _index: IfIndex, _alias: &str) -> Result<(), Error> {
        todo!()
    }

    /// Sets all four settings of an interface.
    pub async fn set_tunables(&self, _index: IfIndex, _tunables: &Tunables) -> Result<(), Error> {
        todo!()
    }

    /// Adds an address with our protocol number, without a prefix route, and without duplicate address
    /// detection in IPv6. `Exists` where it is there already, whoever's it is.
    pub async fn add_address(&self, _key: &AddressKey, _scope: Scope) -> Result<(), Error> {
        todo!()
    }

    /// Deletes exactly this address. The kernel does not look at whose it is; the caller does.
    pub async fn delete_address(&self, _key: &AddressKey) -> Result<(), Error> {
        todo!()
    }

    /// Installs a route of ours in the main table, gateway legs on-link. Without `replace`, `Exists` where
    /// a route of that destination and metric is there already, whoever's it is; with it, that one is
    /// replaced at once.
    pub async fn put_route(&self, _route: &Route, _replace: bool) -> Result<(), Error> {
        todo!()
    }

    /// Deletes a route of ours; never one of somebody else.
    pub async fn delete_route(&self, _key: &RouteKey) -> Result<(), Error> {
        todo!()
    }

    /// The interface of that name.
    pub async fn link_named(&self, _name: &IfName) -> Result<Option<Link>, Error> {
        todo!()
    }
}
