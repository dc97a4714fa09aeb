//! An event as a line: for people, or as an object.

use std::time::{Duration, UNIX_EPOCH};

use ipmp_control::Event;
use serde_json::{Map, Value};

/// The last moment that can be written: the end of the year 9999.
const LAST_US: u64 = 253_402_300_799_999_999;

/// One event of the stream.
#[derive(Clone, Copy, Debug)]
pub struct EventRow<'a>(pub &'a Event);

impl EventRow<'_> {
    /// `TIME LEVEL SENTENCE: REASON`, on one line whatever is in it.
    pub fn text(&self) -> String {
        let line = format!("{} {:<8} {}", self.timestamp(), self.0.level, self.0.text());
        line.replace(|c: char| c.is_control(), "\u{fffd}") + "\n"
    }

    /// One object on one line, of the same shape as in the log, with the number.
    pub fn json(&self) -> String {
        let mut object = Map::new();
        // Fields first, so that none can take the place of what every event has.
        object.extend(self.0.fields.iter().map(|field| (field.name.clone(), Value::from(field.value.as_str()))));
        object.insert("number".into(), self.0.number.into());
        object.insert("timestamp".into(), self.timestamp().into());
        object.insert("level".into(), self.0.level.as_str().into());
        object.insert("event".into(), self.0.event.as_str().into());
        object.insert("message".into(), self.0.message.as_str().into());
        Value::Object(object).to_string() + "\n"
    }

    fn timestamp(&self) -> String {
        let time = UNIX_EPOCH + Duration::from_micros(self.0.time_us.min(LAST_US));
        humantime::format_rfc3339_micros(time).to_string()
    }
}

#[cfg(test)]
mod tests {
    use ipmp_control::Field;

    use super::*;

    fn event() -> Event {
        let field = |name: &str, value: &str| Field { name: name.into(), value: value.into() };
        Event {
            number: 7,
            time_us: 1_000_001,
            level: "error".into(),
            event: "interface_failed".into(),
            message: "IP interface failure detected on eth0 of group acctg".into(),
            fields: vec![field("interface", "eth0"), field("reason", "no carrier")],
        }
    }

    #[test]
    fn for_people_it_is_time_level_sentence_and_reason() {
        assert_eq!(
            EventRow(&event()).text(),
            "1970-01-01T00:00:01.000001Z error    IP interface failure detected on eth0 of group acctg: no carrier\n"
        );
    }

    #[test]
    fn for_programs_it_is_an_object_with_the_fields_beside_the_rest() {
        let object: Value = serde_json::from_str(&EventRow(&event()).json()).unwrap();
        let expected = serde_json::json!({
            "number": 7,
            "timestamp": "1970-01-01T00:00:01.000001Z",
            "level": "error",
            "event": "interface_failed",
            "message": "IP interface failure detected on eth0 of group acctg",
            "interface": "eth0",
            "reason": "no carrier",
        });
        assert_eq!(object, expected);
    }

    #[test]
    fn whatever_a_daemon_says_an_event_is_one_line() {
        let mut odd = event();
        odd.time_us = u64::MAX;
        odd.message = "a\nb\u{1b}[2J".into();
        odd.fields[0].name = "number".into();
        for line in [EventRow(&odd).text(), EventRow(&odd).json()] {
            assert_eq!(line.matches(|c: char| c.is_control()).count(), 1, "{line:?}");
        }
        assert!(EventRow(&odd).text().starts_with("9999-12-31T23:59:59.999999Z error"));
        let object: Value = serde_json::from_str(&EventRow(&odd).json()).unwrap();
        assert_eq!(object["number"], 7);
    }
}
