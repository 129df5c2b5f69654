//! What a Config server says, as a layer over the environment.

use std::collections::BTreeMap;

use super::{Setting, Settings};

/// One source of properties, the most important first among several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteSource {
    /// What the server calls it, mostly a file.
    pub name: String,
    /// Keys and values in the order of the source.
    pub properties: Vec<(String, String)>,
}

impl Settings {
    /// Lays what a Config server has said over what is there, as Spring Cloud does: it counts more than the environment,
    /// unless the sources themselves say otherwise (`spring.cloud.config.override-none`,
    /// `spring.cloud.config.override-system-properties`). What nobody here reads is for others, and is left out.
    pub fn remote(mut self, sources: &[RemoteSource]) -> Self {
        let says = |key: &str, value: &str| {
            let mut all = sources.iter().flat_map(|source| &source.properties);
            all.any(|(name, text)| name == key && text.trim().eq_ignore_ascii_case(value))
        };
        let allowed = !says("spring.cloud.config.allow-override", "false");
        let none = allowed && says("spring.cloud.config.override-none", "true");
        let after_environment =
            allowed && says("spring.cloud.config.override-system-properties", "false");
        let mut told = BTreeMap::new();
        for source in sources.iter().rev() {
            for (key, value) in &source.properties {
                let open = self.is_open(key).then(|| key.clone());
                if let Some(key) = self.known(key).or(open) {
                    let origin = format!("Config server, {}", source.name);
                    told.insert(key, Setting { value: value.clone(), origin });
                }
            }
        }
        for (key, setting) in told {
            let by_hand = self.settings.get(&key).is_some_and(|own| match none {
                true => own.origin != "default",
                false => after_environment && own.origin.starts_with("environment"),
            });
            if !by_hand {
                self.settings.insert(key, setting);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(extra: &[(&str, &str)], expected: [&str; 3]) {
        let settings = Settings::defaults(&["one: default\ntwo: default\nthree: default"]).unwrap();
        let settings =
            settings.environment([("TWO".to_owned(), "environment".to_owned())]).unwrap();
        let source = |name: &str, properties: &[(&str, &str)]| RemoteSource {
            name: name.to_owned(),
            properties: properties.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        };
        let sources = [
            source("specific.yml", &[("one", "specific")]),
            source("application.yml", &[("one", "general"), ("two", "general"), ("else", "x")]),
            source("switches", extra),
        ];
        let settings = settings.remote(&sources);
        assert_eq!(["one", "two", "three"].map(|key| settings.text(key)), expected, "{extra:?}");
    }

    #[test]
    fn a_config_server_counts_more_than_the_environment_unless_it_says_otherwise() {
        check(&[], ["specific", "general", "default"]);
        check(
            &[("spring.cloud.config.override-none", "true")],
            ["specific", "environment", "default"],
        );
        let after = ("spring.cloud.config.override-system-properties", "false");
        check(&[after], ["specific", "environment", "default"]);
        check(
            &[after, ("spring.cloud.config.allow-override", "false")],
            ["specific", "general", "default"],
        );
    }
}
