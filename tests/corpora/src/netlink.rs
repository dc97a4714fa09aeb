//! A datagram of an rtnetlink socket.

use ipmp_core::kernel::Fact;

/// Length of `struct nlmsghdr`: no message is shorter.
const HEADER_LEN: usize = 16;
/// Length of `struct rtnexthop`: no leg of a route takes less.
const NEXT_HOP_LEN: usize = 8;
/// Most facts that one message tells: a route that replaces another says that the other is gone.
const FACTS_PER_MESSAGE: usize = 2;

/// Takes the bytes for a datagram. What it tells is bounded by its length, is the same each time, and never
/// depends on what was told before.
pub fn netlink(datagram: &[u8]) {
    let mut facts = Vec::new();
    let decoded = ipmp_netlink::decode(datagram, &mut facts);

    assert!(facts.len() <= FACTS_PER_MESSAGE * (datagram.len() / HEADER_LEN), "{} facts", facts.len());
    let legs: usize = facts.iter().map(legs).sum();
    assert!(legs <= datagram.len() / NEXT_HOP_LEN, "{legs} legs");

    let told = facts.clone();
    assert_eq!(ipmp_netlink::decode(datagram, &mut facts), decoded);
    let (before, after) = facts.split_at(told.len());
    assert_eq!(before, told, "what was there is left alone");
    assert_eq!(after, told, "the same again");
}

fn legs(fact: &Fact) -> usize {
    match fact {
        Fact::Route(route) | Fact::LegAdded(route) | Fact::LegsGone(route) => route.legs.len(),
        _ => 0,
    }
}
