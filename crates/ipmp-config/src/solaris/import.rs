//! The files of Solaris → `ipmpd.toml`: what its boot would make of them, in its order (IPMP behaviour, §13,
//! persistence), and what is doubtful in them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::lengths::Netmasks;
use super::root::{HostnameFile, Root};
use super::run::Run;
use super::steps::{Command, Family, Step, split_unit};
use super::world::World;
use super::{difference, mpathd};
use crate::documents::Document;
use crate::edit;
use crate::{Edit, check_text};

/// What was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The main file.
    pub text: String,
    /// What is doubtful, a sentence each.
    pub warnings: Vec<String>,
}

/// Reads `etc/hostname.*` and the like under `root`.
///
/// # Errors
///
/// A file that cannot be read, or files from which nothing comes that could be used.
pub fn import(root: &Path) -> Result<Imported, String> {
    let root = Root::read(root)?;
    if root.interfaces.is_empty() && root.mpathd.is_none() {
        return Err(
            "there is nothing to import: neither /etc/hostname.* nor /etc/default/mpathd; `--root DIR` says where \
                    the files of Solaris are"
                .into(),
        );
    }
    let mut import = Import { world: World::default(), warnings: Vec::new() };
    import.boot(&root);
    let Import { world, mut warnings } = import;
    let (head, doubts) = root.mpathd.as_deref().map(mpathd::settings).unwrap_or_default();
    warnings.extend(doubts);
    let mut text = String::from("# Imported from Solaris.\n");
    head.iter().for_each(|line| text += &format!("{line}\n"));
    let mut edits = difference::edits(&World::default(), &world);
    edits.extend(gateways(&world, &root, &mut warnings));
    let text = written(text, &edits, &mut warnings);
    match check_text("ipmpd.toml", text.as_bytes()) {
        Ok(loaded) => {
            warnings.extend(loaded.findings.iter().map(|finding| finding.message.clone()));
            Ok(Imported { text, warnings })
        }
        Err(findings) => {
            let said: Vec<_> = warnings.into_iter().chain([findings.render()]).collect();
            Err(format!("what these files say is refused here:\n{}", said.join("\n")))
        }
    }
}

struct Import {
    world: World,
    warnings: Vec<String>,
}

/// A line of a file, as the command that it is.
struct Line {
    path: String,
    command: Command,
}

impl Import {
    /// Group interfaces before members, and each member's group before its addresses, so that no group comes to be by
    /// accident.
    fn boot(&mut self, root: &Root) {
        let lines: Vec<Line> = root.interfaces.iter().flat_map(|file| self.lines(file, root)).collect();
        let is_ipmp = |line: &&Line| line.command.steps.iter().any(|step| matches!(step, Step::Ipmp));
        let groups: Vec<_> = lines.iter().filter(is_ipmp).map(|line| line.command.interface.clone()).collect();
        for name in &groups {
            self.try_to(name, |world| world.create_ipmp(name).map(|()| None));
        }
        let (of_groups, of_links): (Vec<_>, Vec<_>) =
            lines.iter().partition(|line| groups.contains(&line.command.interface));
        self.groups(&of_groups);
        self.groups(&of_links);
        of_groups.iter().chain(&of_links).for_each(|line| self.run(line));
        self.warnings.extend(self.world.settle_lengths(&Netmasks::parse(root.netmasks.as_deref().unwrap_or_default())));
        self.leave_out_the_ungrouped();
        self.warnings.extend(self.world.down_without_flag(&World::default()));
    }

    fn lines(&mut self, file: &HostnameFile, root: &Root) -> Vec<Line> {
        let joined = file.text.replace("\\\n", " ");
        let lines = joined.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        let mut commands = Vec::new();
        for line in lines.iter() {
            let mut words = vec![file.interface.clone()];
            words.push(if file.family == Family::Inet { "inet" } else { "inet6" }.into());
            words.extend(line.split_whitespace().map(str::to_owned));
            if file.family == Family::Inet && lines.len() == 1 {
                words.extend(["netmask", "+", "broadcast", "+", "up"].map(str::to_owned));
            }
            match Command::parse(&words, &|host, family| root.lookup(host, family)) {
                Ok(command) => commands.push(Line { path: file.path.clone(), command }),
                Err(reason) => self.warnings.push(format!("{}: left out `{line}`: {reason}", file.path)),
            }
        }
        // It is plumbed and brought up whatever the file says.
        if file.family == Family::Inet6 || lines.is_empty() {
            match split_unit(&file.interface) {
                Ok((interface, unit)) => {
                    let mut steps = vec![Step::Plumb, Step::Family(file.family)];
                    steps.extend((file.family == Family::Inet6).then_some(Step::Up));
                    commands.push(Line { path: file.path.clone(), command: Command { interface, unit, steps } });
                }
                Err(reason) => self.warnings.push(format!("{}: {reason}", file.path)),
            }
        }
        commands
    }

    /// The last group that is named wins, that of IPv6 over that of IPv4, whose files come first.
    fn groups(&mut self, lines: &[&Line]) {
        let mut last: Vec<(&str, &str, &str)> = Vec::new();
        for Line { path, command } in lines {
            for step in &command.steps {
                if let Step::Group(group) = step {
                    last.retain(|(interface, ..)| *interface != command.interface);
                    last.push((&command.interface, group, path));
                }
            }
        }
        for (interface, group, path) in last {
            self.try_to(path, |world| {
                let made = world.set_group(interface, group)?;
                Ok(made.map(|ipmp| format!("no file makes the group {group}: {ipmp} is made for it")))
            });
        }
    }

    fn run(&mut self, line: &Line) {
        let by_dhcp = line.command.steps.contains(&Step::Dhcp);
        if by_dhcp && self.world.get(&line.command.interface).is_some_and(|interface| interface.under().is_some()) {
            self.warnings.push(format!(
                "{}: `dhcp` is left out: addresses by DHCP are not for groups; give the group the address itself",
                line.path
            ));
        }
        let mut steps = line.command.steps.clone();
        steps.retain(|step| !matches!(step, Step::Group(_) | Step::Ipmp | Step::Dhcp));
        let command = Command { steps, ..line.command.clone() };
        let mut run = Run::new(&mut self.world);
        let outcome = run.command(&command);
        let Run { warnings, .. } = run;
        let said = warnings.into_iter().chain(outcome.err());
        self.warnings.extend(said.map(|said| format!("{}: {said}", line.path)));
    }

    fn try_to(&mut self, what: &str, job: impl FnOnce(&mut World) -> Result<Option<String>, String>) {
        if let Ok(Some(said)) | Err(said) = job(&mut self.world) {
            self.warnings.push(format!("{what}: {said}"));
        }
    }

    /// Interfaces in no group, and those with names that cannot be, are left to others.
    fn leave_out_the_ungrouped(&mut self) {
        let warnings = &mut self.warnings;
        self.world.interfaces.retain(|interface| {
            let name = &interface.name;
            if !interface.is_ipmp() && crate::value::member_name(name).is_err() {
                warnings.push(format!("{name} is no name that an interface has on Linux; it is left out"));
                return false;
            }
            let left_out = !interface.is_ipmp() && interface.under().is_none();
            if left_out && !name.starts_with("lo") {
                let held: Vec<_> = interface.addresses().map(|(held, _)| held.address.to_string()).collect();
                let held = if held.is_empty() { String::new() } else { format!(" ({})", held.join(", ")) };
                warnings
                    .push(format!("{name}{held} is in no group, and left to the network configuration of the system"));
            }
            !left_out
        });
    }
}

/// Each default router goes to the groups that have an address in its subnet.
fn gateways(world: &World, root: &Root, warnings: &mut Vec<String>) -> Vec<Edit> {
    let lines = root.defaultrouter.iter().flat_map(|text| text.lines());
    let hosts = lines.filter_map(|line| line.split('#').next().unwrap_or_default().split_whitespace().next());
    let mut edits = Vec::new();
    for host in hosts {
        let address = host.parse().ok().or_else(|| root.lookup(host, Family::Inet));
        let Some(gateway): Option<IpAddr> = address else {
            warnings.push(format!("/etc/defaultrouter: {host} is neither an address nor in /etc/hosts; left out"));
            continue;
        };
        let on_link = |address: IpAddr, length: Option<u8>| {
            length.and_then(|length| IpNet::new(address, length).ok()).is_some_and(|net| net.contains(&gateway))
        };
        let groups = world.interfaces.iter().filter(|interface| interface.is_ipmp());
        let groups: Vec<_> =
            groups.filter(|group| group.addresses().any(|(held, _)| on_link(held.address, held.length))).collect();
        if groups.is_empty() {
            warnings.push(format!("/etc/defaultrouter: {gateway} is in the subnet of no group, and left out"));
        }
        let names = groups.into_iter().filter_map(|group| group.name.parse().ok());
        edits.extend(names.map(|interface| Edit::AddGateway { interface, gateway }));
    }
    edits
}

/// The text with these edits; what cannot be is left out.
fn written(text: String, edits: &[Edit], warnings: &mut Vec<String>) -> String {
    let mut document = Document { path: PathBuf::from("ipmpd.toml"), text };
    for edit in edits {
        match edit::edited(&[&document], edit) {
            Ok(changed) => changed.into_iter().for_each(|(_, text)| document.text = text),
            Err(reason) => warnings.push(format!("left out: {reason}")),
        }
    }
    document.text
}
