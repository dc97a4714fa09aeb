//! All files together: who is where in them, and which addresses each has.

use std::net::IpAddr;

use ipmp_core::IfName;
use ipnet::IpNet;

use super::outline::{Outline, Table};
use super::splice::Splice;
use super::table;
use crate::documents::Document;
use crate::keys::Section;
use crate::{source, value};

/// The interface that has an address.
pub(crate) fn holder(documents: &[&Document], address: IpAddr) -> Result<IfName, String> {
    let files = Files::read(documents)?;
    let mut holders =
        files.tables().filter(|place| place.lists().any(|(key, _)| place.position(key, address).is_some()));
    match (holders.next(), holders.next()) {
        (Some(place), None) => {
            place.table.interface().parse().map_err(|_| format!("the holder of {address} has no name"))
        }
        (Some(one), Some(two)) => {
            let [one, two] = [one, two].map(|place| place.table.interface().to_owned());
            Err(format!("{address} is an address of {one} and of {two}; name the one that is meant"))
        }
        (None, _) => Err(format!("{address} is neither a data address nor a test address of any group")),
    }
}

/// Every address that is configured, and whether it is down. What cannot be read is passed over.
pub(crate) fn addresses(documents: &[&Document]) -> Vec<(IfName, IpNet, bool)> {
    let Ok(files) = Files::read(documents) else { return Vec::new() };
    let of = |place: Place<'_>| {
        let interface: Option<IfName> = place.table.interface().parse().ok();
        let lists = place.lists().flat_map(move |(key, _)| {
            let down = key == place.list_of(true);
            place.table.strings(key).filter_map(move |text| Some((text.parse().ok()?, down))).collect::<Vec<_>>()
        });
        lists.filter_map(move |(net, down)| Some((interface.clone()?, net, down))).collect::<Vec<_>>()
    };
    files.tables().flat_map(of).collect()
}

/// What is cut out of files and filled in, with the numbers of the files.
pub(super) type Splices = Vec<(usize, Splice)>;

/// All files with what stands in them.
pub(super) struct Files<'a> {
    pub(super) texts: Vec<&'a str>,
    pub(super) outlines: Vec<Outline>,
}

/// A group or a member, and where it is.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) file: usize,
    pub(super) text: &'a str,
    /// The group, or that of the member.
    pub(super) group: &'a Table,
    pub(super) table: &'a Table,
    pub(super) section: Section,
}

impl<'a> Files<'a> {
    pub(super) fn read(documents: &[&'a Document]) -> Result<Self, String> {
        let outline = |document: &&Document| {
            let file = source::shown(&document.path);
            Outline::of(&document.text).ok_or_else(|| format!("{file} is no TOML; `ipmpd --check` says why"))
        };
        let outlines = documents.iter().map(outline).collect::<Result<_, _>>()?;
        Ok(Self { texts: documents.iter().map(|document| document.text.as_str()).collect(), outlines })
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = Place<'_>> {
        let files = self.outlines.iter().zip(&self.texts).enumerate();
        files.flat_map(|(file, (outline, text))| {
            let section = Section::Group;
            outline.groups.iter().map(move |group| Place { file, text, group, table: group, section })
        })
    }

    fn members(&self) -> impl Iterator<Item = Place<'_>> {
        let section = Section::Member;
        self.groups()
            .flat_map(move |place| place.group.members.iter().map(move |table| Place { table, section, ..place }))
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = Place<'_>> {
        self.groups().chain(self.members())
    }

    pub(super) fn find_group(&self, interface: &IfName) -> Option<Place<'_>> {
        self.groups().find(|place| place.table.interface() == interface.as_str())
    }

    pub(super) fn find_member(&self, interface: &IfName) -> Option<Place<'_>> {
        self.members().find(|place| place.table.interface() == interface.as_str())
    }

    pub(super) fn group(&self, interface: &IfName) -> Result<Place<'_>, String> {
        self.find_group(interface).ok_or_else(|| match self.find_member(interface) {
            Some(member) => format!("{interface} is no IPMP interface, but a member of {}", member.group.interface()),
            None if value::ipmp_name(interface.as_str()).is_err() => format!("there is no IPMP interface {interface}"),
            None => format!("there is no IPMP interface {interface}; `ipmpadm create-ipmp {interface}` makes it"),
        })
    }

    pub(super) fn member(&self, interface: &IfName) -> Result<Place<'_>, String> {
        self.find_member(interface).ok_or_else(|| match self.find_group(interface) {
            Some(_) => format!("{interface} is an IPMP interface, and no member of a group"),
            None => format!("{interface} is in no group; `ipmpadm add-ipmp -i {interface} IPMP_IF` puts it into one"),
        })
    }

    pub(super) fn either(&self, interface: &IfName) -> Result<Place<'_>, String> {
        self.find_group(interface).or_else(|| self.find_member(interface)).ok_or_else(|| {
            format!("{interface} is neither an IPMP interface nor a member of a group; `ipmpstat -i` lists the members")
        })
    }
}

impl<'a> Place<'a> {
    pub(super) fn in_file(&self, splices: Vec<Splice>) -> Splices {
        splices.into_iter().map(|splice| (self.file, splice)).collect()
    }

    pub(super) fn add_item(&self, key: &str, item: &str) -> Splices {
        self.in_file(table::add_item(self.text, self.table, key, item))
    }

    /// The keys of its addresses, first of those that are up, and what each holds.
    pub(super) fn lists(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        match self.section {
            Section::Member => [("test-addresses", "test address"), ("down-test-addresses", "test address")],
            _ => [("addresses", "data address"), ("down-addresses", "data address")],
        }
        .into_iter()
    }

    pub(super) fn list_of(&self, down: bool) -> &'static str {
        let (key, _) = self.lists().nth(usize::from(down)).expect("two of them");
        key
    }

    /// Where an address is in the list of a key.
    pub(super) fn position(&self, key: &str, address: IpAddr) -> Option<usize> {
        let parse = |text: &str| text.split('/').next().and_then(|text| text.parse::<IpAddr>().ok());
        let strings = &self.table.list(key)?.strings;
        strings.iter().position(|text| text.as_deref().and_then(parse) == Some(address))
    }

    pub(super) fn find_address(&self, address: IpAddr) -> Result<(&'static str, usize), String> {
        let found = self.lists().find_map(|(key, _)| Some((key, self.position(key, address)?)));
        found.ok_or_else(|| {
            let known: Vec<_> = self.lists().flat_map(|(key, _)| self.table.strings(key)).collect();
            let known = if known.is_empty() { "it has none".into() } else { format!("it has {}", and(&known)) };
            format!("{address} is no address of {}; {known}", self.table.interface())
        })
    }
}

/// `a, b and c`; no more than a few.
pub(super) fn and(names: &[&str]) -> String {
    const MOST: usize = 20;
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] if names.len() <= MOST => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} more", names[..MOST].join(", "), names.len() - MOST),
    }
}
