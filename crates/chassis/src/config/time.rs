//! Lengths of time as Spring Boot writes them.

use std::{str::FromStr, time::Duration};

/// A length of time: a whole number with `ms`, `s`, `m`, `h` or `d`; without a unit it counts milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length(pub Duration);

impl FromStr for Length {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim();
        let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let milliseconds: u64 = match unit {
            "" | "ms" => 1,
            "s" => 1000,
            "m" => 60 * 1000,
            "h" => 60 * 60 * 1000,
            "d" => 24 * 60 * 60 * 1000,
            _ => return Err(()),
        };
        let number: u64 = number.parse().map_err(drop)?;
        number.checked_mul(milliseconds).map(|all| Length(Duration::from_millis(all))).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_a_unit_or_counts_milliseconds() {
        for (text, milliseconds) in
            [("250", 250), ("1ms", 1), ("10s", 10_000), ("2m", 120_000), ("7d", 604_800_000)]
        {
            assert_eq!(text.parse(), Ok(Length(Duration::from_millis(milliseconds))), "{text}");
        }
        for text in ["", "s", "-1s", "1.5s", "1w", "99999999999999999999", "9999999999999999d"] {
            assert_eq!(text.parse::<Length>(), Err(()), "{text}");
        }
    }
}
