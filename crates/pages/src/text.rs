//! Times and texts in a form for people.

use jiff::{Timestamp, tz::Offset};

/// The longest text from outside that is told beside the values.
const TEXT_LIMIT: usize = 2000;
/// The longest text that a table shows of one value; all of it is on the value's own page.
const CELL_LIMIT: usize = 80;

/// An instant for people, in UTC, which its label says; and exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    /// As RFC 3339 writes it, for `<time datetime>`.
    pub exact: String,
    /// Date and time to the second.
    pub text: String,
}

impl Time {
    /// The forms of an instant.
    pub fn of(instant: Timestamp) -> Self {
        let text = Offset::UTC.to_datetime(instant).strftime("%Y-%m-%d %H:%M:%S").to_string();
        Time { exact: instant.to_string(), text }
    }
}

/// A text of at most 2000 characters; what is longer is cut and ends with `…`.
pub fn shortened(text: &str) -> String {
    cut(text, TEXT_LIMIT)
}

/// A text that fits a cell or a line: at most 80 characters; what is longer is cut and ends with `…`.
pub fn brief(text: &str) -> String {
    cut(text, CELL_LIMIT)
}

fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_texts_are_cut() {
        let long = "ü".repeat(TEXT_LIMIT + 5);
        assert_eq!(shortened(&long).chars().count(), TEXT_LIMIT + 1);
        assert_eq!(shortened("short"), "short");
    }
}
