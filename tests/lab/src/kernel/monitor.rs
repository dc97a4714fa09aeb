//! What changes in a namespace, as the kernel tells everyone: to show that something was done, or that nothing was.
//!
//! The kernel queues the notifications, so that nothing has to run meanwhile.

use std::io;

use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};
use nix::sys::socket::{setsockopt, sockopt};

use super::link::{Link, name_of};
use super::socket::decode;
use super::{Address, Neighbour, Route, address, link, neighbour, route};
use crate::Namespace;
use crate::error::{Doing, Result};

/// Multicast groups (`RTNLGRP_*`): links, neighbours, addresses and routes of both families.
const GROUPS: [u32; 6] = [1, 3, 5, 7, 9, 11];

/// Room for thousands of notifications, where we may have it.
const QUEUE_BYTES: usize = 16 << 20;

/// A subscription to the changes of a namespace.
#[derive(Debug)]
pub struct Monitor {
    socket: Socket,
    /// Learnt from the notifications: those of links that are gone by now have names too.
    links: Vec<Link>,
}

/// A change. What is gone is given as it last was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Change {
    Link {
        gone: bool,
        link: Link,
    },
    Address {
        gone: bool,
        address: Address,
    },
    /// Of the main table. The kernel does not tell of IPv4 routes that go with their link.
    Route {
        gone: bool,
        route: Route,
    },
    /// Also when only the state of an entry changes, which it does by itself.
    Neighbour {
        gone: bool,
        neighbour: Neighbour,
    },
}

impl Monitor {
    /// Listens from now on.
    pub fn start(namespace: &Namespace) -> Result<Self> {
        let socket = namespace.run(open)?.doing(|| "subscribe to changes")?;
        Ok(Monitor { socket, links: namespace.links()? })
    }

    /// What changed since the last call. An error where more changed than the queue holds (`ENOBUFS`).
    pub fn changes(&mut self) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        loop {
            match self.socket.recv_from_full() {
                Ok((bytes, _)) => {
                    for message in decode(&bytes).doing(|| "understand a notification")? {
                        let NetlinkPayload::InnerMessage(message) = message.payload else { continue };
                        changes.extend(self.understand(message));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(changes),
                Err(error) => return Err(error).doing(|| "receive a notification"),
            }
        }
    }

    /// What changed since the last call, but for neighbours.
    pub fn writes(&mut self) -> Result<Vec<Change>> {
        let mut changes = self.changes()?;
        changes.retain(|change| !matches!(change, Change::Neighbour { .. }));
        Ok(changes)
    }

    fn understand(&mut self, message: RouteNetlinkMessage) -> Option<Change> {
        use RouteNetlinkMessage::{DelAddress, DelLink, DelNeighbour, DelRoute};
        use RouteNetlinkMessage::{NewAddress, NewLink, NewNeighbour, NewRoute};
        let gone = matches!(message, DelLink(_) | DelAddress(_) | DelRoute(_) | DelNeighbour(_));
        Some(match message {
            // Bridges tell of their ports in messages of their own family.
            NewLink(message) | DelLink(message) if message.header.interface_family == AddressFamily::Unspec => {
                let link = link::describe(message);
                self.links.retain(|known| known.index != link.index);
                self.links.push(link.clone());
                Change::Link { gone, link }
            }
            NewAddress(message) | DelAddress(message) => {
                let link = name_of(message.header.index, &self.links);
                Change::Address { gone, address: address::describe(link, message)? }
            }
            NewRoute(message) | DelRoute(message) => {
                Change::Route { gone, route: route::describe(message, &self.links)? }
            }
            NewNeighbour(message) | DelNeighbour(message) => {
                let link = name_of(message.header.ifindex, &self.links);
                Change::Neighbour { gone, neighbour: neighbour::describe(link, message)? }
            }
            _ => return None,
        })
    }
}

fn open() -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.set_non_blocking(true)?;
    if setsockopt(&socket, sockopt::RcvBufForce, &QUEUE_BYTES).is_err() {
        setsockopt(&socket, sockopt::RcvBuf, &QUEUE_BYTES)?;
    }
    GROUPS.into_iter().try_for_each(|group| socket.add_membership(group))?;
    Ok(socket)
}
