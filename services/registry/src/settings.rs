//! The registry's part of the configuration.

use std::{num::NonZeroU32, path::PathBuf};

use chassis::{
    Secret,
    config::{self, ConfigError},
};

use crate::call::Networks;

/// The default configuration, with every key that the registry reads.
pub const DEFAULTS: &str = include_str!("../config.yml");

const PASSWORD: &str = "spring.security.user.password";
const CONFIG_FOLDER: &str = "milena.registry.config-dir";
const CALL_ALLOWED: &str = "milena.registry.call-allowed";
const MOST: &str = "milena.registry.history.most";
const DAYS: &str = "milena.registry.history.days";
const SSH_PUBLIC_KEY: &str = "milena.registry.ssh-public-key";

/// What the registry needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The password of the one user, `admin`.
    pub password: Secret<String>,
    /// The folder of configuration files; it may be missing.
    pub config_folder: PathBuf,
    /// Where the pages may call instances.
    pub(crate) call_allowed: Networks,
    /// How much of the past is kept.
    pub(crate) history: Bounds,
    /// The file with the public key, if there is one.
    pub(crate) ssh_public_key: Option<PathBuf>,
}

/// How much of the past is kept; what is open, because an instance is registered, counts in addition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How many events.
    pub(crate) most: u32,
    /// For how many days.
    pub(crate) days: u32,
}

impl Settings {
    /// Takes the registry's part of a configuration that started from [`DEFAULTS`].
    ///
    /// # Errors
    /// Names the key whose value cannot be used.
    pub fn read(settings: &config::Settings) -> Result<Self, ConfigError> {
        let number = |key: &str| settings.parse::<NonZeroU32>(key, "a number from 1");
        let networks = Networks::parse(&settings.list(CALL_ALLOWED))
            .map_err(|reason| settings.invalid(CALL_ALLOWED, reason))?;
        let key = settings.text(SSH_PUBLIC_KEY);
        Ok(Settings {
            password: settings.secret(PASSWORD),
            config_folder: settings.text(CONFIG_FOLDER).into(),
            call_allowed: networks,
            history: Bounds { most: number(MOST)?.get(), days: number(DAYS)?.get() },
            ssh_public_key: (!key.is_empty()).then(|| key.into()),
        })
    }
}
