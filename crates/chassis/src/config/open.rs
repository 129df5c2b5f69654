//! Keys below which anything may stand: properties that are handed on to a library, by the names that it knows.

use super::{Setting, Settings, names::environment_name};

impl Settings {
    /// Lets anything stand below these keys, for example `spring.kafka.properties`. In the environment an underscore
    /// stands for each dot of such a property: `SPRING_KAFKA_PROPERTIES_SASL_MECHANISM`.
    pub fn open(mut self, keys: &[&str]) -> Self {
        self.open.extend(keys.iter().map(|key| (*key).to_owned()));
        self
    }

    /// Adds keys without a value to those that exist; those that do stay as they are.
    pub fn also_known(mut self, keys: &[&str]) -> Self {
        for key in keys {
            let unset = Setting { value: String::new(), origin: "default".to_owned() };
            self.settings.entry((*key).to_owned()).or_insert(unset);
        }
        self
    }

    /// What stands below an open key: the rest of each key, and its value.
    pub fn below(&self, key: &str) -> Vec<(String, String)> {
        debug_assert!(self.open.iter().any(|open| open == key), "{key} is not open");
        let below = self.settings.iter().filter_map(|(name, setting)| {
            let rest = name.strip_prefix(key)?.strip_prefix('.')?;
            Some((rest.to_owned(), setting.value.clone()))
        });
        below.collect()
    }

    /// Whether a key stands below an open one.
    pub(super) fn is_open(&self, key: &str) -> bool {
        let below = |open: &String| {
            key.strip_prefix(open).is_some_and(|rest| rest.len() > 1 && rest.starts_with('.'))
        };
        self.open.iter().any(below)
    }

    /// The key that a variable names below an open one.
    pub(super) fn open_key(&self, variable: &str) -> Option<String> {
        self.open.iter().find_map(|open| {
            let rest = variable.strip_prefix(&environment_name(open))?.strip_prefix('_')?;
            let rest = rest.to_ascii_lowercase().replace('_', ".");
            (!rest.is_empty()).then(|| format!("{open}.{rest}"))
        })
    }

    pub(super) fn set_open(&mut self, key: String, value: String, origin: String) {
        self.settings.insert(key, Setting { value, origin });
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn anything_may_stand_below_an_open_key_and_nothing_beside_it() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "client:\n  properties:\n    sasl.mechanism: PLAIN\n    a.b: 1").unwrap();
        let variable = |name: &str| (name.to_owned(), "variable".to_owned());
        let settings = Settings::defaults(&["client:\n  id: me"]).unwrap();
        let settings = settings
            .open(&["client.properties"])
            .file(file.path())
            .unwrap()
            .environment([variable("CLIENT_PROPERTIES_A_B"), variable("CLIENT_PROPERTIES_C")])
            .unwrap()
            .argument("client.properties.d", "argument")
            .unwrap();
        let expected = [
            ("a.b", "variable"),
            ("c", "variable"),
            ("d", "argument"),
            ("sasl.mechanism", "PLAIN"),
        ];
        let pair = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        assert_eq!(settings.below("client.properties"), expected.map(pair));
        assert!(settings.clone().argument("client.propertiesx", "1").is_err());
        assert!(settings.argument("client.properties", "1").is_err());
    }
}
