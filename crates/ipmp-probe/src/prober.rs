//! What probes one member and family, by whichever means.

use std::io;
use std::net::IpAddr;

use ipmp_core::{Event, Family, IfName, Instant, Means, ProbeId, Prober};
use nix::errno::Errno;
use rand::rngs::StdRng;

use self::icmp::IcmpProber;
use self::link::{Asker, LinkProber};
use crate::readiness::Readiness;
use crate::socket::Buffer;

mod icmp;
mod link;

/// How many sockets one may have.
pub(crate) const SOCKETS_MAX: usize = 2;

pub(crate) struct OpenProber {
    /// What it was opened as.
    spec: Prober,
    /// By which its readiness is known.
    pub token: u64,
    means: OpenMeans,
}

enum OpenMeans {
    Icmp(IcmpProber),
    Link {
        probes: LinkProber,
        /// Who asks all hosts, once there was an address to ask from: an answer needs one to go to.
        discovery: Option<IcmpProber>,
    },
}

impl OpenProber {
    pub fn open(spec: &Prober, token: u64, readiness: &Readiness, rng: &mut StdRng) -> io::Result<Self> {
        let Prober { member, index, .. } = spec;
        let link = |asker| {
            let probes = LinkProber::open(member, *index, asker)?;
            readiness.watch(&probes, token)?;
            io::Result::Ok(OpenMeans::Link { probes, discovery: None })
        };
        let means = match spec.means {
            Means::Arp(mac) => link(Asker::Arp(mac))?,
            Means::Ndp(mac, source) => link(Asker::Ndp(mac, source))?,
            Means::Icmp(source) => OpenMeans::Icmp(open_icmp(spec, source, token, readiness, rng)?),
        };
        Ok(Self { spec: spec.clone(), token, means })
    }

    pub fn is(&self, member: &IfName, family: Family) -> bool {
        self.spec.member == *member && self.spec.family() == family
    }

    /// Sends a probe, by ICMP of that packet length, or of the shortest.
    pub fn send(
        &mut self,
        probe: ProbeId,
        target: IpAddr,
        length: Option<u16>,
        rng: &mut StdRng,
    ) -> Result<Instant, Errno> {
        match &mut self.means {
            OpenMeans::Icmp(icmp) => icmp.send(probe, target, length, rng),
            OpenMeans::Link { probes, .. } => probes.send(probe, target),
        }
    }

    /// Asks all hosts on the link; from `source`, where probes have no address of their own.
    pub fn discover(&mut self, source: IpAddr, readiness: &Readiness, rng: &mut StdRng) -> Result<(), String> {
        let asker = match &mut self.means {
            OpenMeans::Icmp(icmp) => icmp,
            OpenMeans::Link { discovery, .. } => {
                discovery.take_if(|discovery| discovery.source != source);
                match discovery {
                    Some(discovery) => discovery,
                    None => {
                        let opened = open_icmp(&self.spec, source, self.token, readiness, rng);
                        discovery.insert(opened.map_err(|error| error.to_string())?)
                    }
                }
            }
        };
        asker.discover(rng).map_err(|error| error.desc().to_owned())
    }

    /// Takes what has arrived, up to [`crate::DRAIN_MAX`] from each socket.
    pub fn drain(&mut self, buffer: &mut Buffer, out: &mut Vec<Event>) {
        match &mut self.means {
            OpenMeans::Icmp(icmp) => icmp.drain(buffer, out),
            OpenMeans::Link { probes, discovery } => {
                probes.drain(buffer, out);
                if let Some(discovery) = discovery {
                    discovery.drain(buffer, out);
                }
            }
        }
    }
}

fn open_icmp(
    spec: &Prober,
    source: IpAddr,
    token: u64,
    readiness: &Readiness,
    rng: &mut StdRng,
) -> io::Result<IcmpProber> {
    let icmp = IcmpProber::open(&spec.member, spec.index, source, rng)?;
    readiness.watch(&icmp, token)?;
    Ok(icmp)
}
