//! The program: puts services, embedded parts and listeners together. Decides nothing of the business.

pub mod arguments;
pub mod dead_letters;
mod folder;
mod health;
pub mod layers;
mod parts;
mod patience;
mod refresh;
pub mod run;
mod unused;
pub mod up;
mod wanted;

use discovery::server::config::ConfigServerSettings;

/// The commented default configuration of the program itself.
pub const DEFAULTS: &str = include_str!("../config.yml");

/// The crates of this workspace that the program is made of, whose log lines may be more detailed than others'.
pub const CRATES: [&str; 16] = [
    "alert",
    "chassis",
    "database",
    "discovery",
    "entity",
    "faults",
    "feed",
    "gateway",
    "identity",
    "mail",
    "messaging",
    "microservice",
    "milena",
    "pages",
    "registry",
    "store",
];

use chassis::config::{ConfigError, Settings};

/// Every key of every part, with its default.
///
/// # Errors
/// When a default file is not YAML, which a test rules out.
pub fn defaults() -> Result<Settings, ConfigError> {
    let files = [DEFAULTS, registry::DEFAULTS, gateway::DEFAULTS, store::DEFAULTS, alert::DEFAULTS];
    let settings = Settings::defaults(&files)?.open(&ConfigServerSettings::OPEN);
    Ok(wanted::open_kafka(settings))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_defaults_can_be_read() {
        let settings = super::defaults().unwrap();
        assert_eq!(settings.text("logging.level.root"), "info,discovery::server=warn");
        assert_eq!(settings.list("alert.distribution-list"), ["list@localhost"]);
    }

    #[test]
    fn every_crate_may_log_in_detail() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folders =
            ["crates", "services"].map(|name| std::fs::read_dir(root.join(name)).unwrap());
        let names = folders
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.chain(["milena".to_owned()]).collect();
        names.sort();
        assert_eq!(names, super::CRATES);
    }
}
