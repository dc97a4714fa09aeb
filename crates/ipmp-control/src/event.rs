//! The stream of events on the wire.

use serde::{Deserialize, Serialize};
use zlink::introspect::{CustomType, Type};

/// Some events: one reply of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Events {
    /// How many more there were, before or among these: more than are kept, or than the caller fetched.
    pub missed: u64,
    /// In order; in the first reply there may be none.
    pub events: Vec<Event>,
}

/// One event: a message of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct Event {
    /// Its number: one more than that of the event before, while the daemon runs.
    pub number: u64,
    /// When it happened: microseconds since 1970.
    pub time_us: u64,
    /// How grave it is.
    pub level: String,
    /// Its name.
    pub event: String,
    /// The sentence.
    pub message: String,
    /// What it is about.
    pub fields: Vec<Field>,
}

impl Event {
    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.value.as_str())
    }

    /// The sentence, and the reason where there is one: what the journal has as its message.
    pub fn text(&self) -> String {
        match self.field("reason") {
            Some(reason) => format!("{}: {reason}", self.message),
            None => self.message.clone(),
        }
    }
}

/// One field of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomType)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}
