//! The registry: services register here and find one another, and are told their configuration.
//! Keeps nothing on disk; who is running registers again within seconds.

mod doors;

use std::path::PathBuf;

use axum::Router;
use chassis::{
    Outside, Secret, Service, config,
    management::{About, Management},
};
use discovery::{
    Registry,
    server::{ConfigServer, Gate},
};

/// The name of the registry among the services.
pub const NAME: &str = "jhipster-registry";

/// The default configuration, with every key that the registry reads.
pub const DEFAULTS: &str = include_str!("../config.yml");

const PASSWORD: &str = "spring.security.user.password";
const CONFIG_FOLDER: &str = "milena.registry.config-dir";

/// What the registry needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The password of the one user, `admin`.
    pub password: Secret<String>,
    /// The folder of configuration files; it may be missing.
    pub config_folder: PathBuf,
}

impl Settings {
    /// Takes the registry's part of a configuration that started from [`DEFAULTS`].
    pub fn read(settings: &config::Settings) -> Self {
        Settings {
            password: settings.secret(PASSWORD),
            config_folder: settings.text(CONFIG_FOLDER).into(),
        }
    }
}

/// What the registry says of itself, when it behaves like these profiles of Spring.
pub fn about(profiles: &[String]) -> About {
    About {
        name: NAME.to_owned(),
        artifact: NAME.to_owned(),
        group: "tech.jhipster.registry".to_owned(),
        version: "7.3.0".to_owned(),
        profiles: profiles.to_vec(),
        ribbon: "dev".to_owned(),
    }
}

/// Eureka below `/eureka`, Config below `/config` and what the process shows of itself for `admin`, health and info for
/// everybody, and the eviction of the silent. `management` is made with [`about`].
pub fn service(settings: Settings, management: Management, outside: Outside) -> Service {
    let registry = Registry::new(outside);
    let gate = Gate::new("admin", &settings.password);
    let config = ConfigServer::new(settings.config_folder);
    let machines = Router::new()
        .nest("/eureka", gate.protect(registry.routes()))
        .nest("/config", gate.protect(config.routes()));
    let endpoints = management.build();
    Service::new("registry")
        .routes(machines)
        .routes(doors::management(&endpoints, gate))
        .around(move |routes| endpoints.measured(routes))
        .background("evict", |stop| registry.evict(stop))
}

#[cfg(test)]
mod tests;
