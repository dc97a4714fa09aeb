//! What people, cables and other programs do to the host: every fault and every operation, and chance.

mod deeds;
mod draw;
mod edit;

use std::net::IpAddr;
use std::time::Duration;

use ipmp_core::Mac;

use crate::network::{Host, Path};
use crate::site::Port;
use crate::world::Weather;

pub use deeds::STRANGER;
pub use draw::draw;

/// Something that is done at a moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// The path of a NIC becomes this.
    Path(Port, Path),
    /// A segment goes dark, or comes back.
    Dark(u8, bool),
    /// A host becomes like this.
    Host(IpAddr, Host),
    /// A host of the network takes an address that is none of the site's, or gives it back.
    Stranger(IpAddr, bool),
    /// A cable is plugged, or pulled.
    Cable(Port, bool),
    /// Someone sets an interface administratively up or down.
    Up(Port, bool),
    /// A NIC is plugged, and set up by the host's scripts; or pulled out.
    Nic(Port, bool),
    /// An interface gets another name, or its own again.
    Renamed(Port, bool),
    /// An interface gets another hardware address.
    Mac(Port, Mac),
    /// The administrator edits the file and reloads.
    Reload,
    /// The administrator takes a member offline, or online.
    Service(Port, bool),
    /// The daemon is killed.
    Kill,
    /// It is started, unless it runs.
    Start,
    /// It gets no processor; with `true` the whole machine stops, as in a suspend: to it the clock jumps.
    Stall(Duration, bool),
    /// The kernel behaves like this.
    Weather(Weather),
    /// Somebody deletes one of our addresses or routes.
    ForeignDelete,
    /// Somebody adds an address and a route of his own.
    ForeignAdd(Port),
    /// Somebody replaces one of our routes by his own.
    ForeignSeize,
    /// And takes his routes away.
    ForeignRelease,
}
