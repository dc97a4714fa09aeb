//! What the daemon sees of the probe engine.

use std::io;
use std::net::IpAddr;

use ipmp_core::{AddressCheck, Event, Family, IfName, Instant, ProbeId, Prober};
use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};

use crate::prober::OpenProber;
use crate::readiness::Readiness;
use crate::socket::Buffer;

/// All probe sockets of the host.
pub struct ProbeEngine {
    /// A cryptographic generator: nonces must not be guessed.
    rng: StdRng,
    readiness: Readiness,
    /// A few dozen at most; each under the token by which its readiness is known.
    probers: Vec<(u64, OpenProber)>,
    next_token: u64,
    /// For what arrives, one datagram at a time.
    buffer: Box<Buffer>,
}

impl ProbeEngine {
    /// An engine without sockets.
    ///
    /// # Errors
    /// The system gives no random numbers, or no file descriptor.
    ///
    /// # Panics
    /// Outside of a Tokio runtime that has I/O enabled.
    pub fn new() -> io::Result<Self> {
        let rng = StdRng::try_from_rng(&mut SysRng).map_err(io::Error::other)?;
        let (readiness, buffer) = (Readiness::new()?, Box::new(Buffer::new()));
        Ok(Self { rng, readiness, probers: Vec::new(), next_token: 0, buffer })
    }

    /// Opens the socket of a member and family. One that is open is closed first, also where the new one is
    /// refused; answers to its probes no longer count.
    ///
    /// # Errors
    /// A sentence that names the member: the interface is gone or is another, the test address is not on
    /// the host, or we lack CAP_NET_RAW.
    pub fn open(&mut self, spec: &Prober) -> io::Result<()> {
        self.close(&spec.member, spec.family());
        self.try_open(spec).map_err(|error| {
            let text = format!("cannot probe {} by {}: {error}", spec.family(), spec.member);
            io::Error::new(error.kind(), text)
        })
    }

    fn try_open(&mut self, spec: &Prober) -> io::Result<()> {
        let prober = OpenProber::open(spec, &mut self.rng)?;
        self.readiness.watch(prober.socket(), self.next_token)?;
        self.probers.push((self.next_token, prober));
        self.next_token += 1;
        Ok(())
    }

    /// Closes the socket of a member and family, if it is open.
    pub fn close(&mut self, member: &IfName, family: Family) {
        self.probers.retain(|(_, prober)| !prober.is(member, family));
    }

    /// Sends an echo request to `target`, straight onto the link of `member`, without waiting for anything.
    /// Its IP packet has `length` bytes, or as few as a probe can have, and is never fragmented. Gives the
    /// moment just before it was handed to the kernel.
    ///
    /// # Errors
    /// A sentence that says why it did not leave. Each is a lost probe, also one that is longer than the
    /// member takes, or a full send buffer; none has to do with another probe.
    pub fn send(
        &mut self,
        probe: ProbeId,
        member: &IfName,
        target: IpAddr,
        length: Option<u16>,
    ) -> Result<Instant, String> {
        let (prober, rng) = self.prober(member, Family::of(target))?;
        prober
            .send(probe, target, length, rng)
            .map_err(|error| format!("cannot send by {member} to {target}: {}", error.desc()))
    }

    /// Sends an echo request to all hosts on the link of `member` (IPMP behaviour, §3), without waiting for
    /// anything.
    ///
    /// # Errors
    /// A sentence that says why it did not leave.
    pub fn discover(&mut self, member: &IfName, source: IpAddr) -> Result<(), String> {
        let (prober, rng) = self.prober(member, Family::of(source))?;
        prober
            .discover(rng)
            .map_err(|error| format!("cannot send from {source} by {member} to all hosts: {}", error.desc()))
    }

    /// Asks once whether anybody has these addresses, and listens until the next call.
    pub fn check_addresses(&mut self, _checks: &[AddressCheck]) {}

    /// An open prober, and what makes its nonces.
    fn prober(&mut self, member: &IfName, family: Family) -> Result<(&mut OpenProber, &mut StdRng), String> {
        let open = self.probers.iter_mut().find(|(_, prober)| prober.is(member, family));
        let (_, prober) = open.ok_or_else(|| format!("no {family} probe socket is open on {member}"))?;
        Ok((prober, &mut self.rng))
    }

    /// Waits until something may be there for [`ProbeEngine::drain`]. Cancel safe. While no socket is open
    /// it waits for ever.
    pub async fn readable(&mut self) {
        self.readiness.readable().await;
    }

    /// Adds an event for each datagram that has arrived, whether or not [`ProbeEngine::readable`] told of it:
    /// [`Event::Reply`] for a probe's own first answer, [`Event::Discovered`] for a host's to
    /// [`ProbeEngine::discover`], [`Event::BadReply`] for anything else. Never blocks. Takes at most
    /// [`crate::DRAIN_MAX`] datagrams from each socket; what is beyond makes `readable` return again at once.
    pub fn drain(&mut self, out: &mut Vec<Event>) {
        for token in self.readiness.ready(self.probers.len()) {
            if let Some((_, prober)) = self.probers.iter_mut().find(|(known, _)| *known == token) {
                prober.drain(&mut self.buffer, out);
            }
        }
    }
}
