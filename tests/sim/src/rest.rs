//! What must hold of a group at rest, whatever led there: judged by the faults that there are, and nothing
//! that was before.

use std::collections::BTreeMap;

use ipmp_core::status::{GroupStatus, MemberState, MemberStatus};

use crate::site::Port;
use crate::stage::Stage;

/// Where the group of a stage is.
const SEGMENT: u8 = 0;

/// Everything that is wrong with the group of a world that has come to rest; the members have test addresses.
pub fn faults(stage: &Stage) -> Vec<String> {
    let group = stage.group_status();
    let mut faults = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            faults.push(what);
        }
    };
    for member in &group.members {
        let known = match member.state {
            MemberState::Offline => true,
            MemberState::Failed => !works(stage, member),
            MemberState::Ok | MemberState::Degraded | MemberState::Unknown => works(stage, member),
        };
        expect(known, format!("{} is {:?}, and works: {}", member.interface, member.state, works(stage, member)));
    }
    let can = |member: &&MemberStatus| member.state == MemberState::Ok;
    let active: Vec<&MemberStatus> = group.members.iter().filter(|member| member.active).collect();
    let regular = group.members.iter().filter(|member| !member.standby);
    let wanted = regular.clone().count().max(1);
    expect(!active.is_empty() || !group.members.iter().any(|member| can(&member)), "nobody is active".to_owned());
    let missing = regular.clone().any(|member| !member.active) || regular.clone().count() == 0;
    expect(missing || !active.iter().any(|member| member.standby), "a standby is active and nobody is missing".into());
    expect(active.len() <= wanted, format!("{} are active instead of {wanted}", active.len()));
    if stage.file.groups[0].failback {
        let idle: Vec<_> = regular.filter(can).filter(|member| !member.active).map(|m| &m.interface).collect();
        expect(idle.is_empty(), format!("{idle:?} work and idle in spite of failback"));
        let idle_standby = group.members.iter().filter(can).any(|member| member.standby && !member.active);
        expect(active.len() == wanted || !idle_standby, "a standby idles while another is missing".into());
    }
    carried(stage, &group, &active, &mut expect);
    faults
}

/// Addresses and ways out are with those that are active; where nobody is, with members that have a link.
fn carried(stage: &Stage, group: &GroupStatus, active: &[&MemberStatus], expect: &mut impl FnMut(bool, String)) {
    let named = |member: &&MemberStatus| Port::named(&member.interface);
    let active: Vec<Port> = active.iter().filter_map(named).collect();
    let serves = |member: &&MemberStatus| member.state != MemberState::Offline && member.link_up;
    let linked: Vec<Port> = group.members.iter().filter(serves).filter_map(|member| named(&member)).collect();
    let mut loads: BTreeMap<Port, usize> = active.iter().map(|port| (*port, 0)).collect();
    for address in &stage.file.groups[0].addresses {
        match stage.holders(address.addr())[..] {
            [one] if active.contains(&one) => *loads.get_mut(&one).expect("it is active") += 1,
            [one] if active.is_empty() => {
                expect(linked.is_empty() || linked.contains(&one), format!("{address} is on {one:?} without a link"));
            }
            ref holders => expect(false, format!("{address} is on {holders:?}, active are {active:?}")),
        }
    }
    if let (Some(most), Some(least)) = (loads.values().max(), loads.values().min()) {
        expect(most - least <= 1, format!("the addresses are not even: {loads:?}"));
    }
    let ways = stage.ways_out();
    if !active.is_empty() {
        expect(ways == active, format!("ways out are {ways:?}, active are {active:?}"));
    } else if !linked.is_empty() {
        let usable = !ways.is_empty() && ways.iter().all(|way| linked.contains(way));
        expect(usable, format!("ways out are {ways:?}, with a link are {linked:?}"));
    }
}

/// Whether a member would be answered.
fn works(stage: &Stage, member: &MemberStatus) -> bool {
    let port = Port::named(&member.interface).expect("members are ports");
    let index = stage.kernel.index_of(port);
    let linked = index.is_some_and(|index| stage.kernel.links[&index].usable());
    linked && stage.network.path(port).faultless() && !stage.network.outage(SEGMENT)
}
