//! What is handed over, case by case.

use ipmp_core::kernel::{Leg, RouteKey};

use super::*;

const ETH0: IfIndex = IfIndex(2);
const ETH1: IfIndex = IfIndex(3);
/// A NIC of no group.
const OTHER: IfIndex = IfIndex(4);
const STATIC: u8 = 4;

fn link(index: IfIndex, name: &str) -> Link {
    Link {
        index,
        name: name.parse().unwrap(),
        mac: None,
        up: true,
        carrier: true,
        carrier_downs: 0,
        mtu: 1500,
        multi_access: true,
        alias: None,
        tunables: None,
        inet6: None,
    }
}

/// A host with two NICs that join, and one that does not.
fn host() -> Captured {
    let links = vec![link(ETH0, "eth0"), link(ETH1, "eth1"), link(OTHER, "eth2")];
    Captured { links, ..Captured::default() }
}

fn address(captured: &mut Captured, index: IfIndex, net: &str) -> usize {
    let key = AddressKey { index, address: net.parse().unwrap() };
    let foreign = Foreign { key: ForeignKey::Address(key), message: vec![] };
    captured.addresses.push(CapturedAddress { key, scope: Scope::Global, permanent: true, foreign });
    captured.addresses.len() - 1
}

fn route(captured: &mut Captured, to: &str, protocol: u8, legs: &[(IfIndex, Option<&str>)]) {
    let legs: Vec<Leg> =
        legs.iter().map(|(index, via)| Leg { index: *index, via: via.map(|via| via.parse().unwrap()) }).collect();
    let key = RouteKey { to: to.parse().unwrap(), metric: 0, ours: false };
    let foreign = Foreign { key: ForeignKey::Route(key, legs.clone()), message: vec![] };
    captured.routes.push(CapturedRoute { route: Route { key, scope: Scope::Global, legs }, protocol, foreign });
}

/// What the two NICs hand over to a group that is configured like this.
fn handed(captured: &Captured, group: &str) -> Result<Takeover, String> {
    let members = "\n[[group.member]]\ninterface = \"eth0\"\n\n[[group.member]]\ninterface = \"eth1\"\n";
    let text = format!("[[group]]\ninterface = \"ipmp0\"\n{group}{members}");
    let config = ipmp_config::check_text("test", text.as_bytes()).unwrap().config;
    let joining = ["eth0", "eth1"].map(|name| name.parse().unwrap());
    takeover(&"ipmp0".parse().unwrap(), &joining, captured, &config)
}

fn ipmp0() -> IfName {
    "ipmp0".parse().unwrap()
}

fn added(net: &str) -> Edit {
    Edit::AddAddress { interface: ipmp0(), address: net.parse().unwrap(), down: false }
}

#[test]
fn addresses_and_ways_go_to_the_group() {
    let mut captured = host();
    address(&mut captured, ETH0, "192.0.2.50/24");
    address(&mut captured, ETH1, "2001:db8::50/64");
    address(&mut captured, OTHER, "198.51.100.1/24");
    route(&mut captured, "192.0.2.0/24", BY_KERNEL, &[(ETH0, None)]);
    route(&mut captured, "0.0.0.0/0", STATIC, &[(ETH0, Some("192.0.2.1"))]);
    route(&mut captured, "203.0.113.0/24", STATIC, &[(ETH0, Some("192.0.2.2"))]);
    route(&mut captured, "10.0.0.0/8", STATIC, &[(OTHER, Some("198.51.100.2"))]);
    let handed = handed(&captured, "").unwrap();
    let gateway = Edit::AddGateway { interface: ipmp0(), gateway: "192.0.2.1".parse().unwrap() };
    let to = "203.0.113.0/24".parse().unwrap();
    let way = Edit::AddRoute { interface: ipmp0(), to, via: "192.0.2.2".parse().unwrap() };
    assert_eq!(handed.edits, [added("192.0.2.50/24"), added("2001:db8::50/64"), gateway, way]);
    assert_eq!(handed.take.len(), 4, "{:?}", handed.take);
    assert!(handed.warnings.is_empty(), "{:?}", handed.warnings);
}

#[test]
fn a_link_without_neighbours_cannot_join() {
    let mut captured = host();
    captured.links[1].multi_access = false;
    assert!(handed(&captured, "").unwrap_err().starts_with("eth1 cannot join ipmp0: it is a point-to-point link"));
    captured.links[1].multi_access = true;
    // It is none of those that join.
    captured.links[2].multi_access = false;
    assert!(handed(&captured, "").is_ok());
}

#[test]
fn what_the_group_has_is_taken_over_without_an_edit() {
    let mut captured = host();
    address(&mut captured, ETH0, "192.0.2.50/24");
    route(&mut captured, "0.0.0.0/0", STATIC, &[(ETH0, Some("192.0.2.1"))]);
    let handed = handed(&captured, "addresses = [\"192.0.2.50/24\"]\ngateways = [\"192.0.2.1\"]\n").unwrap();
    assert_eq!((handed.edits.as_slice(), handed.take.len()), (&[][..], 2));
}

#[test]
fn an_address_of_a_dhcp_client_is_refused() {
    let mut captured = host();
    let leased = address(&mut captured, ETH0, "192.0.2.50/24");
    captured.addresses[leased].permanent = false;
    let refused = handed(&captured, "").unwrap_err();
    assert!(refused.contains("eth0") && refused.contains("192.0.2.50/24") && refused.contains("DHCP"), "{refused}");
}

#[test]
fn what_router_advertisements_made_stays_and_the_router_is_used() {
    let mut captured = host();
    let made = address(&mut captured, ETH0, "2001:db8::a/64");
    captured.addresses[made].permanent = false;
    address(&mut captured, ETH0, "2001:db8::50/64");
    route(&mut captured, "::/0", BY_ADVERTISEMENT, &[(ETH0, Some("fe80::1"))]);
    let handed = handed(&captured, "").unwrap();
    let gateway = Edit::AddGateway { interface: ipmp0(), gateway: "fe80::1".parse().unwrap() };
    assert_eq!(handed.edits, [added("2001:db8::50/64"), gateway]);
    assert_eq!(handed.take.len(), 1, "the address that was set");
    assert!(handed.warnings.iter().any(|warning| warning.contains("2001:db8::a/64 stays on eth0")));
}

#[test]
fn the_kernels_own_ipv6_route_goes_with_its_address() {
    let mut captured = host();
    address(&mut captured, ETH0, "2001:db8::50/64");
    route(&mut captured, "2001:db8::/64", BY_KERNEL, &[(ETH0, None)]);
    route(&mut captured, "fe80::/64", BY_KERNEL, &[(ETH0, None)]);
    assert_eq!(handed(&captured, "").unwrap().take.len(), 2);
}

#[test]
fn a_route_that_a_group_cannot_have_stays() {
    let mut captured = host();
    address(&mut captured, ETH0, "192.0.2.50/24");
    route(&mut captured, "198.51.100.0/24", STATIC, &[(ETH0, None)]);
    route(&mut captured, "10.0.0.0/8", STATIC, &[(ETH0, Some("192.0.2.1")), (OTHER, Some("203.0.113.1"))]);
    let handed = handed(&captured, "").unwrap();
    assert_eq!((handed.take.len(), handed.warnings.len()), (1, 2), "{:?}", handed.warnings);
}

#[test]
fn test_addresses_stay_where_they_are() {
    let mut captured = host();
    address(&mut captured, ETH0, "192.0.2.10/24");
    let group = "addresses = [\"192.0.2.50/24\"]\n\n[[group.member]]\ninterface = \"eth9\"\ntest-addresses = [\"192.0.2.10/24\"]\n";
    let handed = handed(&captured, group).unwrap();
    assert!(handed.edits.is_empty() && handed.take.is_empty());
}

#[test]
fn a_group_gives_everything_to_one_interface() {
    let text = "[[group]]\ninterface = \"ipmp0\"\naddresses = [\"192.0.2.50/24\"]\ngateways = [\"192.0.2.1\"]\n\
                routes = [{ to = \"203.0.113.0/24\", via = \"192.0.2.2\" }]\n";
    let config = ipmp_config::check_text("test", text.as_bytes()).unwrap().config;
    let given = release(&config.groups[0], ETH0);
    let leg = |via: &str| vec![Leg { index: ETH0, via: Some(via.parse().unwrap()) }];
    let key = |to: &str| RouteKey { to: to.parse().unwrap(), metric: 0, ours: false };
    let address = AddressKey { index: ETH0, address: "192.0.2.50/24".parse().unwrap() };
    let wanted = [
        ForeignKey::Address(address),
        ForeignKey::Route(key("0.0.0.0/0"), leg("192.0.2.1")),
        ForeignKey::Route(key("203.0.113.0/24"), leg("192.0.2.2")),
    ];
    assert_eq!(given.into_iter().map(|foreign| foreign.key).collect::<Vec<_>>(), wanted);
}
