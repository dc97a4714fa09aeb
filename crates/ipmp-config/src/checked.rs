//! From what is written to what is meant: defaults applied, places dropped.

use ipmp_core::config::RouteConfig;
use ipmp_core::{Config, GroupConfig, MemberConfig};

use crate::Loaded;
use crate::finding::Findings;
use crate::reader::List;
use crate::settings::Settings;
use crate::source::At;
use crate::written::{Group, Member, Written};

/// The configuration. Nothing may be wrong with what is written: what is not complete is left out.
pub(crate) fn loaded(written: Written, findings: Findings) -> Loaded {
    let Written { settings, track_only_groups, admin_group, groups } = written;
    let config = Config {
        groups: groups.into_iter().filter_map(|written| group(written, &settings)).collect(),
        track_all_interfaces: track_only_groups.is_some_and(|at| !at.value),
        failure_detection_time: settings.failure_detection_time(),
        detection: settings.detection(),
        handover: Default::default(),
    };
    Loaded { config, findings, admin_group: admin_group.map(|at| at.value) }
}

fn group(written: Group, system: &Settings) -> Option<GroupConfig> {
    let settings = written.settings.or(system);
    Some(GroupConfig {
        name: written.effective_name()?.value,
        interface: written.interface?.value,
        addresses: values(written.addresses),
        down_addresses: values(written.down_addresses),
        gateways: values(written.gateways),
        routes: written
            .routes
            .into_iter()
            .map(|route| RouteConfig { to: route.to.value, via: route.via.value })
            .collect(),
        failure_detection_time: settings.failure_detection_time(),
        detection: settings.detection(),
        failback: settings.failback(),
        targets: values(written.targets),
        targets_exclusive: written.targets_exclusive.is_some_and(|at| at.value),
        members: written.members.items.into_iter().filter_map(member).collect(),
    })
}

fn member(written: Member) -> Option<MemberConfig> {
    Some(MemberConfig {
        interface: written.interface?.value,
        test_addresses: values(written.test_addresses),
        standby: written.standby.is_some_and(|at| at.value),
    })
}

fn values<T>(list: List<At<T>>) -> Vec<T> {
    list.items.into_iter().map(|at| at.value).collect()
}
