//! Settings that contradict each other. What counts is what is in force for a group, or for interfaces in
//! none, so one half of a contradiction may stand in the main file and the other in a group.

use std::collections::BTreeSet;

use crate::report::Report;
use crate::settings::Settings;
use crate::source::{At, Place};
use crate::written::Written;

/// Reports each contradiction once, however many groups are under it.
pub(super) fn check(written: &Written, report: &mut Report) {
    let mut told = BTreeSet::new();
    let mut once = |settings: &Settings, report: &mut Report| {
        if !settings.lost {
            detection_time_max(settings, &mut told, report);
            damping(settings, &mut told, report);
        }
    };
    let ungrouped = written.track_only_groups.as_ref().is_some_and(|at| !at.value);
    if ungrouped || written.groups.is_empty() {
        once(&written.settings, report);
    }
    for group in &written.groups {
        once(&group.settings.or(&written.settings), report);
    }
}

/// Pairs of places, as the files and lines have them.
type Told = BTreeSet<[Option<(String, usize)>; 2]>;

fn new(first: &Place, second: Option<&Place>, told: &mut Told) -> bool {
    let key = |place: &Place| (place.source.name.clone(), place.span.start);
    told.insert([Some(key(first)), second.map(key)])
}

fn detection_time_max(settings: &Settings, told: &mut Told, report: &mut Report) {
    let time = settings.failure_detection_time();
    let written = settings.failure_detection_time.as_ref().map(|at| &at.place);
    let Some(At { value: most, place }) = &settings.failure_detection_time_max else { return };
    if *most < time && new(place, written, told) {
        let [most, time] = [*most, time].map(humantime::format_duration);
        let details = report
            .error(place, format!("`failure-detection-time-max` {most} is shorter than the failure detection time"))
            .expected(format!("{time} or more"));
        if let Some(written) = written {
            details.related(written, "this one");
        }
    }
}

fn damping(settings: &Settings, told: &mut Told, report: &mut Report) {
    let (suspend, reuse) = (settings.damping().suspend, settings.damping().reuse);
    let places = [&settings.reuse, &settings.suspend].map(|at| at.as_ref().map(|at| &at.place));
    let (place, other, expected) = match places {
        _ if reuse < suspend => return,
        [Some(place), other] => (place, other, format!("a number below {suspend}")),
        [None, Some(place)] => (place, None, format!("a number above {reuse}")),
        [None, None] => return,
    };
    if new(place, other, told) {
        let details =
            report.error(place, format!("`reuse` {reuse} is not below `suspend` {suspend}")).expected(expected);
        if let Some(other) = other {
            details.related(other, "`suspend` here");
        }
    }
}
