//! Reads instants: the ISO form that Java's formatter takes, no more and no less, and seconds with fractions.

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::Offset};

/// The longest text that can be an instant; Java's has ten digits of year, nine of fraction and an offset.
const LONGEST: usize = 64;
/// An instant has no more digits of seconds than this.
const DIGITS: i64 = 12;

/// Reads an ISO instant, or a text of digits as seconds, as Jackson does. Years beyond ±9999, and the last day of 9999,
/// cannot be kept and are none.
pub(crate) fn from_text(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    let digits = text.bytes().all(|c| c.is_ascii_digit() || c == b'.');
    if digits { from_seconds(text) } else { iso(&text.to_ascii_uppercase()) }
}

/// Reads a decimal number as seconds since 1970, exactly.
pub(crate) fn from_seconds(text: &str) -> Option<Timestamp> {
    let (mantissa, exponent): (_, i32) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
        None => (text, 0),
    };
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => (-1, mantissa),
        None => (1, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let Some(first) = digits.bytes().position(|digit| digit != b'0') else {
        return Some(Timestamp::UNIX_EPOCH);
    };
    let first = i64::try_from(first).ok()?;
    let point = i64::try_from(whole.len()).ok()? + i64::from(exponent);
    if point - first > DIGITS {
        return None;
    }
    let digit = |at: i64| {
        let digit = usize::try_from(at).ok().and_then(|at| digits.as_bytes().get(at));
        digit.map_or(0, |digit| i64::from(digit - b'0'))
    };
    let number = |from: i64, to: i64| (from..to).fold(0, |sum, at| sum * 10 + digit(at));
    let nanoseconds = i32::try_from(number(point, point + 9)).ok()?;
    Timestamp::new(sign * number(first.min(point), point), sign_of(sign) * nanoseconds).ok()
}

fn sign_of(sign: i64) -> i32 {
    if sign < 0 { -1 } else { 1 }
}

fn iso(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once('T')?;
    let (time, zone) = rest.split_at(rest.find(['Z', '+', '-'])?);
    let (year, month, day) = date_of(date)?;
    let (mut clock, nanosecond) = time_of(time)?;
    // The end of a day, and a leap second, have names of their own.
    let next_day = clock == [24, 0, 0] && nanosecond == 0;
    if next_day {
        clock = [0; 3];
    } else if clock == [23, 59, 60] {
        clock[2] = 59;
    }
    let [hour, minute, second] = clock;
    let local = DateTime::new(year, month, day, hour, minute, second, nanosecond).ok()?;
    let instant = offset(zone)?.to_timestamp(local).ok()?;
    match next_day {
        true => instant.checked_add(SignedDuration::from_hours(24)).ok(),
        false => Some(instant),
    }
}

/// A year has four digits, or a sign and more than four.
fn date_of(text: &str) -> Option<(i16, i8, i8)> {
    let unsigned = text.trim_start_matches(['+', '-']);
    let sign = &text[..text.len() - unsigned.len()];
    let mut parts = unsigned.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let digits_fit = match sign {
        "" => year.len() == 4,
        "+" => year.len() > 4,
        "-" => year.len() >= 4,
        _ => false,
    };
    if !digits_fit || parts.next().is_some() {
        return None;
    }
    let year = i16::try_from(number(year, year.len())?).ok()?;
    let year = if sign == "-" { -year } else { year };
    Some((year, two(month)?, two(day)?))
}

/// Hour, minute, second, and nanoseconds.
fn time_of(text: &str) -> Option<([i8; 3], i32)> {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) if fraction.len() <= 9 => (clock, fraction),
        Some(_) => return None,
        None => (text, ""),
    };
    let mut parts = clock.split(':');
    let clock = [two(parts.next()?)?, two(parts.next()?)?, two(parts.next()?)?];
    if parts.next().is_some() {
        return None;
    }
    Some((clock, i32::try_from(number(&format!("{fraction:0<9}"), 9)?).ok()?))
}

/// `Z`, hours and minutes, perhaps seconds; and what Jackson turns into `Z` before.
fn offset(text: &str) -> Option<Offset> {
    if matches!(text, "Z" | "+00" | "+0000") {
        return Some(Offset::UTC);
    }
    let (sign, unsigned) = match text.split_at_checked(1)? {
        ("+", unsigned) => (1, unsigned),
        ("-", unsigned) => (-1, unsigned),
        _ => return None,
    };
    let mut parts = unsigned.split(':').map(two);
    let (hours, minutes) = (i32::from(parts.next()??), i32::from(parts.next()??));
    let seconds = match parts.next() {
        Some(seconds) => i32::from(seconds?),
        None => 0,
    };
    let total = (hours * 60 + minutes) * 60 + seconds;
    let fits = minutes < 60 && seconds < 60 && total <= 18 * 60 * 60 && parts.next().is_none();
    fits.then(|| Offset::from_seconds(sign * total).ok()).flatten()
}

fn two(text: &str) -> Option<i8> {
    i8::try_from(number(text, 2)?).ok()
}

fn number(text: &str, digits: usize) -> Option<u32> {
    let fits = text.len() == digits && text.bytes().all(|digit| digit.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant_text;

    fn check(read: fn(&str) -> Option<Timestamp>, cases: &[(&str, Option<&str>)]) {
        for (input, expected) in cases {
            assert_eq!(read(input).map(instant_text).as_deref(), *expected, "{input}");
        }
    }

    #[test]
    fn texts_are_read_as_java_reads_them() {
        check(
            from_text,
            &[
                ("2022-09-11T10:37:30+02:00", Some("2022-09-11T08:37:30Z")),
                ("2022-09-11T10:37:30+02:00:30", Some("2022-09-11T08:37:00Z")),
                ("2022-09-11T08:37:30-00:00", Some("2022-09-11T08:37:30Z")),
                ("2022-09-11T08:37:30+0000", Some("2022-09-11T08:37:30Z")),
                (" 2022-09-11t08:37:30.123456789z ", Some("2022-09-11T08:37:30.123456789Z")),
                ("2022-09-11T24:00:00Z", Some("2022-09-12T00:00:00Z")),
                ("2016-12-31T23:59:60Z", Some("2016-12-31T23:59:59Z")),
                ("2024-02-29T00:00:00Z", Some("2024-02-29T00:00:00Z")),
                ("-0044-03-15T00:00:00Z", Some("-0044-03-15T00:00:00Z")),
                ("9999-12-30T00:00:00Z", Some("9999-12-30T00:00:00Z")),
                ("1662401311", Some("2022-09-05T18:08:31Z")),
                ("1662401311.5", Some("2022-09-05T18:08:31.500Z")),
            ],
        );
    }

    #[test]
    fn other_texts_are_no_instants() {
        for wrong in [
            "yesterday",
            "2022-09-11",
            "2022-09-11T08:37:30",
            "2022-09-11T08:37Z",
            "2022-09-11 08:37:30Z",
            "2022-9-11T08:37:30Z",
            "2023-02-29T00:00:00Z",
            "2022-09-11T25:00:00Z",
            "2022-09-11T24:00:01Z",
            "2022-09-11T08:37:60Z",
            "2022-09-11T08:37:30.1234567891Z",
            "2022-09-11T08:37:30+19:00",
            "2022-09-11T08:37:30+02",
            "2022-09-11T08:37:30Z[Europe/Berlin]",
            "+2022-09-11T08:37:30Z",
            "22022-09-11T08:37:30Z",
            "+999999999-12-31T23:59:59Z",
            "-999999999-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "-1",
            ".",
            "",
            "1.2.3",
            "٢٠٢٢-09-11T08:37:30Z",
        ] {
            check(from_text, &[(wrong, None)]);
        }
    }

    #[test]
    fn numbers_are_seconds_to_the_last_digit() {
        check(
            from_seconds,
            &[
                ("0", Some("1970-01-01T00:00:00Z")),
                ("1.5", Some("1970-01-01T00:00:01.500Z")),
                ("-1.5", Some("1969-12-31T23:59:58.500Z")),
                ("1662401311.123456789", Some("2022-09-05T18:08:31.123456789Z")),
                ("1662401311.1234567899", Some("2022-09-05T18:08:31.123456789Z")),
                ("1.662401311546E9", Some("2022-09-05T18:08:31.546Z")),
                ("16624013115460e-4", Some("2022-09-05T18:08:31.546Z")),
                ("15e-1", Some("1970-01-01T00:00:01.500Z")),
                ("5e-2", Some("1970-01-01T00:00:00.050Z")),
                ("0e999", Some("1970-01-01T00:00:00Z")),
                ("1e-999999999", Some("1970-01-01T00:00:00Z")),
                ("1e300", None),
                ("1e99999999999", None),
                ("1662401311546", None),
                ("9223372036854775808", None),
                ("-", None),
            ],
        );
    }
}
