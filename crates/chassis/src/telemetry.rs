//! Log lines: for people by default, JSON for machines. Nothing that a caller sends can forge a line.

use std::fmt;

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line per event.
    Text,
    /// One JSON object per event, with the fields.
    Json,
}

/// Sends log lines to standard error from now on. `filter` is in `tracing`'s syntax, for example `info,sqlx=warn`.
///
/// # Errors
/// When the filter cannot be read.
pub fn start(format: LogFormat, filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => builder.event_format(Line).try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("start logging: {error}"))
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
    text.chars().map(|c| if c.is_control() { '_' } else { c }).collect()
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
    use super::one_line;

    #[test]
    fn a_name_with_a_line_break_stays_on_its_line() {
        assert_eq!(one_line("Books\r\nERROR forged\u{1b}[2J"), "Books__ERROR forged_[2J");
    }
}
