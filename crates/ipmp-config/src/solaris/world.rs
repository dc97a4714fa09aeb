//! Interfaces as Solaris has them: IPMP interfaces and links, each with logical interfaces (units) in two families.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::steps::{Family, Written};
use super::{Held, State};

/// Logical interfaces of one interface, as the kernel of Solaris has at most: a slip in a number is no memory gone.
const UNITS_MAX: usize = 8192;

/// Everything that there is.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) interfaces: Vec<Interface>,
    /// Names that exist besides; none where any name may be a link's, as while files are read.
    pub(super) links: Option<BTreeSet<String>>,
}

/// One interface.
#[derive(Clone, Debug)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) role: Role,
    inet: Vec<Unit>,
    inet6: Vec<Unit>,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// An IPMP interface, with the name of its group.
    Ipmp { group: String },
    /// A link, with the IPMP interface of its group if it is in one.
    Link { under: Option<String>, standby: bool },
}

/// One logical interface. Without an address it is a place holder, 0.0.0.0 or the link-local address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) address: Option<Written>,
    pub(super) up: bool,
    /// NOFAILOVER: it stays where it is.
    pub(super) test: bool,
}

impl World {
    pub(super) fn of(state: &State) -> Self {
        let mut world = Self { interfaces: Vec::new(), links: Some(state.links.clone()) };
        for known in &state.groups {
            let name = known.interface.to_string();
            for member in &known.members {
                let role = Role::Link { under: Some(name.clone()), standby: member.standby };
                let mut interface = Interface::new(member.interface.as_str(), role);
                interface.fill(&member.addresses, true);
                world.interfaces.push(interface);
            }
            let mut interface = Interface::new(&name, Role::Ipmp { group: known.name.clone() });
            interface.fill(&known.addresses, false);
            world.interfaces.push(interface);
        }
        world
    }

    pub(super) fn get(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Interface> {
        self.interfaces.iter_mut().find(|interface| interface.name == name)
    }

    /// An interface that is there, or comes to be known by being named.
    pub(super) fn named(&mut self, name: &str) -> Result<&mut Interface, String> {
        if self.get(name).is_none() {
            if self.links.as_ref().is_some_and(|links| !links.contains(name)) {
                return Err(format!(
                    "{name}: no such interface; an IPMP interface is made by `ifconfig {name} ipmp`, or by naming a new group \
                     for an interface that exists"
                ));
            }
            self.interfaces.push(Interface::new(name, Role::Link { under: None, standby: false }));
        }
        Ok(self.get_mut(name).expect("it is there now"))
    }

    /// The IPMP interface of the group of that name.
    pub(super) fn ipmp_of(&self, group: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.group() == Some(group))
    }

    /// The members of an IPMP interface.
    pub(super) fn members_of(&self, ipmp: &str) -> impl Iterator<Item = &Interface> {
        self.interfaces.iter().filter(move |interface| interface.under() == Some(ipmp))
    }

    /// The interface, other than that unit, that has an address.
    pub(super) fn holder(&self, address: IpAddr) -> Option<(&Interface, usize)> {
        self.interfaces.iter().find_map(|interface| {
            let mut units = interface.units(Family::of(address)).iter();
            let unit = units.position(|unit| unit.address.is_some_and(|held| held.address == address))?;
            Some((interface, unit))
        })
    }

    /// An address belongs to a group, or is none of this program's business.
    pub(super) fn refuse_homeless(&self) -> Result<(), String> {
        for interface in self.interfaces.iter().filter(|interface| interface.is_ungrouped()) {
            let name = &interface.name;
            if let Some((address, _)) = interface.addresses().next() {
                return Err(format!(
                    "{name} is in no group, so {} is not for ipmpd to set; join a group in the same command \
                     (`ifconfig {name} group G …`), or use `ip address`",
                    address.address
                ));
            }
            if interface.role == (Role::Link { under: None, standby: true }) {
                return Err(format!(
                    "{name} is in no group; `standby` is remembered only of a member, so put `group G` before it"
                ));
            }
        }
        Ok(())
    }

    /// Addresses that are down on a member, and were not before, and are not marked as test addresses.
    pub(super) fn down_without_flag(&self, before: &World) -> Vec<String> {
        let members = self.interfaces.iter().filter(|interface| interface.under().is_some());
        let unmarked = members.flat_map(|interface| {
            let units = interface.inet.iter().chain(&interface.inet6).filter(|unit| !unit.up && !unit.test);
            units.filter_map(move |unit| Some((interface, unit.address?.address)))
        });
        let new = unmarked.filter(|(_, address)| before.holder(*address).is_none());
        new.map(|(interface, address)| {
            format!(
                "{address} is kept as a test address of {0} that is down; to make it a data address, give it to the IPMP \
                 interface, or say `up` in the same command",
                interface.name
            )
        })
        .collect()
    }
}

impl Interface {
    pub(super) fn new(name: &str, role: Role) -> Self {
        Self { name: name.to_owned(), role, inet: vec![Unit::default()], inet6: vec![Unit::default()] }
    }

    fn fill(&mut self, addresses: &[Held], test: bool) {
        for (net, down) in addresses {
            let written = Written { address: net.addr(), length: Some(net.prefix_len()) };
            let unit = self.free_unit(Family::of(net.addr()));
            *unit = Unit { address: Some(written), up: !down, test };
        }
    }

    pub(super) fn is_ipmp(&self) -> bool {
        matches!(self.role, Role::Ipmp { .. })
    }

    fn is_ungrouped(&self) -> bool {
        matches!(self.role, Role::Link { under: None, .. })
    }

    /// Of an IPMP interface the group's name.
    pub(super) fn group(&self) -> Option<&str> {
        match &self.role {
            Role::Ipmp { group } => Some(group),
            Role::Link { .. } => None,
        }
    }

    /// Of a member its IPMP interface.
    pub(super) fn under(&self) -> Option<&str> {
        match &self.role {
            Role::Link { under, .. } => under.as_deref(),
            Role::Ipmp { .. } => None,
        }
    }

    pub(super) fn units(&self, family: Family) -> &[Unit] {
        match family {
            Family::Inet => &self.inet,
            Family::Inet6 => &self.inet6,
        }
    }

    pub(super) fn units_mut(&mut self, family: Family) -> &mut Vec<Unit> {
        match family {
            Family::Inet => &mut self.inet,
            Family::Inet6 => &mut self.inet6,
        }
    }

    pub(super) fn unit_mut(&mut self, family: Family, number: usize) -> Result<&mut Unit, String> {
        let (name, count) = (self.name.clone(), self.units(family).len());
        self.units_mut(family).get_mut(number).ok_or_else(|| {
            format!("{name} has no logical interface {number}: it has {count}, which are counted from 0")
        })
    }

    /// A logical interface of that number, with all below it.
    pub(super) fn make_unit(&mut self, family: Family, number: usize) -> Result<(), String> {
        if number >= UNITS_MAX {
            return Err(format!("{}:{number}: logical interfaces are numbered below {UNITS_MAX}", self.name));
        }
        let units = self.units_mut(family);
        units.resize(units.len().max(number + 1), Unit::default());
        Ok(())
    }

    /// The first place holder, or a new unit.
    pub(super) fn free_unit(&mut self, family: Family) -> &mut Unit {
        let units = self.units_mut(family);
        let number = units.iter().position(|unit| unit.address.is_none()).unwrap_or(units.len());
        if number == units.len() {
            units.push(Unit::default());
        }
        &mut units[number]
    }

    /// Its addresses, and whether they are up.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (Written, bool)> {
        let units = self.inet.iter().chain(&self.inet6);
        units.filter_map(|unit| unit.address.map(|address| (address, unit.up)))
    }
}
