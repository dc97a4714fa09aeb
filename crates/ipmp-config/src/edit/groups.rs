//! What each edit means for the groups as they are written, and why it cannot be made where it cannot.

use std::net::IpAddr;

use ipmp_core::IfName;
use ipnet::IpNet;

use super::Edit;
use super::files::{Files, Place, Splices, and};
use super::outline::{Outline, Table};
use super::splice::{self, Splice};
use super::table::{self, Home};
use crate::documents::Document;
use crate::keys::Section;
use crate::value::{self, Fault};
use crate::{source, suggest};

/// The files that an edit changes, by their number, and their new text. The first is the main file.
pub(crate) fn edited(documents: &[&Document], edit: &Edit) -> Result<Vec<(usize, String)>, String> {
    let files = Files::read(documents)?;
    let mut splices: Vec<Vec<Splice>> = documents.iter().map(|_| Vec::new()).collect();
    for (file, splice) in files.splices(edit)? {
        splices[file].push(splice);
    }
    let changed = splices.into_iter().enumerate().filter(|(_, splices)| !splices.is_empty());
    changed
        .map(|(file, splices)| {
            let Document { path, text } = documents[file];
            let text = splice::carry_out(text, splices);
            if text.len() > source::FILE_MAX {
                let most = source::FILE_MAX / 1024;
                return Err(format!("{} would be larger than {most} KiB", source::shown(path)));
            }
            match Outline::of(&text) {
                Some(_) => Ok((file, text)),
                None => Err(format!("{} is written in a way that this cannot change", source::shown(path))),
            }
        })
        .collect()
}

impl Files<'_> {
    fn splices(&self, edit: &Edit) -> Result<Splices, String> {
        match edit {
            Edit::CreateGroup { interface, name } => self.create(interface, name.as_deref()),
            Edit::DeleteGroup { interface } => self.delete(interface),
            Edit::AddMember { group, interface } => self.add_member(group, interface),
            Edit::RemoveMember { interface } => Ok(self.leave(self.member(interface)?)),
            Edit::AddAddress { interface, address, down } => self.add_address(interface, *address, *down),
            Edit::RemoveAddress { interface, address } => self.remove_address(interface, *address),
            Edit::SetAddress { interface, address, down } => self.set_address(interface, *address, *down),
            Edit::AddGateway { interface, gateway } => self.add_gateway(interface, *gateway),
            Edit::AddRoute { interface, to, via } => self.add_route(interface, *to, *via),
            Edit::Set { interface, key, value } => self.set(interface, key, value.as_deref()),
        }
    }

    fn create(&self, interface: &IfName, name: Option<&str>) -> Result<Splices, String> {
        value::ipmp_name(interface.as_str()).map_err(sentence)?;
        if self.find_group(interface).is_some() {
            return Err(format!("{interface} is an IPMP interface already"));
        }
        if let Some(member) = self.find_member(interface) {
            let group = member.group.interface();
            return Err(format!("{interface} is a member of {group} and cannot be an IPMP interface"));
        }
        let shown = name.unwrap_or(interface.as_str());
        value::group_name(shown).map_err(sentence)?;
        let of_that_name = |place: &Place<'_>| place.table.string("name").unwrap_or(place.table.interface()) == shown;
        if let Some(other) = self.groups().find(of_that_name) {
            let interface = other.table.interface();
            return Err(format!("there is a group {} already, that of {interface}", value::quoted(shown)));
        }
        let mut entries = vec![entry("interface", &string(interface.as_str()))];
        entries.extend(name.filter(|name| *name != interface.as_str()).map(|name| entry("name", &string(name))));
        let home = Home { header: "[[group]]", list: self.outlines[0].group_list.as_ref(), of: None };
        Ok(home.add(self.texts[0], &entries).into_iter().map(|splice| (0, splice)).collect())
    }

    fn delete(&self, interface: &IfName) -> Result<Splices, String> {
        let place = self.group(interface)?;
        let members: Vec<_> = place.group.members.iter().map(Table::interface).collect();
        let remedy = match members.as_slice() {
            [] => None,
            [one] => Some(format!("the member {one}; remove it first, or give everything to it with `--to {one}`")),
            all => {
                Some(format!("members {}; remove them first, or give everything to one of them with --to", and(all)))
            }
        };
        if let Some(remedy) = remedy {
            return Err(format!("{interface} still has {remedy}"));
        }
        Ok(place.in_file(table::remove(place.text, place.table, self.outlines[place.file].group_list.as_ref())))
    }

    fn add_member(&self, group: &IfName, interface: &IfName) -> Result<Splices, String> {
        let place = self.group(group)?;
        value::member_name(interface.as_str()).map_err(sentence)?;
        if self.find_group(interface).is_some() {
            return Err(format!("{interface} is an IPMP interface and cannot be a member"));
        }
        let home = Home { header: "[[group.member]]", list: place.group.list("member"), of: Some(place.group) };
        match self.find_member(interface) {
            Some(member) if member.group.interface() == group.as_str() => {
                Err(format!("{interface} is a member of {group} already"))
            }
            Some(member) => {
                let mut splices = self.leave(member);
                splices.extend(place.in_file(home.adopt(place.text, member.text, member.table)));
                Ok(splices)
            }
            None => Ok(place.in_file(home.add(place.text, &[entry("interface", &string(interface.as_str()))]))),
        }
    }

    fn leave(&self, member: Place<'_>) -> Splices {
        member.in_file(table::remove(member.text, member.table, member.group.list("member")))
    }

    fn add_address(&self, interface: &IfName, address: IpNet, down: bool) -> Result<Splices, String> {
        let place = self.either(interface)?;
        let written = address.to_string();
        match place.section {
            Section::Member => value::own_address(&written),
            _ => value::data_address(&written),
        }
        .map_err(sentence)?;
        // A link-local address means something on one link only.
        let link_local = matches!(address.addr(), IpAddr::V6(v6) if v6.is_unicast_link_local());
        let same = |other: &Place<'_>| !link_local || std::ptr::eq(other.group, place.group);
        for other in self.tables().filter(same) {
            if let Some((key, what)) = other.lists().find(|(key, _)| other.position(key, address.addr()).is_some()) {
                let down = if key == other.list_of(true) { ", and down" } else { "" };
                return Err(format!("{} is a {what} of {} already{down}", address.addr(), other.table.interface()));
            }
        }
        Ok(place.add_item(place.list_of(down), &string(&written)))
    }

    fn remove_address(&self, interface: &IfName, address: IpAddr) -> Result<Splices, String> {
        let place = self.either(interface)?;
        let (key, index) = place.find_address(address)?;
        Ok(place.in_file(table::remove_item(place.text, place.table, key, index)))
    }

    fn set_address(&self, interface: &IfName, address: IpAddr, down: bool) -> Result<Splices, String> {
        let place = self.either(interface)?;
        let (key, index) = place.find_address(address)?;
        let target = place.list_of(down);
        if key == target {
            return Ok(Vec::new());
        }
        let written = place.table.list(key).and_then(|list| list.strings[index].clone()).unwrap_or_default();
        let mut splices = place.in_file(table::remove_item(place.text, place.table, key, index));
        splices.extend(place.add_item(target, &string(&written)));
        Ok(splices)
    }

    fn add_gateway(&self, interface: &IfName, gateway: IpAddr) -> Result<Splices, String> {
        let place = self.group(interface)?;
        value::address(&gateway.to_string()).map_err(sentence)?;
        if place.table.strings("gateways").any(|known| known.parse() == Ok(gateway)) {
            return Ok(Vec::new());
        }
        Ok(place.add_item("gateways", &string(&gateway.to_string())))
    }

    fn add_route(&self, interface: &IfName, to: IpNet, via: IpAddr) -> Result<Splices, String> {
        let place = self.group(interface)?;
        value::destination(&to.to_string()).map_err(sentence)?;
        value::address(&via.to_string()).map_err(sentence)?;
        let entries = [entry("to", &string(&to.to_string())), entry("via", &string(&via.to_string()))];
        let known = |route: &[(String, String)]| {
            let is =
                |key: &str, value: &dyn Fn(&str) -> bool| route.iter().any(|(name, text)| name == key && value(text));
            is("to", &|text| text.parse() == Ok(to)) && is("via", &|text| text.parse() == Ok(via))
        };
        if place.table.routes.iter().any(|route| known(route)) {
            return Ok(Vec::new());
        }
        if place.table.is_apart("routes") {
            let home = Home { header: "[[group.routes]]", list: None, of: Some(place.group) };
            return Ok(place.in_file(home.add(place.text, &entries)));
        }
        Ok(place.add_item("routes", &format!("{{ {} }}", entries.join(", "))))
    }

    fn set(&self, interface: &IfName, key: &str, value: Option<&str>) -> Result<Splices, String> {
        let place = self.either(interface)?;
        let keys = place.section.keys();
        if !keys.contains(&key) || matches!(key, "interface" | "member") {
            let meant = suggest::near(place.section, key).filter(|meant| !matches!(*meant, "interface" | "member"));
            let others: Vec<_> = keys.iter().copied().filter(|key| !matches!(*key, "interface" | "member")).collect();
            let meant =
                meant.map_or_else(|| format!("it has {}", and(&others)), |meant| format!("did you mean {meant}?"));
            return Err(format!("{interface} has no property {}; {meant}", value::quoted(key)));
        }
        let splices = match value {
            None => table::unset(place.text, place.table, key)?,
            Some(value) => {
                let no_value = |_| format!("{} is no value for `{key}`", value::quoted(value));
                let mut parsed: toml_edit::Value = value.parse().map_err(no_value)?;
                parsed.decor_mut().clear();
                table::set(place.text, place.table, key, parsed.to_string().trim())?
            }
        };
        Ok(place.in_file(splices))
    }
}

fn entry(key: &str, value: &str) -> String {
    format!("{key} = {value}")
}

/// As it is written in TOML.
fn string(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

fn sentence(Fault { message, expected }: Fault) -> String {
    format!("{message} (expected {expected})")
}
