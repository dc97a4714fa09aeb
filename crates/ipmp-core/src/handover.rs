//! What belongs to others and changes hands: addresses and routes that an interface has when it becomes a member, and
//! gets back when its group is taken apart. Nothing else of others is ever touched.

use serde::{Deserialize, Serialize};

use crate::kernel::{AddressKey, Leg, RouteKey};

/// What changes hands with a configuration. Make before break: what is given is put in place before anything of ours
/// goes, and what is taken goes once everything of ours stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// To be removed: the group has it now.
    pub take: Vec<Foreign>,
    /// To be put in place, as it was before.
    pub give: Vec<Foreign>,
}

impl Handover {
    /// What undoes it.
    pub fn inverse(&self) -> Self {
        Self { take: self.give.clone(), give: self.take.clone() }
    }
}

/// An address or a route that does not carry our protocol number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Foreign {
    /// Which.
    pub key: ForeignKey,
    /// The payload of the message by which the kernel told of it (rtnetlink(7)), from which it is made again with all
    /// that belongs to it: what `ip address save` and `ip route save` keep.
    pub message: Vec<u8>,
}

/// What tells one from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ForeignKey {
    /// An address on an interface.
    Address(AddressKey),
    /// A route of the main table, with its legs.
    Route(RouteKey, Vec<Leg>),
}
