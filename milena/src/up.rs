//! `milena up`: the whole system in one process, with embedded parts for everything that was not named.

mod addresses;
mod example;
mod ports;
mod system;

pub use addresses::Addresses;
pub use ports::Ports;
pub use system::{Options, System};

use std::path::Path;

use chassis::config::Settings;

/// Names in the log what somebody has set and what has no effect here.
pub fn warn_of_unused(settings: &Settings, variables: &[(String, String)]) {
    crate::unused::warn_of(settings, variables, None);
}

/// Makes the folder of configuration files with an explained example, when there is none.
pub fn explain_configuration(settings: &Settings) {
    example::explain(Path::new(settings.text("milena.registry.config-dir")));
}
