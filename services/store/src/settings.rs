//! What the configuration says of this service.

use std::str::FromStr;

use chassis::{
    Current,
    config::{ConfigError, Settings as Configuration},
};
use messaging::TopicName;

/// What the service does differently from installation to installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The topic on which changes are announced.
    pub topic: String,
    /// Which changes are announced; may change while the service runs.
    pub announced: Current<Announced>,
}

/// Which changes are announced; the Java service announces updates only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Announced {
    pub created: bool,
    pub updated: bool,
    pub patched: bool,
    pub deleted: bool,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// Names the key whose value cannot be used.
    pub fn read(configuration: &Configuration) -> Result<Self, ConfigError> {
        const TOPIC: &str = "spring.cloud.stream.bindings.binding-out-store-alert.destination";
        let announced: Announced = configuration
            .parse("milena.store.announce", "any of created, updated, patched, deleted")?;
        let topic: TopicName = configuration.parse(TOPIC, "a topic's name")?;
        Ok(Settings { topic: topic.0, announced: Current::new(announced) })
    }
}

impl FromStr for Announced {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut announced = Announced::default();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word {
                "created" => announced.created = true,
                "updated" => announced.updated = true,
                "patched" => announced.patched = true,
                "deleted" => announced.deleted = true,
                _ => return Err(()),
            }
        }
        Ok(announced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_changes_are_announced() {
        let updated = Announced { updated: true, ..Announced::default() };
        assert_eq!("updated".parse(), Ok(updated));
        assert_eq!("".parse(), Ok(Announced::default()));
        let more = Announced { created: true, patched: true, deleted: true, ..updated };
        assert_eq!("created, updated,patched , deleted".parse(), Ok(more));
        assert_eq!("moved".parse::<Announced>(), Err(()));
    }

    #[test]
    fn the_defaults_are_those_of_the_java_service() {
        let settings =
            Settings::read(&Configuration::defaults(&[crate::DEFAULTS]).unwrap()).unwrap();
        let announced = Announced { updated: true, ..Announced::default() };
        let announced = Current::new(announced);
        assert_eq!(settings, Settings { topic: "store-alerts-topic".into(), announced });
    }
}
