//! What belongs to others and changes hands (`ipmp_core::handover`).

use ipmp_core::kernel::{AddressKey, Scope};
use ipmp_core::{Foreign, ForeignKey};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::{Client, DEADLINE};
use crate::decode::kind;
use crate::error::{Error, Kind};
use crate::query::Query;
use crate::{foreign, request};

/// A request: the kind of the message, its flags, its payload.
type Request = (u16, u16, Vec<u8>);

impl Client {
    /// Removes what somebody else made. One that is gone counts as done. `with` is an address of ours that is added in
    /// the same datagram.
    pub async fn take(&self, foreign: &Foreign, with: Option<&AddressKey>) -> Result<(), Error> {
        let take = match &foreign.key {
            ForeignKey::Address(key) => (kind::DEL_ADDRESS, 0, request::payload(request::delete_address(key))),
            ForeignKey::Route(..) => (kind::DEL_ROUTE, 0, foreign.message.clone()),
        };
        let ours = with.map(|key| {
            let address = request::new_address(key, Scope::Global);
            (kind::NEW_ADDRESS, NLM_F_CREATE | NLM_F_EXCL, request::payload(address))
        });
        carry_out("take over what an interface had", [Some(take), ours])
    }

    /// Makes again what was taken. What is there already counts as done. `replaces` is an address of ours that goes in
    /// the same datagram.
    pub async fn give(&self, foreign: &Foreign, replaces: Option<&AddressKey>) -> Result<(), Error> {
        let ours = replaces.map(|key| (kind::DEL_ADDRESS, 0, request::payload(request::delete_address(key))));
        let kind = match foreign.key {
            ForeignKey::Address(_) => kind::NEW_ADDRESS,
            ForeignKey::Route(..) => kind::NEW_ROUTE,
        };
        let give = (kind, NLM_F_CREATE | NLM_F_EXCL, foreign::as_request(foreign));
        carry_out("give back what an interface had", [ours, Some(give)])
    }
}

/// The kernel carries out a datagram as a whole: whoever kills this program does not come between. What goes may be
/// gone, and what comes may be there.
fn carry_out(what: &str, requests: [Option<Request>; 2]) -> Result<(), Error> {
    let requests: Vec<Request> = requests.into_iter().flatten().collect();
    let verdicts = Query::open(what, DEADLINE)?.exchange(&requests)?;
    for ((kind, ..), verdict) in requests.iter().zip(verdicts) {
        let goes = matches!(*kind, kind::DEL_ADDRESS | kind::DEL_ROUTE);
        match verdict {
            Err(error) if goes && matches!(error.kind(), Kind::NotFound | Kind::NoDevice) => {}
            Err(error) if !goes && error.kind() == Kind::Exists => {}
            verdict => verdict?,
        }
    }
    Ok(())
}
