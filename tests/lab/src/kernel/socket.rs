//! One netlink socket: a request and its acknowledgement, a dump and its end. Blocking, one at a time.

use std::io;
use std::time::Duration;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_ALIGNTO, NetlinkMessage, NetlinkPayload, NlasIterator,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::TimeVal;

/// How long the kernel may take to answer; longer than any namespace takes to be torn down elsewhere.
const ANSWER_SECONDS: i64 = 20;

/// How often an interrupted dump is asked for again.
const DUMPS_MAX: u32 = 20;

/// `NLMSGERR_ATTR_MSG`: the kernel's own sentence about an error.
const ERROR_SENTENCE: u16 = 1;

#[derive(Debug)]
pub(crate) struct Netlink {
    socket: Socket,
    sequence: u32,
}

impl Netlink {
    /// Opens a socket in the namespace of the calling thread.
    pub(crate) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.set_ext_ack(true)?;
        socket.set_cap_ack(true)?;
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(ANSWER_SECONDS, 0))?;
        Ok(Netlink { socket, sequence: 0 })
    }

    /// Asks for a change, and returns when it is made or refused.
    pub(crate) fn change(&mut self, request: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.send(request, NLM_F_ACK | flags)?;
        loop {
            for message in self.receive()? {
                if let NetlinkPayload::Error(error) = message.payload {
                    return match error.code {
                        None => Ok(()),
                        Some(_) => Err(with_sentence(error.to_io(), &error.header)),
                    };
                }
            }
        }
    }

    /// Lists what `request` names; whole, or an error.
    pub(crate) fn dump(&mut self, request: RouteNetlinkMessage) -> io::Result<Vec<RouteNetlinkMessage>> {
        for _ in 0..DUMPS_MAX {
            if let Some(listed) = self.dump_once(request.clone())? {
                return Ok(listed);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(io::Error::other("the dump was interrupted again and again"))
    }

    fn dump_once(&mut self, request: RouteNetlinkMessage) -> io::Result<Option<Vec<RouteNetlinkMessage>>> {
        self.send(request, NLM_F_DUMP)?;
        let (mut listed, mut interrupted) = (Vec::new(), false);
        loop {
            for message in self.receive()? {
                interrupted |= message.header.flags & NLM_F_DUMP_INTR != 0;
                match message.payload {
                    NetlinkPayload::InnerMessage(item) => listed.push(item),
                    NetlinkPayload::Error(error) => return Err(error.to_io()),
                    NetlinkPayload::Done(done) if done.code < 0 => {
                        return Err(io::Error::from_raw_os_error(-done.code));
                    }
                    NetlinkPayload::Done(_) => return Ok((!interrupted).then_some(listed)),
                    _ => {}
                }
            }
        }
    }

    fn send(&mut self, request: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.sequence += 1;
        let mut message = NetlinkMessage::from(request);
        message.header.flags = NLM_F_REQUEST | flags;
        message.header.sequence_number = self.sequence;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send_to(&bytes, &SocketAddr::new(0, 0), 0).map(drop)
    }

    /// The answers in one datagram, without those to requests that were given up.
    fn receive(&mut self) -> io::Result<Vec<NetlinkMessage<RouteNetlinkMessage>>> {
        let (bytes, _) = self.socket.recv_from_full()?;
        let mut messages = decode(&bytes)?;
        messages.retain(|message| message.header.sequence_number == self.sequence);
        Ok(messages)
    }
}

/// The messages of one datagram.
pub(crate) fn decode(mut bytes: &[u8]) -> io::Result<Vec<NetlinkMessage<RouteNetlinkMessage>>> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(bytes).map_err(io::Error::other)?;
        let align = usize::from(NLMSG_ALIGNTO);
        let length = (message.header.length as usize).next_multiple_of(align);
        bytes = bytes.get(length..).unwrap_or_default();
        messages.push(message);
    }
    Ok(messages)
}

/// Behind the header of the request that failed stand attributes, one of them the reason in words.
fn with_sentence(error: io::Error, header_and_attributes: &[u8]) -> io::Error {
    const NETLINK_HEADER: usize = 16;
    let attributes = header_and_attributes.get(NETLINK_HEADER..).unwrap_or_default();
    let sentence = NlasIterator::new(attributes).flatten().find(|attribute| attribute.kind() == ERROR_SENTENCE);
    match sentence {
        Some(sentence) => {
            let words = String::from_utf8_lossy(sentence.value()).trim_end_matches('\0').to_owned();
            io::Error::new(error.kind(), format!("{words} ({error})"))
        }
        None => error,
    }
}
