//! Instants as Jackson writes and reads them.

mod parse;

use jiff::Timestamp;

pub(crate) use parse::{from_seconds, from_text};

/// Writes an instant with 0, 3, 6 or 9 fraction digits, whichever is the least that loses nothing (contract §2.1).
pub fn instant_text(instant: Timestamp) -> String {
    let nanoseconds = instant.subsec_nanosecond();
    let text = match nanoseconds {
        0 => format!("{instant:.0}"),
        _ if nanoseconds % 1_000_000 == 0 => format!("{instant:.3}"),
        _ if nanoseconds % 1_000 == 0 => format!("{instant:.6}"),
        _ => format!("{instant:.9}"),
    };
    // Years before 0 have six digits here and four in Java.
    match text.strip_prefix("-00") {
        Some(rest) => format!("-{rest}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_as_many_digits_as_jackson() {
        for (given, expected) in [
            ("2022-09-11T08:37:30Z", "2022-09-11T08:37:30Z"),
            ("2022-09-11T08:37:30.6Z", "2022-09-11T08:37:30.600Z"),
            ("2022-09-11T08:37:30.664Z", "2022-09-11T08:37:30.664Z"),
            ("2022-09-11T08:37:30.66401Z", "2022-09-11T08:37:30.664010Z"),
            ("2022-09-11T08:37:30.000000001Z", "2022-09-11T08:37:30.000000001Z"),
            ("-000044-03-15T12:00:00.5Z", "-0044-03-15T12:00:00.500Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(instant_text(given.parse().unwrap()), expected);
        }
    }
}
