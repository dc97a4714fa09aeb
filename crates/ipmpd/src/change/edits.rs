//! Edits as clients send them → edits of the documents. Names and addresses are looked at here; whether they go together,
//! the documents know.

use std::net::IpAddr;

use ipmp_config::{Documents, Edit};
use ipmp_control::{self as wire, EditKind};
use ipmp_core::IfName;
use ipnet::IpNet;

/// What an edit comes to in this configuration.
pub fn of(edit: &wire::Edit, documents: &Documents) -> Result<Vec<Edit>, String> {
    let interface: IfName = match edit.kind {
        // Who has an address is known without being told.
        EditKind::Remove | EditKind::Set if edit.interface.is_empty() => documents.holder(address(edit)?)?,
        _ => name(&edit.interface)?,
    };
    Ok(match edit.kind {
        EditKind::Create => vec![Edit::CreateGroup { interface, name: edit.group.clone() }],
        EditKind::Delete => {
            let groups = documents.check().map(|loaded| loaded.config.groups).unwrap_or_default();
            let group = groups.into_iter().find(|group| group.interface == interface && edit.group.is_some());
            let members = group.into_iter().flat_map(|group| group.members);
            let leave = members.map(|member| Edit::RemoveMember { interface: member.interface });
            leave.chain([Edit::DeleteGroup { interface: interface.clone() }]).collect()
        }
        EditKind::Join => vec![Edit::AddMember { group: name(needed(&edit.group, "group")?)?, interface }],
        EditKind::Leave => vec![Edit::RemoveMember { interface }],
        EditKind::Add => {
            let text = needed(&edit.address, "address")?;
            let address: IpNet = text.parse().map_err(|_| no_net(text))?;
            vec![Edit::AddAddress { interface, address, down: edit.down.unwrap_or(false) }]
        }
        EditKind::Remove => vec![Edit::RemoveAddress { interface, address: address(edit)? }],
        EditKind::Set => {
            let down = edit.down.ok_or("an edit that sets an address says whether it is to be `down`")?;
            vec![Edit::SetAddress { interface, address: address(edit)?, down }]
        }
        EditKind::Property => {
            let key = needed(&edit.key, "key")?.to_owned();
            vec![Edit::Set { interface, key, value: edit.value.clone() }]
        }
    })
}

/// What an edit is, for people.
pub fn describe(edit: &wire::Edit) -> String {
    let wire::Edit { kind, interface, group, address, down, key, value } = edit;
    let (group, address) = (group.as_deref().unwrap_or_default(), address.as_deref().unwrap_or_default());
    match kind {
        EditKind::Create if group.is_empty() => format!("create {interface}"),
        EditKind::Create => format!("create {interface} for group {group}"),
        EditKind::Delete if group.is_empty() => format!("delete {interface}"),
        EditKind::Delete => format!("delete {interface}, and give everything to {group}"),
        EditKind::Join => format!("add {interface} to {group}"),
        EditKind::Leave => format!("remove {interface} from its group"),
        EditKind::Add => format!("add address {address} to {interface}"),
        EditKind::Remove => format!("remove address {address} from {interface}"),
        EditKind::Set => {
            format!("take address {address} of {interface} {}", if *down == Some(true) { "down" } else { "up" })
        }
        EditKind::Property => {
            let (key, value) = (key.as_deref().unwrap_or_default(), value.as_deref().unwrap_or("the default"));
            format!("set {key} of {interface} to {value}")
        }
    }
}

fn name(text: &str) -> Result<IfName, String> {
    text.parse().map_err(|error| format!("\"{}\" is no name of an interface: {error}", text.escape_debug()))
}

fn needed<'a>(field: &'a Option<String>, called: &str) -> Result<&'a str, String> {
    field.as_deref().ok_or_else(|| format!("an edit of this kind needs `{called}`"))
}

/// An address, whether its prefix length is given or not.
fn address(edit: &wire::Edit) -> Result<IpAddr, String> {
    let text = needed(&edit.address, "address")?;
    let net = || text.parse().map(|net: IpNet| net.addr());
    text.parse().or_else(|_| net()).map_err(|_| format!("\"{}\" is no address", text.escape_debug()))
}

fn no_net(text: &str) -> String {
    let shown = text.escape_debug();
    match text.parse::<IpAddr>() {
        Ok(_) => {
            format!("{shown} has no prefix length: write it as {shown}/24, with the length of its subnet's prefix")
        }
        Err(_) => format!("\"{shown}\" is no address with a prefix length, such as 192.0.2.50/24"),
    }
}
