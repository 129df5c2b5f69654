//! Configuration: layers of dotted keys, each value with its origin.
//!
//! Defaults (compiled in, commented, with every key) < file < environment < Config server < command line.
//! Key names are Spring's where Spring or JHipster has one; the environment's form of `spring.mail.host`
//! is `SPRING_MAIL_HOST` (Spring's relaxed binding). Secrets may come from a file: `SPRING_MAIL_PASSWORD_FILE`.

mod names;
mod open;
mod placeholders;
mod remote;
mod shown;
mod time;
pub mod yaml;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    str::FromStr,
};

use crate::Secret;
pub use names::{environment_name, nearest};
pub use remote::RemoteSource;
pub use time::Length;

use names::{THEIRS, begins_with, is_theirs, legacy_name};
pub(crate) use shown::Shown;
pub use shown::masked;

/// What is wrong with a configuration. The text names the key, where it was set, and what to do.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A key that nobody reads.
    #[error("unknown configuration key {key} ({origin}){}", suggestion.as_ref().map(|near| format!("; did you mean {near}?")).unwrap_or_default())]
    Unknown {
        /// The key as given.
        key: String,
        /// Where it was given.
        origin: String,
        /// The nearest known key.
        suggestion: Option<String>,
    },
    /// A value that its key cannot take.
    #[error("{key} = {value:?} ({origin}): {reason}")]
    Invalid {
        /// The key.
        key: String,
        /// The value as given; `_` for a secret.
        value: String,
        /// Where it was given.
        origin: String,
        /// What the key takes.
        reason: String,
    },
    /// A file that cannot be read.
    #[error("{origin}: {reason}")]
    Unreadable {
        /// The file.
        origin: String,
        /// Why.
        reason: String,
    },
}

/// A value and where it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    value: String,
    origin: String,
}

/// Every key that a program reads, with its value.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    settings: BTreeMap<String, Setting>,
    /// Keys of Spring and its relatives that were set although nobody here reads them, each with its origin.
    without_effect: BTreeMap<String, String>,
    /// Keys below which anything may stand, see `open`.
    open: Vec<String>,
}

impl Settings {
    /// Starts from the compiled-in defaults, which also say which keys exist.
    ///
    /// # Errors
    /// When a default file is not YAML.
    pub fn defaults(files: &[&str]) -> Result<Self, ConfigError> {
        let mut settings = BTreeMap::new();
        for text in files {
            for entry in yaml::flatten(text).map_err(|error| unreadable("the defaults", error))? {
                settings
                    .insert(entry.key, Setting { value: entry.value, origin: "default".into() });
            }
        }
        Ok(Settings { settings, without_effect: BTreeMap::new(), open: Vec::new() })
    }

    /// Lays a YAML file over what is there. A list is the same as its items separated by commas.
    ///
    /// # Errors
    /// When the file cannot be read, is not YAML or has an unknown key.
    pub fn file(mut self, path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(&name, error))?;
        let entries = yaml::flatten(&text).map_err(|error| unreadable(&name, error))?;
        for entry in self.with_lists_joined(entries) {
            let origin = format!("{name}, line {}", entry.line);
            match self.known(&entry.key) {
                None if self.is_open(&entry.key) => self.set_open(entry.key, entry.value, origin),
                None if is_theirs(&entry.key) => {
                    self.without_effect.insert(entry.key, origin);
                }
                known => self.set(&known.unwrap_or(entry.key), entry.value, origin)?,
            }
        }
        Ok(self)
    }

    /// The known key that this is a spelling of: case and dashes do not count (Spring's relaxed binding).
    fn known(&self, key: &str) -> Option<String> {
        if self.settings.contains_key(key) {
            return Some(key.to_owned());
        }
        let uniform = |key: &str| key.replace(['-', '_'], "").to_ascii_lowercase();
        let wanted = uniform(key);
        self.settings.keys().find(|known| uniform(known) == wanted).cloned()
    }

    /// Makes one entry of the items `key[0]`, `key[1]`, … of a list whose key is known.
    fn with_lists_joined(&self, entries: Vec<yaml::Entry>) -> Vec<yaml::Entry> {
        let mut joined: Vec<yaml::Entry> = Vec::new();
        let mut open = None;
        for mut entry in entries {
            let list = entry.key.strip_suffix(']').and_then(|key| key.rsplit_once('['));
            let list = list.map(|(key, _)| key.to_owned());
            let list = list.filter(|key| self.settings.contains_key(key));
            match (&list, joined.last_mut()) {
                (Some(_), Some(last)) if open == list => {
                    last.value.push(',');
                    last.value.push_str(&entry.value);
                }
                _ => {
                    entry.key = list.clone().unwrap_or(entry.key);
                    joined.push(entry);
                }
            }
            open = list;
        }
        joined
    }

    /// Lays environment variables over what is there. A variable `MILENA_…` that no key answers to is an error, and so is
    /// one that begins as a key of ours does and looks like it; other variables belong to others. `KEY_FILE` names a file
    /// whose content (without its last line break) is the value.
    ///
    /// # Errors
    /// When a file cannot be read, both forms of a variable are set, or a variable of ours is unknown.
    pub fn environment(
        mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let names =
            |key: &String| [(environment_name(key), key.clone()), (legacy_name(key), key.clone())];
        let keys: BTreeMap<String, String> = self.settings.keys().flat_map(names).collect();
        let ours = self.our_prefixes();
        let variables: BTreeMap<String, String> = variables.into_iter().collect();
        for (name, value) in &variables {
            let (variable, value) = match name.strip_suffix("_FILE") {
                Some(variable)
                    if keys.contains_key(variable) || self.open_key(variable).is_some() =>
                {
                    if variables.contains_key(variable) {
                        return Err(unreadable(
                            name,
                            format!("{variable} is set too; keep one of the two"),
                        ));
                    }
                    let text =
                        std::fs::read_to_string(value).map_err(|error| unreadable(value, error))?;
                    (variable, text.trim_end_matches(['\r', '\n']).to_owned())
                }
                _ => (name.as_str(), value.clone()),
            };
            match keys.get(variable) {
                Some(key) => self.set(key, value, format!("environment variable {name}"))?,
                None if let Some(key) = self.open_key(variable) => {
                    self.set_open(key, value, format!("environment variable {name}"));
                }
                None if ours.iter().any(|prefix| name.starts_with(prefix)) => {
                    let suggestion = nearest(variable, keys.keys());
                    // Kubernetes sets variables such as `NAME_PORT` by itself; only a slip of a few letters is an error.
                    let slip = |key: &String| strsim::damerau_levenshtein(variable, key) <= 3;
                    if name.starts_with("MILENA_") || keys.keys().any(slip) {
                        let (key, origin) = (name.clone(), "environment".into());
                        return Err(ConfigError::Unknown { key, origin, suggestion });
                    }
                }
                None if THEIRS.iter().any(|theirs| begins_with(name, theirs)) => {
                    self.without_effect.insert(name.clone(), "environment".into());
                }
                None => {}
            }
        }
        Ok(self)
    }

    /// How the environment variables begin that are probably meant for us, for example `MILENA_`.
    fn our_prefixes(&self) -> BTreeSet<String> {
        let first = self.settings.keys().filter_map(|key| key.split('.').next());
        first
            .filter(|segment| !THEIRS.contains(segment))
            .map(|segment| format!("{}_", environment_name(segment)))
            .collect()
    }

    /// Lays one value from the command line over what is there.
    ///
    /// # Errors
    /// When the key is unknown.
    pub fn argument(mut self, key: &str, value: impl Into<String>) -> Result<Self, ConfigError> {
        let (value, origin) = (value.into(), "command line".to_owned());
        match self.is_open(key) && !self.settings.contains_key(key) {
            true => self.set_open(key.to_owned(), value, origin),
            false => self.set(key, value, origin)?,
        }
        Ok(self)
    }

    fn set(&mut self, key: &str, value: String, origin: String) -> Result<(), ConfigError> {
        match self.settings.get_mut(key) {
            Some(setting) => {
                *setting = Setting { value, origin };
                Ok(())
            }
            None => {
                let suggestion = nearest(key, self.settings.keys());
                Err(ConfigError::Unknown { key: key.to_owned(), origin, suggestion })
            }
        }
    }

    /// The text of a key; empty when the key has no value.
    pub fn text(&self, key: &str) -> &str {
        debug_assert!(self.settings.contains_key(key), "{key} is missing from the defaults");
        self.settings.get(key).map(|setting| setting.value.as_str()).unwrap_or_default()
    }

    /// Tells whether somebody set the key to something else than its compiled-in default.
    pub fn is_set(&self, key: &str) -> bool {
        self.settings.get(key).is_some_and(|setting| setting.origin != "default")
    }

    /// What somebody has set although nobody here reads it, in the order of the names: keys that belong to Spring, Eureka
    /// or JHipster, as variables or as keys of a file, each with where it was set.
    pub fn without_effect(&self) -> impl Iterator<Item = (&str, &str)> {
        self.without_effect.iter().map(|(key, origin)| (key.as_str(), origin.as_str()))
    }

    /// The keys at or below this one, or all, that somebody has set to something else than their compiled-in defaults.
    pub fn set_below<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let below = move |name: &&String| {
            let rest = name.strip_prefix(key);
            key.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.settings.keys().filter(below).filter(|name| self.is_set(name)).map(String::as_str)
    }

    /// The keys whose values are others than in `before`, in their order.
    pub fn changed_since(&self, before: &Settings) -> Vec<String> {
        let keys: BTreeSet<&String> = self.settings.keys().chain(before.settings.keys()).collect();
        let value = |settings: &Settings, key: &String| {
            settings.settings.get(key).map(|setting| setting.value.clone())
        };
        keys.into_iter().filter(|key| value(self, key) != value(before, key)).cloned().collect()
    }

    /// The text of a key that must not be printed.
    pub fn secret(&self, key: &str) -> Secret<String> {
        Secret::new(self.text(key).to_owned())
    }

    /// A comma-separated list, blanks removed.
    pub fn list(&self, key: &str) -> Vec<String> {
        self.text(key)
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// A value of any type that can be read from text.
    ///
    /// # Errors
    /// Names the key, the value, where it was set and `expected`.
    pub fn parse<T: FromStr>(&self, key: &str, expected: &str) -> Result<T, ConfigError> {
        let expected = |_| self.invalid(key, format!("expected {expected}"));
        self.text(key).trim().parse().map_err(expected)
    }

    /// The error that a key's value, which is no secret, cannot be used for this reason.
    pub fn invalid(&self, key: &str, reason: String) -> ConfigError {
        let origin = self.settings.get(key).map(|setting| setting.origin.clone());
        ConfigError::Invalid {
            key: key.to_owned(),
            value: self.text(key).to_owned(),
            origin: origin.unwrap_or_default(),
            reason,
        }
    }

    /// The same for a value that holds a secret, or may.
    pub fn invalid_secret(&self, key: &str, reason: String) -> ConfigError {
        match self.invalid(key, reason) {
            ConfigError::Invalid { key, origin, reason, .. } => {
                ConfigError::Invalid { key, value: "_".to_owned(), origin, reason }
            }
            other => other,
        }
    }
}

impl std::fmt::Debug for Settings {
    /// Prints keys and origins; values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map()
            .entries(self.settings.iter().map(|(key, setting)| (key, &setting.origin)))
            .finish()
    }
}

fn unreadable(origin: &str, reason: impl ToString) -> ConfigError {
    ConfigError::Unreadable { origin: origin.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests;
