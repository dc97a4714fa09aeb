//! The verbs that change the configuration. The daemon knows what is possible; here the words of the command line become
//! what it understands, no more.

mod property;

use ipmp_cli::args::{Lasting, Verb};
use ipmp_cli::program;
use ipmp_control::{Change, Changed, Client, Edit, EditKind, Error, Snapshot};

use crate::{PROGRAM, sentence};

/// Carries out a verb. Warnings are for standard error, at once.
pub fn carry_out(client: &mut Client, verb: &Verb) -> Result<String, String> {
    let snapshot = client.status().map_err(sentence)?;
    let (edits, lasting) = edits(verb, &snapshot)?;
    make(client, edits, lasting)
}

/// Has the daemon make a change, and says what came of it.
pub fn make(client: &mut Client, edits: Vec<Edit>, lasting: &Lasting) -> Result<String, String> {
    let Lasting { temporary, dry_run, confirm } = *lasting;
    let confirm_ms = confirm.map(|confirm| u64::try_from(confirm.as_millis()).unwrap_or(u64::MAX));
    let change = Change { edits, temporary, dry_run, confirm_ms };
    let Changed { changes, warnings } = client.change(&change).map_err(unanswered)?;
    warnings.iter().for_each(|warning| program::complain(PROGRAM, format_args!("warning: {warning}")));
    Ok(match (dry_run, confirm) {
        (true, _) if changes.is_empty() => "Nothing in the kernel would change.\n".to_owned(),
        (true, _) => changes.iter().map(|change| format!("{change}\n")).collect(),
        (false, Some(confirm)) => format!(
            "This is in force, and is undone in {} s. `ipmpadm confirm` keeps it, `ipmpadm revert` undoes it at once.\n",
            confirm.as_secs()
        ),
        (false, None) => String::new(),
    })
}

/// Who gets no answer does not know what became of it; the daemon does, and makes all of a change or nothing.
fn unanswered(error: Error) -> String {
    match error {
        Error::HungUp | Error::Silent(_) => format!("{error}; the change is made whole or not at all: see `ipmpstat`"),
        error => sentence(error),
    }
}

fn edits<'v>(verb: &'v Verb, snapshot: &Snapshot) -> Result<(Vec<Edit>, &'v Lasting), String> {
    let ipmp = |name: &str| interface(snapshot, name);
    Ok(match verb {
        Verb::CreateIpmp { interfaces, group, ipmp, lasting } => {
            let create = Edit { group: group.clone(), ..edit(EditKind::Create, ipmp) };
            (std::iter::once(create).chain(join(ipmp, interfaces)).collect(), lasting)
        }
        Verb::DeleteIpmp { to, ipmp: group, lasting } => {
            (vec![Edit { group: to.clone(), ..edit(EditKind::Delete, &ipmp(group)) }], lasting)
        }
        Verb::AddIpmp { interfaces, ipmp: group, lasting } => (join(&ipmp(group), interfaces).collect(), lasting),
        Verb::RemoveIpmp { interfaces, ipmp: group, lasting } => {
            let group = ipmp(group);
            interfaces.iter().try_for_each(|member| in_group(snapshot, &group, member))?;
            (interfaces.iter().map(|member| edit(EditKind::Leave, member)).collect(), lasting)
        }
        Verb::CreateAddr { address, down, interface, lasting } => {
            let add = edit(EditKind::Add, &ipmp(interface));
            (vec![Edit { address: Some(address.clone()), down: Some(*down), ..add }], lasting)
        }
        // Which interface has it, the daemon knows.
        Verb::DeleteAddr { address, lasting } => {
            (vec![Edit { address: Some(address.clone()), ..edit(EditKind::Remove, "") }], lasting)
        }
        Verb::Set { property, name, lasting } => {
            let (key, value) = property::read(property)?;
            (vec![Edit { key: Some(key), value, ..edit(EditKind::Property, &ipmp(name)) }], lasting)
        }
        _ => return Err("this verb changes no configuration".into()),
    })
}

fn join<'a>(ipmp: &'a str, interfaces: &'a [String]) -> impl Iterator<Item = Edit> + 'a {
    interfaces.iter().map(|member| Edit { group: Some(ipmp.to_owned()), ..edit(EditKind::Join, member) })
}

fn edit(kind: EditKind, interface: &str) -> Edit {
    Edit { kind, interface: interface.to_owned(), group: None, address: None, down: None, key: None, value: None }
}

/// The IPMP interface of the group of that name; else the name itself, which is then that of an interface.
fn interface(snapshot: &Snapshot, name: &str) -> String {
    let known = |interface: &str| {
        let mut groups = snapshot.groups.iter();
        groups.any(|group| {
            group.interface == interface || group.members.iter().any(|member| member.interface == interface)
        })
    };
    let named = snapshot.groups.iter().find(|group| group.name == name && !group.is_anonymous());
    named.filter(|_| !known(name)).map_or(name, |group| &group.interface).to_owned()
}

/// Whoever takes a member out of a group is to know which one it is in.
fn in_group(snapshot: &Snapshot, ipmp: &str, member: &str) -> Result<(), String> {
    let of = |group: &&ipmp_control::Group| group.members.iter().any(|known| known.interface == member);
    match snapshot.groups.iter().filter(|group| !group.is_anonymous()).find(of) {
        Some(group) if group.interface != ipmp => {
            Err(format!("{member} is not a member of {ipmp}, but of {}", group.interface))
        }
        Some(_) => Ok(()),
        None => Err(format!("{member} is in no group; `ipmpstat -i` lists the members")),
    }
}
