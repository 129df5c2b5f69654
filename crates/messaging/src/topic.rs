//! Names of topics and groups, as Kafka takes them.

use std::str::FromStr;

use anyhow::ensure;

/// The longest name of a topic, as in Kafka.
const LONGEST: usize = 249;

/// The name of a topic or group that any broker takes: 1 to 249 letters, digits, dots, underscores and dashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicName(pub String);

impl TopicName {
    /// Whether a broker takes this as a name.
    pub fn takes(text: &str) -> bool {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        (1..=LONGEST).contains(&text.len())
            && text.chars().all(allowed)
            && !matches!(text, "." | "..")
    }
}

impl FromStr for TopicName {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        ensure!(
            TopicName::takes(text),
            "a topic's name has 1 to {LONGEST} letters, digits, dots, underscores and dashes"
        );
        Ok(TopicName(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_kafka_takes() {
        for (name, expected) in [
            ("orders-topic_1.x", true),
            (&"n".repeat(249), true),
            (&"n".repeat(250), false),
            ("", false),
            ("..", false),
            ("no spaces", false),
            ("ä", false),
        ] {
            assert_eq!(name.parse::<TopicName>().is_ok(), expected, "{name}");
        }
    }
}
