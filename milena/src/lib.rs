//! The program: puts services, embedded parts and listeners together. Decides nothing of the business.

pub mod arguments;
pub mod up;

/// The commented default configuration of the program itself.
pub const DEFAULTS: &str = include_str!("../config.yml");

use chassis::config::{ConfigError, Settings};

/// Every key of every part, with its default.
///
/// # Errors
/// When a default file is not YAML, which a test rules out.
pub fn defaults() -> Result<Settings, ConfigError> {
    Settings::defaults(&[DEFAULTS, registry::DEFAULTS, gateway::DEFAULTS, alert::DEFAULTS])
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_defaults_can_be_read() {
        let settings = super::defaults().unwrap();
        assert_eq!(settings.text("logging.level.root"), "info,discovery::server=warn");
        assert_eq!(settings.list("alert.distribution-list"), ["list@localhost"]);
    }
}
