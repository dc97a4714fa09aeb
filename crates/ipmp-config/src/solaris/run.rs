//! Carries out commands on a world, step by step: the order of words counts.

use std::net::IpAddr;

use super::steps::{Command, Family, Step, Written};
use super::world::{Interface, Role, Unit, World};

/// The world while commands are carried out, and what is to be said of it.
pub(super) struct Run<'a> {
    world: &'a mut World,
    pub(super) said: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// What the next step is about.
struct Cursor<'a> {
    name: &'a str,
    family: Family,
    unit: usize,
    /// Whether the command named a logical interface.
    logical: bool,
    /// Whether it makes that logical interface, if there is none.
    makes: bool,
    /// An address that this command brought up, and where it went.
    moved: Option<(IpAddr, String)>,
}

impl<'a> Run<'a> {
    pub(super) fn new(world: &'a mut World) -> Self {
        Self { world, said: Vec::new(), warnings: Vec::new() }
    }

    pub(super) fn command(&mut self, command: &Command) -> Result<(), String> {
        // A logical interface without an address is not remembered here, so `plumb` may have been a command of its own.
        let makes = |step: &Step| matches!(step, Step::Plumb | Step::Address(_));
        let logical = command.unit.is_some();
        let mut at = Cursor {
            name: &command.interface,
            family: Family::Inet,
            unit: command.unit.unwrap_or(0),
            logical,
            makes: logical && command.steps.iter().any(makes),
            moved: None,
        };
        command.steps.iter().try_for_each(|step| self.step(step, &mut at))
    }

    fn step(&mut self, step: &Step, at: &mut Cursor<'_>) -> Result<(), String> {
        match step {
            Step::Plumb => self.world.named(at.name).map(drop),
            Step::Unplumb => self.unplumb(at),
            Step::Ipmp if at.logical => Err(no_logical(at, "ipmp")),
            Step::Ipmp => self.world.create_ipmp(at.name),
            Step::Family(family) => {
                at.family = *family;
                Ok(())
            }
            Step::Group(_) if at.logical => Err(no_logical(at, "group")),
            Step::Group(group) => self.group(at, group),
            Step::Address(written) => self.set_address(at, *written),
            Step::AddIf(written) => self.add_logical(at, *written),
            Step::RemoveIf(address) => self.remove_logical(at, *address),
            Step::Netmask(length) => self.netmask(at, *length),
            Step::Up => self.bring_up(at),
            Step::Down => {
                self.unit(at)?.up = false;
                Ok(())
            }
            Step::Failover(moves) => self.failover(at, *moves),
            Step::Standby(standby) => self.standby(at, *standby),
            Step::Dhcp => Err("addresses by DHCP are not for groups: a data address has to be known before (give the \
                               address itself, or leave the interface out of the group)"
                .into()),
            Step::Idle(words) => {
                self.warnings.push(format!("{}: `{words}` has no effect here", at.name));
                Ok(())
            }
            Step::Silent => Ok(()),
        }
    }

    fn group(&mut self, at: &Cursor<'_>, group: &str) -> Result<(), String> {
        let gone: Vec<_> = match self.world.get(at.name) {
            Some(interface) if group.is_empty() && !interface.is_ipmp() => {
                interface.addresses().map(|(held, _)| held.address.to_string()).collect()
            }
            _ => Vec::new(),
        };
        if let Some(ipmp) = self.world.set_group(at.name, group)? {
            self.warnings.push(format!("there was no group {group}: {ipmp} is made for it"));
        }
        if !gone.is_empty() {
            let gone = gone.join(", ");
            self.warnings.push(format!(
                "{gone}: removed, because {} is not a member any more and ipmpd sets nothing else",
                at.name
            ));
        }
        Ok(())
    }

    fn unit(&mut self, at: &Cursor<'_>) -> Result<&mut Unit, String> {
        let interface = self.world.named(at.name)?;
        if at.makes {
            interface.make_unit(at.family, at.unit)?;
        }
        interface.unit_mut(at.family, at.unit)
    }

    /// Sets the address of the unit; that which it had goes.
    fn set_address(&mut self, at: &mut Cursor<'_>, written: Written) -> Result<(), String> {
        (at.family, at.moved) = (Family::of(written.address), None);
        if written.address.is_unspecified() {
            self.unit(at)?.address = None;
            return Ok(());
        }
        if let Some((holder, unit)) = self.world.holder(written.address)
            && (holder.name != at.name || unit != at.unit)
        {
            return Err(format!("{} is an address of {} already", written.address, holder.name));
        }
        let name = at.name;
        let unit = self.unit(at)?;
        let before = unit.address.replace(written);
        if let Some(before) = before.filter(|before| before.address != written.address) {
            self.warnings.push(format!(
                "{} takes the place of {} on {name}; `ifconfig {name} addif {0} up` adds one",
                written.address, before.address
            ));
        } else if let (Some(before), None) = (before, written.length) {
            self.unit(at)?.address = Some(before);
        }
        self.moved(at);
        Ok(())
    }

    fn add_logical(&mut self, at: &mut Cursor<'_>, written: Written) -> Result<(), String> {
        (at.family, at.moved) = (Family::of(written.address), None);
        if let Some((holder, _)) = self.world.holder(written.address) {
            return Err(format!("{} is an address of {} already", written.address, holder.name));
        }
        let interface = self.world.named(at.name)?;
        let is_ipmp = interface.is_ipmp();
        let units = interface.units_mut(at.family);
        // An IPMP interface's place holder is as good as a new unit, and keeps the numbers without gaps.
        let spare = units.iter().position(|unit| is_ipmp && unit.address.is_none());
        at.unit = spare.unwrap_or(units.len());
        if spare.is_none() {
            units.push(Unit::default());
        }
        units[at.unit] = Unit { address: Some(written), ..Unit::default() };
        self.said.push(format!("Created new logical interface {}:{}", at.name, at.unit));
        Ok(())
    }

    fn remove_logical(&mut self, at: &mut Cursor<'_>, address: IpAddr) -> Result<(), String> {
        at.family = Family::of(address);
        let interface = self.world.named(at.name)?;
        let known: Vec<_> = interface.addresses().map(|(held, _)| held.address.to_string()).collect();
        let units = interface.units_mut(at.family);
        let Some(number) = units.iter().position(|unit| unit.address.is_some_and(|held| held.address == address))
        else {
            let known =
                if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
            return Err(format!("{address} is no address of {}; {known}", at.name));
        };
        match number {
            0 => units[0] = Unit::default(),
            _ => drop(units.remove(number)),
        }
        at.unit = 0;
        Ok(())
    }

    fn netmask(&mut self, at: &Cursor<'_>, length: Option<u8>) -> Result<(), String> {
        let unit = self.unit(at)?;
        if let Some(held) = &mut unit.address
            && held.address.is_ipv4()
        {
            held.length = length.or(held.length);
        }
        Ok(())
    }

    fn bring_up(&mut self, at: &mut Cursor<'_>) -> Result<(), String> {
        self.unit(at)?.up = true;
        self.moved(at);
        Ok(())
    }

    /// Moves what has to move, and remembers it.
    fn moved(&mut self, at: &mut Cursor<'_>) {
        let here = |world: &World| {
            let unit = world.get(at.name).and_then(|interface| interface.units(at.family).get(at.unit));
            unit.and_then(|unit| unit.address)
        };
        let before = here(self.world);
        self.world.migrate(at.name);
        let to = self.world.get(at.name).and_then(Interface::under);
        if let (Some(held), None, Some(to)) = (before, here(self.world), to) {
            at.moved = Some((held.address, to.to_owned()));
        }
    }

    fn failover(&mut self, at: &mut Cursor<'_>, moves: bool) -> Result<(), String> {
        if self.world.named(at.name)?.is_ipmp() {
            let word = if moves { "failover" } else { "-failover" };
            return Err(format!(
                "`{word}` is for members: every address of the IPMP interface {} is a data address",
                at.name
            ));
        }
        if !moves && let Some((address, to)) = at.moved.take() {
            self.warnings.push(format!(
                "`-failover` stands after `up`: {address} was a data address by then, and is one of {to} now; for a test \
                 address of {} put `-failover` before `up`",
                at.name
            ));
        }
        let name = at.name;
        let in_group = self.world.named(name)?.under().is_some();
        let unit = self.unit(at)?;
        unit.test = !moves;
        if !moves && unit.up && !in_group && unit.address.is_some() {
            self.warnings.push(format!(
                "{name}: `-failover` stands after `up`; in a group it would come too late, so put it before"
            ));
        }
        self.moved(at);
        Ok(())
    }

    fn standby(&mut self, at: &Cursor<'_>, wanted: bool) -> Result<(), String> {
        match &mut self.world.named(at.name)?.role {
            Role::Link { standby, .. } => {
                *standby = wanted;
                Ok(())
            }
            Role::Ipmp { .. } => Err(format!("`standby` is for members, and {} is an IPMP interface", at.name)),
        }
    }

    /// One half of the interface goes; the last one takes the interface along.
    fn unplumb(&mut self, at: &Cursor<'_>) -> Result<(), String> {
        let name = at.name;
        let interface = self.world.named(name)?;
        if at.logical {
            self.unit(at)?;
            let units = self.world.named(name)?.units_mut(at.family);
            units.remove(at.unit);
            if units.is_empty() {
                units.push(Unit::default());
            }
            return Ok(());
        }
        if interface.is_ipmp() {
            let up: Vec<_> =
                interface.addresses().filter(|(held, up)| *up && Family::of(held.address) == at.family).collect();
            let up: Vec<_> = up.iter().map(|(held, _)| held.address.to_string()).collect();
            let members: Vec<_> = self.world.members_of(name).map(|member| member.name.as_str()).collect();
            if !members.is_empty() {
                let members = members.join(", ");
                return Err(format!(
                    "{name} is busy: it has members ({members}); have them leave by `ifconfig IF group \"\"` first"
                ));
            }
            if !up.is_empty() {
                let up = up.join(", ");
                return Err(format!("{name} is busy: it has addresses that are up ({up}); take them down first"));
            }
        }
        let interface = self.world.named(name)?;
        *interface.units_mut(at.family) = vec![Unit::default()];
        if interface.addresses().next().is_none() {
            self.tell_of_the_other_half(at);
            self.world.interfaces.retain(|interface| interface.name != name);
        }
        Ok(())
    }

    /// On Solaris a member is in its group with each family apart.
    fn tell_of_the_other_half(&mut self, at: &Cursor<'_>) {
        let Some(ipmp) = self.world.get(at.name).and_then(Interface::under) else { return };
        let of_the_other = |(held, _): (Written, bool)| Family::of(held.address) != at.family;
        if self.world.get(ipmp).is_some_and(|ipmp| ipmp.addresses().any(of_the_other)) {
            self.warnings.push(format!("{} leaves {ipmp} with both families, which are one member here", at.name));
        }
    }
}

fn no_logical(at: &Cursor<'_>, word: &str) -> String {
    format!("`{word}` is for interfaces, and {}:{} is a logical one", at.name, at.unit)
}
