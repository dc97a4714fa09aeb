//! What probes can tell of a member in a family, by its configuration: who sends them, and to whom.

use ipmp_core::{Family, GroupConfig, MemberConfig, ProbeMode};

/// Both.
pub(super) const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// Whether a member has a test address of a family in the file.
pub(super) fn tested(member: &MemberConfig, family: Family) -> bool {
    member.test_addresses.iter().any(|net| Family::of(net.addr()) == family)
}

/// Whether a group has data addresses of a family.
pub(super) fn serves(group: &GroupConfig, family: Family) -> bool {
    group.addresses.iter().any(|net| Family::of(net.addr()) == family)
}

/// Whether a member sends probes of a family, whoever answers.
pub(super) fn asks(group: &GroupConfig, member: &MemberConfig, family: Family) -> bool {
    let probing = group.detection.probe != ProbeMode::None;
    probing && (tested(member, family) || serves(group, family))
}

/// Whether it does so from its link-local address, or in its name.
pub(super) fn asks_on_link(group: &GroupConfig, member: &MemberConfig) -> bool {
    let own = tested(member, Family::V6) && group.detection.probe != ProbeMode::Arp;
    asks(group, member, Family::V6) && !own
}

/// Whether there is somebody to answer them, whoever answers to multicast.
pub(super) fn tells(group: &GroupConfig, member: &MemberConfig, family: Family) -> bool {
    let of_family = |address: &std::net::IpAddr| Family::of(*address) == family;
    let routers = group.gateways.iter().chain(group.routes.iter().map(|route| &route.via));
    let somebody =
        group.targets.iter().any(of_family) || (!group.targets_exclusive && routers.into_iter().any(of_family));
    asks(group, member, family) && somebody
}

/// Whether probes can tell anything of a member, whoever answers to multicast.
pub(super) fn probed(group: &GroupConfig, member: &MemberConfig) -> bool {
    FAMILIES.iter().any(|family| tells(group, member, *family))
}

/// Whether they may, if somebody answers to multicast, or another member stands in.
pub(super) fn may_be_probed(group: &GroupConfig, member: &MemberConfig) -> bool {
    FAMILIES.iter().any(|family| asks(group, member, *family))
}

/// Whether in some family somebody has to be found first.
pub(super) fn searches(group: &GroupConfig, member: &MemberConfig) -> bool {
    FAMILIES.iter().any(|family| asks(group, member, *family) && !tells(group, member, *family))
}
