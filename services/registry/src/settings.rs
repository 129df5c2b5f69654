//! The registry's part of the configuration.

use std::{
    num::{NonZeroU32, NonZeroU64},
    path::PathBuf,
    time::Duration,
};

use chassis::{
    Secret,
    config::{self, ConfigError},
};

use discovery::RegistrySettings;

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
    /// The folder of configuration files, unless others are named; it may be missing.
    pub config_folder: PathBuf,
    /// How the registry treats the silent, and how much it takes.
    pub leases: RegistrySettings,
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
            leases: leases(settings)?,
            call_allowed: networks,
            history: Bounds { most: number(MOST)?.get(), days: number(DAYS)?.get() },
            ssh_public_key: (!key.is_empty()).then(|| key.into()),
        })
    }
}

fn leases(settings: &config::Settings) -> Result<RegistrySettings, ConfigError> {
    let key = |name: &str| format!("eureka.server.{name}");
    let threshold = key("renewal-percent-threshold");
    let share: f64 = settings.parse(&threshold, "a share from 0 to 1, for example 0.85")?;
    if !(0.0..=1.0).contains(&share) {
        return Err(settings.invalid(&threshold, "expected a share from 0 to 1".to_owned()));
    }
    let interval: NonZeroU64 =
        settings.parse(&key("eviction-interval-timer-in-ms"), "a number of milliseconds from 1")?;
    Ok(RegistrySettings {
        self_preservation: settings.parse(&key("enable-self-preservation"), "true or false")?,
        renewal_percent_threshold: share,
        eviction_interval: Duration::from_millis(interval.get()),
        ..RegistrySettings::default()
    })
}
