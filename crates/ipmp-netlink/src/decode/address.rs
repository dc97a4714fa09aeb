//! `RTM_NEWADDR` and `RTM_DELADDR` (rtnetlink(7), `struct ifaddrmsg` in `linux/if_addr.h`).

use ipmp_core::kernel::{AddressInfo, AddressKey, PROTOCOL};

use super::{index, ip, net, scope};
use crate::wire::{attributes, word};

/// Length of `struct ifaddrmsg`.
pub(crate) const HEADER_LEN: usize = 8;
/// All flags, of which the header holds the first eight.
pub(crate) const IFA_FLAGS: u16 = 8;
/// Who made the address (Linux 5.18).
const IFA_PROTO: u16 = 11;

/// The address that a message is about. Its own address is `IFA_LOCAL`; where that is missing, as usual in
/// IPv6, `IFA_ADDRESS` is it, and else the peer's or the prefix.
pub(super) fn decode(payload: &[u8]) -> Option<(AddressKey, AddressInfo)> {
    let &[family, prefix_len, flags, scope_number] = payload.first_chunk()?;
    let index = index(word(payload, 4)?)?;
    let (mut local, mut address, mut ours, mut flags) = (None, None, false, u32::from(flags));
    for attribute in attributes(payload.get(HEADER_LEN..)?) {
        let (kind, value) = attribute?;
        match kind {
            libc::IFA_LOCAL => local = Some(ip(value)?),
            libc::IFA_ADDRESS => address = Some(ip(value)?),
            IFA_FLAGS => flags = word(value, 0)?,
            IFA_PROTO => ours = value.first() == Some(&PROTOCOL),
            _ => {}
        }
    }
    let tentative = flags & (libc::IFA_F_TENTATIVE | libc::IFA_F_DADFAILED) != 0;
    let address = net(family, local.or(address)?, prefix_len)?;
    Some((AddressKey { index, address }, AddressInfo { scope: scope(scope_number), ours, tentative }))
}
