//! What a plain scalar of YAML 1.1 means: a truth value, a number, nothing, or text. Numbers come out as Java writes them.

/// The meaning of a plain scalar.
#[derive(Debug, PartialEq)]
pub(super) enum Word {
    Null,
    Truth(bool),
    /// A number, whose text is JSON.
    Number(String),
    /// Infinity or no number at all, under Java's name for it; JSON has no such numbers.
    NoFinite(&'static str),
    Text,
}

/// Tells what a plain scalar means (YAML 1.1, <https://yaml.org/type/>).
pub(super) fn word(text: &str) -> Word {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Word::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Word::Truth(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            Word::Truth(false)
        }
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Word::NoFinite("Infinity"),
        "-.inf" | "-.Inf" | "-.INF" => Word::NoFinite("-Infinity"),
        ".nan" | ".NaN" | ".NAN" => Word::NoFinite("NaN"),
        _ => integer(text).or_else(|| float(text)).map_or(Word::Text, Word::Number),
    }
}

fn integer(text: &str) -> Option<String> {
    let (negative, digits) = signed(text);
    let sign = if negative { "-" } else { "" };
    let plain = digits.replace('_', "");
    if let Some(binary) = digits.strip_prefix("0b") {
        return in_base(2, sign, binary);
    }
    if let Some(hex) = digits.strip_prefix("0x") {
        return in_base(16, sign, hex);
    }
    let first = digits.chars().next().filter(char::is_ascii_digit)?;
    if digits.contains(':') {
        return sexagesimal(sign, digits);
    }
    if !plain.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    match first {
        '0' if digits == "0" => Some("0".to_owned()),
        '0' => in_base(8, sign, &digits[1..]),
        // Of any length: Java makes a BigInteger of it.
        _ => Some(format!("{sign}{plain}")),
    }
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn in_base(base: u32, sign: &str, digits: &str) -> Option<String> {
    let digits = digits.replace('_', "");
    let number = u128::from_str_radix(&digits, base).ok().filter(|_| !digits.starts_with('+'))?;
    Some(if number == 0 { "0".to_owned() } else { format!("{sign}{number}") })
}

/// `1:30` is ninety: sixty times as much for each place.
fn sexagesimal(sign: &str, digits: &str) -> Option<String> {
    let mut places = digits.split(':');
    let first = places.next()?.replace('_', "");
    if first.starts_with('0') {
        return None;
    }
    let mut total: i64 = first.parse().ok()?;
    for place in places {
        let number = place.parse::<u8>().ok().filter(|number| *number < 60)?;
        if !(1..=2).contains(&place.len()) || !place.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
        total = total.checked_mul(60)?.checked_add(number.into())?;
    }
    Some(format!("{sign}{total}"))
}

fn float(text: &str) -> Option<String> {
    let (_, digits) = signed(text);
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let is_digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let digits_or_lines = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '_');
    if exponent.is_some_and(|exponent| !is_digits(signed(exponent).1)) {
        return None;
    }
    let begins = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    let valid = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits_or_lines(fraction),
        Some((whole, fraction)) => {
            begins(whole) && digits_or_lines(whole) && digits_or_lines(fraction)
        }
        None => exponent.is_some() && begins(mantissa) && digits_or_lines(mantissa),
    };
    let number: f64 = valid.then(|| text.replace('_', "").parse().ok()).flatten()?;
    number.is_finite().then(|| as_java_writes(number))
}

/// A number as `Double.toString` writes it: with a point always, and with an exponent when it is very large or small.
fn as_java_writes(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{number:?}");
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if mantissa.contains('.') => format!("{mantissa}E{exponent}"),
        Some((mantissa, exponent)) => format!("{mantissa}.0E{exponent}"),
        None => text,
    }
}

/// Whether a text is a date, or a date and a time, of YAML 1.1.
pub(super) fn is_time(text: &str) -> bool {
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit())
    };
    let (date, time) = match text.find(['T', 't', ' ', '\t']) {
        Some(end) => (&text[..end], Some(text[end + 1..].trim_start())),
        None => (text, None),
    };
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    let is_date = year.len() == 4 && digits(year, 4) && digits(month, 2) && digits(day, 2);
    match time {
        None => is_date && month.len() == 2 && day.len() == 2,
        Some(time) => {
            let mut clock = time.splitn(3, ':');
            let hour = clock.next().is_some_and(|hour| digits(hour, 2));
            let minute = clock.next().is_some_and(|minute| minute.len() == 2 && digits(minute, 2));
            let second = clock.next().and_then(|rest| rest.get(..2));
            is_date && hour && minute && second.is_some_and(|second| digits(second, 2))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_known() {
        for (text, expected) in [
            ("2024-01-02", true),
            ("2024-1-2", false),
            ("2024-01-02T03:04:05Z", true),
            ("2024-1-2 3:04:05.6", true),
            ("2024-01-02T", false),
            ("1.2.3", false),
            ("24-01-02", false),
            ("2024-01-02 x", false),
        ] {
            assert_eq!(is_time(text), expected, "{text}");
        }
    }

    fn check(text: &str, expected: &str) {
        let found = match word(text) {
            Word::Null => "null".to_owned(),
            Word::Truth(truth) => truth.to_string(),
            Word::Number(number) => number,
            Word::NoFinite(name) => name.to_owned(),
            Word::Text => "text".to_owned(),
        };
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn words_and_numbers_are_those_of_yaml_1_1() {
        for (text, expected) in [
            ("", "null"),
            ("~", "null"),
            ("yes", "true"),
            ("Off", "false"),
            ("y", "text"),
            ("TRUE", "true"),
            ("0", "0"),
            ("010", "8"),
            ("08", "text"),
            ("-0x1F", "-31"),
            ("0b101", "5"),
            ("1_000", "1000"),
            ("+5", "5"),
            ("12345678901234567890", "12345678901234567890"),
            ("22:30", "1350"),
            ("1:30:00", "5400"),
            ("22:60", "text"),
            ("08:30", "text"),
            ("1.50", "1.5"),
            ("1e3", "1000.0"),
            ("1.0e+10", "1.0E10"),
            ("1.25e-5", "1.25E-5"),
            (".5", "0.5"),
            ("1.", "1.0"),
            ("-.inf", "-Infinity"),
            (".NaN", "NaN"),
            ("1.2.3", "text"),
            ("e3", "text"),
            ("2024-01-02", "text"),
            ("1e999", "text"),
            ("0x", "text"),
            ("_1", "text"),
            ("-", "text"),
            (".", "text"),
            ("1e+", "text"),
            ("0x+1", "text"),
            ("10.0.0.1", "text"),
            ("1::2", "text"),
        ] {
            check(text, expected);
        }
    }
}
