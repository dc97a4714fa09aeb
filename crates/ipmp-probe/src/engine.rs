//! What the daemon sees of the probe engine.

use std::io;
use std::net::IpAddr;

use ipmp_core::{AddressCheck, Event, Family, IfName, Instant, ProbeId, Prober};
use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};

use crate::checks::Checks;
use crate::prober::{OpenProber, SOCKETS_MAX};
use crate::readiness::Readiness;
use crate::socket::Buffer;

/// All probe sockets of the host.
pub struct ProbeEngine {
    /// A cryptographic generator: nonces must not be guessed.
    rng: StdRng,
    readiness: Readiness,
    /// A few dozen at most.
    probers: Vec<OpenProber>,
    checks: Checks,
    /// The readiness of each socket is known by a token.
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
        Ok(Self { rng, readiness, probers: Vec::new(), checks: Checks::default(), next_token: 0, buffer })
    }

    /// Opens the socket of a member and family. One that is open is closed first, also where the new one is
    /// refused; answers to its probes no longer count.
    ///
    /// # Errors
    /// A sentence that names the member: the interface is gone or is another, the test address is not on
    /// the host, or we lack CAP_NET_RAW.
    pub fn open(&mut self, spec: &Prober) -> io::Result<()> {
        self.close(&spec.member, spec.family());
        let prober = OpenProber::open(spec, self.next_token, &self.readiness, &mut self.rng).map_err(|error| {
            let text = format!("cannot probe {} by {}: {error}", spec.family(), spec.member);
            io::Error::new(error.kind(), text)
        })?;
        self.next_token += 1;
        self.probers.push(prober);
        Ok(())
    }

    /// Closes the socket of a member and family, if it is open.
    pub fn close(&mut self, member: &IfName, family: Family) {
        self.probers.retain(|prober| !prober.is(member, family));
    }

    /// Sends a probe to `target`, straight onto the link of `member`, without waiting for anything. The IP
    /// packet of an echo request has `length` bytes, or as few as a probe can have, and is never fragmented;
    /// the other probes have but one length. Gives the moment just before it was handed to the kernel.
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
        let Self { probers, rng, .. } = self;
        find(probers, member, Family::of(target))?
            .send(probe, target, length, rng)
            .map_err(|error| format!("cannot send by {member} to {target}: {}", error.desc()))
    }

    /// Sends an echo request to all hosts on the link of `member` (IPMP behaviour, §3), without waiting for
    /// anything. It is from `source`, but where the member is probed from an address from that one.
    ///
    /// # Errors
    /// A sentence that says why it did not leave.
    pub fn discover(&mut self, member: &IfName, source: IpAddr) -> Result<(), String> {
        let Self { probers, readiness, rng, .. } = self;
        find(probers, member, Family::of(source))?
            .discover(source, readiness, rng)
            .map_err(|error| format!("cannot send from {source} by {member} to all hosts: {error}"))
    }

    /// Asks once whether anybody has these addresses, without waiting for anything, and listens until the
    /// next call: who has one, or is about to take it, is told by [`Event::AddressTaken`]. What cannot be
    /// asked, by an interface that is gone or down, is not answered.
    pub fn check_addresses(&mut self, checks: &[AddressCheck]) {
        self.checks.ask(checks, &self.readiness, &mut self.next_token);
    }

    /// Waits until something may be there for [`ProbeEngine::drain`]. Cancel safe. While no socket is open
    /// it waits for ever.
    pub async fn readable(&mut self) {
        self.readiness.readable().await;
    }

    /// Adds an event for each datagram that has arrived, whether or not [`ProbeEngine::readable`] told of it:
    /// [`Event::Reply`] for a probe's own first answer, [`Event::Discovered`] for a host's to
    /// [`ProbeEngine::discover`], [`Event::AddressTaken`] for another's claim to an address that
    /// [`ProbeEngine::check_addresses`] asked for, [`Event::BadReply`] for what else may seem to be an answer.
    /// Never blocks. Takes at most [`crate::DRAIN_MAX`] datagrams from each socket; what is beyond makes
    /// `readable` return again at once.
    pub fn drain(&mut self, out: &mut Vec<Event>) {
        let Self { probers, checks, buffer, .. } = self;
        let sockets = probers.len() * SOCKETS_MAX + checks.sockets();
        for token in self.readiness.ready(sockets) {
            match probers.iter_mut().find(|prober| prober.token == token) {
                Some(prober) => prober.drain(buffer, out),
                None => checks.drain(token, buffer, out),
            }
        }
    }
}

fn find<'a>(probers: &'a mut [OpenProber], member: &IfName, family: Family) -> Result<&'a mut OpenProber, String> {
    let open = probers.iter_mut().find(|prober| prober.is(member, family));
    open.ok_or_else(|| format!("no {family} probe socket is open on {member}"))
}
