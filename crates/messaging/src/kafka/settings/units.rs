//! Values with units, as Spring Boot takes them (`Duration` and `DataSize` in its reference, "Properties Conversion").

use anyhow::Context;
use jiff::SignedDuration;

/// How a value is written under Spring's key, and what the client takes instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Units {
    /// None: it is taken as it is.
    None,
    /// `3000`, `3s`, `PT3S`: milliseconds.
    Time,
    /// `16384`, `16KB`: bytes.
    Size,
}

/// What one unit is in nanoseconds.
const TIMES: [(&str, i64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// What one unit is in bytes.
const SIZES: [(&str, i64); 5] =
    [("b", 1), ("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30), ("tb", 1 << 40)];

/// A value as the client takes it.
///
/// # Errors
/// When it is none, or greater than any client takes.
pub(super) fn converted(units: Units, value: &str) -> anyhow::Result<String> {
    match units {
        // A password may begin or end with a space.
        Units::None => Ok(value.to_owned()),
        Units::Time => milliseconds(value.trim()).map(|time| time.to_string()).with_context(|| {
            format!("{value:?} is no duration: 3000 (milliseconds), 500ms, 3s, 2m or PT3S")
        }),
        Units::Size => product(value.trim(), "b", &SIZES)
            .map(|size| size.to_string())
            .with_context(|| format!("{value:?} is no size: 16384 (bytes), 16KB or 1MB")),
    }
}

fn milliseconds(value: &str) -> Option<i64> {
    if !value.starts_with(['P', 'p', '+', '-']) {
        return Some(product(value, "ms", &TIMES)? / 1_000_000);
    }
    let time: SignedDuration = value.parse().ok()?;
    i64::try_from(time.as_millis()).ok().filter(|_| !time.is_negative())
}

/// A whole number times its unit.
fn product(value: &str, usual: &str, units: &[(&str, i64)]) -> Option<i64> {
    let end = value.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at(end);
    let unit = if unit.is_empty() { usual } else { unit };
    let (_, factor) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    number.parse::<i64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_spring_boot_takes() {
        for (units, value, expected) in [
            (Units::None, " s3cret ", Some(" s3cret ")),
            (Units::Time, "3000", Some("3000")),
            (Units::Time, "500ms", Some("500")),
            (Units::Time, "3s", Some("3000")),
            (Units::Time, "2M", Some("120000")),
            (Units::Time, "1500us", Some("1")),
            (Units::Time, "PT3.5S", Some("3500")),
            (Units::Time, "3 seconds", None),
            (Units::Time, "-PT3S", None),
            (Units::Time, "s", None),
            (Units::Time, "", None),
            (Units::Time, "9999999999d", None),
            (Units::Size, "16384", Some("16384")),
            (Units::Size, "16KB", Some("16384")),
            (Units::Size, "1mb", Some("1048576")),
            (Units::Size, "1.5MB", None),
            (Units::Size, "16KiB", None),
            (Units::Size, "99999999TB", None),
        ] {
            assert_eq!(converted(units, value).ok().as_deref(), expected, "{units:?} {value:?}");
        }
    }
}
