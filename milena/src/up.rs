//! `milena up`: the whole system in one process, with embedded parts for everything that was not named.

mod addresses;
pub(crate) mod configuration;
mod example;
mod ports;
mod system;

pub use addresses::Addresses;
pub use ports::Ports;
pub use system::{Options, System};

use std::path::{Path, PathBuf};

use chassis::config::{RemoteSource, Settings};

/// Names in the log what somebody has set and what has no effect here.
pub fn warn_of_unused(settings: &Settings, variables: &[(String, String)]) {
    crate::unused::warn_of(settings, variables, None);
}

/// What the registry of `up` serves for its services; nothing when another registry was named.
///
/// # Errors
/// Names the file or key that cannot be used.
pub async fn told(settings: &Settings, data_dir: &Path) -> anyhow::Result<Vec<RemoteSource>> {
    if settings.is_set("eureka.client.service-url.defaultZone") {
        return Ok(Vec::new());
    }
    configuration::told(settings, data_dir).await
}

/// The folder of configuration files that the registry serves.
pub fn configuration_folder(settings: &Settings) -> PathBuf {
    settings.text("milena.registry.config-dir").into()
}

/// Makes the folder of configuration files with an explained example, when there is none.
pub fn explain_configuration(folder: &Path) {
    example::explain(folder);
}
