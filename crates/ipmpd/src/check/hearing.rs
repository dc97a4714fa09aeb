//! Whether members hear each other: a broadcast frame from each, waited for on the others. It knows links and frames,
//! and nothing of groups but that frames are expected within one.
//!
//! The frames are of the EtherType that is left to local experiments (IEEE 802-2014 §9.2.4), so that no host takes
//! them for anything, and carry a number that is drawn for each run. Their sender is the link's own hardware address,
//! which teaches a switch nothing new.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use ipmp_core::{IfIndex, Mac};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv, send};
use socket2::{Domain, SockAddr, SockAddrStorage, Socket, Type};

/// Local experimental EtherType 1.
const ETHER_TYPE: u16 = 0x88b5;

/// When each round of frames has had its time, after the first was sent. A switch may lose one; nobody loses four.
const ROUNDS: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(300), Duration::from_millis(600), Duration::from_millis(1000)];

/// Where the payload of a frame begins.
const PAYLOAD: usize = 14;
const COOKIE: usize = 16;
/// The cookie, and the number of the station.
const USED: usize = PAYLOAD + COOKIE + 2;
/// The shortest frame of Ethernet, without its checksum.
const FRAME: usize = 60;

/// A link that sends and listens.
#[derive(Clone, Debug)]
pub struct Station {
    /// Its name.
    pub name: String,
    /// Its number.
    pub index: IfIndex,
    /// Its hardware address.
    pub mac: Mac,
}

/// Who heard whom.
#[derive(Clone, Debug, Default)]
pub struct Hearing {
    /// The links that could send and listen all the time.
    pub tested: BTreeSet<String>,
    /// From which to which a frame came.
    pub heard: BTreeSet<(String, String)>,
}

/// Has all stations send and listen at once, for as long as frames are missing within a group, and at most a second.
/// Those of groups of one are silent.
pub fn listen(groups: impl Iterator<Item = Vec<Station>>) -> Hearing {
    let mut party = Party::default();
    for (group, stations) in groups.enumerate() {
        let ears: Vec<_> = stations.into_iter().filter_map(|station| Ear::open(station, group).ok()).collect();
        if ears.len() > 1 {
            party.ears.extend(ears);
        }
    }
    let cookie: [u8; COOKIE] = rand::random();
    let begun = Instant::now();
    for until in ROUNDS {
        if party.is_complete() {
            break;
        }
        party.send(&cookie);
        party.receive(&cookie, begun + until);
    }
    party.result()
}

#[derive(Default)]
struct Party {
    ears: Vec<Ear>,
    /// By their places among the ears.
    heard: BTreeSet<(usize, usize)>,
}

struct Ear {
    station: Station,
    group: usize,
    socket: Socket,
    works: bool,
}

impl Party {
    fn send(&mut self, cookie: &[u8; COOKIE]) {
        for (number, ear) in self.ears.iter_mut().enumerate() {
            let frame = frame(ear.station.mac, cookie, number as u16);
            ear.works &= send(ear.socket.as_raw_fd(), &frame, MsgFlags::MSG_DONTWAIT).is_ok();
        }
    }

    /// Listens until everything was heard, or until then.
    fn receive(&mut self, cookie: &[u8; COOKIE], until: Instant) {
        while !self.is_complete() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.wait(left) {
                return;
            }
            for (to, ear) in self.ears.iter_mut().enumerate() {
                let heard = ear.drain(cookie).into_iter().map(|from| (from, to));
                self.heard.extend(heard);
            }
        }
    }

    /// Whether anything came within that time.
    fn wait(&self, left: Duration) -> bool {
        let mut fds: Vec<_> = self.ears.iter().map(|ear| PollFd::new(ear.socket.as_fd(), PollFlags::POLLIN)).collect();
        let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        matches!(poll(&mut fds, timeout), Ok(1..) | Err(nix::errno::Errno::EINTR))
    }

    /// Whether everyone who can was heard by everyone of its group.
    fn is_complete(&self) -> bool {
        let able: Vec<_> = self.ears.iter().enumerate().filter(|(_, ear)| ear.works).collect();
        able.iter().all(|(from, sender)| {
            let listeners = able.iter().filter(|(to, listener)| to != from && listener.group == sender.group);
            listeners.into_iter().all(|(to, _)| self.heard.contains(&(*from, *to)))
        })
    }

    fn result(self) -> Hearing {
        let name = |place: usize| self.ears.get(place).map(|ear| ear.station.name.clone());
        Hearing {
            heard: self.heard.iter().filter_map(|&(from, to)| Some((name(from)?, name(to)?))).collect(),
            tested: self.ears.into_iter().filter(|ear| ear.works).map(|ear| ear.station.name).collect(),
        }
    }
}

impl Ear {
    fn open(station: Station, group: usize) -> io::Result<Self> {
        // It is given nothing before it is bound.
        let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking(), None)?;
        socket.bind(&link(station.index))?;
        Ok(Self { station, group, socket, works: true })
    }

    /// The numbers of those whose frames have come. A link that fails hears no more.
    fn drain(&mut self, cookie: &[u8; COOKIE]) -> Vec<usize> {
        let (mut heard, mut buffer) = (Vec::new(), [0; FRAME]);
        loop {
            match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(length) => heard.extend(sender(&buffer[..length], cookie)),
                Err(nix::errno::Errno::EINTR) => {}
                Err(nix::errno::Errno::EAGAIN) => return heard,
                Err(_) => {
                    self.works = false;
                    return heard;
                }
            }
        }
    }
}

/// A broadcast of this station.
pub(super) fn frame(from: Mac, cookie: &[u8; COOKIE], number: u16) -> [u8; FRAME] {
    let mut frame = [0; FRAME];
    frame[..6].fill(0xff);
    frame[6..12].copy_from_slice(&from.0);
    frame[12..PAYLOAD].copy_from_slice(&ETHER_TYPE.to_be_bytes());
    frame[PAYLOAD..PAYLOAD + COOKIE].copy_from_slice(cookie);
    frame[PAYLOAD + COOKIE..USED].copy_from_slice(&number.to_be_bytes());
    frame
}

/// Whose frame it is, if it is one of this run.
pub(super) fn sender(frame: &[u8], cookie: &[u8; COOKIE]) -> Option<usize> {
    let payload = frame.get(PAYLOAD..USED)?;
    let (theirs, number) = payload.split_at(COOKIE);
    (theirs == cookie).then(|| usize::from(u16::from_be_bytes([number[0], number[1]])))
}

/// Frames of our kind, on that link (packet(7)).
fn link(index: IfIndex) -> SockAddr {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: sockaddr_ll is plain data that fits in the storage and for which all zeroes are valid.
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = libc::AF_PACKET as libc::c_ushort;
    link.sll_protocol = ETHER_TYPE.to_be();
    link.sll_ifindex = index.0 as libc::c_int;
    // SAFETY: the storage holds a sockaddr_ll.
    unsafe { SockAddr::new(storage, size_of::<libc::sockaddr_ll>() as libc::socklen_t) }
}
