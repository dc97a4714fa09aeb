//! What may be set in the main file and in each group alike. A group has what it sets itself, then what the
//! main file sets, then the defaults.

use std::time::Duration;

use ipmp_core::Detection;
use ipmp_core::config::{Damping, FAILURE_DETECTION_TIME_DEFAULT, ProbeMode, Schedule};

use crate::keys::Section;
use crate::reader::Table;
use crate::report::Report;
use crate::source::{At, Place};
use crate::value::{self, Bounds};

/// The largest penalty that may be named: sixteen failures at one moment.
const PENALTY_MAX: u32 = 16_000;

/// The settings that are written in a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) failure_detection_time: Option<At<Duration>>,
    pub(crate) failure_detection_time_max: Option<At<Duration>>,
    pub(crate) probe: Option<At<ProbeMode>>,
    pub(crate) schedule: Option<At<Schedule>>,
    pub(crate) degraded_loss_percent: Option<At<u8>>,
    pub(crate) drain: Option<At<bool>>,
    pub(crate) failback: Option<At<bool>>,
    pub(crate) half_life: Option<At<Duration>>,
    pub(crate) suspend: Option<At<u32>>,
    pub(crate) reuse: Option<At<u32>>,
    /// Whether there is more that could not be read, so that nothing follows from what is missing.
    pub(crate) lost: bool,
}

impl Settings {
    /// Reads the keys of `table` that belong here.
    pub(crate) fn read(table: &Table<'_>, report: &mut Report) -> Self {
        let errors = report.errors();
        let expected = "a table, such as { half-life = \"60s\", suspend = 2000, reuse = 1000 }";
        let damping = table.table("damping", Section::Damping, expected, report);
        let damping = damping.as_ref();
        let settings = Self {
            failure_detection_time: table.time("failure-detection-time", &Bounds::DETECTION_TIME, report),
            failure_detection_time_max: table.time("failure-detection-time-max", &Bounds::DETECTION_TIME_MAX, report),
            probe: table.optional("probe", value::probe, report),
            schedule: table.optional("probe-schedule", value::schedule, report),
            degraded_loss_percent: table.number("degraded-loss-percent", 1..=100, report),
            drain: table.boolean("drain", report),
            failback: table.boolean("failback", report),
            half_life: damping.and_then(|table| table.time("half-life", &Bounds::HALF_LIFE, report)),
            suspend: damping.and_then(|table| table.number("suspend", 2..=PENALTY_MAX, report)),
            reuse: damping.and_then(|table| table.number("reuse", 1..=PENALTY_MAX - 1, report)),
            lost: false,
        };
        let lost = report.errors() > errors || table.may_hide("failure-detection-time", report);
        Self { lost, ..settings }
    }

    /// These, and those of `other` where these say nothing.
    pub(crate) fn or(&self, other: &Settings) -> Settings {
        fn first<T: Clone>(own: &Option<At<T>>, other: &Option<At<T>>) -> Option<At<T>> {
            own.clone().or_else(|| other.clone())
        }
        Settings {
            failure_detection_time: first(&self.failure_detection_time, &other.failure_detection_time),
            failure_detection_time_max: first(&self.failure_detection_time_max, &other.failure_detection_time_max),
            probe: first(&self.probe, &other.probe),
            schedule: first(&self.schedule, &other.schedule),
            degraded_loss_percent: first(&self.degraded_loss_percent, &other.degraded_loss_percent),
            drain: first(&self.drain, &other.drain),
            failback: first(&self.failback, &other.failback),
            half_life: first(&self.half_life, &other.half_life),
            suspend: first(&self.suspend, &other.suspend),
            reuse: first(&self.reuse, &other.reuse),
            lost: self.lost || other.lost,
        }
    }

    /// The keys that say how to probe, and where they are written.
    pub(crate) fn of_probes(&self) -> impl Iterator<Item = (&'static str, &Place)> {
        let keys = [
            ("failure-detection-time", self.failure_detection_time.as_ref().map(|at| &at.place)),
            ("failure-detection-time-max", self.failure_detection_time_max.as_ref().map(|at| &at.place)),
            ("probe-schedule", self.schedule.as_ref().map(|at| &at.place)),
            ("degraded-loss-percent", self.degraded_loss_percent.as_ref().map(|at| &at.place)),
            ("drain", self.drain.as_ref().map(|at| &at.place)),
        ];
        keys.into_iter().filter_map(|(key, place)| Some((key, place?)))
    }

    pub(crate) fn failure_detection_time(&self) -> Duration {
        chosen(&self.failure_detection_time, FAILURE_DETECTION_TIME_DEFAULT)
    }

    pub(crate) fn failback(&self) -> bool {
        chosen(&self.failback, true)
    }

    pub(crate) fn probe(&self) -> ProbeMode {
        chosen(&self.probe, Detection::default().probe)
    }

    pub(crate) fn damping(&self) -> Damping {
        let default = Damping::default();
        Damping {
            half_life: chosen(&self.half_life, default.half_life),
            suspend: chosen(&self.suspend, default.suspend),
            reuse: chosen(&self.reuse, default.reuse),
        }
    }

    pub(crate) fn detection(&self) -> Detection {
        let default = Detection::default();
        Detection {
            probe: self.probe(),
            schedule: chosen(&self.schedule, default.schedule),
            failure_detection_time_max: self.failure_detection_time_max.as_ref().map(|at| at.value),
            degraded_loss_percent: chosen(&self.degraded_loss_percent, default.degraded_loss_percent),
            drain: chosen(&self.drain, default.drain),
            damping: self.damping(),
        }
    }
}

fn chosen<T: Copy>(written: &Option<At<T>>, default: T) -> T {
    written.as_ref().map_or(default, |at| at.value)
}
