//! What the configuration says of this service.

use std::{
    num::{NonZeroU16, NonZeroU32},
    str::FromStr,
    time::Duration,
};

use chassis::{
    Current,
    config::{ConfigError, Length, Settings as Configuration},
};
use messaging::{Consumer, Retry, TopicName};

/// What the service does differently from installation to installation.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What is read, by whom, and what becomes of what cannot be handled.
    pub consumer: Consumer,
    /// How long it is remembered which messages were handled.
    pub inbox_retention: Duration,
    /// Who gets the mails; may change while the service runs.
    pub distribution_list: Current<Vec<String>>,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// Names the key whose value cannot be used.
    pub fn read(configuration: &Configuration) -> Result<Self, ConfigError> {
        let recipients: Recipients = configuration.parse(
            "alert.distribution-list",
            "1 to 100 addresses, separated by commas, for example me@example.com",
        )?;
        let retention: Length =
            configuration.parse("milena.inbox.retention", "a length of time, for example 7d")?;
        Ok(Settings {
            consumer: consumer(configuration)?,
            inbox_retention: retention.0,
            distribution_list: Current::new(recipients.0),
        })
    }
}

fn consumer(configuration: &Configuration) -> Result<Consumer, ConfigError> {
    const BINDING: &str = "spring.cloud.stream.bindings.binding-in-store-alert";
    const KAFKA: &str = "spring.cloud.stream.kafka.bindings.binding-in-store-alert.consumer";
    let named = |key: &str, expected: &str| {
        configuration.parse(key, expected).map(|name: TopicName| name.0)
    };
    let topic = named(&format!("{BINDING}.destination"), "a topic's name")?;
    let group = named(&format!("{BINDING}.group"), "a group's name")?;
    let batch: NonZeroU16 = configuration
        .parse("spring.kafka.consumer.max-poll-records", "a number from 1 to 65535")?;
    let dead_letter_topic =
        match configuration.parse(&format!("{KAFKA}.enable-dlq"), "true or false")? {
            false => None,
            true if configuration.text(&format!("{KAFKA}.dlq-name")).is_empty() => {
                Some(format!("error.{topic}.{group}"))
            }
            true => Some(named(&format!("{KAFKA}.dlq-name"), "a topic's name")?),
        };
    let retry = retry(configuration, &format!("{BINDING}.consumer"))?;
    Ok(Consumer {
        retry,
        dead_letter_topic,
        batch: batch.get().into(),
        ..Consumer::new(topic, group)
    })
}

/// How often a record is tried, and how long the waits are between.
fn retry(configuration: &Configuration, consumer: &str) -> Result<Retry, ConfigError> {
    let key = |part: &str| format!("{consumer}.{part}");
    let length = |part: &str| {
        let length = configuration.parse(&key(part), "a length of time, for example 1s or 1000");
        length.map(|length: Length| length.0)
    };
    let attempts = match configuration.text(&key("max-attempts")) {
        "" => None,
        _ => {
            let attempts: NonZeroU32 =
                configuration.parse(&key("max-attempts"), "a number from 1, or nothing")?;
            Some(attempts.get())
        }
    };
    Ok(Retry {
        attempts,
        first: length("back-off-initial-interval")?,
        multiplier: configuration.parse(&key("back-off-multiplier"), "a number")?,
        longest: length("back-off-max-interval")?,
    })
}

/// The distribution list.
struct Recipients(Vec<String>);

impl FromStr for Recipients {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let list = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let list: Vec<String> = list.map(str::to_owned).collect();
        mail::check_recipients(&list)?;
        Ok(Recipients(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_ATTEMPTS: &str =
        "spring.cloud.stream.bindings.binding-in-store-alert.consumer.max-attempts";

    fn read(key: &str, value: &str) -> Result<Settings, ConfigError> {
        let defaults = Configuration::defaults(&[crate::DEFAULTS]).unwrap();
        Settings::read(&defaults.argument(key, value).unwrap())
    }

    #[test]
    fn the_defaults_are_those_of_the_java_service() {
        let settings = read("alert.distribution-list", "a@example.com, b@example.com").unwrap();
        let seconds = Duration::from_secs;
        let retry = Retry { longest: seconds(10), first: seconds(1), ..Retry::default() };
        let consumer = Consumer::new("store-alerts-topic", "store-alerts");
        assert_eq!(settings.consumer, Consumer { batch: 500, retry, ..consumer });
        assert_eq!(settings.inbox_retention, seconds(7 * 24 * 60 * 60));
        assert_eq!(*settings.distribution_list.get(), ["a@example.com", "b@example.com"]);
    }

    #[test]
    fn dead_letters_are_published_when_wanted() {
        let kafka = "spring.cloud.stream.kafka.bindings.binding-in-store-alert.consumer";
        let settings = read(&format!("{kafka}.enable-dlq"), "true").unwrap();
        let topic = settings.consumer.dead_letter_topic.unwrap();
        assert_eq!(topic, "error.store-alerts-topic.store-alerts");
        let settings = read(MAX_ATTEMPTS, "3").unwrap();
        assert_eq!(settings.consumer.retry.attempts, Some(3));
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named() {
        let topic = "spring.cloud.stream.bindings.binding-in-store-alert.destination";
        for (key, value, expected) in [
            ("alert.distribution-list", "", "for example me@example.com"),
            ("alert.distribution-list", "a@example.com, nobody", "for example me@example.com"),
            ("alert.distribution-list", &"a@example.com,".repeat(101), "1 to 100 addresses"),
            (topic, "", "a topic's name"),
            (topic, "no spaces", "a topic's name"),
            (MAX_ATTEMPTS, "0", "a number from 1"),
            ("milena.inbox.retention", "a week", "a length of time"),
            ("spring.kafka.consumer.max-poll-records", "0", "a number from 1"),
        ] {
            let error = read(key, value).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{key} = ")) && error.contains(expected), "{error}");
        }
    }
}
