//! Netlink framing: messages in a datagram, attributes in a message, words in a payload. It knows lengths
//! and alignment, and not what any message means. Nothing here panics, whatever the bytes are.

use netlink_packet_core::{NetlinkBuffer, NlasIterator};
use nix::errno::Errno;

use crate::error::Cause;

/// Length of `struct nlmsghdr`.
const HEADER_LEN: usize = 16;
/// Netlink aligns messages and attributes to this (`NLMSG_ALIGNTO`, `NLA_ALIGNTO`).
const ALIGN: usize = 4;
/// The end of a dump.
const DONE: u16 = libc::NLMSG_DONE as u16;
/// The text of an extended acknowledgement (`NLMSGERR_ATTR_MSG`).
const ERROR_TEXT: u16 = 1;

/// One message of a datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) sequence: u32,
    pub(crate) payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// Whether a flag (`NLM_F_*`) is set.
    pub(crate) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// What an `NLMSG_ERROR` or `NLMSG_DONE` says: none if all is well.
    pub(crate) fn verdict(&self) -> Option<Cause> {
        let code = word(self.payload, 0).map_or(0, |code| code as i32);
        if code == 0 {
            return None;
        }
        let rest = self.payload.get(4..).unwrap_or_default();
        // `DONE` does not quote the request.
        let text = if self.kind == DONE { extended_text(self.flags, rest) } else { extended_ack(self.flags, rest) };
        Some(Cause::Kernel(Errno::from_raw(code.wrapping_neg()), text))
    }
}

/// The messages of a datagram, up to the first whose length is impossible.
pub(crate) fn messages(datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let message = NetlinkBuffer::new_checked(rest).ok()?;
        let end = align(message.length() as usize).min(rest.len());
        rest = &rest[end..];
        Some(Message {
            kind: message.message_type(),
            flags: message.flags(),
            sequence: message.sequence_number(),
            payload: message.payload(),
        })
    })
}

/// Adds a message to a datagram.
pub(crate) fn put_message(datagram: &mut Vec<u8>, kind: u16, flags: u16, sequence: u32, payload: &[u8]) {
    let length = u32::try_from(HEADER_LEN + payload.len()).expect("no payload is of gigabytes");
    datagram.extend(length.to_ne_bytes());
    datagram.extend(kind.to_ne_bytes());
    datagram.extend(flags.to_ne_bytes());
    datagram.extend(sequence.to_ne_bytes());
    datagram.extend([0; 4]);
    datagram.extend(payload);
    datagram.resize(align(datagram.len()), 0);
}

/// The attributes of a payload, each with its kind and its value; `None` in place of one that is cut off,
/// and nothing after it.
pub(crate) fn attributes(payload: &[u8]) -> impl Iterator<Item = Option<(u16, &[u8])>> {
    NlasIterator::new(payload).map(|attribute| {
        let attribute = attribute.ok()?;
        let (kind, length) = (attribute.kind(), usize::from(attribute.length()));
        Some((kind, &attribute.into_inner()[ALIGN..length]))
    })
}

/// Adds an attribute to a payload. Of several of a kind the kernel takes the last.
pub(crate) fn put_attribute(payload: &mut Vec<u8>, kind: u16, value: [u8; 4]) {
    payload.resize(align(payload.len()), 0);
    payload.extend(8_u16.to_ne_bytes());
    payload.extend(kind.to_ne_bytes());
    payload.extend(value);
}

/// The text of a refusal, from what follows the error number in an `NLMSG_ERROR`: the header of the
/// request, its payload unless capped, and the attributes of the extended acknowledgement.
pub(crate) fn extended_ack(flags: u16, request: &[u8]) -> Option<String> {
    let quoted = match flags & netlink_packet_core::NLM_F_CAPPED {
        0 => word(request, 0)? as usize,
        _ => HEADER_LEN,
    };
    extended_text(flags, request.get(align(quoted)..)?)
}

fn extended_text(flags: u16, attributes_at: &[u8]) -> Option<String> {
    if flags & netlink_packet_core::NLM_F_ACK_TLVS == 0 {
        return None;
    }
    attributes(attributes_at).flatten().find(|(kind, _)| *kind == ERROR_TEXT).and_then(|(_, value)| text(value))
}

/// A NUL-terminated string.
pub(crate) fn text(value: &[u8]) -> Option<String> {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    String::from_utf8(value[..end].to_vec()).ok()
}

/// The 32-bit word at an offset, in the byte order of the host.
pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(word.try_into().ok()?))
}

fn align(length: usize) -> usize {
    length.checked_next_multiple_of(ALIGN).unwrap_or(usize::MAX)
}
