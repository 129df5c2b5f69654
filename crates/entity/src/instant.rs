//! Instants as Jackson writes and reads them.

use jiff::Timestamp;
use serde_json::Value;

/// Writes an instant with 0, 3, 6 or 9 fraction digits, whichever is the least that loses nothing (contract §2.1).
pub fn instant_text(instant: Timestamp) -> String {
    let nanoseconds = instant.subsec_nanosecond();
    match nanoseconds {
        0 => format!("{instant:.0}"),
        _ if nanoseconds % 1_000_000 == 0 => format!("{instant:.3}"),
        _ if nanoseconds % 1_000 == 0 => format!("{instant:.6}"),
        _ => format!("{instant:.9}"),
    }
}

/// Reads an ISO-8601 instant, or a number of seconds.
pub(crate) fn parse(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => {
            let text = number.to_string();
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
            let nanoseconds: i32 = digits.parse().ok()?;
            let sign = if whole.starts_with('-') { -1 } else { 1 };
            Timestamp::new(whole.parse().ok()?, sign * nanoseconds).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(input: Value, expected: Option<&str>) {
        assert_eq!(parse(&input).map(instant_text).as_deref(), expected, "{input}");
    }

    #[test]
    fn writes_as_many_digits_as_jackson() {
        check(json!("2022-09-11T08:37:30Z"), Some("2022-09-11T08:37:30Z"));
        check(json!("2022-09-11T08:37:30.6Z"), Some("2022-09-11T08:37:30.600Z"));
        check(json!("2022-09-11T08:37:30.664Z"), Some("2022-09-11T08:37:30.664Z"));
        check(json!("2022-09-11T08:37:30.66401Z"), Some("2022-09-11T08:37:30.664010Z"));
        check(json!("2022-09-11T08:37:30.000000001Z"), Some("2022-09-11T08:37:30.000000001Z"));
    }

    #[test]
    fn reads_offsets_and_seconds() {
        check(json!("2022-09-11T10:37:30+02:00"), Some("2022-09-11T08:37:30Z"));
        check(json!(0), Some("1970-01-01T00:00:00Z"));
        check(json!(1.5), Some("1970-01-01T00:00:01.500Z"));
        check(json!(-1.5), Some("1969-12-31T23:59:58.500Z"));
    }

    #[test]
    fn refuses_what_is_no_instant() {
        for wrong in [
            json!("yesterday"),
            json!("2022-09-11"),
            json!(true),
            json!({}),
            json!(1e300),
            json!(""),
        ] {
            check(wrong, None);
        }
    }
}
