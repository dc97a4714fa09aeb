//! How groups come to be, are joined and left, and where addresses go then (IPMP behaviour, §13).

use ipmp_core::GroupName;

use super::steps::Family;
use super::world::{Interface, Role, Unit, World};

impl World {
    /// An IPMP interface, whose group has its name. One that is there already gets its other half, which it has here.
    pub(super) fn create_ipmp(&mut self, name: &str) -> Result<(), String> {
        crate::value::ipmp_name(name).map_err(|fault| format!("{} (expected {})", fault.message, fault.expected))?;
        match self.get(name) {
            Some(interface) if interface.is_ipmp() => return Ok(()),
            Some(_) => return Err(format!("{name} is an ordinary interface, and cannot be an IPMP interface too")),
            None if self.links.as_ref().is_some_and(|links| links.contains(name)) => {
                return Err(format!("there is an ordinary interface {name} already; take another name"));
            }
            None => {}
        }
        if let Some(other) = self.ipmp_of(name) {
            return Err(format!("there is a group {name} already, that of {}", other.name));
        }
        self.interfaces.push(Interface::new(name, Role::Ipmp { group: name.to_owned() }));
        Ok(())
    }

    /// `group G`, in the order in which Solaris decides. Says which IPMP interface was made for it, if one was.
    pub(super) fn set_group(&mut self, name: &str, group: &str) -> Result<Option<String>, String> {
        let interface = self.named(name)?;
        let (is_ipmp, now) = (interface.is_ipmp(), interface.under().map(str::to_owned));
        if is_ipmp {
            return self.rename(name, group).map(|()| None);
        }
        if group.is_empty() {
            self.leave(name);
            return Ok(None);
        }
        let group_name: Result<GroupName, _> = group.parse();
        group_name.map_err(|error| format!("`{group}` is no name of a group: {error}"))?;
        let (ipmp, made) = match self.ipmp_of(group) {
            Some(ipmp) => (ipmp.name.clone(), None),
            None => {
                let ipmp = self.free_name();
                self.interfaces.push(Interface::new(&ipmp, Role::Ipmp { group: group.to_owned() }));
                (ipmp.clone(), Some(ipmp))
            }
        };
        if now.as_deref() != Some(&ipmp)
            && let Role::Link { under, .. } = &mut self.named(name)?.role
        {
            *under = Some(ipmp);
            self.migrate(name);
        }
        Ok(made)
    }

    fn rename(&mut self, ipmp: &str, group: &str) -> Result<(), String> {
        if group.is_empty() {
            return Err(format!("the group of an IPMP interface has a name; {ipmp} itself goes by `unplumb`"));
        }
        let name: Result<GroupName, _> = group.parse();
        name.map_err(|error| format!("`{group}` is no name of a group: {error}"))?;
        match self.ipmp_of(group) {
            Some(other) if other.name != ipmp => {
                return Err(format!("there is a group {group} already, that of {}", other.name));
            }
            _ => {}
        }
        self.named(ipmp)?.role = Role::Ipmp { group: group.to_owned() };
        Ok(())
    }

    /// Always possible; addresses of the group stay with it.
    pub(super) fn leave(&mut self, name: &str) {
        if let Some(interface) = self.get_mut(name) {
            *interface = Interface::new(name, Role::Link { under: None, standby: false });
        }
    }

    /// `ipmpN` with the lowest number that neither an interface nor a group has.
    fn free_name(&self) -> String {
        let taken = |name: &str| {
            self.get(name).is_some()
                || self.ipmp_of(name).is_some()
                || self.links.as_ref().is_some_and(|links| links.contains(name))
        };
        (0..).map(|number| format!("ipmp{number}")).find(|name| !taken(name)).expect("numbers do not end")
    }

    /// Addresses that are up on a member, and not marked to stay, go to its IPMP interface, and never back.
    pub(super) fn migrate(&mut self, name: &str) {
        let Some(ipmp) = self.get(name).and_then(Interface::under).map(str::to_owned) else { return };
        for family in [Family::Inet, Family::Inet6] {
            let Some(member) = self.get_mut(name) else { return };
            let leaving = member.units_mut(family).iter_mut().filter(|unit| moves(unit));
            // The place stays, and stays up.
            let left: Vec<Unit> =
                leaving.map(|unit| std::mem::replace(unit, Unit { up: true, ..Unit::default() })).collect();
            if let Some(group) = self.get_mut(&ipmp) {
                left.into_iter().for_each(|unit| *group.free_unit(family) = unit);
            }
        }
    }
}

fn moves(unit: &Unit) -> bool {
    let is_link_local = |address: std::net::IpAddr| match address {
        std::net::IpAddr::V4(_) => false,
        std::net::IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    unit.up && !unit.test && unit.address.is_some_and(|held| !is_link_local(held.address))
}
