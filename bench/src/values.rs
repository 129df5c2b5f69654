//! How values on the command line are read.

use std::time::Duration;

/// The longest time that can be asked for.
const LONGEST_SECONDS: f64 = 600.0;

/// A name and a secret.
pub(crate) fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (name, secret) =
        text.split_once(':').ok_or("two parts with a colon between them are needed")?;
    Ok((name.to_owned(), secret.to_owned()))
}

/// How many.
pub(crate) fn positive(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(number @ 1..=10_000_000) => Ok(number),
        _ => Err("a number from 1 to 10000000 is needed"),
    }
}

/// How many connections or documents of a measurement.
pub(crate) fn a_few(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(number @ 1..=1_000) => Ok(number),
        _ => Err("a number from 1 to 1000 is needed"),
    }
}

/// How long something lasts.
pub(crate) fn seconds(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(seconds) if (0.0..=LONGEST_SECONDS).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err("seconds from 0 to 600 are needed"),
    }
}

/// How long something lasts that has to last.
pub(crate) fn seconds_above_zero(text: &str) -> Result<Duration, &'static str> {
    match seconds(text) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("seconds above 0, up to 600, are needed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<u64>) {
        let milliseconds = seconds(text).ok().map(|duration| duration.as_millis() as u64);
        assert_eq!(milliseconds, expected, "{text}");
    }

    #[test]
    fn seconds_may_have_a_fraction_and_an_end() {
        check("20", Some(20_000));
        check("0.25", Some(250));
        check("0", Some(0));
        check("600", Some(600_000));
        check("601", None);
        check("-1", None);
        check("NaN", None);
        check("soon", None);
    }

    #[test]
    fn what_has_to_last_is_not_zero() {
        assert!(seconds_above_zero("0").is_err() && seconds_above_zero("1e-12").is_err());
        assert_eq!(seconds_above_zero("1"), Ok(Duration::from_secs(1)));
    }
}
