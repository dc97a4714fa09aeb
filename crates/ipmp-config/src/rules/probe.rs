//! What is written about probes where there are none, or others.

use ipmp_core::config::ProbeMode;

use crate::report::Report;
use crate::settings::Settings;
use crate::source::{At, Place};
use crate::written::{Group, Written};

pub(super) fn check(written: &Written, report: &mut Report) {
    let system = written.settings.probe.as_ref();
    let overridden = written.groups.iter().any(|group| group.settings.probe.is_some() || group.settings.lost);
    if let Some(probe) = system.filter(|at| at.value == ProbeMode::None && !overridden) {
        settings(&written.settings, &probe.place, report);
    }
    for group in &written.groups {
        let Some(At { value: probe, place }) = group.settings.probe.as_ref().or(system) else { continue };
        match probe {
            ProbeMode::None => nothing_is_probed(group, place, report),
            ProbeMode::Arp => no_test_address_is_needed(group, place, report),
            ProbeMode::Auto | ProbeMode::Icmp => {}
        }
    }
}

fn nothing_is_probed(group: &Group, none: &Place, report: &mut Report) {
    settings(&group.settings, none, report);
    let targets = group.targets.first().map(|at| ("targets", &at.place));
    let exclusive = group.targets_exclusive.as_ref().map(|at| ("targets-exclusive", &at.place));
    let test_address = group.test_addresses().next().map(|at| ("test-addresses", &at.place));
    for (key, place) in targets.into_iter().chain(exclusive).chain(test_address) {
        without_effect(key, place, none, report);
    }
}

fn settings(settings: &Settings, none: &Place, report: &mut Report) {
    for (key, place) in settings.of_probes() {
        without_effect(key, place, none, report);
    }
}

fn without_effect(key: &str, place: &Place, none: &Place, report: &mut Report) {
    report
        .warning(place, format!("`{key}` has no effect where nothing is probed"))
        .expected(format!("another `probe`, or no `{key}`"))
        .related(none, "chosen here");
}

fn no_test_address_is_needed(group: &Group, arp: &Place, report: &mut Report) {
    if let Some(At { value, place }) = group.test_addresses().next() {
        report
            .warning(place, format!("no probe is sent from test address {}", value.addr()))
            .expected("`probe = \"auto\"` to use test addresses, or none of them")
            .related(arp, "ARP is chosen here");
    }
}
