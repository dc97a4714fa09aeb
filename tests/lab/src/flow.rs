//! A steady flow of numbered UDP packets from one station to another, and what becomes of each.
//!
//! One thread per flow sends at absolute moments and drains the receiver, whose packets carry the kernel's stamps,
//! so that a late reader does no harm. What the numbers mean is in [`crate::report`].

use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Socket, Type};

use crate::Namespace;
use crate::clock::{Ticker, nanos};
use crate::error::{Doing, Error, Result};
use crate::report::{Packet, Report, judge};
use crate::worker::Worker;

/// How long a packet may be under way before a report calls it lost.
const GRACE: Duration = Duration::from_millis(500);

/// Of a packet. The number takes the first eight.
const PAYLOAD_BYTES: usize = 64;

/// Room for what arrives while the receiving thread is not run.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;

/// A station and the address that it uses. The address need not be there yet.
pub type Station<'a> = (&'a Namespace, IpAddr);

/// A flow, running until it is dropped.
#[derive(Debug)]
pub struct Flow {
    started: SystemTime,
    questions: Option<Sender<Question>>,
    thread: Option<JoinHandle<()>>,
    _echo: Option<Worker>,
}

#[derive(Debug)]
struct Question {
    since: i64,
    until: i64,
    answer: Sender<Report>,
}

impl Flow {
    /// Starts to send so many packets a second one way.
    pub fn one_way(from: Station<'_>, to: Station<'_>, per_second: u32) -> Result<Self> {
        let receiver = open(to)?;
        let peer = receiver.local_addr().doing(|| "ask for the receiver's port")?;
        Self::start(open(from)?, receiver, peer, per_second, None)
    }

    /// Starts to send so many packets a second, each of which the other station returns. A packet counts as received
    /// when it is back.
    pub fn round_trip(from: Station<'_>, to: Station<'_>, per_second: u32) -> Result<Self> {
        let (sender, echo) = (open(from)?, open(to)?);
        let peer = echo.local_addr().doing(|| "ask for the echo's port")?;
        let receiver = sender.try_clone().doing(|| "copy a descriptor")?;
        let echo = Worker::spawn("echo", move |bell| {
            while bell.wait(&echo).unwrap_or(false) {
                // An echo that can not be sent is lost like any other packet.
                let _ = return_all(&echo);
            }
        })?;
        Self::start(sender, receiver, peer, per_second, Some(echo))
    }

    fn start(
        sender: UdpSocket,
        receiver: UdpSocket,
        peer: SocketAddr,
        per_second: u32,
        echo: Option<Worker>,
    ) -> Result<Self> {
        let interval = Duration::from_secs(1) / per_second.max(1);
        let (questions, asked) = channel();
        let meter = Meter { sender, receiver, peer, interval, packets: Vec::new() };
        let run = move || {
            if let Err(error) = meter.run(&asked) {
                eprintln!("a flow to {peer} ended: {error}");
            }
        };
        let thread = thread::Builder::new().name("flow".into()).spawn(run).doing(|| "start a thread")?;
        Ok(Flow { started: SystemTime::now(), questions: Some(questions), thread: Some(thread), _echo: echo })
    }

    /// What became of everything sent so far. Waits for what may still be under way, at most half a second.
    pub fn report(&self) -> Result<Report> {
        self.report_since(self.started)
    }

    /// What became of everything sent since then.
    pub fn report_since(&self, since: SystemTime) -> Result<Report> {
        self.report_between(since, SystemTime::now())
    }

    /// What became of everything sent in a span of time that is over.
    pub fn report_between(&self, since: SystemTime, until: SystemTime) -> Result<Report> {
        let ended = || Error::new("ask a flow for a report", "its thread has ended");
        let (answer, answered) = channel();
        let question = Question { since: nanos(since), until: nanos(until), answer };
        self.questions.as_ref().ok_or_else(ended)?.send(question).map_err(|_| ended())?;
        answered.recv().map_err(|_| ended())
    }

    /// Ends the flow with a report over its whole life.
    pub fn stop(self) -> Result<Report> {
        self.report()
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.questions = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed; a destructor adds nothing to it.
            let _ = thread.join();
        }
    }
}

/// The thread's side.
struct Meter {
    sender: UdpSocket,
    receiver: UdpSocket,
    peer: SocketAddr,
    interval: Duration,
    packets: Vec<Packet>,
}

impl Meter {
    /// Until nobody can ask any more.
    fn run(mut self, asked: &Receiver<Question>) -> io::Result<()> {
        let mut ticker = Ticker::new(self.interval)?;
        let mut open_questions: Vec<Question> = Vec::new();
        loop {
            ticker.wait()?;
            self.send();
            self.receive()?;
            match asked.try_recv() {
                Ok(question) => open_questions.push(question),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
            open_questions.retain(|question| !self.answers(question));
        }
    }

    fn send(&mut self) {
        let number = self.packets.len() as u64;
        let mut payload = [0; PAYLOAD_BYTES];
        payload[..8].copy_from_slice(&number.to_be_bytes());
        let sent = nanos(SystemTime::now());
        // The first call after an ICMP error reports that error instead of sending.
        let refused = (0..2).all(|_| self.sender.send_to(&payload, self.peer).is_err());
        self.packets.push(Packet { sent, refused, ..Packet::default() });
    }

    fn receive(&mut self) -> io::Result<()> {
        while let Some((number, at)) = next(&self.receiver)? {
            if let Some(packet) = usize::try_from(number).ok().and_then(|number| self.packets.get_mut(number)) {
                packet.received.get_or_insert(at);
                packet.copies += 1;
            }
        }
        Ok(())
    }

    /// Answers, unless something that the question is about may still be under way.
    fn answers(&self, question: &Question) -> bool {
        let end = self.packets.partition_point(|packet| packet.sent <= question.until);
        let begin = self.packets.partition_point(|packet| packet.sent < question.since).min(end);
        let packets = &self.packets[begin..end];
        let overdue = nanos(SystemTime::now()) - GRACE.as_nanos() as i64;
        let settled = |packet: &Packet| packet.received.is_some() || packet.refused || packet.sent < overdue;
        // Settled packets come mostly first, so that looking from the end finds the others soon.
        let all_settled = packets.iter().rev().all(settled);
        if all_settled {
            // Who asked may have gone away meanwhile.
            let _ = question.answer.send(judge(packets, self.interval.as_nanos() as i64));
        }
        all_settled
    }
}

/// A socket with this address, whether or not the station has it yet, and any port.
fn open((namespace, address): Station<'_>) -> Result<UdpSocket> {
    let opened = namespace.run(|| {
        let socket = Socket::new(Domain::for_address(SocketAddr::new(address, 0)), Type::DGRAM, None)?;
        match address {
            IpAddr::V4(_) => socket.set_freebind_v4(true)?,
            IpAddr::V6(_) => socket.set_freebind_v6(true)?,
        }
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        // Beyond net.core.rmem_max only in the initial user namespace.
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER_BYTES).is_err() {
            socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&SocketAddr::new(address, 0).into())?;
        Ok::<_, io::Error>(socket.into())
    })?;
    opened.doing(|| format!("open a UDP socket on {address}"))
}

/// The number of the next packet that has arrived, and when; none where none has.
fn next(socket: &UdpSocket) -> io::Result<Option<(u64, i64)>> {
    loop {
        let mut payload = [0; PAYLOAD_BYTES];
        let mut room = nix::cmsg_space!(TimeSpec);
        let mut slices = [IoSliceMut::new(&mut payload)];
        let received = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut room), MsgFlags::empty());
        let stamp = match &received {
            Ok(message) => message.cmsgs()?.find_map(|control| match control {
                ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at).as_nanos() as i64),
                _ => None,
            }),
            Err(nix::Error::EAGAIN) => return Ok(None),
            // ICMP errors for packets that were sent, and signals.
            Err(_) => continue,
        };
        let [a, b, c, d, e, f, g, h, ..] = payload;
        let at = stamp.unwrap_or_else(|| nanos(SystemTime::now()));
        return Ok(Some((u64::from_be_bytes([a, b, c, d, e, f, g, h]), at)));
    }
}

fn return_all(socket: &UdpSocket) -> io::Result<()> {
    let mut payload = [0; PAYLOAD_BYTES];
    loop {
        match socket.recv_from(&mut payload) {
            Ok((length, from)) => socket.send_to(&payload[..length], from).map(drop)?,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
