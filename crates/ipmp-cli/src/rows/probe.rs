//! `ipmpstat -p`.

use std::net::IpAddr;

use ipmp_control::{Probe, ProbeKind, ProbeOutcome};
use serde::Serialize;

use super::field;
use crate::names::Names;
use crate::table::Field;
use crate::words;

/// `-p`: a probe that was answered or lost.
#[derive(Debug, Serialize)]
pub struct ProbeRow<'a> {
    time_us: i64,
    interface: &'a str,
    probe: u64,
    outcome: ProbeOutcome,
    netrtt_us: Option<u64>,
    rtt_us: Option<u64>,
    rttavg_us: Option<u64>,
    target: IpAddr,
    rttdev_us: Option<u64>,
    kind: ProbeKind,
}

impl<'a> From<&'a Probe> for ProbeRow<'a> {
    fn from(probe: &'a Probe) -> Self {
        Self {
            time_us: probe.sent_us,
            interface: &probe.interface,
            probe: probe.probe,
            outcome: probe.outcome,
            netrtt_us: probe.network_rtt_us,
            rtt_us: probe.rtt_us,
            rttavg_us: probe.average_rtt_us,
            target: probe.target,
            rttdev_us: probe.rtt_deviation_us,
            kind: probe.kind,
        }
    }
}

impl ProbeRow<'_> {
    /// The columns.
    pub const FIELDS: &'static [Field] = &[
        field("TIME", 10),
        field("INTERFACE", 12),
        field("PROBE", 7),
        field("NETRTT", 10),
        field("RTT", 10),
        field("RTTAVG", 10),
        // Four columns less than Solaris', for the kind to be seen on every screen.
        field("TARGET", 16),
        field("KIND", 5),
        field("RTTDEV", 10),
    ];

    /// The address in it.
    pub fn address(&self) -> IpAddr {
        self.target
    }

    /// The values of the columns.
    pub fn values(&self, names: &Names) -> Vec<String> {
        let millis = |us: Option<u64>| us.map(words::millis).unwrap_or_default();
        vec![
            moment(self.time_us),
            self.interface.to_owned(),
            self.probe.to_string(),
            millis(self.netrtt_us),
            millis(self.rtt_us),
            millis(self.rttavg_us),
            names.show(self.target),
            words::probe_kind(self.kind).to_owned(),
            millis(self.rttdev_us),
        ]
    }

    /// As `--json` shows it, on one line.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("a row is a struct of names, words and numbers") + "\n"
    }
}

/// Seconds since the program began, or before that.
fn moment(us: i64) -> String {
    let hundredths = (us.unsigned_abs() + 5_000) / 10_000;
    let sign = if us < 0 && hundredths > 0 { "-" } else { "" };
    format!("{sign}{}.{:02}s", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_two_decimals_and_zero_has_no_sign() {
        let shown = [370_000, -620_000, -4_999, 4_999, 5_000, -12_345_678, i64::MAX].map(moment);
        assert_eq!(shown, ["0.37s", "-0.62s", "0.00s", "0.00s", "0.01s", "-12.35s", "9223372036854.78s"]);
    }
}
