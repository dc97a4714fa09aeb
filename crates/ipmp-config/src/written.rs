//! What is written, value by value, with the place of each. Every value is right in itself; whether they
//! go together is not looked at here.

use std::net::IpAddr;
use std::sync::Arc;

use ipmp_core::{Family, GroupName, IfName};
use ipnet::IpNet;
use toml::de::DeTable;

use crate::keys::Section;
use crate::reader::{List, Table};
use crate::report::Report;
use crate::settings::Settings;
use crate::source::{At, Place, Source, Sources};
use crate::{syntax, value};

/// Most groups; as many as there may be members in one.
pub(crate) const GROUPS_MAX: usize = 255;
/// Most members of a group: routes have a leg for each.
const MEMBERS_MAX: usize = 255;
/// Most data addresses of a group. The kernel's work for adding one grows with those that are there.
const ADDRESSES_MAX: usize = 10_000;
/// Most routers of a group: with 255 members the legs of the default route just fit a netlink message.
const GATEWAYS_MAX: usize = 16;
/// Most static routes of a group; each is replaced when an active member changes.
const ROUTES_MAX: usize = 1000;
/// Most explicit targets of a group; five are probed at a time.
const TARGETS_MAX: usize = 255;
/// Most test addresses of a member, of which one a family is used.
const TEST_ADDRESSES_MAX: usize = 16;

/// All files.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Those of the main file, for groups that do not set their own.
    pub(crate) settings: Settings,
    pub(crate) track_only_groups: Option<At<bool>>,
    pub(crate) admin_group: Option<At<String>>,
    pub(crate) groups: Vec<Group>,
}

/// A `[[group]]`.
#[derive(Debug)]
pub(crate) struct Group {
    /// Its header.
    pub(crate) place: Place,
    pub(crate) interface: Option<At<IfName>>,
    pub(crate) name: Option<At<GroupName>>,
    pub(crate) addresses: List<At<IpNet>>,
    pub(crate) down_addresses: List<At<IpNet>>,
    pub(crate) gateways: List<At<IpAddr>>,
    pub(crate) routes: Vec<Route>,
    pub(crate) settings: Settings,
    pub(crate) targets: List<At<IpAddr>>,
    pub(crate) targets_exclusive: Option<At<bool>>,
    pub(crate) members: List<Member>,
}

/// An element of `routes`.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) to: At<IpNet>,
    pub(crate) via: At<IpAddr>,
}

/// A `[[group.member]]`.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) interface: Option<At<IfName>>,
    pub(crate) test_addresses: List<At<IpNet>>,
    pub(crate) down_test_addresses: List<At<IpNet>>,
    pub(crate) standby: Option<At<bool>>,
}

impl Group {
    /// The name that it goes by, and where that is written.
    pub(crate) fn effective_name(&self) -> Option<At<GroupName>> {
        self.name.clone().or_else(|| {
            let At { value, place } = self.interface.as_ref()?;
            Some(At { value: value.as_str().parse().ok()?, place: place.clone() })
        })
    }

    /// What to call it in a message.
    pub(crate) fn shown(&self) -> String {
        match self.effective_name() {
            Some(name) => format!("group {}", value::quoted(name.value.as_str())),
            None => "a group without a name".into(),
        }
    }

    /// Whether its members may have test addresses of a family of which none could be read.
    pub(crate) fn test_addresses_lost(&self, family: Family) -> bool {
        let lists = |member: &Member| lost(&member.test_addresses, family) || lost(&member.down_test_addresses, family);
        self.members.lost || self.members.iter().any(lists)
    }

    /// Whether it may have data addresses of a family of which none could be read.
    pub(crate) fn addresses_lost(&self, family: Family) -> bool {
        lost(&self.addresses, family) || lost(&self.down_addresses, family)
    }

    /// All data addresses, those that are down too: they are to be right when they are taken up.
    pub(crate) fn data_addresses(&self) -> impl Iterator<Item = &At<IpNet>> {
        self.addresses.iter().chain(&self.down_addresses)
    }

    /// The test addresses of its members that are up.
    pub(crate) fn test_addresses(&self) -> impl Iterator<Item = &At<IpNet>> {
        self.members.iter().flat_map(|member| &member.test_addresses)
    }

    /// All test addresses of its members, those that are down too.
    pub(crate) fn all_test_addresses(&self) -> impl Iterator<Item = &At<IpNet>> {
        self.members.iter().flat_map(|member| member.test_addresses.iter().chain(&member.down_test_addresses))
    }
}

fn lost(addresses: &List<At<IpNet>>, family: Family) -> bool {
    addresses.lost && !addresses.iter().any(|at| Family::of(at.value.addr()) == family)
}

/// Reads all files.
pub(crate) fn read(sources: &Sources, report: &mut Report) -> Written {
    let mut written = Written::default();
    if let Some(main) = &sources.main {
        read_file(main, Section::Main, &mut written, report);
    }
    for source in &sources.conf_d {
        read_file(source, Section::ConfD, &mut written, report);
    }
    written
}

fn read_file(source: &Arc<Source>, section: Section, written: &mut Written, report: &mut Report) {
    let text = syntax::readable(source, report);
    let (document, _) = DeTable::parse_recoverable(&text);
    let head = Table::new(source, section, document.get_ref(), 0..0, report);
    if section == Section::Main {
        written.settings = Settings::read(&head, report);
        written.track_only_groups = head.boolean("track-interfaces-only-with-groups", report);
        written.admin_group = head.optional("admin-group", value::system_group, report);
    }
    let header = "a header in two brackets: `[[group]]`";
    for table in &head.tables("group", Section::Group, GROUPS_MAX, header, report) {
        written.groups.push(read_group(table, report));
    }
}

fn read_group(table: &Table<'_>, report: &mut Report) -> Group {
    let header = "a header in two brackets: `[[group.member]]`";
    let members = table.tables("member", Section::Member, MEMBERS_MAX, header, report);
    Group {
        place: table.place.clone(),
        interface: table.required("interface", value::ipmp_name, report),
        name: table.optional("name", value::group_name, report),
        addresses: table.strings("addresses", ADDRESSES_MAX, value::data_address, report),
        down_addresses: table.strings("down-addresses", ADDRESSES_MAX, value::data_address, report),
        gateways: table.strings("gateways", GATEWAYS_MAX, value::address, report),
        routes: read_routes(table, report),
        settings: Settings::read(table, report),
        targets: table.strings("targets", TARGETS_MAX, value::address, report),
        targets_exclusive: table.boolean("targets-exclusive", report),
        members: List { items: members.iter().map(|member| read_member(member, report)).collect(), lost: members.lost },
    }
}

fn read_routes(table: &Table<'_>, report: &mut Report) -> Vec<Route> {
    let expected = "an array of tables, such as [{ to = \"198.51.100.0/24\", via = \"192.0.2.2\" }]";
    let mut routes = Vec::new();
    for route in &table.tables("routes", Section::Route, ROUTES_MAX, expected, report) {
        let to = route.required("to", value::destination, report);
        let via = route.required("via", value::address, report);
        routes.extend(to.zip(via).map(|(to, via)| Route { to, via }));
    }
    routes
}

fn read_member(table: &Table<'_>, report: &mut Report) -> Member {
    Member {
        interface: table.required("interface", value::member_name, report),
        test_addresses: table.strings("test-addresses", TEST_ADDRESSES_MAX, value::own_address, report),
        down_test_addresses: table.strings("down-test-addresses", TEST_ADDRESSES_MAX, value::own_address, report),
        standby: table.boolean("standby", report),
    }
}
