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

    /// Makes of this what comes to the same as `first`, and then this. What is done last to a thing is what counts.
    pub fn after(&mut self, first: Self) {
        let known = |foreign: &Foreign| self.take.iter().chain(&self.give).any(|known| known.key == foreign.key);
        let (take, give): (Vec<Foreign>, Vec<Foreign>) = (
            first.take.into_iter().filter(|foreign| !known(foreign)).collect(),
            first.give.into_iter().filter(|foreign| !known(foreign)).collect(),
        );
        self.take.extend(take);
        self.give.extend(give);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::IfIndex;

    fn address(last: u8) -> Foreign {
        let address = format!("192.0.2.{last}/24").parse().expect("an address");
        Foreign { key: ForeignKey::Address(AddressKey { index: IfIndex(2), address }), message: vec![] }
    }

    #[test]
    fn what_was_taken_and_given_back_again_is_given_in_the_end() {
        let taken = Handover { take: vec![address(1)], give: vec![] };
        let given = Handover { take: vec![], give: vec![address(1), address(2)] };
        let mut undone = taken.inverse();
        undone.after(given.inverse());
        assert_eq!(undone, Handover { take: vec![address(2)], give: vec![address(1)] });
    }
}
