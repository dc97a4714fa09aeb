//! A TCP connection that carries a known pattern steadily: does it survive, is every byte the right one, and how long
//! did nothing arrive?

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::clock::Ticker;
use crate::error::{Doing, Result};
use crate::flow::Station;

/// How long the connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Every so often this much is written: 1 MB a second.
const WRITE_EVERY: Duration = Duration::from_millis(1);
const WRITE_BYTES: usize = 1024;

/// The pattern repeats after this many bytes, a prime, so that no lost segment fits where it does not belong.
const PATTERN_BYTES: u64 = 251;

/// A connection, carrying data until it is dropped.
#[derive(Debug)]
pub struct Stream {
    /// Both, because the end of one need not reach the other.
    ends: [TcpStream; 2],
    heard: Receiver<Heard>,
    threads: Vec<JoinHandle<()>>,
    report: StreamReport,
    last: Instant,
}

/// Something that happened at the receiver.
#[derive(Debug)]
enum Heard {
    Bytes { at: Instant, count: usize, intact: bool },
    Broken(String),
}

/// What became of a connection so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamReport {
    /// Bytes that arrived.
    pub bytes: u64,
    /// The longest time in which nothing arrived, the present one included.
    pub longest_silence: Duration,
    /// A byte was not the one that was sent.
    pub damaged: bool,
    /// Why the connection ended, if it did.
    pub broken: Option<String>,
}

impl Stream {
    /// Connects one station to another, and starts to send.
    pub fn start(from: Station<'_>, to: Station<'_>) -> Result<Self> {
        let (sender, receiver) = connect(from, to)?;
        let (hearing, heard) = channel();
        let copy = |end: &TcpStream| end.try_clone().doing(|| "copy a descriptor");
        let (ends, breaks) = ([copy(&sender)?, copy(&receiver)?], hearing.clone());
        let thread = |name: &str, job: Box<dyn FnOnce() + Send>| {
            thread::Builder::new().name(name.into()).spawn(job).doing(|| "start a thread")
        };
        let threads = vec![
            thread("stream-in", Box::new(move || read(receiver, &hearing)))?,
            thread("stream-out", Box::new(move || write(sender, &breaks)))?,
        ];
        Ok(Stream { ends, heard, threads, report: StreamReport::default(), last: Instant::now() })
    }

    /// What became of it since it began, or since silences were last forgotten.
    pub fn report(&mut self) -> StreamReport {
        let now = Instant::now();
        for heard in self.heard.try_iter() {
            match heard {
                Heard::Bytes { at, count, intact } => {
                    self.report.bytes += count as u64;
                    self.report.damaged |= !intact;
                    let silence = at.saturating_duration_since(self.last);
                    self.report.longest_silence = self.report.longest_silence.max(silence);
                    self.last = at;
                }
                Heard::Broken(why) => self.report.broken = self.report.broken.take().or(Some(why)),
            }
        }
        let mut report = self.report.clone();
        report.longest_silence = report.longest_silence.max(now.saturating_duration_since(self.last));
        report
    }

    /// Forgets silences, those until now.
    pub fn forget_silence(&mut self) {
        self.report();
        self.report.longest_silence = Duration::ZERO;
        self.last = self.last.max(Instant::now());
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        for end in &self.ends {
            // Fails where the connection is broken, and then its thread has ended.
            let _ = end.shutdown(Shutdown::Both);
        }
        for thread in self.threads.drain(..) {
            // A panic of the thread has been printed.
            let _ = thread.join();
        }
    }
}

fn connect((namespace, address): Station<'_>, (peer, peer_address): Station<'_>) -> Result<(TcpStream, TcpStream)> {
    let listen = || TcpListener::bind(SocketAddr::new(peer_address, 0));
    let listener = peer.run(listen)?.doing(|| format!("listen on {peer_address}"))?;
    let target = listener.local_addr().doing(|| "ask for the listener's port")?;
    let dial = || {
        let socket = Socket::new(Domain::for_address(target), Type::STREAM, None)?;
        socket.bind(&SocketAddr::new(address, 0).into())?;
        socket.connect_timeout(&target.into(), CONNECT_WITHIN)?;
        Ok::<_, io::Error>(socket.into())
    };
    let sender = namespace.run(dial)?.doing(|| format!("connect {address} to {target}"))?;
    let (receiver, _) = listener.accept().doing(|| "accept a connection")?;
    Ok((sender, receiver))
}

/// Until the connection ends, or nobody listens.
fn read(mut receiver: TcpStream, hearing: &Sender<Heard>) {
    let mut buffer = vec![0; 64 * 1024];
    let mut position = 0;
    loop {
        let count = match receiver.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return drop(hearing.send(Heard::Broken(format!("receiving: {error}")))),
        };
        let at = Instant::now();
        let intact = buffer[..count].iter().zip(position..).all(|(byte, position)| *byte == pattern(position));
        position += count as u64;
        if hearing.send(Heard::Bytes { at, count, intact }).is_err() {
            return;
        }
    }
}

/// Until the connection ends.
fn write(mut sender: TcpStream, breaks: &Sender<Heard>) {
    let mut position = 0;
    let mut steadily = || -> io::Result<()> {
        let mut ticker = Ticker::new(WRITE_EVERY)?;
        loop {
            ticker.wait()?;
            let bytes: [u8; WRITE_BYTES] = std::array::from_fn(|offset| pattern(position + offset as u64));
            sender.write_all(&bytes)?;
            position += WRITE_BYTES as u64;
        }
    };
    if let Err(error) = steadily() {
        // Nobody listens any more after an ordinary end.
        let _ = breaks.send(Heard::Broken(format!("sending: {error}")));
    }
}

fn pattern(position: u64) -> u8 {
    (position % PATTERN_BYTES) as u8
}
