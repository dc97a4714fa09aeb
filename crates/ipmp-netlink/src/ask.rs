//! Asking for one link, where a notification may come late or not at all (the kernel's link watch holds
//! back changes of carrier for up to a second; a question flushes them).

use std::io;

use ipmp_core::IfIndex;

use crate::request;
use crate::socket::Socket;

/// Sends questions on the socket of a [`crate::Monitor`]: an answer stands in its queue behind everything
/// that happened before, so it can never overtake a newer notification.
#[derive(Debug)]
pub struct Asker {
    socket: Socket,
}

impl Asker {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { socket }
    }

    /// Asks for a link. Returns once the kernel has put its answer into the monitor's queue; that may take
    /// as long as rtnetlink is busy with somebody else, so nothing urgent may wait for it.
    pub fn ask(&self, index: IfIndex) -> io::Result<()> {
        self.socket.send(&request::bytes(request::link(index), 0, 0))
    }
}
