//! Instants in forms: `datetime-local` has neither a zone nor more than milliseconds, so the forms speak UTC and seconds.

use jiff::{Timestamp, civil::DateTime, tz::Offset};
use serde_json::Value;

/// Reads an instant as JSON has it: ISO 8601 with an offset.
pub(crate) fn parse(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// What the input shows: UTC, to the second. Empty for a year that the input cannot show.
pub(crate) fn shown(instant: Timestamp) -> String {
    let time = Offset::UTC.to_datetime(instant);
    if time.year() < 1 { String::new() } else { time.strftime("%Y-%m-%dT%H:%M:%S").to_string() }
}

/// Reads what the input sent: seconds may be missing, or have a fraction.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let time: DateTime = text.parse().ok()?;
    Offset::UTC.to_timestamp(time).ok()
}

/// Tells whether two texts of the input mean the same second.
pub(crate) fn are_same(shown: &str, submitted: &str) -> bool {
    shown == submitted || matches!((read(shown), read(submitted)), (Some(a), Some(b)) if a == b)
}
