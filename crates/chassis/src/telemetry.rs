//! Log lines: for people by default, JSON for machines. Nothing that a caller sends can forge a line.

mod counts;
mod loggers;

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    filter::{Targets, filter_fn},
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    layer::SubscriberExt,
    registry::LookupSpan,
    reload,
    util::SubscriberInitExt,
};

pub use loggers::Loggers;

pub(crate) use counts::Counts;
pub(crate) use loggers::{LEVELS, level_name};

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line per event.
    Text,
    /// One JSON object per event, with the fields.
    Json,
}

/// Which lines are written: a level, and levels of single parts, for example `info,messaging=debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter {
    /// The level of parts that have none of their own.
    root: LevelFilter,
    /// The levels of parts, each with all that is inside of it: `messaging`, `discovery::server`.
    parts: BTreeMap<String, LevelFilter>,
}

impl LogFilter {
    fn targets(&self) -> Targets {
        let parts = self.parts.iter().map(|(part, level)| (part.clone(), *level));
        Targets::new().with_default(self.root).with_targets(parts)
    }
}

impl FromStr for LogFilter {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let mut filter = LogFilter { root: LevelFilter::OFF, parts: BTreeMap::new() };
        for item in text.split(',').map(str::trim) {
            // A word alone is a level: taken for the name of a part, a misspelt one would silence all others.
            let (part, level) = item.split_once('=').unwrap_or(("", item));
            let (part, level) = (part.trim(), level.trim());
            anyhow::ensure!(!level.is_empty(), "a level is missing");
            let level = level.parse()?;
            let named =
                |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | ':' | '-');
            anyhow::ensure!(part.chars().all(named), "{part} is not the name of a part");
            match (part.is_empty(), item.contains('=')) {
                (true, true) => anyhow::bail!("the name of a part is missing"),
                (true, false) => filter.root = level,
                (false, _) => drop(filter.parts.insert(part.to_owned(), level)),
            }
        }
        Ok(filter)
    }
}

/// Sends log lines to standard error from now on, and returns what changes their levels. `ours` names the crates that
/// may log below the level info. Those of others never do, whatever the filter says: they cannot know what of that which
/// passes through them is secret.
///
/// # Errors
/// When something else writes log lines already.
pub fn start(
    format: LogFormat,
    filter: LogFilter,
    ours: &'static [&'static str],
) -> anyhow::Result<Loggers> {
    let (levels, handle) = reload::Layer::new(filter.targets());
    let counts = Arc::new(Counts::default());
    let may_speak =
        filter_fn(move |metadata| *metadata.level() <= Level::INFO || is_of(metadata, ours));
    let lines = tracing_subscriber::registry().with(levels).with(may_speak);
    let lines = lines.with(counts::Counting(counts.clone()));
    let writing = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => lines.with(writing.event_format(Line)).try_init(),
        LogFormat::Json => {
            let writing = writing.json().flatten_event(true);
            let writing = writing.with_current_span(false).with_span_list(false);
            lines.with(writing).try_init()
        }
    };
    started.map_err(|error| anyhow::anyhow!("start logging: {error}"))?;
    Ok(Loggers::new(filter, ours, counts, Some(handle)))
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
        for bad in
            ["", "verbose", "messaging", "info,messaging=loud", "info,", "=info", "a[b]=info"]
        {
            check(bad, false);
        }
    }
}
