//! What connects a NIC of the host to its switch, and what can go wrong there.

use pnet::util::MacAddr;

use crate::cable::{Cable, End};
use crate::error::Result;
use crate::{Frames, Namespace, Way};

/// The kind of wire between a NIC and its switch port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireKind {
    /// A veth pair. The kernel tells of its carrier at once, always.
    Veth,
    /// A [`Cable`] between two TAP devices: may be slow, and its carrier is told as late as that of a real NIC.
    /// Needs `/dev/net/tun`.
    Cable,
}

/// A port of the switch, and what can go wrong there.
#[derive(Clone, Debug)]
pub struct Port {
    switch: Namespace,
    name: String,
    bridge: &'static str,
}

impl Port {
    pub(crate) fn new(switch: &Namespace, name: &str, bridge: &'static str) -> Self {
        Port { switch: switch.clone(), name: name.into(), bridge }
    }

    /// Connects a new link of a station, which is left down.
    pub(crate) fn plug_in(&self, station: &Namespace, link: &str, mac: MacAddr) -> Result<()> {
        station.add_veth(link, mac, &self.switch, &self.name)?;
        self.attach()
    }

    fn attach(&self) -> Result<()> {
        self.switch.attach(&self.name, self.bridge)?;
        self.set_up(true)
    }

    /// The name of the link in the switch's namespace.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Disables or enables the port. At a veth wire the station loses or gains carrier at once.
    pub fn set_up(&self, up: bool) -> Result<()> {
        if up { self.switch.set_up(&self.name) } else { self.switch.set_down(&self.name) }
    }

    /// Drops everything in both ways, or forwards again. Carrier stays, and the switch forgets no hardware address.
    pub fn set_forwarding(&self, forwarding: bool) -> Result<()> {
        self.switch.set_forwarding(&self.name, forwarding)
    }

    /// Loses a share (0 to 1) of these frames; 0 ends it. See [`Namespace::lose`].
    pub fn lose(&self, way: Way, frames: Frames, share: f64) -> Result<()> {
        self.switch.lose(&self.name, way, frames, share)
    }

    /// Ends all faults of this port.
    pub fn mend(&self) -> Result<()> {
        self.switch.lose_nothing(&self.name)?;
        self.set_up(true)?;
        match self.set_forwarding(true) {
            // Its carrier is not back yet; when it is, the switch lets it forward.
            Err(error) if error.cause().raw_os_error() == Some(libc::ENETDOWN) => Ok(()),
            done => done,
        }
    }
}

/// A NIC of the host, its wire and its switch port.
#[derive(Debug)]
pub struct Member {
    number: usize,
    name: String,
    kind: WireKind,
    host: Namespace,
    port: Port,
    seed: u64,
    /// How often it was plugged in: each NIC has a hardware address of its own.
    plugged: u8,
    cable: Option<Cable>,
}

impl Member {
    /// Puts the NIC in.
    pub(crate) fn new(number: usize, kind: WireKind, host: &Namespace, port: Port, seed: u64) -> Result<Self> {
        let (name, host) = (format!("eth{number}"), host.clone());
        let mut member = Member { number, name, kind, host, port, seed, plugged: 0, cable: None };
        member.plug()?;
        Ok(member)
    }

    /// The name of the NIC in the host.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hardware address that the NIC came with.
    pub fn mac(&self) -> MacAddr {
        mac(self.number as u8, self.plugged)
    }

    /// The switch port that it is plugged into.
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// The cable, where it is one and the NIC is there. Its end [`End::A`] is the NIC.
    pub fn cable(&self) -> Option<&Cable> {
        self.cable.as_ref()
    }

    /// Pulls the wire, or plugs it in again. The NIC stays.
    pub fn set_carrier(&self, carrier: bool) -> Result<()> {
        match &self.cable {
            Some(cable) => cable.set_carrier(End::A, carrier),
            None => self.port.set_up(carrier),
        }
    }

    /// Lets nothing pass in either way while carrier stays; see [`Port::set_forwarding`].
    pub fn silence(&self) -> Result<()> {
        self.port.set_forwarding(false)
    }

    /// Loses a share (0 to 1) of these frames; 0 ends it. See [`Namespace::lose`].
    pub fn lose(&self, way: Way, frames: Frames, share: f64) -> Result<()> {
        self.port.lose(way, frames, share)
    }

    /// Ends all faults of the wire and of the port. An error where the NIC is unplugged.
    pub fn mend(&self) -> Result<()> {
        if let Some(cable) = &self.cable {
            cable.mend()?;
        }
        self.port.mend()
    }

    /// Takes the NIC out of the host.
    pub fn unplug(&mut self) -> Result<()> {
        match self.cable.take() {
            Some(cable) => drop(cable),
            None => self.host.delete_link(&self.name)?,
        }
        Ok(())
    }

    /// Puts another NIC of the same name in, with a hardware address of its own, and sets it up.
    pub fn plug(&mut self) -> Result<()> {
        self.plugged = self.plugged.wrapping_add(1);
        let (mac, port) = (self.mac(), &self.port);
        match self.kind {
            WireKind::Veth => port.plug_in(&self.host, &self.name, mac)?,
            WireKind::Cable => {
                self.cable = Some(Cable::new(&self.host, &self.name, &port.switch, &port.name, self.seed)?);
                self.host.set_mac(&self.name, mac)?;
                port.attach()?;
            }
        }
        self.host.set_up(&self.name)
    }
}

/// A locally administered hardware address.
pub(crate) fn mac(station: u8, number: u8) -> MacAddr {
    MacAddr::new(0x02, 0, 0, 0, station, number)
}
