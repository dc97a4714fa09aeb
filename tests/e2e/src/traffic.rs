//! Packets to and from a data address, in every family of the group.

use std::time::SystemTime;

use ipmp_lab::{Flow, Report, Result};

/// Flows of the same kind, one a family. What is told of them is told of all: the sum of what is counted, the worst of
/// the rest.
#[derive(Debug)]
pub struct Flows {
    pub(crate) flows: Vec<Flow>,
    /// All of them arrived by then.
    pub(crate) since: SystemTime,
}

impl Flows {
    /// What became of everything sent since they began to arrive.
    pub fn report(&self) -> Result<Report> {
        self.report_since(self.since)
    }

    /// What became of everything sent since then.
    pub fn report_since(&self, since: SystemTime) -> Result<Report> {
        self.flows.iter().try_fold(Report::default(), |sum, flow| Ok(sum.join(flow.report_since(since)?)))
    }
}
