//! A log line and its renderings. Knows no file and no socket.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use ipmp_control as wire;
use ipmp_core::Notice;
use ipmp_core::notice::{Field, Level};
use serde_json::{Map, Value};

/// Everything that a line says, whatever it will look like.
pub struct Line {
    time: SystemTime,
    content: Content,
}

enum Content {
    Notice(Notice),
    /// What a library says; it has no documented name.
    Diagnostic {
        level: Level,
        sentence: String,
        fields: Vec<Field>,
    },
}

/// The event's name of lines that libraries write.
const DIAGNOSTIC: &str = "diagnostic";

impl From<Notice> for Line {
    fn from(notice: Notice) -> Self {
        Self { time: SystemTime::now(), content: Content::Notice(notice) }
    }
}

impl Line {
    /// What a library says.
    pub fn diagnostic(time: SystemTime, level: Level, sentence: String, fields: Vec<Field>) -> Self {
        Self { time, content: Content::Diagnostic { level, sentence, fields } }
    }

    /// How grave it is.
    pub fn level(&self) -> Level {
        match &self.content {
            Content::Notice(notice) => notice.level(),
            Content::Diagnostic { level, .. } => *level,
        }
    }

    /// The event's name.
    pub fn event(&self) -> &'static str {
        match &self.content {
            Content::Notice(notice) => notice.event(),
            Content::Diagnostic { .. } => DIAGNOSTIC,
        }
    }

    /// The journal's `MESSAGE_ID`.
    pub fn id(&self) -> Option<&'static str> {
        match &self.content {
            Content::Notice(notice) => Some(notice.message_id()),
            Content::Diagnostic { .. } => None,
        }
    }

    /// The sentence, without the reason.
    fn sentence(&self) -> String {
        match &self.content {
            Content::Notice(notice) => notice.sentence(),
            Content::Diagnostic { sentence, .. } => sentence.clone(),
        }
    }

    /// Names and values.
    pub fn fields(&self) -> Vec<Field> {
        match &self.content {
            Content::Notice(notice) => notice.fields(),
            Content::Diagnostic { fields, .. } => fields.clone(),
        }
    }

    /// The sentence and why, for people.
    pub fn message(&self) -> String {
        let reason = match &self.content {
            Content::Notice(notice) => notice.reason(),
            Content::Diagnostic { .. } => None,
        };
        match reason {
            Some(reason) => format!("{}: {reason}", self.sentence()),
            None => self.sentence(),
        }
    }

    /// The event of that number, where it is one: what libraries say is none.
    pub fn to_event(&self, number: u64) -> Option<wire::Event> {
        let Content::Notice(notice) = &self.content else { return None };
        let since = self.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let field = |(name, value): Field| wire::Field { name: name.to_owned(), value };
        Some(wire::Event {
            number,
            time_us: u64::try_from(since.as_micros()).unwrap_or(u64::MAX),
            level: notice.level().to_string(),
            event: notice.event().to_owned(),
            message: notice.sentence(),
            fields: notice.fields().into_iter().map(field).collect(),
        })
    }

    /// `TIME LEVEL EVENT: SENTENCE: REASON [FIELD=VALUE ...]`, on one line whatever is in it.
    pub fn text(&self) -> String {
        let mut text = format!("{} {} {}: {}", self.timestamp(), self.level(), self.event(), self.message());
        let fields: Vec<_> = self.fields().iter().filter(|(name, _)| *name != "reason").map(shown).collect();
        if !fields.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(text, " [{}]", fields.join(" "));
        }
        text.replace('\n', "\\n") + "\n"
    }

    /// One object on one line.
    pub fn json(&self) -> String {
        let mut object = Map::new();
        // Fields first, so that none can take the place of what every line has.
        object.extend(self.fields().into_iter().map(|(name, value)| (name.into(), Value::String(value))));
        object.insert("timestamp".into(), self.timestamp().into());
        object.insert("level".into(), self.level().as_str().into());
        object.insert("event".into(), self.event().into());
        object.insert("message".into(), self.sentence().into());
        let mut json = Value::Object(object).to_string();
        json.push('\n');
        json
    }

    fn timestamp(&self) -> String {
        humantime::format_rfc3339_micros(self.time).to_string()
    }
}

fn shown((name, value): &Field) -> String {
    if value.contains([' ', '"']) { format!("{name}={value:?}") } else { format!("{name}={value}") }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use ipmp_core::notice::Reason;

    use super::*;

    fn line(notice: Notice) -> Line {
        Line { time: UNIX_EPOCH + Duration::from_micros(1), content: Content::Notice(notice) }
    }

    fn failed() -> Notice {
        Notice::InterfaceFailed {
            interface: "eth0".parse().unwrap(),
            group: "my group".parse().unwrap(),
            reason: Reason::NoCarrier,
        }
    }

    #[test]
    fn text_names_everything_once_and_quotes_what_has_spaces() {
        assert_eq!(
            line(failed()).text(),
            "1970-01-01T00:00:00.000001Z error interface_failed: IP interface failure detected on eth0 of group \
             my group: no carrier [interface=eth0 group=\"my group\"]\n"
        );
        assert_eq!(
            line(Notice::Stopping).text(),
            "1970-01-01T00:00:00.000001Z notice stopping: ipmpd is stopping; addresses, routes and traffic stay as \
             they are\n"
        );
    }

    #[test]
    fn an_event_says_what_the_line_says() {
        let event = line(failed()).to_event(7).unwrap();
        assert_eq!((event.number, event.time_us, event.level.as_str()), (7, 1, "error"));
        assert_eq!(event.event, "interface_failed");
        assert_eq!(event.message, "IP interface failure detected on eth0 of group my group");
        assert_eq!(event.text(), line(failed()).message());
        assert_eq!(event.field("group"), Some("my group"));
        let said = Line::diagnostic(UNIX_EPOCH, Level::Error, "no".into(), Vec::new());
        assert_eq!(said.to_event(1), None);
    }

    /// In the environment of hooks, in the lines of `ipmpadm monitor` and in those of the log they stand side by side.
    #[test]
    fn no_field_has_the_name_of_what_every_event_has() {
        let taken = ["event", "number", "level", "message", "time", "timestamp"];
        let fields = || ipmp_core::notice::MESSAGES.iter().flat_map(|message| message.fields);
        assert!(fields().all(|field| !taken.contains(field)), "{:?}", fields().collect::<Vec<_>>());
    }

    #[test]
    fn nothing_that_is_said_can_forge_a_line() {
        let warning = Notice::ConfigWarning { finding: "a\n1970-01-01T00:00:00Z critical".into() };
        assert_eq!(line(warning.clone()).text().matches('\n').count(), 1);
        assert_eq!(line(warning).json().matches('\n').count(), 1);
    }

    #[test]
    fn json_is_one_object_a_line_with_the_fields_beside_the_rest() {
        let json = line(failed()).json();
        assert_eq!(json.matches('\n').count(), 1);
        let object: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(object["level"], "error");
        assert_eq!(object["event"], "interface_failed");
        assert_eq!(object["message"], "IP interface failure detected on eth0 of group my group");
        assert_eq!(object["reason"], "no carrier");
        assert_eq!(object["interface"], "eth0");
        assert_eq!(object["timestamp"], "1970-01-01T00:00:00.000001Z");
    }
}
