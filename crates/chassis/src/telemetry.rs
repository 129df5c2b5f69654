//! Log lines: for people by default, JSON for machines. Nothing that a caller sends can forge a line.

use std::{fmt, str::FromStr};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    EnvFilter,
    filter::filter_fn,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line per event.
    Text,
    /// One JSON object per event, with the fields.
    Json,
}

/// Which lines are written: a level, and levels of single parts, for example `info,messaging=debug`.
#[derive(Debug)]
pub struct LogFilter(EnvFilter);

impl FromStr for LogFilter {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let items: Vec<&str> = text.split(',').map(str::trim).collect();
        for item in items.iter().copied() {
            // A word alone would be taken for the name of a part, so that a misspelt level would silence all others;
            // and an empty one for the level error.
            let level = item.split_once('=').map_or(item, |(_, level)| level).trim();
            anyhow::ensure!(!level.is_empty(), "a level is missing");
            level.parse::<LevelFilter>()?;
        }
        Ok(LogFilter(EnvFilter::try_new(items.join(","))?))
    }
}

/// Sends log lines to standard error from now on. `ours` names the crates that may log below the level info. Those of
/// others never do, whatever the filter says: they cannot know what of that which passes through them is secret.
///
/// # Errors
/// When something else writes log lines already.
pub fn start(
    format: LogFormat,
    filter: LogFilter,
    ours: &'static [&'static str],
) -> anyhow::Result<()> {
    let may_speak =
        filter_fn(move |metadata| *metadata.level() <= Level::INFO || is_of(metadata, ours));
    let builder = tracing_subscriber::fmt().with_env_filter(filter.0).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => builder.event_format(Line).finish().with(may_speak).try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .finish()
            .with(may_speak)
            .try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("start logging: {error}"))
}

/// Whether a line was written in one of these crates, whatever target it names.
fn is_of(metadata: &Metadata<'_>, crates: &[&str]) -> bool {
    let path = metadata.module_path().unwrap_or_default();
    path.split("::").next().is_some_and(|name| crates.contains(&name))
}

/// `time LEVEL target : message`, as the Java services' console has it. The fields are for JSON; the message reads alone.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut message = Message(String::new());
        event.record(&mut message);
        #[expect(
            clippy::disallowed_methods,
            reason = "a log line carries the time at which it is written"
        )]
        let now = jiff::Timestamp::now();
        let metadata = event.metadata();
        // The module's path is for JSON; a person wants to know which part speaks.
        let part = metadata.target().split("::").next().unwrap_or_default();
        writeln!(writer, "{now:.3} {:>5} {part:<13} : {}", metadata.level(), one_line(&message.0))
    }
}

/// Replaces what could start a new line or move the cursor, as the Java services' log converter does.
fn one_line(text: &str) -> String {
    // The last two are not control characters, and some viewers still break the line at them.
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars().map(|c| if breaks(c) { '_' } else { c }).collect()
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LogFilter, one_line};

    #[test]
    fn a_name_with_a_line_break_stays_on_its_line() {
        assert_eq!(one_line("Books\r\nERROR forged\u{1b}[2J"), "Books__ERROR forged_[2J");
    }

    #[test]
    fn a_misspelt_level_is_no_filter() {
        let check = |text: &str, expected: bool| {
            assert_eq!(text.parse::<LogFilter>().is_ok(), expected, "{text}")
        };
        for good in ["info", "TRACE", "off", "warn,messaging=debug", "info, discovery::server=warn"]
        {
            check(good, true);
        }
        for bad in ["", "verbose", "messaging", "info,messaging=loud", "info,", "=info,"] {
            check(bad, false);
        }
    }
}
