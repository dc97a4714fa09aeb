//! Requests to the kernel, one at a time, each with a deadline.
//!
//! A request to rtnetlink is carried out inside the system call that sends it, and may stand in a queue
//! there (for seconds, while somebody else deletes a full routing table): give the client a thread and a
//! runtime of its own that nothing urgent waits for.

use std::time::Duration;

use futures_util::StreamExt;
use ipmp_core::kernel::{AddressKey, Fact, Link, Scope, Tunables};
use ipmp_core::{IfIndex, IfName};
use netlink_packet_core::{
    ErrorMessage, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use nix::errno::Errno;
use rtnetlink::Handle;
use rtnetlink::sys::AsyncSocket;
use tokio::time::timeout;

use crate::error::{Cause, Error, Kind};
use crate::query::Query;
use crate::{request, wire};

mod handover;
mod route;

/// How long the kernel has for one request.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// A connection to the kernel that changes things.
#[derive(Clone, Debug)]
pub struct Client {
    handle: Handle,
}

impl Client {
    /// Connects to the network namespace of the calling thread, and spawns the connection into the
    /// current Tokio runtime.
    pub fn connect() -> Result<Client, Error> {
        let failed = |error| Error::new("connect to rtnetlink", Cause::Socket(error));
        let (mut connection, handle, _) = rtnetlink::new_connection().map_err(failed)?;
        connection.socket_mut().socket_mut().set_ext_ack(true).map_err(failed)?;
        // Else a connection that broke looks like one that had nothing to object.
        connection.set_forward_ack(true);
        tokio::spawn(connection);
        Ok(Client { handle })
    }

    /// Makes a dummy interface with that alias and no IPv6 address of its own, and sets it up. `NotSupported` where the kernel has none.
    pub async fn create_dummy(&self, name: &IfName, alias: &str) -> Result<(), Error> {
        let what = || format!("create dummy interface {name}");
        self.request(what, request::new_dummy(name), NLM_F_CREATE | NLM_F_EXCL).await?;
        let Some(link) = self.link_named(name).await? else {
            return Err(Error::new(what(), Cause::Broken("it vanished at once")));
        };
        self.set_alias(link.index, alias).await?;
        self.generate_no_addresses(link.index).await?;
        self.set_up(link.index).await
    }

    /// Deletes an interface.
    pub async fn delete_link(&self, name: &IfName) -> Result<(), Error> {
        self.request(|| format!("delete interface {name}"), request::delete_link(name), 0).await
    }

    /// Sets an interface administratively up.
    pub async fn set_up(&self, index: IfIndex) -> Result<(), Error> {
        self.request(|| format!("set interface {index} up"), request::set_up(index), 0).await
    }

    /// Sets the carrier of an interface whose type lets user space do that (`NotSupported` otherwise).
    pub async fn set_carrier(&self, index: IfIndex, on: bool) -> Result<(), Error> {
        let state = if on { "on" } else { "off" };
        self.request(|| format!("set carrier {state} on interface {index}"), request::set_carrier(index, on), 0).await
    }

    /// Sets the alias of an interface.
    pub async fn set_alias(&self, index: IfIndex, alias: &str) -> Result<(), Error> {
        self.request(|| format!("set the alias of interface {index}"), request::set_alias(index, alias), 0).await
    }

    /// Has the kernel give an interface that is down no IPv6 address of its own, by which it would also ask for
    /// routers (`addr_gen_mode` none). Where there is no IPv6 it has none anyway.
    pub async fn generate_no_addresses(&self, index: IfIndex) -> Result<(), Error> {
        let what = || format!("keep interface {index} free of IPv6 addresses");
        match self.request(what, request::generate_no_addresses(index), 0).await {
            Err(error) if error.kind() == Kind::NotSupported => Ok(()),
            other => other,
        }
    }

    /// Sets all four settings of an interface.
    pub async fn set_tunables(&self, index: IfIndex, tunables: &Tunables) -> Result<(), Error> {
        self.request(|| format!("tune interface {index}"), request::set_tunables(index, tunables), 0).await
    }

    /// Adds an address with our protocol number, without a prefix route, and without duplicate address
    /// detection in IPv6. `Exists` where it is there already, whoever's it is.
    pub async fn add_address(&self, key: &AddressKey, scope: Scope) -> Result<(), Error> {
        let what = || format!("add address {} to interface {}", key.address, key.index);
        self.request(what, request::new_address(key, scope), NLM_F_CREATE | NLM_F_EXCL).await
    }

    /// Deletes exactly this address. The kernel does not look at whose it is; the caller does.
    pub async fn delete_address(&self, key: &AddressKey) -> Result<(), Error> {
        let what = || format!("delete address {} from interface {}", key.address, key.index);
        self.request(what, request::delete_address(key), 0).await
    }

    /// The interface of that name.
    pub async fn link_named(&self, name: &IfName) -> Result<Option<Link>, Error> {
        let mut query = Query::open(format!("look up interface {name}"), DEADLINE)?;
        match query.get(request::link_named(name)) {
            Ok(Some(Fact::Link(link))) => Ok(Some(link)),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == Kind::NoDevice => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn request(
        &self,
        what: impl FnOnce() -> String,
        request: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<(), Error> {
        let mut message = NetlinkMessage::from(request);
        message.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        transact(self.handle.clone(), message).await.map_err(|cause| Error::new(what(), cause))
    }
}

async fn transact(mut handle: Handle, message: NetlinkMessage<RouteNetlinkMessage>) -> Result<(), Cause> {
    let closed = Cause::Broken("the connection to rtnetlink is closed");
    let Ok(mut answers) = handle.request(message) else { return Err(closed) };
    let Ok(answer) = timeout(DEADLINE, answers.next()).await else { return Err(Cause::Silence(DEADLINE)) };
    let (header, payload) = answer.ok_or(closed)?.into_parts();
    match payload {
        NetlinkPayload::Error(answer) => verdict(header.flags, &answer),
        _ => Err(Cause::Broken("the kernel answered with something else than an acknowledgement")),
    }
}

fn verdict(flags: u16, answer: &ErrorMessage) -> Result<(), Cause> {
    match answer.code {
        None => Ok(()),
        Some(code) => {
            Err(Cause::Kernel(Errno::from_raw(code.get().wrapping_neg()), wire::extended_ack(flags, &answer.header)))
        }
    }
}
