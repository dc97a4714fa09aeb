//! What libraries say through `tracing` and `log`, as lines of ours.

use std::fmt;
use std::time::SystemTime;

use ipmp_core::notice::{Field, Level};
use tracing::field::Visit;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::line::Line;
use crate::outbox::Poster;

/// These warn of every attribute that they do not know.
const NOISY: [&str; 4] = ["netlink_packet_core", "netlink_packet_route", "netlink_proto", "netlink_sys"];

/// Takes in everything up to `level`, errors only from the noisy.
pub fn listen(poster: Poster<Line>, level: Level) {
    let filter = Targets::new()
        .with_default(match level {
            Level::Critical | Level::Error => LevelFilter::ERROR,
            Level::Warning => LevelFilter::WARN,
            Level::Notice | Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
        })
        .with_targets(NOISY.map(|target| (target, LevelFilter::ERROR)));
    // Refused only where another subscriber is there already, which then has what is said.
    let _ = tracing_subscriber::registry().with(Intake { poster }.with_filter(filter)).try_init();
}

struct Intake {
    poster: Poster<Line>,
}

impl<S: tracing::Subscriber> Layer<S> for Intake {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warning,
            tracing::Level::INFO => Level::Info,
            tracing::Level::DEBUG | tracing::Level::TRACE => Level::Debug,
        };
        let mut content = Content { sentence: String::new(), fields: Vec::new() };
        event.record(&mut content);
        if content.fields.iter().all(|(name, _)| *name != "target") {
            content.fields.push(("target", event.metadata().target().to_owned()));
        }
        self.poster.post(Line::diagnostic(SystemTime::now(), level, content.sentence, content.fields));
    }
}

struct Content {
    sentence: String,
    fields: Vec<Field>,
}

impl Visit for Content {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        match field.name() {
            "message" => self.sentence = value,
            // The bridge from `log` passes the real target in a field.
            "log.target" => self.fields.push(("target", value.trim_matches('"').to_owned())),
            name if name.starts_with("log.") => {}
            name => self.fields.push((name, value)),
        }
    }
}
