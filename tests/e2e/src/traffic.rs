//! Packets to and from a data address, in every family of the group.

use std::time::SystemTime;

use ipmp_lab::{Flow, Report, Result};

/// Flows of the same kind, one a family. What is told of them is told of all: the sum of what is counted, the worst of
/// the rest.
#[derive(Debug)]
pub struct Flows(pub(crate) Vec<Flow>);

impl Flows {
    /// What became of everything sent so far.
    pub fn report(&self) -> Result<Report> {
        self.joined(Flow::report)
    }

    /// What became of everything sent since then.
    pub fn report_since(&self, since: SystemTime) -> Result<Report> {
        self.joined(|flow| flow.report_since(since))
    }

    fn joined(&self, ask: impl Fn(&Flow) -> Result<Report>) -> Result<Report> {
        self.0.iter().try_fold(Report::default(), |sum, flow| Ok(sum.join(ask(flow)?)))
    }
}
