//! What is wrong on this host, on the wire.

use serde::{Deserialize, Serialize};
use zlink::introspect::{CustomType, Type};

/// Everything that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Problems {
    /// The gravest first.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong, or looks so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct Problem {
    /// How grave it is.
    pub severity: Severity,
    /// What kind of problem it is, in one word.
    pub kind: String,
    /// The group, or the interface, that it is about.
    pub subject: String,
    /// What is wrong.
    pub what: String,
    /// What will come of it.
    pub consequence: String,
    /// What to do.
    pub remedy: String,
}

/// How grave a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, CustomType)]
#[serde(rename_all = "lowercase")]
#[zlink(rename_all = "lowercase")]
pub enum Severity {
    /// Addresses are, or will be, unreachable.
    Error,
    /// A failure would do more harm than it need.
    Warning,
}
