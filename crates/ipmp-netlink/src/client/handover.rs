//! What belongs to others and changes hands (`ipmp_core::handover`).

use ipmp_core::Foreign;
use ipmp_core::kernel::AddressKey;

use super::Client;
use crate::error::{Cause, Error};

impl Client {
    /// Removes what somebody else made. One that is gone counts as done. `with` is added in the same datagram.
    pub async fn take(&self, _foreign: &Foreign, _with: Option<&AddressKey>) -> Result<(), Error> {
        Err(Error::new("take over", Cause::Broken("not built yet")))
    }

    /// Makes again what was taken. What is there already counts as done. `replaces` goes in the same datagram.
    pub async fn give(&self, _foreign: &Foreign, _replaces: Option<&AddressKey>) -> Result<(), Error> {
        Err(Error::new("give back", Cause::Broken("not built yet")))
    }
}
