//! The name of a kept mail: its number, then its arrival, as in `0000000042-20261124T005204.123Z.eml`.
//! Names sort by arrival even when the clock was set back, and nothing else is taken for a name.

use jiff::Timestamp;

const DIGITS: usize = 10;
const END: &str = ".eml";

/// A checked name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn new(number: u64, received: Timestamp) -> Self {
        Name(format!("{number:0DIGITS$}-{}{END}", received.strftime("%Y%m%dT%H%M%S%.3fZ")))
    }

    /// Reads a name; anything else is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (number, received) = text.strip_suffix(END)?.split_once('-')?;
        let digits = number.len() == DIGITS && number.bytes().all(|byte| byte.is_ascii_digit());
        let name = Name(text.to_owned());
        // Writing it again leaves one spelling, and so no room for anything but digits.
        (digits && name == Name::new(number.parse().ok()?, received.parse().ok()?)).then_some(name)
    }

    pub(super) fn number(&self) -> u64 {
        self.0.split_once('-').and_then(|(number, _)| number.parse().ok()).unwrap_or(0)
    }

    pub(super) fn received(&self) -> Timestamp {
        let received = self.0.strip_suffix(END).and_then(|name| name.split_once('-'));
        received.and_then(|(_, received)| received.parse().ok()).unwrap_or_default()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back() {
        let received: Timestamp = "2026-11-24T00:52:04.123Z".parse().unwrap();
        let name = Name::new(42, received);
        assert_eq!(name.as_str(), "0000000042-20261124T005204.123Z.eml");
        assert_eq!(Name::parse(name.as_str()), Some(name.clone()));
        assert_eq!((name.number(), name.received()), (42, received));
    }

    #[test]
    fn nothing_else_is_a_name() {
        for text in [
            "",
            "../0000000042-20261124T005204.123Z.eml",
            "0000000042-20261124T005204.123Z.eml/..",
            "0000000042-20261124T005204.123Z.eml.part",
            "0000000042-2026-11-24T00:52:04.123Z.eml",
            "0000000042-20261124T005204.123Z",
            "42-20261124T005204.123Z.eml",
            "+000000042-20261124T005204.123Z.eml",
            "0000000042-20261324T005204.123Z.eml",
            "0000000042-20261124T005204.123Z\0.eml",
        ] {
            assert_eq!(Name::parse(text), None, "{text:?}");
        }
    }
}
