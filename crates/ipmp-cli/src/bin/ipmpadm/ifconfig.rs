//! `ipmpadm ifconfig`: the Solaris command. What it means is the library's business; here it is asked what there is, and
//! the daemon what is to be.

use std::net::IpAddr;

use ipmp_cli::program;
use ipmp_config::Edit;
use ipmp_config::solaris::{self, Family, Held, Known, KnownMember, Outcome, State};
use ipmp_control::{self as wire, Change, Client, EditKind, Group};
use nix::net::if_::if_nameindex;

use crate::{PROGRAM, sentence};

pub fn carry_out(client: &mut Client, words: &[String]) -> Result<String, String> {
    let Outcome { edits, said, mut warnings } = solaris::ifconfig(words, &state(client)?, &lookup)?;
    if !edits.is_empty() {
        let change = Change { edits: edits.into_iter().map(on_the_wire).collect(), ..Change::default() };
        warnings.extend(client.change(&change).map_err(sentence)?.warnings);
    }
    for warning in warnings {
        program::complain(PROGRAM, format_args!("warning: {warning}"));
    }
    Ok(said.into_iter().map(|line| line + "\n").collect())
}

/// What there is, as the daemon and the kernel have it.
fn state(client: &mut Client) -> Result<State, String> {
    let addresses = client.addresses().map_err(sentence)?.addresses;
    let held = |interface: &str| -> Vec<Held> {
        let own = addresses.iter().filter(|address| address.interface == interface);
        own.filter_map(|address| Some((address.address.parse().ok()?, address.down))).collect()
    };
    let groups = client.status().map_err(sentence)?.groups;
    let links = if_nameindex().map_err(|error| format!("the kernel does not list its interfaces: {error}"))?;
    let links = links.iter().map(|link| link.name().to_string_lossy().into_owned()).collect();
    let groups = groups.iter().filter(|group| !group.is_anonymous()).filter_map(|group| known(group, held));
    Ok(State { groups: groups.collect(), links })
}

/// None where a name is none, which no daemon says.
fn known(group: &Group, held: impl Fn(&str) -> Vec<Held>) -> Option<Known> {
    let member = |member: &wire::Member| {
        let (interface, addresses) = (member.interface.parse().ok()?, held(&member.interface));
        Some(KnownMember { interface, standby: member.standby, addresses })
    };
    Some(Known {
        interface: group.interface.parse().ok()?,
        name: group.name.clone(),
        addresses: held(&group.interface),
        members: group.members.iter().filter_map(member).collect(),
    })
}

fn lookup(host: &str, family: Family) -> Option<IpAddr> {
    dns_lookup::lookup_host(host).ok()?.into_iter().find(|address| Family::of(*address) == family)
}

fn on_the_wire(edit: Edit) -> wire::Edit {
    let of = |kind, interface: String| wire::Edit {
        kind,
        interface,
        group: None,
        address: None,
        down: None,
        key: None,
        value: None,
    };
    match edit {
        Edit::CreateGroup { interface, name } => {
            wire::Edit { group: name, ..of(EditKind::Create, interface.to_string()) }
        }
        Edit::DeleteGroup { interface } => of(EditKind::Delete, interface.to_string()),
        Edit::AddMember { group, interface } => {
            wire::Edit { group: Some(group.to_string()), ..of(EditKind::Join, interface.to_string()) }
        }
        Edit::RemoveMember { interface } => of(EditKind::Leave, interface.to_string()),
        Edit::AddAddress { interface, address, down } => wire::Edit {
            address: Some(address.to_string()),
            down: Some(down),
            ..of(EditKind::Add, interface.to_string())
        },
        Edit::RemoveAddress { interface, address } => {
            wire::Edit { address: Some(address.to_string()), ..of(EditKind::Remove, interface.to_string()) }
        }
        Edit::SetAddress { interface, address, down } => wire::Edit {
            address: Some(address.to_string()),
            down: Some(down),
            ..of(EditKind::Set, interface.to_string())
        },
        Edit::Set { interface, key, value } => {
            wire::Edit { key: Some(key), value, ..of(EditKind::Property, interface.to_string()) }
        }
        Edit::AddGateway { .. } | Edit::AddRoute { .. } => unreachable!("no word of ifconfig is about routes"),
    }
}
