//! Reads the settings of a configuration server from a program's: Spring's names, in files, variables and arguments.

use std::path::Path;

use chassis::{
    Secret,
    config::{ConfigError, Settings},
};

use super::{BackendSettings, ConfigServerSettings, RepositorySettings};
use crate::server::config::cipher::{CipherOptions, RsaAlgorithm};

/// Below which everything is about the configuration server.
const SERVER: &str = "spring.cloud.config.server";
const ENCRYPT: &str = "encrypt";
/// Before the keys, in their own spelling, that clients are told first.
const OVERRIDES: &str = "overrides.";
/// How many back ends can be put together.
const COMPOSITE: usize = 32;
/// How often a repository is looked at, in seconds, unless it is said. The original looks in each request.
const REFRESH: u64 = 10;

impl ConfigServerSettings {
    /// The keys below which anything may stand: give them to [`Settings::open`] before files and variables are read, so that
    /// `SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_TYPE` and `ENCRYPT_KEY` arrive.
    pub const OPEN: [&str; 2] = [SERVER, ENCRYPT];

    /// Takes the configuration server's part of settings in which [`Self::OPEN`] is open.
    ///
    /// Back ends are those of `composite[0]` and on, else `native` when it has locations and the profile `native` is active
    /// or there is no repository, else `git`, else the folder given here. Repositories are cloned into `clones`.
    ///
    /// # Errors
    /// Names the key that has no value it can take.
    pub fn read(settings: &Settings, folder: &Path, clones: &Path) -> Result<Self, ConfigError> {
        let server = Below::new(settings, SERVER);
        let encrypt = Below::new(settings, ENCRYPT);
        let mut backends = Vec::new();
        for number in 0..COMPOSITE {
            let part = server.part(&format!("composite[{number}]"));
            match part.text("type").as_deref() {
                None => break,
                Some("native") => backends.push(part.folders()),
                Some("git") => backends.push(part.repository()?),
                Some(other) => {
                    let reason = format!("there is no back end {other}; take native or git");
                    return Err(part.wrong("type", other, reason));
                }
            }
        }
        let defaults = ConfigServerSettings::folder(folder);
        if backends.is_empty() {
            let (native, git) = (server.part("native"), server.part("git"));
            let has_folders = !native.list("search-locations").is_empty();
            match (has_folders, git.text("uri").is_some()) {
                (true, false) => backends.push(native.folders()),
                (true, true) if server.is_native() => backends.push(native.folders()),
                (_, true) => backends.push(git.repository()?),
                (false, false) => backends = defaults.backends,
            }
        }
        encrypt.refuse_key_stores()?;
        let overrides = settings
            .below(SERVER)
            .into_iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(OVERRIDES)?.to_owned(), value)));
        Ok(ConfigServerSettings {
            backends,
            overrides: overrides.collect(),
            key: encrypt.text("key").map(Secret::new),
            cipher: encrypt.options()?,
            decrypts: server.part("encrypt").truth("enabled", true)?,
            clones: clones.to_owned(),
        })
    }
}

/// The keys below one, in whatever spelling they came: dots, dashes, brackets and case do not count.
struct Below<'a> {
    settings: &'a Settings,
    key: String,
    entries: Vec<(String, String)>,
}

impl<'a> Below<'a> {
    fn new(settings: &'a Settings, key: &str) -> Self {
        let entries = settings.below(key);
        let entries =
            entries.into_iter().map(|(key, value)| (uniform(&key), value.trim().to_owned()));
        Below { settings, key: key.to_owned(), entries: entries.collect() }
    }

    fn part(&self, name: &str) -> Below<'a> {
        let prefix = uniform(name);
        let entries = self.entries.iter().filter_map(|(key, value)| {
            Some((key.strip_prefix(&prefix)?.to_owned(), value.clone()))
        });
        let entries = entries.collect();
        Below { settings: self.settings, key: format!("{}.{name}", self.key), entries }
    }

    fn text(&self, name: &str) -> Option<String> {
        let name = uniform(name);
        let found = self.entries.iter().find(|(key, value)| *key == name && !value.is_empty());
        found.map(|(_, value)| value.clone())
    }

    /// A list with commas, or with an index for each item.
    fn list(&self, name: &str) -> Vec<String> {
        let name = uniform(name);
        let mut found: Vec<(usize, &str)> = Vec::new();
        for (key, value) in &self.entries {
            let Some(index) = key.strip_prefix(&name) else { continue };
            let index = if index.is_empty() { Some(0) } else { index.parse().ok() };
            found.extend(index.map(|index| (index, value.as_str())));
        }
        found.sort_by_key(|(index, _)| *index);
        let items = found.iter().flat_map(|(_, value)| value.split(','));
        items.map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    fn truth(&self, name: &str, unset: bool) -> Result<bool, ConfigError> {
        match self.text(name).as_deref() {
            None => Ok(unset),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(self.wrong(name, other, "expected true or false".to_owned())),
        }
    }

    fn folders(&self) -> BackendSettings {
        BackendSettings::Folders {
            locations: self.list("search-locations"),
            default_label: self.text("default-label"),
        }
    }

    fn repository(&self) -> Result<BackendSettings, ConfigError> {
        let Some(uri) = self.text("uri") else {
            let reason = "expected the repository's address".to_owned();
            return Err(self.wrong("uri", "", reason));
        };
        let (address, user, password) = without_user(uri.trim_end_matches('/'));
        if address.starts_with('-') || address.contains(['{', '}']) || address.contains("::") {
            let reason = "expected the address of one repository, without placeholders".to_owned();
            return Err(self.wrong("uri", &address, reason));
        }
        let refresh_seconds = match self.text("refresh-rate") {
            None => REFRESH,
            Some(text) => match text.parse::<u64>() {
                // The original looks in each request then; here that would let callers make us work.
                Ok(0) => REFRESH,
                Ok(seconds) => seconds,
                Err(_) => {
                    let reason = "expected seconds, for example 10".to_owned();
                    return Err(self.wrong("refresh-rate", &text, reason));
                }
            },
        };
        Ok(BackendSettings::Repository(RepositorySettings {
            address,
            user: self.text("username").or(user),
            password: self.text("password").or(password).map(Secret::new),
            default_label: self.text("default-label"),
            search_paths: self.list("search-paths"),
            clone_on_start: self.truth("clone-on-start", false)?,
            refresh_seconds,
            folder: self.text("basedir").map(Into::into),
        }))
    }

    fn options(&self) -> Result<CipherOptions, ConfigError> {
        let defaults = CipherOptions::default();
        let rsa = self.part("rsa");
        if rsa.truth("strong", false)? {
            let reason =
                "AES in GCM mode is not supported here; take false and encrypt anew".to_owned();
            return Err(rsa.wrong("strong", "true", reason));
        }
        let algorithm = match rsa.text("algorithm").map(|name| name.to_ascii_uppercase()).as_deref()
        {
            None | Some("DEFAULT") => RsaAlgorithm::Default,
            Some("OAEP") => RsaAlgorithm::Oaep,
            Some(other) => {
                return Err(rsa.wrong("algorithm", other, "expected DEFAULT or OAEP".to_owned()));
            }
        };
        let is_rsa = self.text("key").is_some_and(|key| key.contains("-----BEGIN"));
        let salt = if is_rsa { rsa.text("salt") } else { self.text("salt") };
        Ok(CipherOptions { salt: salt.unwrap_or(defaults.salt), algorithm })
    }

    /// Java's key stores are not read: openssl makes PEM of them.
    fn refuse_key_stores(&self) -> Result<(), ConfigError> {
        let key_store = self.part("key-store");
        let Some(location) = key_store.text("location") else { return Ok(()) };
        let reason = "key stores are not read; make a PEM file of its private key (openssl pkcs12 -nodes -nocerts) and give its text as encrypt.key, or its name in ENCRYPT_KEY_FILE";
        Err(key_store.wrong("location", &location, reason.to_owned()))
    }

    /// Whether Spring's profile `native` is active.
    fn is_native(&self) -> bool {
        let set = self.settings.set_below("spring.profiles.active").next().is_some();
        set && self.settings.list("spring.profiles.active").iter().any(|name| name == "native")
    }

    fn wrong(&self, name: &str, value: &str, reason: String) -> ConfigError {
        ConfigError::Invalid {
            key: format!("{}.{name}", self.key),
            value: value.to_owned(),
            origin: "the configuration".to_owned(),
            reason,
        }
    }
}

fn uniform(key: &str) -> String {
    let letters = key.chars().filter(|c| !matches!(c, '.' | '-' | '_' | '[' | ']'));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// `https://user:password@host/…` without its user, so that no log and no process list shows the password.
fn without_user(uri: &str) -> (String, Option<String>, Option<String>) {
    let whole = || (uri.to_owned(), None, None);
    let Some((scheme, rest)) =
        uri.split_once("://").filter(|(scheme, _)| scheme.starts_with("http"))
    else {
        return whole();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let Some((user, host)) = rest[..end].rsplit_once('@') else { return whole() };
    let decoded =
        |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (name, password) = match user.split_once(':') {
        Some((name, password)) => (name, Some(decoded(password))),
        None => (user, None),
    };
    (format!("{scheme}://{host}{}", &rest[end..]), Some(decoded(name)), password)
}

#[cfg(test)]
mod tests;
