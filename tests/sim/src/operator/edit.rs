//! What an administrator changes in the file between one reload and the next.

use ipmp_core::{Config, Family};

use crate::rng::Rng;
use crate::site::{self, Port};

/// The configuration after the administrator changed something in it.
pub(super) fn edited(rng: &mut Rng, config: &Config) -> Config {
    let mut config = config.clone();
    let last = config.groups.len();
    if last == 0 || (last < usize::from(site::SEGMENTS) && rng.chance(0.15)) {
        let free = (0..site::SEGMENTS)
            .find(|n| config.groups.iter().all(|group| group.interface.as_str() != format!("ipmp{n}")));
        let segment = free.expect("there are fewer groups than segments");
        let group = site::draw_group(rng, segment, &config);
        config.groups.push(group);
        return config;
    }
    if rng.chance(0.05) {
        config.track_all_interfaces ^= true;
        return config;
    }
    let at = rng.between(0, last - 1);
    if rng.chance(0.05) {
        config.groups.remove(at);
        return config;
    }
    let others = config.clone();
    let group = &mut config.groups[at];
    let segment = if group.interface.as_str() == "ipmp0" { 0 } else { 1 };
    match rng.between(0, 10) {
        0 | 1 => {
            if let Some(port) = site::draw_free_port(rng, &others, group) {
                let tested = if rng.chance(0.7) { site::families(group) } else { Vec::new() };
                let mut member = site::member(&tested, segment, port);
                member.standby = rng.chance(0.3);
                group.members.push(member);
            }
        }
        2 if !group.members.is_empty() => {
            let at = rng.between(0, group.members.len() - 1);
            group.members.remove(at);
        }
        3 if !group.members.is_empty() => {
            let at = rng.between(0, group.members.len() - 1);
            group.members[at].standby ^= true;
        }
        4 => {
            let number = rng.between(0, 9) as u8;
            let family = match rng.chance(0.2) {
                true => *rng.pick(&[Family::V4, Family::V6]).expect("two of them"),
                false => *rng.pick(&site::families(group)).expect("one at least"),
            };
            let address = site::data_address(family, segment, number);
            match group.addresses.iter().position(|known| *known == address) {
                Some(at) => {
                    group.addresses.remove(at);
                }
                None => group.addresses.push(address),
            }
        }
        5 => {
            group.failure_detection_time = site::draw_failure_detection_time(rng);
            group.detection.failure_detection_time_max = None;
        }
        6 => group.failback ^= true,
        7 => site::draw_targets(rng, segment, group),
        8 => group.detection = site::draw_detection(rng, group.failure_detection_time),
        9 if !group.members.is_empty() => {
            let at = rng.between(0, group.members.len() - 1);
            let families = site::families(group);
            let member = &mut group.members[at];
            match (member.test_addresses.is_empty(), Port::named(&member.interface)) {
                (true, Some(port)) => member.test_addresses = site::member(&families, segment, port).test_addresses,
                _ => member.test_addresses.clear(),
            }
        }
        10 if group.routes.is_empty() => {
            let families = site::families(group);
            group.routes.extend(families.into_iter().map(|family| site::draw_route(family, segment)));
        }
        _ => group.routes.clear(),
    }
    config
}
