//! What the configuration says of this service.

use std::str::FromStr;

use chassis::config::{ConfigError, Settings as Configuration};
use messaging::TopicName;

/// What the service does differently from installation to installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The topic that is read.
    pub topic: String,
    /// The group that reads it.
    pub group: String,
    /// Who gets the mails.
    pub distribution_list: Vec<String>,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// Names the key whose value cannot be used.
    pub fn read(configuration: &Configuration) -> Result<Self, ConfigError> {
        const BINDING: &str = "spring.cloud.stream.bindings.binding-in-store-alert";
        let recipients: Recipients = configuration.parse(
            "alert.distribution-list",
            "1 to 100 addresses, separated by commas, for example me@example.com",
        )?;
        let named = |part: &str, expected: &str| {
            let name: Result<TopicName, _> =
                configuration.parse(&format!("{BINDING}.{part}"), expected);
            name.map(|name| name.0)
        };
        Ok(Settings {
            topic: named("destination", "a topic's name")?,
            group: named("group", "a group's name")?,
            distribution_list: recipients.0,
        })
    }
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

    fn read(key: &str, value: &str) -> Result<Settings, ConfigError> {
        let defaults = Configuration::defaults(&[crate::DEFAULTS]).unwrap();
        Settings::read(&defaults.argument(key, value).unwrap())
    }

    #[test]
    fn the_defaults_are_those_of_the_java_service() {
        let settings = read("alert.distribution-list", "a@example.com, b@example.com").unwrap();
        assert_eq!(settings.topic, "store-alerts-topic");
        assert_eq!(settings.group, "store-alerts");
        assert_eq!(settings.distribution_list, ["a@example.com", "b@example.com"]);
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
        ] {
            let error = read(key, value).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{key} = ")) && error.contains(expected), "{error}");
        }
    }
}
